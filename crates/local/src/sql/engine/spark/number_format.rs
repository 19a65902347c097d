//! Numbers in formats such as `$99,999.99S`.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::cast::{pow10, rescale};
use super::function::{Call, Def, Env, Shape, by_signature, t};
use super::types;
use super::value::V;
use super::{cast, fail};

pub(crate) const FUNCTIONS: &[Def] = &[
    t("to_number", number_type, |e, a| to_number(e, a, false)),
    t("try_to_number", number_type, |e, a| to_number(e, a, true)),
    t("to_char", char_type, to_char),
    t("to_varchar", char_type, to_char),
];

/// Digits before and after the point of a number format.
fn format_digits(format: &str) -> Option<(i32, i32)> {
    let (mut before, mut after, mut point) = (0, 0, false);
    for c in format.to_ascii_uppercase().chars() {
        match c {
            '0' | '9' if point => after += 1,
            '0' | '9' => before += 1,
            '.' | 'D' if !point => point = true,
            ',' | 'G' | '$' | 'S' | 'M' | 'I' | 'P' | 'R' => {}
            _ => return None,
        }
    }
    (before + after > 0).then_some((before, after))
}

fn bad_format(format: &str) -> DataFusionError {
    fail(
        "INVALID_FORMAT.UNEXPECTED_TOKEN",
        "42601",
        &format!("The format is invalid: '{format}'. It is not a number format."),
    )
}

fn number_type(c: &Call<'_>) -> Result<Shape> {
    let Some(Some(V::Str(format))) = c.constants.get(1) else {
        return Err(fail(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            "42K09",
            "the input `format` should be a foldable \"STRING\" expression.",
        ));
    };
    let (before, after) = format_digits(format).ok_or_else(|| bad_format(format))?;
    Ok(Shape { kinds: vec![DataType::Utf8; 2], result: types::decimal(before + after, after) })
}

fn to_number(e: &Env<'_>, a: &[V], lenient: bool) -> Result<V> {
    let (text, format) = (a[0].text().trim(), a[1].text().to_ascii_uppercase());
    let bad = || {
        if lenient {
            Ok(V::Null)
        } else {
            Err(fail(
                "INVALID_FORMAT.MISMATCH_INPUT",
                "42601",
                &format!("The format is invalid: '{format}'. The input \"STRING\" '{text}' does not match the format."),
            ))
        }
    };
    let mut body = text.to_owned();
    let mut negative = false;
    let pattern = format
        .trim_start_matches("MI")
        .trim_start_matches('S')
        .trim_end_matches("MI")
        .trim_end_matches("PR")
        .trim_end_matches('S');
    if format.ends_with("PR") && body.starts_with('<') && body.ends_with('>') {
        negative = true;
        body = body[1..body.len() - 1].to_owned();
    } else if format.contains('S') || format.contains("MI") {
        if let Some(rest) = body.strip_prefix('-').or_else(|| body.strip_suffix('-')) {
            negative = true;
            body = rest.to_owned();
        } else if let Some(rest) = body.strip_prefix('+').or_else(|| body.strip_suffix('+')) {
            body = rest.to_owned();
        }
    }
    if pattern.starts_with('$') {
        match body.strip_prefix('$') {
            Some(rest) => body = rest.to_owned(),
            None => return bad(),
        }
    }
    let pattern = pattern.trim_start_matches('$');
    let split = |s: &str| -> (String, Option<String>) {
        match s.find(['.', 'D']) {
            Some(at) => (s[..at].to_owned(), Some(s[at + 1..].to_owned())),
            None => (s.to_owned(), None),
        }
    };
    let ((pw, pf), (tw, tf)) = (split(pattern), split(&body));
    let clean = |s: &str| s.replace([',', 'G'], "");
    let (digits, places) = (clean(&pw), clean(&tw));
    let groups = |s: &str| {
        s.chars().rev().enumerate().filter(|(_, c)| matches!(c, ',' | 'G')).map(|(i, _)| i).collect::<Vec<_>>()
    };
    let grouped = groups(&tw).iter().all(|g| groups(&pw).contains(g));
    let whole_ok = places.len() <= digits.len()
        && (!digits.starts_with('0') || places.len() == digits.len())
        && places.bytes().all(|b| b.is_ascii_digit());
    let fraction_ok = match (&pf, &tf) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(p), Some(t)) => t.len() <= p.len() && t.bytes().all(|b| b.is_ascii_digit()),
    };
    if !whole_ok || !fraction_ok || !grouped || (places.is_empty() && tf.as_deref().unwrap_or("").is_empty()) {
        return bad();
    }
    let DataType::Decimal128(_, s) = e.result else { return bad() };
    let text = format!(
        "{}{}.{}",
        if negative { "-" } else { "" },
        if places.is_empty() { "0" } else { &places },
        tf.unwrap_or_default()
    );
    match cast::parse_decimal(&text, i32::from(*s)).flatten() {
        Some(n) => Ok(V::Dec(n)),
        None => bad(),
    }
}

