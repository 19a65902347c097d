//! Arrays, maps and structures.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use std::cmp::Ordering;

use super::function::{Call, Def, Env, Shape, by_signature, different, f, n, t, tn};
use super::sequences::{sequence, sequence_type};
use super::types::{self, common, element, key_value, list, map};
use super::value::{V, order, same};
use super::{cast, fail};

pub(crate) const FUNCTIONS: &[Def] = &[
    n("array", "=* -> [=]", |_, a| Ok(V::List(a.to_vec()))),
    tn("map", map_type, |_, a| build_map(a.chunks(2).map(|p| (p[0].clone(), p.get(1).cloned().unwrap_or(V::Null))))),
    tn("named_struct", struct_type, |_, a| Ok(V::Struct(a.iter().skip(1).step_by(2).cloned().collect()))),
    n("size", "a -> i", |_, a| {
        Ok(match &a[0] {
            V::Null => V::Null,
            v => V::int(v.items().len().max(v.entries().len())),
        })
    }),
    n("cardinality", "a -> i", |_, a| {
        Ok(match &a[0] {
            V::Null => V::Null,
            v => V::int(v.items().len().max(v.entries().len())),
        })
    }),
    f("array_size", "[a] -> i", |_, a| Ok(V::int(a[0].items().len()))),
    t("element_at", element_type, |e, a| at(e, a, false)),
    t("try_element_at", element_type, |e, a| at(e, a, true)),
    t(
        "subscript",
        |c| match c.kinds {
            [DataType::Map(_, _), _] => element_type(c),
            [k, _] if types::is_variant(k) => Ok(Shape { kinds: c.kinds.to_vec(), result: types::variant() }),
            _ => by_signature("[a] i -> e1", c),
        },
        |e, a| match &a[0] {
            V::Map(m) => Ok(m.iter().find(|(k, _)| same(k, &a[1])).map_or(V::Null, |(_, v)| v.clone())),
            V::Struct(_) => super::json::step(&a[0], &a[1], &e.kinds[1]),
            v => match usize::try_from(a[1].i()).ok().and_then(|i| v.items().get(i)) {
                Some(v) => Ok(v.clone()),
                None => Err(fail(
                    "INVALID_ARRAY_INDEX",
                    "22003",
                    &format!(
                        "The index {} is out of bounds. The array has {} elements. Use the SQL function `get()` to tolerate accessing element at invalid index and return NULL instead.",
                        a[1].i(),
                        v.items().len()
                    ),
                )),
            },
        },
    ),
    t(
        "get_member",
        |c| {
            let (Some(kind), Some(Some(V::Str(name)))) = (c.kinds.first(), c.constants.get(1)) else {
                return Err(fail(
                    "INVALID_EXTRACT_FIELD_TYPE",
                    "42000",
                    "Field name should be a non-null string literal.",
                ));
            };
            let member = |kind: &DataType| match kind {
                DataType::Struct(fields) => {
                    fields.iter().find(|f| f.name().eq_ignore_ascii_case(name)).map(|f| f.data_type().clone())
                }
                _ => None,
            };
            let result = match kind {
                DataType::Map(_, _) => Some(key_value(kind).1),
                DataType::List(f) => member(f.data_type()).map(list),
                k if types::is_variant(k) => Some(types::variant()),
                k => member(k),
            };
            let nested = types::is_nested(kind) || types::is_variant(kind);
            let result = result.ok_or_else(|| {
                if !nested {
                    let text = format!(
                        "Can't extract a value from the expression. Need a complex type [STRUCT, ARRAY, MAP] but got \"{}\".",
                        types::name(kind)
                    );
                    return fail("INVALID_EXTRACT_BASE_FIELD_TYPE", "42000", &text);
                }
                fail("FIELD_NOT_FOUND", "42704", &format!("No such struct field `{name}` in {}.", types::name(kind)))
            })?;
            Ok(Shape { kinds: vec![kind.clone(), DataType::Utf8], result })
        },
        |e, a| {
            let name = a[1].text();
            let pick = |v: &V, kind: &DataType| match kind {
                DataType::Struct(fields) => fields
                    .iter()
                    .position(|f| f.name().eq_ignore_ascii_case(name))
                    .and_then(|i| v.items().get(i))
                    .cloned()
                    .unwrap_or(V::Null),
                _ => V::Null,
            };
            Ok(match (&a[0], &e.kinds[0]) {
                (V::Map(m), _) => m.iter().find(|(k, _)| k.text() == name).map_or(V::Null, |(_, v)| v.clone()),
                (V::List(items), DataType::List(f)) => V::List(items.iter().map(|v| pick(v, f.data_type())).collect()),
                (v, k) if types::is_variant(k) => super::json::step(v, &a[1], &DataType::Utf8)?,
                (v, k) => pick(v, k),
            })
        },
    ),
    f("get", "[a] i -> e1", |_, a| {
        Ok(usize::try_from(a[1].i()).ok().and_then(|i| a[0].items().get(i)).cloned().unwrap_or(V::Null))
    }),
    t("array_contains", with_element, |_, a| {
        Ok(if a[0].items().iter().any(|v| same(v, &a[1])) {
            V::Bool(true)
        } else if a[0].items().iter().any(V::is_null) {
            V::Null
        } else {
            V::Bool(false)
        })
    }),
    t(
        "array_position",
        |c| Ok(Shape { result: DataType::Int64, ..with_element(c)? }),
        |_, a| Ok(V::int(a[0].items().iter().position(|v| same(v, &a[1])).map_or(0, |i| i + 1))),
    ),
    t(
        "array_remove",
        |c| {
            let s = with_element(c)?;
            Ok(Shape { result: s.kinds[0].clone(), ..s })
        },
        |_, a| Ok(V::List(a[0].items().iter().filter(|v| !same(v, &a[1])).cloned().collect())),
    ),
    tn("array_append", extended, |_, a| {
        Ok(if a[0].is_null() { V::Null } else { V::List(a[0].items().iter().cloned().chain([a[1].clone()]).collect()) })
    }),
    tn("array_prepend", extended, |_, a| {
        Ok(if a[0].is_null() {
            V::Null
        } else {
            V::List([a[1].clone()].into_iter().chain(a[0].items().iter().cloned()).collect())
        })
    }),
    tn(
        "array_insert",
        |c| {
            let [array, _, item] = c.kinds else {
                return Err(super::function::wrong_count(c.name, "3", c.kinds.len()));
            };
            let shared = common(&element(array), item).ok_or_else(|| different(c.name, c.kinds))?;
            Ok(Shape { kinds: vec![list(shared.clone()), DataType::Int32, shared.clone()], result: list(shared) })
        },
        array_insert,
    ),
    f("array_distinct", "[a] -> $1", |_, a| {
        let mut items = a[0].items().to_vec();
        cast::distinct(&mut items);
        Ok(V::List(items))
    }),
    f("array_compact", "[a] -> $1", |_, a| {
        Ok(V::List(a[0].items().iter().filter(|v| !v.is_null()).cloned().collect()))
    }),
    f("array_union", "= = -> =", |_, a| {
        let mut items: Vec<V> = a.iter().flat_map(|v| v.items().iter().cloned()).collect();
        cast::distinct(&mut items);
        Ok(V::List(items))
    }),
    f("array_intersect", "= = -> =", |_, a| {
        let mut items: Vec<V> =
            a[0].items().iter().filter(|v| a[1].items().iter().any(|w| same(v, w))).cloned().collect();
        cast::distinct(&mut items);
        Ok(V::List(items))
    }),
    f("array_except", "= = -> =", |_, a| {
        let mut items: Vec<V> =
            a[0].items().iter().filter(|v| !a[1].items().iter().any(|w| same(v, w))).cloned().collect();
        cast::distinct(&mut items);
        Ok(V::List(items))
    }),
    f("arrays_overlap", "= = -> b", |_, a| {
        let (x, y) = (a[0].items(), a[1].items());
        let shared = x.iter().any(|v| !v.is_null() && y.iter().any(|w| same(v, w)));
        let unknown = !x.is_empty() && !y.is_empty() && x.iter().chain(y).any(V::is_null);
        Ok(if shared {
            V::Bool(true)
        } else if unknown {
            V::Null
        } else {
            V::Bool(false)
        })
    }),
    f("array_join", "[s] s s? -> s", |e, a| {
        let with = a.get(2);
        let parts: Vec<&str> =
            a[0].items().iter().filter_map(|v| if v.is_null() { with.map(V::text) } else { Some(v.text()) }).collect();
        super::bounded(e.name, parts.iter().map(|p| p.len() + a[1].text().len()).sum(), 0)?;
        Ok(parts.join(a[1].text()).into())
    }),
    f("array_max", "[a] -> e1", |_, a| {
        Ok(a[0].items().iter().filter(|v| !v.is_null()).max_by(|x, y| order(x, y)).cloned().unwrap_or(V::Null))
    }),
    f("array_min", "[a] -> e1", |_, a| {
        Ok(a[0].items().iter().filter(|v| !v.is_null()).min_by(|x, y| order(x, y)).cloned().unwrap_or(V::Null))
    }),
    tn(
        "array_repeat",
        |c| match c.kinds {
            [k, _] => Ok(Shape { kinds: vec![k.clone(), DataType::Int32], result: list(k.clone()) }),
            other => Err(super::function::wrong_count(c.name, "2", other.len())),
        },
        |e, a| {
            if a[1].is_null() {
                return Ok(V::Null);
            }
            let times = usize::try_from(a[1].i()).unwrap_or(0);
            super::bounded(e.name, times.saturating_mul(std::mem::size_of::<V>()), 0)?;
            Ok(V::List(vec![a[0].clone(); times]))
        },
    ),
    f("sort_array", "[a] b? -> $1", |_, a| {
        let mut items = a[0].items().to_vec();
        items.sort_by(order);
        if a.get(1).is_some_and(|v| !v.bool()) {
            items.reverse();
        }
        Ok(V::List(items))
    }),
    f("array_sort_plain", "[a] -> $1", |_, a| {
        let mut items = a[0].items().to_vec();
        items.sort_by(last_null);
        Ok(V::List(items))
    }),
    f("shuffle", "[a] l? -> $1", |_, a| {
        let mut items = a[0].items().to_vec();
        for i in (1..items.len()).rev() {
            let r = getrandom::u64().map_err(|e| fail("INTERNAL_ERROR", "XX000", &e.to_string()))?;
            items.swap(i, usize::try_from(r % (i as u64 + 1)).unwrap_or(0));
        }
        Ok(V::List(items))
    }),
    f("slice", "[a] i i -> $1", |_, a| {
        let (items, start, n) = (a[0].items(), a[1].i(), a[2].i());
        if start == 0 {
            return Err(super::invalid(
                "slice",
                "start",
                "expects a positive or a negative value for `start`, but got 0.",
            ));
        }
        let n = usize::try_from(n).map_err(|_| {
            super::invalid("slice", "length", &format!("expects `length` greater than or equal to 0, but got {n}."))
        })?;
        let from = if start > 0 {
            usize::try_from(start - 1).ok()
        } else {
            items.len().checked_sub(usize::try_from(-start).unwrap_or(usize::MAX))
        };
        Ok(V::List(from.map_or(&[][..], |from| items.get(from..).unwrap_or(&[])).iter().take(n).cloned().collect()))
    }),
    t(
        "flatten",
        |c| match c.kinds {
            [DataType::List(f)] if matches!(f.data_type(), DataType::List(_) | DataType::Null) => {
                Ok(Shape { kinds: c.kinds.to_vec(), result: f.data_type().clone() })
            }
            [k, ..] => Err(super::function::unexpected(c.name, 0, "\"ARRAY\" of \"ARRAY\"", k)),
            [] => Err(super::function::wrong_count(c.name, "1", 0)),
        },
        |_, a| {
            if a[0].items().iter().any(V::is_null) {
                return Ok(V::Null);
            }
            Ok(V::List(a[0].items().iter().flat_map(|v| v.items().iter().cloned()).collect()))
        },
    ),
    t(
        "arrays_zip",
        |c| {
            let fields = c.kinds.iter().zip(c.names).enumerate().map(|(i, (k, name))| {
                // Literals have a name in the engine.
                let plain = !name.is_empty() && name != "lit" && name.chars().all(|c| c.is_alphanumeric() || c == '_');
                (if plain { name.clone() } else { i.to_string() }, element(k))
            });
            Ok(Shape { kinds: c.kinds.to_vec(), result: list(types::structure(fields)) })
        },
        |_, a| {
            let longest = a.iter().map(|v| v.items().len()).max().unwrap_or(0);
            Ok(V::List(
                (0..longest)
                    .map(|i| V::Struct(a.iter().map(|v| v.items().get(i).cloned().unwrap_or(V::Null)).collect()))
                    .collect(),
            ))
        },
    ),
    t("sequence", sequence_type, sequence),
    t(
        "reverse",
        |c| match c.kinds {
            [DataType::List(_)] => by_signature("[a] -> $1", c),
            _ => by_signature("X -> $1", c),
        },
        |_, a| {
            Ok(match &a[0] {
                V::List(items) => V::List(items.iter().rev().cloned().collect()),
                V::Bin(b) => V::Bin(b.iter().rev().copied().collect()),
                v => v.text().chars().rev().collect::<String>().into(),
            })
        },
    ),
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

/// NULL last, as `array_sort` has it.
pub(crate) fn last_null(a: &V, b: &V) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => order(a, b),
    }
}

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

