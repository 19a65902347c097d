//! Numbers whose digits no number type holds.

/// Whether a number written as decimal digits is the very number that the nearest `f64` is written as in JSON, whatever
/// the way of writing it.
///
/// Where two shortest forms are as near to the `f64`, Rust's own formatting takes the one that JSON's does not.
pub(super) fn keeps_its_digits(text: &str, value: f64) -> bool {
    serde_json::Number::from_f64(value).is_some_and(|number| decimal(text) == decimal(&number.to_string()))
}

/// The digits of a number without zeros at their ends, and the power of ten of the last of them; `None` for no number.
pub(super) fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - kept.len()).ok()?;
    let kept = kept.trim_start_matches('0');
    if kept.is_empty() {
        return Some((negative, String::new(), 0));
    }
    let power = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(zeros)?;
    Some((negative, kept.to_owned(), power))
}
