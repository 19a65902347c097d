//! Arrays.

use std::cmp::Ordering;

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::function::{Call, Def, Env, Shape, by_signature, different, f, n, t, tn};
use super::random::seed;
use super::sequences::{sequence, sequence_type};
use super::types::{self, common, element, list};
use super::value::{V, order, same};
use super::{cast, fail};

pub(crate) const FUNCTIONS: &[Def] = &[
    n("array", "=* -> [=]", |_, a| Ok(V::List(a.to_vec()))),
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
    Def {
        name: "shuffle",
        signature: "[a] l? -> $1",
        typing: None,
        eval: |e, a| {
            let items = a[0].items();
            let places = e.random.places(seed(a.get(1)), items.len())?;
            Ok(V::List(places.into_iter().filter_map(|place| items.get(place)).cloned().collect()))
        },
        nulls: false,
        volatile: true,
    },
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
