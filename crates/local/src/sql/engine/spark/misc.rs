//! URLs, number formats, CSV, conditions and what tells about the session.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::cast::{pow10, rescale};
use super::function::{Call, Def, Env, Shape, by_signature, f, n, t, tn};
use super::membership::{in_values, in_values_type};
use super::types::{self, common};
use super::value::{V, same};
use super::{cast, fail, text};

macro_rules! cast_to {
    ($name:literal, $result:literal) => {
        f($name, concat!("a -> ", $result), |e, a| cast::cast(&a[0], &e.kinds[0], e.result))
    };
}

pub(crate) const FUNCTIONS: &[Def] = &[
    // A value as it is; what the engine takes for never NULL can be NULL.
    tn(
        "maybe_null",
        |c| Ok(Shape { kinds: c.kinds.to_vec(), result: c.kinds.first().cloned().unwrap_or(DataType::Null) }),
        |_, a| Ok(a.first().cloned().unwrap_or(V::Null)),
    ),
    // `value IN (SELECT …)`, with the values of the subquery as an array; no rows are no array.
    tn("in_values", in_values_type, |_, a| Ok(in_values(&a[0], a[1].items()))),
    cast_to!("boolean", "b"),
    cast_to!("tinyint", "y"),
    cast_to!("smallint", "h"),
    cast_to!("int", "i"),
    cast_to!("integer", "i"),
    cast_to!("bigint", "l"),
    cast_to!("float", "f"),
    cast_to!("double", "d"),
    cast_to!("timestamp", "T"),
    n("typeof", "a -> s", |e, _| Ok(types::simple(&e.kinds[0]).into())),
    n("isnull", "a -> b", |_, a| Ok(a[0].is_null().into())),
    n("isnotnull", "a -> b", |_, a| Ok((!a[0].is_null()).into())),
    n("equal_null", "= = -> b", |_, a| Ok(same(&a[0], &a[1]).into())),
    n("nullif_values", "= = -> =", |_, a| {
        Ok(if !a[0].is_null() && same(&a[0], &a[1]) { V::Null } else { a[0].clone() })
    }),
    tn(
        "nullif",
        |c| {
            let [a, b] = c.kinds else { return Err(super::function::wrong_count(c.name, "2", c.kinds.len())) };
            common(a, b).ok_or_else(|| super::function::different(c.name, c.kinds))?;
            Ok(Shape { kinds: c.kinds.to_vec(), result: a.clone() })
        },
        |e, a| {
            let Some(shared) = common(&e.kinds[0], &e.kinds[1]) else { return Ok(V::Null) };
            let (x, y) = (cast::cast(&a[0], &e.kinds[0], &shared)?, cast::cast(&a[1], &e.kinds[1], &shared)?);
            Ok(if !x.is_null() && same(&x, &y) { V::Null } else { a[0].clone() })
        },
    ),
    f("raise_error", "s -> void", |_, a| Err(fail("USER_RAISED_EXCEPTION", "P0001", a[0].text()))),
    n("assert_true", "b s? -> void", |_, a| {
        if a[0].bool() {
            return Ok(V::Null);
        }
        Err(fail("USER_RAISED_EXCEPTION", "P0001", a.get(1).map_or("'false' is not true!", V::text)))
    }),
    f("url_encode", "s -> s", |_, a| {
        Ok(form_urlencoded::byte_serialize(a[0].text().as_bytes()).collect::<String>().into())
    }),
    f("url_decode", "s -> s", |_, a| {
        url_decode(a[0].text()).map(V::Str).ok_or_else(|| fail("CANNOT_DECODE_URL", "22546", &format!("The provided URL cannot be decoded: {}. Please ensure that the URL is properly formatted and try again.", a[0].text())))
    }),
    f("try_url_decode", "s -> s", |_, a| Ok(url_decode(a[0].text()).into())),
    f("parse_url", "s s s? -> s", |_, a| parse_url(a, false)),
    f("try_parse_url", "s s s? -> s", |_, a| parse_url(a, true)),
    t("to_number", number_type, |e, a| to_number(e, a, false)),
    t("try_to_number", number_type, |e, a| to_number(e, a, true)),
    t("to_char", char_type, to_char),
    t("to_varchar", char_type, to_char),
    n("to_csv", "(a) a? -> s", |e, a| {
        let DataType::Struct(fields) = &e.kinds[0] else { return Ok(V::Null) };
        if a[0].is_null() {
            return Ok(V::Null);
        }
        let option = |name: &str| {
            a.get(1).and_then(|o| {
                o.entries().iter().find(|(k, _)| k.text().eq_ignore_ascii_case(name)).map(|(_, v)| v.text().to_owned())
            })
        };
        let by = option("sep").or_else(|| option("delimiter")).unwrap_or_else(|| ",".to_owned());
        let mut parts = Vec::new();
        for (v, f) in a[0].items().iter().zip(fields) {
            let part = match v {
                V::Null => option("nullValue").unwrap_or_default(),
                V::Ts(us) => {
                    let p = option("timestampFormat").unwrap_or_else(|| "yyyy-MM-dd'T'HH:mm:ss.SSSXXX".to_owned());
                    super::pattern::format(*us, &super::zone::Zone::UTC, "UTC", &p)?
                }
                V::Date(d) if option("dateFormat").is_some() => super::pattern::format(
                    i64::from(*d) * super::times::DAY,
                    &super::zone::Zone::UTC,
                    "UTC",
                    &option("dateFormat").unwrap_or_default(),
                )?,
                v => text::text(v, f.data_type()),
            };
            let quote = part.contains(&by)
                || part.contains(['"', '\n', '\r'])
                || (part.is_empty() && !v.is_null())
                || part.starts_with(' ')
                || part.ends_with(' ');
            parts.push(if quote { format!("\"{}\"", part.replace('\\', "\\\\").replace('"', "\\\"")) } else { part });
        }
        Ok(parts.join(&by).into())
    }),
    t(
        "from_csv",
        |c| super::json::schema_of(c, "from_csv"),
        |e, a| {
            let DataType::Struct(fields) = e.result else { return Ok(V::Null) };
            let options = a
                .get(2)
                .map(|v| {
                    v.entries().iter().map(|(k, v)| (k.text().to_ascii_lowercase(), v.text().to_owned())).collect()
                })
                .unwrap_or_default();
            let by = std::collections::BTreeMap::get(&options, "sep")
                .or_else(|| options.get("delimiter"))
                .and_then(|s| s.chars().next())
                .unwrap_or(',');
            let cells = csv(a[0].text(), by);
            Ok(V::Struct(
                fields
                    .iter()
                    .enumerate()
                    .map(|(i, f)| match cells.get(i) {
                        None => V::Null,
                        Some(c) if c.is_empty() => V::Null,
                        Some(c) if types::is_time(f.data_type()) => super::json::read_time(c, f.data_type(), &options),
                        Some(c) => cast::attempt(&V::str(c.as_str()), &DataType::Utf8, f.data_type()),
                    })
                    .collect(),
            ))
        },
    ),
    f("schema_of_csv", "s a? -> s", |_, a| {
        let by = a
            .get(1)
            .and_then(|o| {
                o.entries()
                    .iter()
                    .find(|(k, _)| matches!(k.text(), "sep" | "delimiter"))
                    .and_then(|(_, v)| v.text().chars().next())
            })
            .unwrap_or(',');
        let parts: Vec<_> = csv(a[0].text(), by)
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let can = |k: &DataType| !cast::attempt(&V::str(c.as_str()), &DataType::Utf8, k).is_null();
                let kind = [DataType::Int32, DataType::Int64, DataType::Float64, DataType::Date32, types::timestamp()]
                    .into_iter()
                    .find(can);
                let kind = kind.unwrap_or_else(|| {
                    if matches!(c.to_ascii_lowercase().as_str(), "true" | "false") {
                        DataType::Boolean
                    } else {
                        DataType::Utf8
                    }
                });
                format!("_c{i}: {}", types::name(&kind))
            })
            .collect();
        Ok(format!("STRUCT<{}>", parts.join(", ")).into())
    }),
    f("bitmap_bit_position", "l -> l", |_, a| {
        Ok(V::Int(match a[0].i() {
            n if n > 0 => (n - 1) % 32768,
            n => -n % 32768,
        }))
    }),
    f("bitmap_bucket_number", "l -> l", |_, a| {
        Ok(V::Int(match a[0].i() {
            n if n > 0 => 1 + (n - 1) / 32768,
            n => n / 32768,
        }))
    }),
    f("bitmap_count", "x -> l", |_, a| Ok(V::Int(a[0].bytes().iter().map(|b| i64::from(b.count_ones())).sum()))),
    Def {
        name: "uuid",
        signature: "l? -> s",
        typing: None,
        eval: |_, _| {
            let mut b = [0u8; 16];
            getrandom::fill(&mut b).map_err(|e| fail("INTERNAL_ERROR", "XX000", &e.to_string()))?;
            b[6] = b[6] & 0x0f | 0x40;
            b[8] = b[8] & 0x3f | 0x80;
            let h = super::math::hex(&b);
            Ok(format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..]).into())
        },
        nulls: true,
        volatile: true,
    },
];

