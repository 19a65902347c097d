//! The aggregates' values.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::aggregates::{Agg, Finish};
use super::cast;
use super::function::{Call, Shape, wrong_count};
use super::percentiles::{approx, approx_type, at_rank, each, interpolated, median_type, percentile_type};
use super::totals::{average, average_type, sum_type, total};
use super::types::list;
use super::value::{V, order, same};
use super::variant_shape::VariantShape;
use super::{fail, invalid};

const fn a(name: &'static str, signature: &'static str, finish: Finish) -> Agg {
    Agg { name, signature, typing: None, finish }
}

pub(crate) const AGGREGATES: &[Agg] = &[
    a("count_if", "b -> l", |_, r| Ok(V::int(r.iter().filter(|v| v[0].bool()).count()))),
    // The value of a subquery, which has a row at most.
    a("__single", "a -> $1", |_, r| match r {
        [] => Ok(V::Null),
        [row] => Ok(row[0].clone()),
        _ => Err(fail(
            "SCALAR_SUBQUERY_TOO_MANY_ROWS",
            "21000",
            "More than one row returned by a subquery used as an expression.",
        )),
    }),
    a("__count_rows", "a a* -> l", |_, r| Ok(V::int(r.iter().filter(|v| !v.iter().any(V::is_null)).count()))),
    Agg { name: "max_by", signature: "", typing: Some(by_type), finish: |_, r| by(r, false) },
    Agg { name: "min_by", signature: "", typing: Some(by_type), finish: |_, r| by(r, true) },
    a("collect_set", "a -> [$1]", |_, r| {
        let mut items: Vec<V> = present(r).cloned().collect();
        cast::distinct(&mut items);
        Ok(V::List(items))
    }),
    a("listagg", "X X? -> $1", |e, r| {
        let by = r.first().and_then(|v| v.get(1)).map_or(&[][..], V::bytes).to_vec();
        let parts: Vec<&[u8]> = present(r).map(V::bytes).collect();
        super::bounded(e.name, parts.iter().map(|p| p.len() + by.len()).sum(), 0)?;
        if parts.is_empty() {
            return Ok(V::Null);
        }
        let all = parts.join(&by[..]);
        Ok(if e.result == &DataType::Binary { V::Bin(all) } else { String::from_utf8_lossy(&all).into_owned().into() })
    }),
    a("string_agg", "X X? -> $1", |e, r| {
        let by = r.first().and_then(|v| v.get(1)).map_or("", V::text);
        let parts: Vec<&str> = present(r).map(V::text).collect();
        super::bounded(e.name, parts.iter().map(|p| p.len() + by.len()).sum(), 0)?;
        Ok(if parts.is_empty() { V::Null } else { parts.join(by).into() })
    }),
    a("__listagg_ordered", "s s a b -> s", |e, r| {
        let mut rows: Vec<&Vec<V>> = r.iter().filter(|v| !v[0].is_null()).collect();
        let down = rows.first().is_some_and(|v| v[3].bool());
        rows.sort_by(|x, y| if down { order(&y[2], &x[2]) } else { order(&x[2], &y[2]) });
        let by = rows.first().map_or("", |v| v[1].text()).to_owned();
        super::bounded(e.name, rows.iter().map(|p| p[0].text().len() + by.len()).sum(), 0)?;
        Ok(if rows.is_empty() {
            V::Null
        } else {
            rows.iter().map(|v| v[0].text()).collect::<Vec<_>>().join(&by).into()
        })
    }),
    a("mode", "a a? -> $1", |_, r| {
        let mut counts: Vec<(V, usize)> = Vec::new();
        for v in present(r) {
            match counts.iter_mut().find(|(w, _)| same(v, w)) {
                Some((_, n)) => *n += 1,
                None => counts.push((v.clone(), 1)),
            }
        }
        // With `true` the smallest of the most frequent is taken.
        let most = counts.iter().map(|c| c.1).max();
        let mut best: Vec<V> = counts.into_iter().filter(|c| Some(c.1) == most).map(|c| c.0).collect();
        if r.first().is_some_and(|v| v.get(1).is_some_and(V::bool)) {
            best.sort_by(order);
        }
        Ok(best.into_iter().next().unwrap_or(V::Null))
    }),
    Agg {
        name: "median",
        signature: "",
        typing: Some(median_type),
        finish: |e, r| {
            let sorted = sorted(r, 0);
            interpolated(&sorted, 0.5, e.result)
        },
    },
    Agg {
        name: "percentile",
        signature: "",
        typing: Some(percentile_type),
        finish: |e, r| {
            let mut sorted = Vec::new();
            for row in r.iter().filter(|v| !v[0].is_null()) {
                let times = row.get(2).map_or(1, V::i);
                if times < 0 {
                    return Err(invalid(e.name, "frequency", "it must not be negative"));
                }
                for _ in 0..times {
                    sorted.push(row[0].clone());
                }
            }
            sorted.sort_by(order);
            each(e, r, |p, kind| interpolated(&sorted, p, kind))
        },
    },
    Agg {
        name: "__percentile_cont",
        signature: "",
        typing: Some(percentile_type),
        finish: |e, r| {
            let mut sorted = sorted(r, 0);
            if r.first().is_some_and(|v| v.get(2).is_some_and(|v| v.i() == 1)) {
                sorted.reverse();
            }
            each(e, r, |p, kind| interpolated(&sorted, p, kind))
        },
    },
    Agg {
        name: "__percentile_disc",
        signature: "",
        typing: Some(percentile_type),
        finish: |e, r| {
            let mut sorted = sorted(r, 0);
            if r.first().is_some_and(|v| v.get(2).is_some_and(|v| v.i() == 1)) {
                sorted.reverse();
            }
            each(e, r, |p, _| Ok(at_rank(&sorted, p)))
        },
    },
    Agg { name: "approx_percentile", signature: "", typing: Some(approx_type), finish: approx },
    Agg { name: "percentile_approx", signature: "", typing: Some(approx_type), finish: approx },
    a("kurtosis", "d -> d", |_, r| {
        Ok(moments(r).map_or(V::Null, |(n, m2, _, m4)| {
            if m2 == 0.0 { V::Double(f64::NAN) } else { V::Double(n * m4 / (m2 * m2) - 3.0) }
        }))
    }),
    a("skewness", "d -> d", |_, r| {
        Ok(moments(r).map_or(V::Null, |(n, m2, m3, _)| {
            if m2 == 0.0 { V::Double(f64::NAN) } else { V::Double(n.sqrt() * m3 / (m2 * m2 * m2).sqrt()) }
        }))
    }),
    a("product", "d -> d", |_, r| {
        Ok(if present(r).next().is_none() { V::Null } else { V::Double(present(r).map(V::f).product()) })
    }),
    a("regr_count", "d d -> l", |_, r| Ok(V::int(pairs(r).len()))),
    a("regr_avgx", "d d -> d", |_, r| Ok(mean(pairs(r).iter().map(|p| p.1)))),
    a("regr_avgy", "d d -> d", |_, r| Ok(mean(pairs(r).iter().map(|p| p.0)))),
    a("regr_sxx", "d d -> d", |_, r| Ok(sums(r).map_or(V::Null, |s| V::Double(s.sxx)))),
    a("regr_syy", "d d -> d", |_, r| Ok(sums(r).map_or(V::Null, |s| V::Double(s.syy)))),
    a("regr_sxy", "d d -> d", |_, r| Ok(sums(r).map_or(V::Null, |s| V::Double(s.syx)))),
    a("regr_slope", "d d -> d", |_, r| {
        Ok(sums(r).filter(|s| s.sxx != 0.0).map_or(V::Null, |s| V::Double(s.sxy / s.sxx)))
    }),
    a("regr_intercept", "d d -> d", |_, r| {
        Ok(sums(r).filter(|s| s.sxx != 0.0).map_or(V::Null, |s| V::Double(s.y - s.sxy / s.sxx * s.x)))
    }),
    a("regr_r2", "d d -> d", |_, r| {
        Ok(sums(r).filter(|s| s.sxx != 0.0).map_or(V::Null, |s| {
            if s.syy == 0.0 { V::Double(1.0) } else { V::Double((s.syx / (s.xx * s.yy).sqrt()).powi(2)) }
        }))
    }),
    Agg { name: "try_sum", signature: "", typing: Some(sum_type), finish: |e, r| Ok(total(e, r).unwrap_or(V::Null)) },
    Agg {
        name: "try_avg",
        signature: "",
        typing: Some(average_type),
        finish: |e, r| Ok(average(e, r).unwrap_or(V::Null)),
    },
    Agg { name: "__sum", signature: "", typing: Some(sum_type), finish: total },
    Agg { name: "__avg", signature: "", typing: Some(average_type), finish: average },
    a("bitmap_construct_agg", "l -> x", |_, r| {
        let mut bits = vec![0u8; 4096];
        for v in present(r) {
            match usize::try_from(v.i()).ok().filter(|n| *n < 32768) {
                Some(n) => bits[n / 8] |= 1 << (n % 8),
                None => {
                    return Err(fail(
                        "INVALID_BITMAP_POSITION",
                        "22003",
                        &format!(
                            "The 0-indexed bitmap position {} is out of bounds. The bitmap has 32768 bits (4096 bytes).",
                            v.i()
                        ),
                    ));
                }
            }
        }
        Ok(V::Bin(bits))
    }),
    a("bitmap_or_agg", "x -> x", |_, r| Ok(bitmaps(r, 0, |x, y| x | y))),
    a("bitmap_and_agg", "x -> x", |_, r| Ok(bitmaps(r, 0xff, |x, y| x & y))),
    a("schema_of_variant_agg", "v -> s", |_, r| {
        let all = present(r).map(|v| VariantShape::of(&super::json::json_of(v))).reduce(VariantShape::merged);
        Ok(all.unwrap_or(VariantShape::Void).to_string().into())
    }),
];

