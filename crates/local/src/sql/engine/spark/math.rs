//! Functions on numbers.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::cast::{self, bounds};
use super::function::{Call, Def, Env, Shape, by_signature, f, n, t, tn};
use super::number_text::{conv, format_number};
use super::random::seed;
use super::rounding::{round, round_type, whole, whole_type};
use super::value::{V, order};
use super::{fail, hyperbolic, overflow, types};

pub(crate) use super::number_text::{hex, unhex};

macro_rules! double {
    ($name:literal, $call:expr) => {
        f($name, "d -> d", |_, a| {
            let call: fn(f64) -> f64 = $call;
            Ok(V::Double(call(a[0].f())))
        })
    };
}

/// NULL where the logarithm is not defined.
macro_rules! logarithm {
    ($name:literal, $least:literal, $call:expr) => {
        f($name, "d -> d", |_, a| {
            let call: fn(f64) -> f64 = $call;
            let x = a[0].f();
            Ok(if x <= $least { V::Null } else { V::Double(call(x)) })
        })
    };
}

pub(crate) const FUNCTIONS: &[Def] = &[
    double!("acos", f64::acos),
    double!("acosh", hyperbolic::acosh),
    double!("asin", f64::asin),
    double!("asinh", hyperbolic::asinh),
    double!("atan", f64::atan),
    double!("atanh", hyperbolic::atanh),
    double!("cbrt", f64::cbrt),
    double!("cos", f64::cos),
    double!("cosh", f64::cosh),
    double!("cot", |x| 1.0 / x.tan()),
    double!("csc", |x| 1.0 / x.sin()),
    double!("sec", |x| 1.0 / x.cos()),
    double!("degrees", f64::to_degrees),
    double!("radians", f64::to_radians),
    double!("exp", f64::exp),
    double!("expm1", f64::exp_m1),
    double!("sin", f64::sin),
    double!("sinh", f64::sinh),
    double!("sqrt", f64::sqrt),
    double!("tan", f64::tan),
    double!("tanh", f64::tanh),
    double!("rint", f64::round_ties_even),
    logarithm!("ln", 0.0, f64::ln),
    logarithm!("log10", 0.0, f64::log10),
    logarithm!("log2", 0.0, f64::log2),
    logarithm!("log1p", -1.0, f64::ln_1p),
    f("log", "d d? -> d", |_, a| {
        Ok(match a {
            [x] => {
                if x.f() <= 0.0 {
                    V::Null
                } else {
                    V::Double(x.f().ln())
                }
            }
            // What is no number is not below zero.
            [base, x, ..] if base.f() <= 0.0 || x.f() <= 0.0 => V::Null,
            [base, x, ..] => V::Double(x.f().ln() / base.f().ln()),
            [] => V::Null,
        })
    }),
    f("atan2", "d d -> d", |_, a| Ok(V::Double(a[0].f().atan2(a[1].f())))),
    f("hypot", "d d -> d", |_, a| Ok(V::Double(a[0].f().hypot(a[1].f())))),
    f("pow", "d d -> d", |_, a| Ok(V::Double(a[0].f().powf(a[1].f())))),
    f("power", "d d -> d", |_, a| Ok(V::Double(a[0].f().powf(a[1].f())))),
    f("pi", "-> d", |_, _| Ok(V::Double(std::f64::consts::PI))),
    f("e", "-> d", |_, _| Ok(V::Double(std::f64::consts::E))),
    t("sign", sign_type, sign),
    t("signum", sign_type, sign),
    t("abs", signed_type, |e, a| {
        fits(
            match &a[0] {
                V::Int(n) => V::Int(n.checked_abs().ok_or_else(|| overflow("abs"))?),
                V::Float(x) => V::Float(x.abs()),
                V::Double(x) => V::Double(x.abs()),
                V::Dec(n) => V::Dec(n.abs()),
                V::Ym(n) => V::Ym(n.checked_abs().ok_or_else(|| overflow("abs"))?),
                V::Dt(n) => V::Dt(n.checked_abs().ok_or_else(|| overflow("abs"))?),
                other => other.clone(),
            },
            e.result,
            "abs",
        )
    }),
    t("negate", signed_type, negative),
    t("negative", signed_type, negative),
    t("positive", signed_type, |_, a| Ok(a[0].clone())),
    t("ceil", whole_type, |e, a| whole(e, a, true)),
    t("ceiling", whole_type, |e, a| whole(e, a, true)),
    t("floor", whole_type, |e, a| whole(e, a, false)),
    t("round", round_type, |e, a| round(e, a, false)),
    t("bround", round_type, |e, a| round(e, a, true)),
    f("factorial", "i -> l", |_, a| {
        let n = a[0].i();
        Ok(if (0..=20).contains(&n) { V::Int((1..=n).product()) } else { V::Null })
    }),
    f("bin", "l -> s", |_, a| Ok(format!("{:b}", a[0].i()).into())),
    t(
        "hex",
        |call| {
            let kind = match call.kinds {
                [DataType::Binary] => DataType::Binary,
                [k] if k.is_numeric() => DataType::Int64,
                _ => return by_signature("s -> s", call),
            };
            Ok(Shape { kinds: vec![kind], result: DataType::Utf8 })
        },
        |_, a| {
            Ok(match &a[0] {
                V::Int(n) => format!("{n:X}"),
                v => hex(v.bytes()).to_uppercase(),
            }
            .into())
        },
    ),
    f("unhex", "s -> x", |_, a| match unhex(a[0].text()) {
        Some(bytes) => Ok(V::Bin(bytes)),
        None => Ok(V::Null),
    }),
    f("conv", "s i i -> s", |_, a| Ok(conv(a[0].text(), a[1].i(), a[2].i()).into())),
    f("isnan", "d -> b", |_, a| Ok(a[0].f().is_nan().into())),
    n("nanvl", "d d -> d", |_, a| {
        Ok(if matches!(&a[0], V::Double(x) if x.is_nan()) { a[1].clone() } else { a[0].clone() })
    }),
    n("isnan_null", "d -> b", |_, a| Ok((!a[0].is_null() && a[0].f().is_nan()).into())),
    t(
        "bit_reverse",
        |c| match c.kinds {
            [DataType::Null] => Ok(Shape { kinds: vec![DataType::Int32], result: DataType::Int32 }),
            [kind] if kind.is_integer() => Ok(Shape { kinds: vec![kind.clone()], result: kind.clone() }),
            [kind] => Err(super::function::unexpected(c.name, 0, "\"INTEGRAL\"", kind)),
            other => Err(super::function::wrong_count(c.name, "1", other.len())),
        },
        |e, a| {
            let unused = 64 - 8 * e.result.primitive_width().unwrap_or(8);
            Ok(V::Int(a[0].i().reverse_bits() >> unused))
        },
    ),
    f("bit_count", "a -> i", |e, a| {
        Ok(V::Int(match &e.kinds[0] {
            DataType::Boolean => a[0].i(),
            _ => i64::from((a[0].i() as u64).count_ones()),
        }))
    }),
    t("bit_get", bit_get_type, bit_get),
    t("getbit", bit_get_type, bit_get),
    t("shiftleft", shift_type, |e, a| {
        Ok(match &e.kinds[0] {
            DataType::Int64 => V::Int(a[0].i().wrapping_shl(a[1].i() as u32)),
            _ => V::Int(i64::from((a[0].i() as i32).wrapping_shl(a[1].i() as u32))),
        })
    }),
    t("shiftright", shift_type, |e, a| {
        Ok(match &e.kinds[0] {
            DataType::Int64 => V::Int(a[0].i().wrapping_shr(a[1].i() as u32)),
            _ => V::Int(i64::from((a[0].i() as i32).wrapping_shr(a[1].i() as u32))),
        })
    }),
    t("shiftrightunsigned", shift_type, |e, a| {
        Ok(match &e.kinds[0] {
            DataType::Int64 => V::Int((a[0].i() as u64).wrapping_shr(a[1].i() as u32) as i64),
            _ => V::Int(i64::from((a[0].i() as u32).wrapping_shr(a[1].i() as u32) as i32)),
        })
    }),
    f("bitwise_not", "n -> $1", |_, a| Ok(V::Int(!a[0].i()))),
    f("bit_and_op", "= = -> =", |_, a| Ok(V::Int(a[0].i() & a[1].i()))),
    f("bit_or_op", "= = -> =", |_, a| Ok(V::Int(a[0].i() | a[1].i()))),
    f("bit_xor_op", "= = -> =", |_, a| Ok(V::Int(a[0].i() ^ a[1].i()))),
    t(
        "width_bucket",
        |call| {
            if call.kinds.first().is_some_and(types::is_interval) {
                by_signature("= = = l -> l", call)
            } else {
                by_signature("d d d l -> l", call)
            }
        },
        |_, a| {
            let number = |v: &V| match v {
                V::Ym(_) | V::Dt(_) => v.i() as f64,
                v => v.f(),
            };
            let (x, low, high, n) = (number(&a[0]), number(&a[1]), number(&a[2]), a[3].i());
            if n <= 0 || low == high || x.is_nan() || !low.is_finite() || !high.is_finite() || n == i64::MAX {
                return Ok(V::Null);
            }
            let (lower, upper) = (low.min(high), low.max(high));
            let below = if low < high { x < lower } else { x > upper };
            let above = if low < high { x >= upper } else { x <= lower };
            Ok(V::Int(if below {
                0
            } else if above {
                n + 1
            } else if low < high {
                (n as f64 * (x - lower) / (upper - lower)) as i64 + 1
            } else {
                (n as f64 * (upper - x) / (upper - lower)) as i64 + 1
            }))
        },
    ),
    t(
        "format_number",
        |call| match call.kinds {
            [_, k] if k.is_integer() => by_signature("n i -> s", call),
            _ => by_signature("n s -> s", call),
        },
        format_number,
    ),
    n("greatest", "= = =* -> =", |_, a| {
        Ok(a.iter().filter(|v| !v.is_null()).max_by(|x, y| order(x, y)).cloned().unwrap_or(V::Null))
    }),
    n("least", "= = =* -> =", |_, a| {
        Ok(a.iter().filter(|v| !v.is_null()).min_by(|x, y| order(x, y)).cloned().unwrap_or(V::Null))
    }),
    Def {
        name: "uniform",
        signature: "",
        typing: Some(super::uniform::shape),
        eval: |e, a| super::uniform::value(e, a, e.random.double(seed(a.get(2)))?),
        nulls: false,
        volatile: true,
    },
    Def {
        name: "rand",
        signature: "l? -> d",
        typing: None,
        eval: |e, a| e.random.double(seed(a.first())).map(V::Double),
        nulls: true,
        volatile: true,
    },
    Def {
        name: "random",
        signature: "l? -> d",
        typing: None,
        eval: |e, a| e.random.double(seed(a.first())).map(V::Double),
        nulls: true,
        volatile: true,
    },
    Def {
        name: "randn",
        signature: "l? -> d",
        typing: None,
        eval: |e, a| e.random.gaussian(seed(a.first())).map(V::Double),
        nulls: true,
        volatile: true,
    },
    tn(
        "zeroifnull",
        |call| match call.kinds {
            [DataType::Null] => by_signature("i -> i", call),
            _ => {
                // Zero is an INT, and the result has the type that holds both.
                let own = by_signature("n -> $1", call)?.result;
                let shared = types::common(&own, &DataType::Int32).unwrap_or(own);
                Ok(Shape { kinds: vec![shared.clone()], result: shared })
            }
        },
        |e, a| if a[0].is_null() { cast::cast(&V::Int(0), &DataType::Int32, e.result) } else { Ok(a[0].clone()) },
    ),
    f("nullifzero", "n -> $1", |_, a| {
        Ok(match &a[0] {
            V::Int(0) | V::Dec(0) => V::Null,
            V::Double(_) | V::Float(_) if a[0].f() == 0.0 => V::Null,
            v => v.clone(),
        })
    }),
];

