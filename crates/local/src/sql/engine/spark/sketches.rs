//! Aggregates that sum up many values in few: histograms and the sketch that counts them.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::aggregates::Agg;
use super::cast;
use super::fail;
use super::function::{Call, Env, Shape, unexpected, wrong_count};
use super::hash::murmur_bytes;
use super::java_random::JavaRandom;
use super::json_types;
use super::statistics::present;
use super::types::{self, list};
use super::value::V;

pub(crate) const AGGREGATES: &[Agg] = &[
    Agg { name: "histogram_numeric", signature: "", typing: Some(histogram_type), finish: histogram },
    Agg { name: "count_min_sketch", signature: "", typing: Some(sketch_type), finish: sketch },
    Agg {
        name: "schema_of_json_agg",
        signature: "s a? -> s",
        typing: None,
        finish: |e, r| {
            let mut all = DataType::Null;
            for row in r.iter().filter(|row| !row[0].is_null()) {
                all = json_types::merged(&all, &super::json::inferred(e.name, &row[0], row.get(1))?);
            }
            Ok(types::name(&json_types::known(&all)).into())
        },
    },
];

/// An argument that has to be constant.
fn constant<'a>(e: &'a Env<'_>, at: usize, name: &str) -> Result<&'a V> {
    match e.constants.get(at) {
        Some(Some(V::Null)) => Err(mistake("UNEXPECTED_NULL", e, &format!("the {name} must not be NULL"))),
        Some(Some(value)) => Ok(value),
        _ => Err(mistake("NON_FOLDABLE_INPUT", e, &format!("the {name} must be constant"))),
    }
}

fn mistake(class: &str, e: &Env<'_>, why: &str) -> DataFusionError {
    let class = match class {
        "UNEXPECTED_NULL" => "DATATYPE_MISMATCH.UNEXPECTED_NULL",
        "NON_FOLDABLE_INPUT" => "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
        _ => "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
    };
    fail(class, "42K09", &format!("Cannot resolve \"{}\" due to data type mismatch: {why}.", e.name))
}

fn histogram_type(c: &Call<'_>) -> Result<Shape> {
    let [kind, bins] = c.kinds else { return Err(wrong_count(c.name, "2", c.kinds.len())) };
    let kind = match kind {
        DataType::Null => DataType::Float64,
        kind if types::is_text(kind) => DataType::Float64,
        kind if kind.is_numeric() || types::is_time(kind) || types::span(kind).is_some() => kind.clone(),
        kind => return Err(unexpected(c.name, 0, "\"NUMERIC\", \"DATE\", \"TIMESTAMP\" or \"INTERVAL\"", kind)),
    };
    if !bins.is_numeric() && !types::is_text(bins) && bins != &DataType::Null {
        return Err(unexpected(c.name, 1, "\"INT\"", bins));
    }
    let bin = types::structure([("x", kind.clone()), ("y", DataType::Float64)]);
    Ok(Shape { kinds: vec![kind, DataType::Int32], result: list(bin) })
}

/// One bin: the mean of its values and their number.
struct Bin {
    x: f64,
    y: f64,
}

/// Puts the bins together that are next to each other, until there are no more than `most`.
///
/// Among pairs that are as near to each other, chance decides; its seed is the platform's.
fn trim(bins: &mut Vec<Bin>, most: usize, chance: &mut JavaRandom) {
    while bins.len() > most {
        let (mut at, mut least, mut equal) = (0, f64::NAN, 1);
        for (i, pair) in bins.windows(2).enumerate() {
            let distance = pair[1].x - pair[0].x;
            if i == 0 || distance < least {
                (at, least, equal) = (i, distance, 1);
            } else if distance == least {
                equal += 1;
                if chance.double() <= 1.0 / f64::from(equal) {
                    at = i;
                }
            }
        }
        let next = bins.remove(at + 1);
        let bin = &mut bins[at];
        let all = bin.y + next.y;
        bin.x = bin.x * (bin.y / all) + next.x / all * next.y;
        bin.y = all;
    }
}