fn url_decode(text: &str) -> Option<String> {
    let bytes = text.replace('+', " ");
    let mut valid = bytes.as_bytes();
    while let Some(at) = valid.iter().position(|b| *b == b'%') {
        let digits = valid.get(at + 1..at + 3)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        valid = &valid[at + 3..];
    }
    percent_encoding::percent_decode_str(&bytes).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn parse_url(a: &[V], lenient: bool) -> Result<V> {
    let url = a[0].text();
    if url.contains([' ', '\\', '^', '`', '{', '}', '|', '<', '>', '"']) {
        if lenient {
            return Ok(V::Null);
        }
        return Err(fail(
            "INVALID_URL",
            "22P02",
            &format!("The url is invalid: {url}. Use `try_parse_url` to tolerate invalid URL and return NULL instead."),
        ));
    }
    let (scheme, rest) = match url.split_once(':') {
        Some((s, rest))
            if !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')) =>
        {
            (Some(s), rest)
        }
        _ => (None, url),
    };
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(r, f)| (r, Some(f)));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(r, q)| (r, Some(q)));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(r) => {
            let end = r.find('/').unwrap_or(r.len());
            (Some(&r[..end]), &r[end..])
        }
        None => (None, rest),
    };
    let user = authority.and_then(|a| a.rsplit_once('@')).map(|(u, _)| u);
    let host = authority.map(|a| a.rsplit_once('@').map_or(a, |(_, h)| h)).map(|h| match h.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => h,
    });
    let found = match a[1].text() {
        "HOST" => host.filter(|h| !h.is_empty()).map(str::to_owned),
        "PATH" => Some(path.to_owned()),
        "QUERY" => match a.get(2) {
            None => query.map(str::to_owned),
            Some(key) => query.and_then(|q| {
                q.split('&')
                    .find_map(|p| p.split_once('=').filter(|(k, _)| *k == key.text()).map(|(_, v)| v.to_owned()))
            }),
        },
        "REF" => fragment.map(str::to_owned),
        "PROTOCOL" => scheme.map(str::to_owned),
        "FILE" => Some(query.map_or_else(|| path.to_owned(), |q| format!("{path}?{q}"))),
        "AUTHORITY" => authority.map(str::to_owned),
        "USERINFO" => user.map(str::to_owned),
        _ => None,
    };
    Ok(found.into())
}