fn struct_type(c: &Call<'_>) -> Result<Shape> {
    if c.kinds.len() % 2 == 1 || c.kinds.is_empty() {
        return Err(super::function::wrong_count(c.name, "2n (n > 0)", c.kinds.len()));
    }
    let mut fields = Vec::new();
    for i in (0..c.kinds.len()).step_by(2) {
        let Some(Some(V::Str(name))) = c.constants.get(i) else {
            return Err(fail(
                "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING",
                "42K09",
                "Only foldable \"STRING\" expressions are allowed to appear at odd position.",
            ));
        };
        fields.push((name.clone(), c.kinds[i + 1].clone()));
    }
    Ok(Shape { kinds: c.kinds.to_vec(), result: types::structure(fields) })
}

fn element_type(c: &Call<'_>) -> Result<Shape> {
    match c.kinds {
        [DataType::Map(_, _), key] => {
            let (k, v) = key_value(&c.kinds[0]);
            let shared = common(&k, key).ok_or_else(|| different(c.name, c.kinds))?;
            Ok(Shape { kinds: vec![map(shared.clone(), v.clone()), shared], result: v })
        }
        _ => by_signature("[a] i -> e1", c),
    }
}

fn at(e: &Env<'_>, a: &[V], lenient: bool) -> Result<V> {
    let _ = e;
    if let V::Map(m) = &a[0] {
        return Ok(m.iter().find(|(k, _)| same(k, &a[1])).map_or(V::Null, |(_, v)| v.clone()));
    }
    let (items, i) = (a[0].items(), a[1].i());
    if i == 0 {
        return Err(fail(
            "INVALID_INDEX_OF_ZERO",
            "22003",
            "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).",
        ));
    }
    let at = if i > 0 {
        usize::try_from(i - 1).ok()
    } else {
        items.len().checked_sub(usize::try_from(-i).unwrap_or(usize::MAX))
    };
    match at.and_then(|i| items.get(i)) {
        Some(v) => Ok(v.clone()),
        None if lenient => Ok(V::Null),
        None => Err(out_of_bounds(i, items.len())),
    }
}

