//! `format_string`: the conversions of Java's `Formatter` that the platform's types have.

use datafusion::error::Result;

use super::function::Env;
use super::value::V;
use super::{fail, text};

pub(super) fn printf(e: &Env<'_>, a: &[V]) -> Result<V> {
    let V::Str(pattern) = &a[0] else { return Ok(V::Null) };
    let bad = |why: &str| {
        fail("INVALID_PARAMETER_VALUE.PATTERN", "22023", &format!("The format '{pattern}' cannot be applied: {why}."))
    };
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    let mut next = 1;
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut digits = String::new();
        let mut flags = String::new();
        let mut index = None;
        let mut precision = None;
        loop {
            match rest.peek().copied() {
                Some(c) if c.is_ascii_digit() && !(digits.is_empty() && c == '0') => {
                    digits.push(c);
                    rest.next();
                }
                Some('$') => {
                    rest.next();
                    index = digits.parse::<usize>().ok();
                    digits.clear();
                }
                Some(c @ ('-' | '+' | ' ' | '0' | ',' | '(' | '#')) => {
                    flags.push(c);
                    rest.next();
                }
                Some('.') => {
                    rest.next();
                    let mut p = String::new();
                    while let Some(c) = rest.next_if(char::is_ascii_digit) {
                        p.push(c);
                    }
                    precision = p.parse::<usize>().ok();
                }
                _ => break,
            }
        }
        let width: usize = digits.parse().unwrap_or(0);
        super::bounded(e.name, width.max(precision.unwrap_or(0)), 0)?;
        let Some(conversion) = rest.next() else { return Err(bad("it ends within a conversion")) };
        match conversion {
            '%' => {
                out.push('%');
                continue;
            }
            'n' => {
                out.push('\n');
                continue;
            }
            _ => {}
        }
        let at = index.unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        let (Some(v), Some(kind)) = (a.get(at), e.kinds.get(at)) else { return Err(bad("an argument is missing")) };
        let mut body = match (conversion, v) {
            ('s' | 'S', v) => {
                let mut s = text::text(v, kind);
                if let Some(p) = precision {
                    s = s.chars().take(p).collect();
                }
                s
            }
            ('b', v) => (!v.is_null() && (v.bool() || !matches!(v, V::Bool(_)))).to_string(),
            (_, V::Null) => "null".to_owned(),
            ('c', V::Int(n)) => u32::try_from(*n)
                .ok()
                .and_then(char::from_u32)
                .map(String::from)
                .ok_or_else(|| bad("a number is no character"))?,
            ('d', V::Int(n)) => signed(&n.unsigned_abs().to_string(), *n < 0, &flags, width),
            ('x' | 'X', V::Int(n)) => {
                let n = if kind.primitive_width() == Some(8) { *n as u64 } else { u64::from(*n as u32) };
                zeros(format!("{n:x}"), &flags, width)
            }
            ('o', V::Int(n)) => {
                let n = if kind.primitive_width() == Some(8) { *n as u64 } else { u64::from(*n as u32) };
                zeros(format!("{n:o}"), &flags, width)
            }
            ('f' | 'e' | 'E' | 'g', V::Double(_) | V::Float(_) | V::Dec(_)) => {
                let d: f64 = match v {
                    V::Dec(_) => text::text(v, kind).parse().unwrap_or_default(),
                    v => v.f(),
                };
                let p = precision.unwrap_or(6);
                let s = match (conversion, v) {
                    ('f', V::Dec(n)) => {
                        let datafusion::arrow::datatypes::DataType::Decimal128(_, s) = kind else {
                            return Err(bad("a type"));
                        };
                        let to = i32::try_from(p).unwrap_or(38).min(38);
                        let n = super::cast::rescale(*n, i32::from(*s), to).ok_or_else(|| bad("too many digits"))?;
                        text::decimal(n.abs(), to)
                    }
                    ('f', _) => format!("{:.p$}", d.abs()),
                    _ => {
                        let s = format!("{:.p$e}", d.abs());
                        let (m, x) = s.split_once('e').unwrap_or((&s, "0"));
                        let x: i32 = x.parse().unwrap_or(0);
                        format!("{m}e{}{:02}", if x < 0 { '-' } else { '+' }, x.abs())
                    }
                };
                signed(&s, d < 0.0, &flags, width)
            }
            (c, _) => return Err(bad(&format!("the conversion %{c} does not take {}", super::types::name(kind)))),
        };
        if conversion.is_ascii_uppercase() {
            body = body.to_uppercase();
        }
        let missing = width.saturating_sub(body.chars().count());
        if flags.contains('-') {
            out.push_str(&body);
            out.push_str(&" ".repeat(missing));
        } else {
            out.push_str(&" ".repeat(missing));
            out.push_str(&body);
        }
        super::bounded(e.name, out.len(), 0)?;
    }
    Ok(out.into())
}

fn zeros(body: String, flags: &str, width: usize) -> String {
    if flags.contains('0') { format!("{body:0>width$}") } else { body }
}

pub(super) fn grouped(whole: &str) -> String {
    let mut out = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn signed(digits: &str, negative: bool, flags: &str, width: usize) -> String {
    let mut body = digits.to_owned();
    if flags.contains(',') {
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
        body = grouped(whole);
        if let Some(f) = fraction {
            body = format!("{body}.{f}");
        }
    }
    let (before, after) = match (negative, flags.contains('(')) {
        (true, true) => ("(", ")"),
        (true, false) => ("-", ""),
        (false, _) if flags.contains('+') => ("+", ""),
        (false, _) if flags.contains(' ') => (" ", ""),
        _ => ("", ""),
    };
    if flags.contains('0') {
        let fill = width.saturating_sub(before.len() + after.len());
        body = format!("{body:0>fill$}");
    }
    format!("{before}{body}{after}")
}