/// The histogram of Ben-Haim and Tom-Tov: each value is a bin, and the nearest bins become one.
fn histogram(e: &Env<'_>, rows: &[Vec<V>]) -> Result<V> {
    let most = constant(e, 1, "number of bins")?.i();
    let most = usize::try_from(most)
        .ok()
        .filter(|most| *most >= 2)
        .ok_or_else(|| mistake("", e, &format!("the number of bins must be at least 2, but it is {most}")))?;
    let mut chance = JavaRandom::new(31183);
    let mut bins: Vec<Bin> = Vec::new();
    for v in present(rows) {
        let x = match (v, &e.kinds[0]) {
            (V::Dec(n), DataType::Decimal128(_, s)) => *n as f64 / cast::pow10(i32::from(*s)) as f64,
            (V::Date(_) | V::Ym(_) | V::Ts(_) | V::Dt(_), _) => v.i() as f64,
            _ => v.f(),
        };
        let (mut low, mut high, mut at) = (0, bins.len(), 0);
        while low < high {
            at = usize::midpoint(low, high);
            if bins[at].x > x {
                high = at;
            } else if bins[at].x < x {
                at += 1;
                low = at;
            } else {
                break;
            }
        }
        // NaN is not even equal to itself.
        match bins.get_mut(at).filter(|bin| bin.x == x) {
            Some(bin) => bin.y += 1.0,
            None => bins.insert(at, Bin { x, y: 1.0 }),
        }
        trim(&mut bins, most, &mut chance);
    }
    if bins.is_empty() {
        return Ok(V::Null);
    }
    let bins = bins.iter().map(|bin| Ok(V::Struct(vec![as_kind(bin.x, &e.kinds[0])?, V::Double(bin.y)])));
    bins.collect::<Result<Vec<_>>>().map(V::List)
}

/// The centre of a bin in the type of the values.
fn as_kind(x: f64, kind: &DataType) -> Result<V> {
    Ok(match kind {
        DataType::Date32 => V::Date(x as i32),
        DataType::Timestamp(_, _) => V::Ts(x as i64),
        kind if types::is_year_month(kind) => V::Ym(x as i32),
        kind if types::span(kind).is_some() => V::Dt(x as i64),
        kind if kind.is_integer() => V::Int(x as i64),
        DataType::Float64 => V::Double(x),
        kind => cast::cast(&V::Double(x), &DataType::Float64, kind)?,
    })
}

fn sketch_type(c: &Call<'_>) -> Result<Shape> {
    if c.kinds.len() != 4 {
        return Err(wrong_count(c.name, "4", c.kinds.len()));
    }
    let kind = match &c.kinds[0] {
        kind if kind.is_integer() || types::is_text(kind) || kind == &DataType::Binary => kind.clone(),
        DataType::Null => DataType::Int64,
        kind => return Err(unexpected(c.name, 0, "\"INTEGRAL\", \"STRING\" or \"BINARY\"", kind)),
    };
    let kinds = vec![kind, DataType::Float64, DataType::Float64, DataType::Int32];
    Ok(Shape { kinds, result: DataType::Binary })
}

/// Counts in a table: for each row of it a hash states the column that a value is counted in.
fn sketch(e: &Env<'_>, rows: &[Vec<V>]) -> Result<V> {
    let (eps, confidence) = (constant(e, 1, "relative error")?.f(), constant(e, 2, "confidence")?.f());
    if eps <= 0.0 {
        return Err(mistake("", e, "the relative error must be positive"));
    }
    if confidence <= 0.0 || confidence >= 1.0 {
        return Err(mistake("", e, "the confidence must be between 0.0 and 1.0"));
    }
    let width = (2.0 / eps).ceil();
    let depth = (-(1.0 - confidence).ln() / 2.0f64.ln()).ceil();
    let size = (width * depth + depth + 2.0) * 8.0;
    super::bounded(e.name, if size < 1e18 { size as usize } else { usize::MAX }, 0)?;
    let (width, depth) = (width as i32, depth as i32);
    let mut random = JavaRandom::new(constant(e, 3, "seed")?.i());
    let factors: Vec<i64> = (0..depth).map(|_| i64::from(random.below(i32::MAX))).collect();
    let mut table = vec![vec![0i64; width as usize]; depth as usize];
    let mut total = 0i64;
    for v in present(rows) {
        total += 1;
        let (first, second) = match v {
            V::Int(_) => (0, 0),
            v => {
                let first = murmur_bytes(v.bytes(), 0);
                (first as i32, murmur_bytes(v.bytes(), first) as i32)
            }
        };
        for (row, (factor, counts)) in (0..).zip(factors.iter().zip(&mut table)) {
            let column = match v {
                V::Int(n) => {
                    let product = factor.wrapping_mul(*n);
                    // The rest of a division by 2^31 - 1.
                    (product.wrapping_add(product >> 32) & 0x7fff_ffff) as i32 % width
                }
                _ => (first.wrapping_add(second.wrapping_mul(row)) % width).abs(),
            };
            counts[column as usize] += 1;
        }
    }
    let mut out = Vec::new();
    out.extend(1i32.to_be_bytes());
    out.extend(total.to_be_bytes());
    out.extend(depth.to_be_bytes());
    out.extend(width.to_be_bytes());
    out.extend(factors.iter().chain(table.iter().flatten()).flat_map(|n| n.to_be_bytes()));
    Ok(V::Bin(out))
}
