//! Conditions, casts by the name of a type, bitmaps, and what tells about values and the session.

use datafusion::arrow::datatypes::DataType;

use super::function::{Def, Shape, f, n, tn};
use super::membership::{in_values, in_values_type};
use super::types::{self, common};
use super::value::{V, same};
use super::{cast, fail};

macro_rules! cast_to {
    ($name:literal, $result:literal) => {
        f($name, concat!("a -> ", $result), |e, a| cast::cast(&a[0], &e.kinds[0], e.result))
    };
}

pub(crate) const FUNCTIONS: &[Def] = &[
    // Types alone are found here: the rule for types puts the engine's own in its place.
    n("coalesce", "= =* -> =", |_, a| Ok(a.iter().find(|v| !v.is_null()).cloned().unwrap_or(V::Null))),
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
