//! Division of decimals.

use datafusion::arrow::datatypes::i256;
use datafusion::arrow::error::ArrowError;

/// `left * 10^shift / right`, half away from zero.
pub(crate) fn divide_rounded(left: i128, right: i128, shift: i32) -> Result<i128, ArrowError> {
    if right == 0 {
        return Err(ArrowError::DivideByZero);
    }
    let overflow = || ArrowError::ArithmeticOverflow(format!("the quotient of {left} and {right} has too many digits"));
    let unit = i256::from_i128(10).checked_pow(shift.unsigned_abs()).ok_or_else(overflow)?;
    let (mut numerator, mut denominator) = (i256::from_i128(left), i256::from_i128(right));
    let scaled = if shift < 0 { &mut denominator } else { &mut numerator };
    *scaled = scaled.checked_mul(unit).ok_or_else(overflow)?;
    let whole = numerator.checked_div(denominator).ok_or_else(overflow)?;
    let rest = numerator.checked_rem(denominator).ok_or_else(overflow)?.wrapping_abs();
    let half = denominator.wrapping_abs().wrapping_sub(rest) <= rest;
    let away = if (left < 0) == (right < 0) { i256::ONE } else { i256::MINUS_ONE };
    let rounded = if half { whole.checked_add(away).ok_or_else(overflow)? } else { whole };
    rounded.to_i128().ok_or_else(overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_rounded() {
        assert_eq!(divide_rounded(10, 3, 5).unwrap(), 333_333);
        assert_eq!(divide_rounded(-20, 3, 5).unwrap(), -666_667);
        assert_eq!(divide_rounded(25, 10, 0).unwrap(), 3);
        assert!(matches!(divide_rounded(1, 0, 0), Err(ArrowError::DivideByZero)));
    }
}