/// The cells of one line.
pub(crate) fn csv(line: &str, by: char) -> Vec<String> {
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        if quoted {
            match c {
                '\\' => cell.extend(rest.next()),
                '"' if rest.next_if_eq(&'"').is_some() => cell.push('"'),
                '"' => quoted = false,
                c => cell.push(c),
            }
        } else if c == '"' && cell.trim().is_empty() {
            cell.clear();
            quoted = true;
        } else if c == by {
            cells.push(std::mem::take(&mut cell));
        } else {
            cell.push(c);
        }
    }
    cells.push(cell);
    cells
}

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
        V::Ts(us) => Ok(super::pattern::format(*us, &super::zone::Zone::UTC, "UTC", format)?.into()),
        V::Bin(b) => match format.to_ascii_lowercase().as_str() {
            "base64" => {
                use base64::Engine as _;
                Ok(base64::engine::general_purpose::STANDARD.encode(b).into())
            }
            "hex" => Ok(super::math::hex(b).to_uppercase().into()),
            "utf-8" => Ok(String::from_utf8_lossy(b).into_owned().into()),
            other => Err(super::invalid(
                e.name,
                "format",
                &format!("expects one of binary formats 'base64', 'hex', 'utf-8', but got '{other}'."),
            )),
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
    let n = rescale(n, scale, after).unwrap_or(i128::MAX);
    let negative = n < 0;
    let unit = pow10(after);
    let (whole, fraction) = (n.unsigned_abs() / unit.unsigned_abs(), n.unsigned_abs() % unit.unsigned_abs());
    let digits = whole.to_string();
    let overflow = digits.len() > usize::try_from(before).unwrap_or(0) && whole != 0;
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