fn char_type(c: &Call<'_>) -> Result<Shape> {
    match c.kinds {
        [DataType::Binary, _] => by_signature("x s -> s", c),
        [DataType::Timestamp(_, None), _] => by_signature("N s -> s", c),
        [k, _] if types::is_time(k) => by_signature("T s -> s", c),
        [k, _] => {
            let Some(Some(V::Str(format))) = c.constants.get(1) else {
                return Err(fail(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "42K09",
                    "the input `format` should be a foldable \"STRING\" expression.",
                ));
            };
            format_digits(format).ok_or_else(|| bad_format(format))?;
            let (p, s) = types::as_decimal(k).unwrap_or((38, 18));
            Ok(Shape { kinds: vec![types::decimal(p, s), DataType::Utf8], result: DataType::Utf8 })
        }
        other => Err(super::function::wrong_count(c.name, "2", other.len())),
    }
}

fn to_char(e: &Env<'_>, a: &[V]) -> Result<V> {
    let format = a[1].text();
    match &a[0] {
        V::Ts(us) => Ok(super::pattern::moment(*us, &e.kinds[0], format)?.into()),
        V::Bin(b) => match format.to_ascii_lowercase().as_str() {
            "base64" => {
                use base64::Engine as _;
                Ok(base64::engine::general_purpose::STANDARD.encode(b).into())
            }
            "hex" => Ok(super::math::hex(b).to_uppercase().into()),
            "utf-8" => Ok(String::from_utf8_lossy(b).into_owned().into()),
            other => Err(super::encodings::binary_format(e.name, "format", other)),
        },
        V::Dec(n) => {
            let DataType::Decimal128(_, s) = &e.kinds[0] else { return Ok(V::Null) };
            number_text(*n, i32::from(*s), format)
        }
        _ => Ok(V::Null),
    }
}

/// A number in a format such as `$99,999.99S`.
fn number_text(n: i128, scale: i32, format: &str) -> Result<V> {
    let upper = format.to_ascii_uppercase();
    let (before, after) = format_digits(&upper).ok_or_else(|| bad_format(format))?;
    let shown = rescale(n, scale, after);
    // What the format has no place for is not rounded.
    let fits = shown.and_then(|shown| rescale(shown, after, scale)) == Some(n) || scale <= after;
    let n = shown.unwrap_or(i128::MAX);
    let negative = n < 0;
    let unit = pow10(after);
    let (whole, fraction) = (n.unsigned_abs() / unit.unsigned_abs(), n.unsigned_abs() % unit.unsigned_abs());
    let digits = whole.to_string();
    let overflow = !fits || (digits.len() > usize::try_from(before).unwrap_or(0) && whole != 0);
    let point = upper.find(['.', 'D']).unwrap_or(upper.len());
    let first = upper.find(['0', '9']).unwrap_or(0);
    let zeros = upper[first..].starts_with('0');
    let mut left: Vec<char> =
        if whole == 0 && after > 0 && !zeros && before == 0 { Vec::new() } else { digits.chars().collect() };
    let mut out: Vec<char> = Vec::new();
    for c in upper[..point].chars().rev() {
        match c {
            '0' | '9' => out.push(match left.pop() {
                _ if overflow => '#',
                Some(d) => d,
                None if zeros => '0',
                None => ' ',
            }),
            ',' | 'G' => out.push(if left.is_empty() && !zeros && !overflow { ' ' } else { ',' }),
            _ => {}
        }
    }
    let mut body: String = out.into_iter().rev().collect();
    let lead = body.len() - body.trim_start().len();
    body = body.trim_start().to_owned();
    if point < upper.len() {
        body.push('.');
        body.push_str(&if overflow {
            "#".repeat(usize::try_from(after).unwrap_or(0))
        } else {
            format!("{fraction:0width$}", width = usize::try_from(after).unwrap_or(0))
        });
    }
    if upper.contains('$') {
        body.insert(0, '$');
    }
    let text = if upper.ends_with("PR") {
        if negative { format!("<{body}>") } else { body }
    } else if upper.ends_with("MI") || upper.ends_with('S') {
        let plus = if upper.ends_with('S') { "+" } else { " " };
        format!("{body}{}", if negative { "-" } else { plus })
    } else if upper.starts_with("MI") || upper.starts_with('S') {
        let plus = if upper.starts_with('S') { "+" } else { " " };
        format!("{}{body}", if negative { "-" } else { plus })
    } else {
        body
    };
    Ok(format!("{}{text}", " ".repeat(lead)).into())
}
