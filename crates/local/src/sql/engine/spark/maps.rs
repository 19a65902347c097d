//! Maps.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::fail;
use super::function::{Call, Def, Shape, by_signature, different, f, t, tn};
use super::members::element_type;
use super::types::{self, common, element, key_value, list, map};
use super::value::{V, same};

pub(crate) const FUNCTIONS: &[Def] = &[
    tn("map", map_type, |_, a| build_map(a.chunks(2).map(|p| (p[0].clone(), p.get(1).cloned().unwrap_or(V::Null))))),
    f("map_keys", "{a} -> [k1]", |_, a| Ok(V::List(a[0].entries().iter().map(|e| e.0.clone()).collect()))),
    f("map_values", "{a} -> [w1]", |_, a| Ok(V::List(a[0].entries().iter().map(|e| e.1.clone()).collect()))),
    t(
        "map_entries",
        |c| {
            let s = by_signature("{a} -> $1", c)?;
            let (k, v) = key_value(&s.result);
            Ok(Shape { result: list(types::structure([("key", k), ("value", v)])), ..s })
        },
        |_, a| Ok(V::List(a[0].entries().iter().map(|(k, v)| V::Struct(vec![k.clone(), v.clone()])).collect())),
    ),
    t(
        "map_contains_key",
        |c| Ok(Shape { result: DataType::Boolean, ..element_type(c)? }),
        |_, a| Ok(a[0].entries().iter().any(|(k, _)| same(k, &a[1])).into()),
    ),
    f("map_concat", "=* -> =", |_, a| build_map(a.iter().flat_map(|m| m.entries().iter().cloned()))),
    t(
        "map_from_arrays",
        |c| match c.kinds {
            [a, b] => Ok(Shape { kinds: c.kinds.to_vec(), result: map(element(a), element(b)) }),
            other => Err(super::function::wrong_count(c.name, "2", other.len())),
        },
        |_, a| {
            if a[0].items().len() != a[1].items().len() {
                return Err(fail(
                    "INTERNAL_ERROR",
                    "XX000",
                    "The key array and value array of map must have the same length.",
                ));
            }
            build_map(a[0].items().iter().cloned().zip(a[1].items().iter().cloned()))
        },
    ),
    t(
        "map_from_entries",
        |c| match c.kinds {
            [DataType::List(f)] => match f.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => Ok(Shape {
                    kinds: c.kinds.to_vec(),
                    result: map(pair[0].data_type().clone(), pair[1].data_type().clone()),
                }),
                _ => Err(super::function::unexpected(c.name, 0, "\"ARRAY\" of pair \"STRUCT\"", &c.kinds[0])),
            },
            [k, ..] => Err(super::function::unexpected(c.name, 0, "\"ARRAY\" of pair \"STRUCT\"", k)),
            [] => Err(super::function::wrong_count(c.name, "1", 0)),
        },
        |_, a| {
            if a[0].items().iter().any(V::is_null) {
                return Ok(V::Null);
            }
            build_map(a[0].items().iter().map(|p| (p.items()[0].clone(), p.items()[1].clone())))
        },
    ),
    f("str_to_map", "s s? s? -> {s:s}", |_, a| {
        let (outer, inner) = (a.get(1).map_or(",", V::text), a.get(2).map_or(":", V::text));
        let parts = super::regex::split_all(a[0].text(), outer, -1)?;
        let mut pairs = Vec::new();
        for part in parts {
            let kv = super::regex::split_all(&part, inner, 2)?;
            pairs.push((V::Str(kv[0].clone()), kv.get(1).cloned().into()));
        }
        build_map(pairs.into_iter())
    }),
];

pub(crate) fn build_map(pairs: impl Iterator<Item = (V, V)>) -> Result<V> {
    let mut out: Vec<(V, V)> = Vec::new();
    for (k, v) in pairs {
        if k.is_null() {
            return Err(fail("NULL_MAP_KEY", "2200E", "Cannot use null as map key."));
        }
        if out.iter().any(|(other, _)| same(other, &k)) {
            return Err(fail(
                "DUPLICATED_MAP_KEY",
                "23505",
                "Duplicate map key was found, please check the input data.",
            ));
        }
        out.push((k, v));
    }
    Ok(V::Map(out))
}

fn map_type(c: &Call<'_>) -> Result<Shape> {
    if c.kinds.len() % 2 == 1 {
        return Err(super::function::wrong_count(c.name, "2n (n > 0)", c.kinds.len()));
    }
    let shared = |skip: usize| {
        c.kinds
            .iter()
            .skip(skip)
            .step_by(2)
            .try_fold(DataType::Null, |a, b| common(&a, b))
            .ok_or_else(|| different(c.name, c.kinds))
    };
    let (k, v) = (shared(0)?, shared(1)?);
    let kinds = (0..c.kinds.len()).map(|i| if i % 2 == 0 { k.clone() } else { v.clone() }).collect();
    Ok(Shape { kinds, result: map(k, v) })
}
