//! Vectors, which are arrays of FLOAT: products, distances, norms, and means of many.
//!
//! Sums are kept in DOUBLE and terms are added eight at a time, so that the last digit is the platform's.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::aggregates::Agg;
use super::fail;
use super::function::{Call, Def, Env, Shape, t, unexpected, wrong_count};
use super::types::list;
use super::value::V;

pub(crate) const FUNCTIONS: &[Def] = &[
    t("vector_cosine_similarity", two, |e, a| {
        let Some((x, y)) = same_size(e, a)? else { return Ok(V::Null) };
        let of = |x: &[f64], y: &[f64]| sum(x.len(), |i| x[i] * y[i]);
        let size = (of(&x, &x) * of(&y, &y)).sqrt();
        Ok(if size == 0.0 { V::Null } else { V::Float((of(&x, &y) / size) as f32) })
    }),
    t("vector_inner_product", two, |e, a| {
        Ok(same_size(e, a)?.map_or(V::Null, |(x, y)| V::Float(sum(x.len(), |i| x[i] * y[i]) as f32)))
    }),
    t("vector_l2_distance", two, |e, a| {
        let squares = |x: &[f64], y: &[f64]| sum(x.len(), |i| (x[i] - y[i]) * (x[i] - y[i]));
        Ok(same_size(e, a)?.map_or(V::Null, |(x, y)| V::Float(squares(&x, &y).sqrt() as f32)))
    }),
    t(
        "vector_norm",
        |c| measured(c, DataType::Float32),
        |e, a| Ok(norm(e, a)?.map_or(V::Null, |n| V::Float(n as f32))),
    ),
    t(
        "vector_normalize",
        |c| measured(c, vector()),
        |e, a| {
            let (Some(size), Some(x)) = (norm(e, a)?, numbers(&a[0])) else { return Ok(V::Null) };
            if size == 0.0 && !x.is_empty() {
                return Ok(V::Null);
            }
            Ok(V::List(x.iter().map(|x| V::Float((x / size) as f32)).collect()))
        },
    ),
];

pub(crate) const AGGREGATES: &[Agg] = &[
    Agg { name: "vector_sum", signature: "", typing: Some(one), finish: |e, r| gathered(e, r, |sum, x, _| sum + x) },
    Agg {
        name: "vector_avg",
        signature: "",
        typing: Some(one),
        // The mean moves with each vector; the platform's is one of FLOAT as well.
        finish: |e, r| gathered(e, r, |mean, x, n| mean + (x - mean) * (1.0 / n)),
    },
];

fn vector() -> DataType {
    list(DataType::Float32)
}

/// Makes sure that an argument is a vector; no other type is read as one.
fn check(c: &Call<'_>, at: usize) -> Result<()> {
    let kind = &c.kinds[at];
    match kind {
        DataType::List(field) if field.data_type() == &DataType::Float32 => Ok(()),
        kind => Err(unexpected(c.name, at, "\"ARRAY<FLOAT>\"", kind)),
    }
}

fn one(c: &Call<'_>) -> Result<Shape> {
    if c.kinds.len() != 1 {
        return Err(wrong_count(c.name, "1", c.kinds.len()));
    }
    check(c, 0)?;
    Ok(Shape { kinds: vec![vector()], result: vector() })
}

fn two(c: &Call<'_>) -> Result<Shape> {
    if c.kinds.len() != 2 {
        return Err(wrong_count(c.name, "2", c.kinds.len()));
    }
    check(c, 0)?;
    check(c, 1)?;
    Ok(Shape { kinds: vec![vector(), vector()], result: DataType::Float32 })
}

