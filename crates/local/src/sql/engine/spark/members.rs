//! Structures, and one member of a structure, an array or a map.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::fail;
use super::function::{Call, Def, Env, Shape, by_signature, different, f, t, tn};
use super::types::{self, common, key_value, list, map};
use super::value::{V, same};

pub(crate) const FUNCTIONS: &[Def] = &[
    tn("named_struct", struct_type, |_, a| Ok(V::Struct(a.iter().skip(1).step_by(2).cloned().collect()))),
    t("element_at", element_type, |e, a| at(e, a, false)),
    t("try_element_at", element_type, |e, a| at(e, a, true)),
    t(
        "subscript",
        |c| match c.kinds {
            [DataType::Map(_, _), _] => element_type(c),
            [DataType::Struct(fields), _] if !types::is_variant(&c.kinds[0]) => {
                // By the name of a member, which is constant.
                let name = if let Some(Some(V::Str(name))) = c.constants.get(1) { name.as_str() } else { "" };
                let found = fields.iter().find(|f| f.name().eq_ignore_ascii_case(name));
                let result = found.map(|f| f.data_type().clone()).ok_or_else(|| no_member(name, &c.kinds[0]))?;
                Ok(Shape { kinds: vec![c.kinds[0].clone(), DataType::Utf8], result })
            }
            [k, _] if types::is_variant(k) => Ok(Shape { kinds: c.kinds.to_vec(), result: types::variant() }),
            _ => by_signature("[a] i -> e1", c),
        },
        |e, a| match &a[0] {
            V::Map(m) => Ok(m.iter().find(|(k, _)| same(k, &a[1])).map_or(V::Null, |(_, v)| v.clone())),
            V::Struct(values) if !types::is_variant(&e.kinds[0]) => {
                let DataType::Struct(fields) = &e.kinds[0] else { return Ok(V::Null) };
                let place = fields.iter().position(|f| f.name().eq_ignore_ascii_case(a[1].text()));
                Ok(place.and_then(|at| values.get(at)).cloned().unwrap_or(V::Null))
            }
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
                no_member(name, kind)
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
];

fn no_member(name: &str, kind: &DataType) -> DataFusionError {
    fail("FIELD_NOT_FOUND", "42704", &format!("No such struct field `{name}` in {}.", types::name(kind)))
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

pub(super) fn element_type(c: &Call<'_>) -> Result<Shape> {
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