pub(super) fn present(rows: &[Vec<V>]) -> impl Iterator<Item = &V> {
    rows.iter().map(|r| &r[0]).filter(|v| !v.is_null())
}

pub(super) fn sorted(rows: &[Vec<V>], at: usize) -> Vec<V> {
    let mut values: Vec<V> = rows.iter().map(|r| r[at].clone()).filter(|v| !v.is_null()).collect();
    values.sort_by(order);
    values
}

fn by_type(c: &Call<'_>) -> Result<Shape> {
    match c.kinds {
        [x, y] => Ok(Shape { kinds: vec![x.clone(), y.clone()], result: x.clone() }),
        [x, y, _] => Ok(Shape { kinds: vec![x.clone(), y.clone(), DataType::Int32], result: list(x.clone()) }),
        other => Err(wrong_count(c.name, "[2, 3]", other.len())),
    }
}

fn by(rows: &[Vec<V>], least: bool) -> Result<V> {
    let mut all: Vec<&Vec<V>> = rows.iter().filter(|r| !r[1].is_null()).collect();
    let compare = |x: &V, y: &V| if least { order(x, y) } else { order(y, x) };
    match rows.first().and_then(|r| r.get(2)) {
        Some(k) => {
            // The first of equals stays in front.
            all.sort_by(|x, y| compare(&x[1], &y[1]));
            Ok(V::List(all.iter().take(usize::try_from(k.i()).unwrap_or(0)).map(|r| r[0].clone()).collect()))
        }
        // The last of equals stays.
        None => {
            let best = all.into_iter().reduce(|old, new| if compare(&old[1], &new[1]).is_lt() { old } else { new });
            Ok(best.map_or(V::Null, |r| r[0].clone()))
        }
    }
}

