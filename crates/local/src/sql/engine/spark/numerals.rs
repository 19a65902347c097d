//! Numbers in strings, and digits of decimals.

/// A number with the words that the platform's language has for what is none.
pub(crate) fn float(text: &str) -> Option<f64> {
    let t = text.trim();
    match t.to_ascii_lowercase().as_str() {
        "nan" => return Some(f64::NAN),
        "inf" | "infinity" | "+inf" | "+infinity" => return Some(f64::INFINITY),
        "-inf" | "-infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let body = if t.len() > 1 { t.trim_end_matches(['d', 'D', 'f', 'F']) } else { t };
    if body.bytes().any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E')) {
        return None;
    }
    body.parse().ok()
}

pub(crate) fn pow10(n: i32) -> i128 {
    10i128.pow(n.clamp(0, 38).unsigned_abs())
}

/// With another number of digits after the point, half away from zero.
pub(crate) fn rescale(n: i128, from: i32, to: i32) -> Option<i128> {
    if to >= from {
        return n.checked_mul(pow10(to - from));
    }
    let unit = pow10(from - to);
    let (whole, rest) = (n / unit, n % unit);
    Some(if rest.abs() * 2 >= unit { whole + rest.signum() } else { whole })
}

/// `None` is not a number, `Some(None)` one that is too large.
pub(crate) fn parse_decimal(text: &str, scale: i32) -> Option<Option<i128>> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, body) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let all: String = whole.chars().chain(fraction.chars()).collect();
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = all.trim_start_matches('0');
    let have = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if digits.is_empty() {
        return Some(Some(0));
    }
    let Ok(mut n) = digits.chars().take(60).collect::<String>().parse::<datafusion::arrow::datatypes::i256>() else {
        return Some(None);
    };
    if digits.len() > 60 || (scale - have) > 60 {
        return Some(None);
    }
    let ten = datafusion::arrow::datatypes::i256::from_i128(10);
    let mut have = have;
    while have < scale {
        match n.checked_mul(ten) {
            Some(m) => n = m,
            None => return Some(None),
        }
        have += 1;
    }
    let mut dropped = 0i128;
    while have > scale {
        dropped = n.checked_rem(ten)?.to_i128()?;
        n = n.checked_div(ten)?;
        have -= 1;
    }
    let n = n.to_i128().map(|n| n + i128::from(dropped >= 5));
    Some(n.map(|n| if negative { -n } else { n }))
}
