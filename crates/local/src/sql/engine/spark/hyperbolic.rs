//! Inverse hyperbolic functions, by the logarithm that is exact for the size of the argument.

use std::f64::consts::LN_2;

/// From here on one is nothing beside the square.
const LARGE: f64 = (1u64 << 28) as f64;

pub(super) fn asinh(x: f64) -> f64 {
    let size = x.abs();
    let value = if size > LARGE {
        size.ln() + LN_2
    } else if size > 2.0 {
        (2.0 * size + 1.0 / ((size * size + 1.0).sqrt() + size)).ln()
    } else if size < 1.0 / LARGE {
        size
    } else {
        let square = size * size;
        (size + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    value.copysign(x)
}

/// NaN below 1.
pub(super) fn acosh(x: f64) -> f64 {
    if x > LARGE {
        x.ln() + LN_2
    } else if x > 2.0 {
        (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln()
    } else {
        let above = x - 1.0;
        (above + (2.0 * above + above * above).sqrt()).ln_1p()
    }
}

/// NaN beyond -1 and 1.
pub(super) fn atanh(x: f64) -> f64 {
    let size = x.abs();
    let twice = size + size;
    let value = if size < 1.0 / LARGE {
        size
    } else if size < 0.5 {
        0.5 * (twice + twice * size / (1.0 - size)).ln_1p()
    } else {
        0.5 * (twice / (1.0 - size)).ln_1p()
    };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_undo_the_hyperbolic_functions() {
        for x in [1e-9, 0.3, 0.9, 1.7, 5.0, 300.0] {
            let near = |value: f64| assert!((value - x).abs() <= 1e-9 * x, "{value} {x}");
            near(asinh(f64::sinh(x)));
            near(-asinh(f64::sinh(-x)));
            if x > 0.1 {
                near(acosh(f64::cosh(x)));
            }
            if x < 5.0 {
                near(atanh(f64::tanh(x)));
            }
        }
        assert!(acosh(0.5).is_nan() && atanh(1.5).is_nan() && asinh(f64::NAN).is_nan());
        assert_eq!((atanh(1.0), asinh(f64::NEG_INFINITY)), (f64::INFINITY, f64::NEG_INFINITY));
    }
}