/// A vector and the degree of a norm.
fn measured(c: &Call<'_>, result: DataType) -> Result<Shape> {
    if !(1..=2).contains(&c.kinds.len()) {
        return Err(wrong_count(c.name, "[1, 2]", c.kinds.len()));
    }
    check(c, 0)?;
    let mut kinds = vec![vector()];
    if let Some(degree) = c.kinds.get(1) {
        if degree != &DataType::Float32 {
            return Err(unexpected(c.name, 1, "\"FLOAT\"", degree));
        }
        kinds.push(DataType::Float32);
    }
    Ok(Shape { kinds, result })
}

/// The numbers of a vector; `None` if one is NULL.
fn numbers(v: &V) -> Option<Vec<f64>> {
    v.items().iter().map(|x| if x.is_null() { None } else { Some(x.f()) }).collect()
}

type Pair = Option<(Vec<f64>, Vec<f64>)>;

fn same_size(e: &Env<'_>, a: &[V]) -> Result<Pair> {
    let (x, y) = (a[0].items().len(), a[1].items().len());
    if x != y {
        return Err(mismatch(e.name, x, y));
    }
    Ok(numbers(&a[0]).zip(numbers(&a[1])))
}

fn mismatch(name: &str, expected: usize, actual: usize) -> DataFusionError {
    fail(
        "VECTOR_DIMENSION_MISMATCH",
        "22000",
        &format!("Vectors passed to {name} must have the same dimension, but got {expected} and {actual}."),
    )
}

/// Adds up terms, each eight of them first.
fn sum(count: usize, term: impl Fn(usize) -> f64) -> f64 {
    let whole = count / 8 * 8;
    let eight = |at: usize| (at + 1..at + 8).fold(term(at), |sum, i| sum + term(i));
    let most = (0..whole).step_by(8).fold(0.0, |sum, at| sum + eight(at));
    (whole..count).fold(most, |sum, i| sum + term(i))
}

fn norm(e: &Env<'_>, a: &[V]) -> Result<Option<f64>> {
    let degree = a.get(1).map_or(2.0, V::f);
    let x = numbers(&a[0]);
    let larger = |most: f64, x: f64| if x > most || x.is_nan() { x } else { most };
    let largest = |x: &[f64]| x.iter().map(|x| x.abs()).fold(0.0, larger);
    if degree == 1.0 {
        Ok(x.map(|x| sum(x.len(), |i| x[i].abs())))
    } else if degree == 2.0 {
        Ok(x.map(|x| sum(x.len(), |i| x[i] * x[i]).sqrt()))
    } else if degree == f64::INFINITY {
        Ok(x.map(|x| largest(&x)))
    } else {
        let text = format!("Unsupported norm degree {degree} in {}: it can be 1.0, 2.0 and float('inf').", e.name);
        Err(fail("INVALID_VECTOR_NORM_DEGREE", "22023", &text))
    }
}

/// Puts vectors together place by place; those with NULL in them are left out.
fn gathered(e: &Env<'_>, rows: &[Vec<V>], step: fn(f32, f32, f32) -> f32) -> Result<V> {
    let mut all: Option<Vec<f32>> = None;
    let mut count = 0.0;
    for row in rows.iter().filter(|row| !row[0].is_null()) {
        let Some(x) = numbers(&row[0]) else { continue };
        let x = x.into_iter().map(|x| x as f32);
        count += 1.0;
        match &mut all {
            None => all = Some(x.collect()),
            Some(all) if all.len() == x.len() => all.iter_mut().zip(x).for_each(|(all, x)| *all = step(*all, x, count)),
            Some(all) => return Err(mismatch(e.name, all.len(), x.len())),
        }
    }
    Ok(all.map_or(V::Null, |all| V::List(all.into_iter().map(V::Float).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_terms_are_added_first() {
        assert_eq!(sum(0, |_| 1.0), 0.0);
        assert_eq!(sum(19, |i| i as f64), 171.0);
        // One is lost beside 2^53, eight that were added before are not.
        let terms = |i: usize| if i == 0 { 9_007_199_254_740_992.0 } else { 1.0 };
        assert_eq!(sum(16, terms), 9_007_199_254_741_000.0);
    }
}