pub(crate) fn fits(v: V, kind: &DataType, name: &str) -> Result<V> {
    if let (V::Int(n), Some((low, high))) = (&v, bounds(kind))
        && !(low..=high).contains(n)
    {
        // The sign and `abs` have the wider class.
        if matches!(kind, DataType::Int8 | DataType::Int16) && name.starts_with("integer ") {
            let text = format!(
                "{name} of {} caused overflow. Use a `try_` function to tolerate overflow and return NULL instead.",
                types::name(kind)
            );
            return Err(fail("BINARY_ARITHMETIC_OVERFLOW", "22003", &text));
        }
        return Err(overflow(name));
    }
    Ok(v)
}

fn signed_type(call: &Call<'_>) -> Result<Shape> {
    match call.kinds {
        [k] if types::is_interval(k) => Ok(Shape { kinds: vec![k.clone()], result: k.clone() }),
        _ => by_signature("n -> $1", call),
    }
}

pub(super) fn negative(e: &Env<'_>, a: &[V]) -> Result<V> {
    let over = || overflow(e.name);
    fits(
        match &a[0] {
            V::Int(n) => V::Int(n.checked_neg().ok_or_else(over)?),
            V::Float(x) => V::Float(-x),
            V::Double(x) => V::Double(-x),
            V::Dec(n) => V::Dec(-n),
            V::Ym(n) => V::Ym(n.checked_neg().ok_or_else(over)?),
            V::Dt(n) => V::Dt(n.checked_neg().ok_or_else(over)?),
            V::Cal(m, d, us) => V::Cal(-m, -d, -us),
            other => other.clone(),
        },
        e.result,
        "negative",
    )
}