fn out_of_bounds(i: i64, n: usize) -> DataFusionError {
    fail(
        "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
        "22003",
        &format!(
            "The index {i} is out of bounds. The array has {n} elements. Use `try_element_at` to tolerate accessing element at invalid index and return NULL instead."
        ),
    )
}

fn with_element(c: &Call<'_>) -> Result<Shape> {
    let [array @ (DataType::List(_) | DataType::Null), item] = c.kinds else {
        return Err(match c.kinds {
            [k, _] => super::function::unexpected(c.name, 0, "\"ARRAY\"", k),
            other => super::function::wrong_count(c.name, "2", other.len()),
        });
    };
    let shared = common(&element(array), item).ok_or_else(|| different(c.name, c.kinds))?;
    Ok(Shape { kinds: vec![list(shared.clone()), shared], result: DataType::Boolean })
}

fn extended(c: &Call<'_>) -> Result<Shape> {
    let s = with_element(c)?;
    Ok(Shape { result: s.kinds[0].clone(), ..s })
}

fn array_insert(_: &Env<'_>, a: &[V]) -> Result<V> {
    if a[0].is_null() || a[1].is_null() {
        return Ok(V::Null);
    }
    let (mut items, i) = (a[0].items().to_vec(), a[1].i());
    if i == 0 {
        return Err(fail(
            "INVALID_INDEX_OF_ZERO",
            "22003",
            "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).",
        ));
    }
    super::bounded(
        "array_insert",
        usize::try_from(i.unsigned_abs()).unwrap_or(usize::MAX).saturating_mul(std::mem::size_of::<V>()),
        0,
    )?;
    let n = usize::try_from(i.unsigned_abs()).unwrap_or(0);
    if i > 0 {
        while items.len() < n - 1 {
            items.push(V::Null);
        }
        items.insert(n - 1, a[2].clone());
    } else {
        // -1 is behind the last element.
        while items.len() + 1 < n {
            items.insert(0, V::Null);
        }
        let at = items.len() + 1 - n;
        items.insert(at, a[2].clone());
    }
    Ok(V::List(items))
}