/// Count and the sums of powers of the distance from the mean, row by row as the platform adds them up.
fn moments(rows: &[Vec<V>]) -> Option<(f64, f64, f64, f64)> {
    let (mut n, mut mean, mut m2, mut m3, mut m4) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for x in present(rows).map(V::f) {
        n += 1.0;
        let delta = x - mean;
        let part = delta / n;
        mean += part;
        m2 += delta * (delta - part);
        m3 = m3 - 3.0 * part * m2 + delta * (delta * delta - part * part);
        m4 = m4 - 4.0 * part * m3 - 6.0 * (part * part) * m2 + delta * (delta * delta * delta - part * part * part);
    }
    (n > 0.0).then_some((n, m2, m3, m4))
}

/// `(y, x)` where both are there.
fn pairs(rows: &[Vec<V>]) -> Vec<(f64, f64)> {
    rows.iter().filter(|r| !r[0].is_null() && !r[1].is_null()).map(|r| (r[0].f(), r[1].f())).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> V {
    let all: Vec<f64> = values.collect();
    if all.is_empty() { V::Null } else { V::Double(all.iter().sum::<f64>() / all.len() as f64) }
}

struct Sums {
    x: f64,
    y: f64,
    sxx: f64,
    syy: f64,
    /// The covariance in the two orders in which it is added up, which differ in the last digit.
    sxy: f64,
    syx: f64,
    /// Squares as a correlation adds them up.
    xx: f64,
    yy: f64,
}

fn sums(rows: &[Vec<V>]) -> Option<Sums> {
    let mut s = Sums { x: 0.0, y: 0.0, sxx: 0.0, syy: 0.0, sxy: 0.0, syx: 0.0, xx: 0.0, yy: 0.0 };
    let mut n = 0.0;
    for (y, x) in pairs(rows) {
        n += 1.0;
        let (dx, dy) = (x - s.x, y - s.y);
        s.x += dx / n;
        s.y += dy / n;
        s.sxy += dx * (y - s.y);
        s.syx += dy * (x - s.x);
        s.xx += dx * (x - s.x);
        s.yy += dy * (y - s.y);
        s.sxx += dx * (dx - dx / n);
        s.syy += dy * (dy - dy / n);
    }
    (n > 0.0).then_some(s)
}

fn bitmaps(rows: &[Vec<V>], start: u8, join: fn(u8, u8) -> u8) -> V {
    let mut bits = vec![start; 4096];
    for v in present(rows) {
        for (i, b) in bits.iter_mut().enumerate() {
            *b = join(*b, v.bytes().get(i).copied().unwrap_or(0));
        }
    }
    V::Bin(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_two_are_weighted() {
        let values: Vec<V> = [0.0, 10.0].map(V::Double).to_vec();
        assert_eq!(interpolated(&values, 0.3, &DataType::Float64).unwrap(), V::Double(3.0));
        assert!(same(&at_rank(&values, 0.5), &V::Double(0.0)));
    }
}