fn sign_type(call: &Call<'_>) -> Result<Shape> {
    match call.kinds {
        [k] if types::is_interval(k) => Ok(Shape { kinds: vec![k.clone()], result: DataType::Float64 }),
        _ => by_signature("d -> d", call),
    }
}

pub(super) fn sign(_: &Env<'_>, a: &[V]) -> Result<V> {
    Ok(V::Double(match &a[0] {
        V::Ym(_) | V::Dt(_) => a[0].i().signum() as f64,
        v if v.f() == 0.0 || v.f().is_nan() => v.f(),
        v => v.f().signum(),
    }))
}

fn shift_type(call: &Call<'_>) -> Result<Shape> {
    match call.kinds {
        [DataType::Int64, _] => by_signature("l i -> l", call),
        _ => by_signature("i i -> i", call),
    }
}

fn bit_get_type(call: &Call<'_>) -> Result<Shape> {
    let kind = call.kinds.first().filter(|kind| kind.is_signed_integer()).cloned();
    let shape = by_signature("l i -> y", call)?;
    let Some(kind) = kind else { return Ok(shape) };
    Ok(Shape { kinds: vec![kind, DataType::Int32], result: shape.result })
}

fn bit_get(e: &Env<'_>, a: &[V]) -> Result<V> {
    let bits = e.kinds.first().and_then(DataType::primitive_width).map_or(64, |bytes| 8 * bytes as i64);
    match a[1].i() {
        n if (0..bits).contains(&n) => Ok(V::Int(a[0].i() >> n & 1)),
        n => Err(fail(
            "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE",
            "22023",
            &format!(
                "The value of parameter(s) `pos` in `{}` is invalid: expects an integer value in [0, {bits}), but got {n}.",
                e.name
            ),
        )),
    }
}
