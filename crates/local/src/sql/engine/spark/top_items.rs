//! The most frequent items of a column, at once or from states that can be kept and put together.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::aggregates::Agg;
use super::fail;
use super::frequent_items::{FrequentItems, is_written};
use super::function::{Call, Def, Env, Shape, t, unexpected, wrong_count};
use super::types::{self, list};
use super::value::V;

/// Items that are tracked if none are stated.
const TRACKED: i32 = 10_000;
/// The most items that can be tracked.
const LIMIT: i32 = 1_000_000;

pub(crate) const AGGREGATES: &[Agg] = &[
    Agg {
        name: "approx_top_k",
        signature: "",
        typing: Some(|c| {
            let (kind, kinds) = arguments(c, 3)?;
            Ok(Shape { kinds, result: result(kind) })
        }),
        finish: |e, r| {
            let (k, tracked) = (number(e, 1, "k", 5)?, tracked(e, 2)?);
            check(k, tracked)?;
            Ok(Counted::of(r, tracked, &e.kinds[0]).top(k))
        },
    },
    Agg {
        name: "approx_top_k_accumulate",
        signature: "",
        typing: Some(|c| {
            let (kind, kinds) = arguments(c, 2)?;
            if !is_written(&kind) {
                return Err(fail(
                    "UNSUPPORTED_FEATURE",
                    "0A000",
                    &format!("The embedded workspace does not keep frequent items of type {}.", types::name(&kind)),
                ));
            }
            Ok(Shape { kinds, result: state(kind) })
        }),
        finish: |e, r| {
            let tracked = tracked(e, 1)?;
            Counted::of(r, tracked, &e.kinds[0]).state(tracked, &e.kinds[0])
        },
    },
    Agg {
        name: "approx_top_k_combine",
        signature: "",
        typing: Some(|c| {
            if !(1..=2).contains(&c.kinds.len()) {
                return Err(wrong_count(c.name, "[1, 2]", c.kinds.len()));
            }
            item(c)?;
            let mut kinds = vec![c.kinds[0].clone()];
            kinds.extend(c.kinds.get(1).map(|_| DataType::Int32));
            Ok(Shape { kinds, result: c.kinds[0].clone() })
        }),
        finish: combine,
    },
];

pub(crate) const FUNCTIONS: &[Def] = &[t(
    "approx_top_k_estimate",
    |c| {
        if !(1..=2).contains(&c.kinds.len()) {
            return Err(wrong_count(c.name, "[1, 2]", c.kinds.len()));
        }
        let kind = item(c)?;
        let mut kinds = vec![c.kinds[0].clone()];
        kinds.extend(c.kinds.get(1).map(|_| DataType::Int32));
        Ok(Shape { kinds, result: result(kind) })
    },
    |e, a| {
        let k = a.get(1).map_or(5, |k| k.i() as i32);
        let kept = Kept::read(e, &a[0])?;
        check(k, kept.tracked)?;
        Ok(kept.counted.top(k))
    },
)];

fn arguments(c: &Call<'_>, most: usize) -> Result<(DataType, Vec<DataType>)> {
    if !(1..=most).contains(&c.kinds.len()) {
        return Err(wrong_count(c.name, &format!("[1, {most}]"), c.kinds.len()));
    }
    let kind = c.kinds[0].clone();
    if types::is_nested(&kind) || types::is_interval(&kind) || kind == DataType::Binary {
        let text = format!("{} columns are not supported by `{}`.", types::simple(&kind), c.name);
        return Err(fail("DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT", "42K09", &text));
    }
    let mut kinds = vec![kind.clone()];
    kinds.extend(c.kinds.iter().skip(1).map(|_| DataType::Int32));
    Ok((kind, kinds))
}

/// Items and how often they are there.
fn result(kind: DataType) -> DataType {
    list(types::structure([("item", kind), ("count", DataType::Int64)]))
}

fn state(kind: DataType) -> DataType {
    types::structure([
        ("sketch", DataType::Binary),
        ("maxItemsTracked", DataType::Int32),
        ("itemDataType", kind),
        ("itemDataTypeDDL", DataType::Utf8),
    ])
}

/// The type of the items of a state.
fn item(c: &Call<'_>) -> Result<DataType> {
    let wrong = || unexpected(c.name, 0, "\"STRUCT<sketch: BINARY, maxItemsTracked: INT, …>\"", &c.kinds[0]);
    let DataType::Struct(fields) = &c.kinds[0] else { return Err(wrong()) };
    match fields.iter().map(|f| f.data_type()).collect::<Vec<_>>()[..] {
        [DataType::Binary, DataType::Int32, kind, DataType::Utf8] if is_written(kind) => Ok(kind.clone()),
        _ => Err(wrong()),
    }
}

fn wrong(class: &'static str, text: &str) -> DataFusionError {
    fail(class, "22023", text)
}

/// A constant number.
fn number(e: &Env<'_>, at: usize, name: &str, default: i32) -> Result<i32> {
    match e.constants.get(at) {
        None => Ok(default),
        Some(Some(V::Null)) => {
            Err(fail("APPROX_TOP_K_NULL_ARG", "22004", &format!("The value of {name} must not be NULL.")))
        }
        Some(Some(value)) => Ok(value.i() as i32),
        Some(None) => Err(fail(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            "42K09",
            &format!("Cannot resolve \"{}\" due to data type mismatch: {name} must be constant.", e.name),
        )),
    }
}

fn tracked(e: &Env<'_>, at: usize) -> Result<i32> {
    let tracked = number(e, at, "`maxItemsTracked`", TRACKED)?;
    if tracked <= 0 {
        let text = format!("The value of `maxItemsTracked` must be positive, but it is {tracked}.");
        return Err(wrong("APPROX_TOP_K_NON_POSITIVE_ARG", &text));
    }
    if tracked > LIMIT {
        let text = format!("The value of `maxItemsTracked` must be at most {LIMIT}, but it is {tracked}.");
        return Err(wrong("APPROX_TOP_K_MAX_ITEMS_TRACKED_EXCEEDS_LIMIT", &text));
    }
    Ok(tracked)
}

fn check(k: i32, tracked: i32) -> Result<()> {
    if k <= 0 {
        return Err(wrong(
            "APPROX_TOP_K_NON_POSITIVE_ARG",
            &format!("The value of `k` must be positive, but it is {k}."),
        ));
    }
    if k > tracked {
        let text = format!("`maxItemsTracked` must be at least `k`, but they are {tracked} and {k}.");
        return Err(wrong("APPROX_TOP_K_MAX_ITEMS_TRACKED_LESS_THAN_K", &text));
    }
    Ok(())
}

/// What was counted; NULL stands beside the sketch.
struct Counted {
    items: FrequentItems,
    nulls: i64,
}

impl Counted {
    fn of(rows: &[Vec<V>], tracked: i32, kind: &DataType) -> Self {
        let mut counted = Self { items: FrequentItems::new(tracked, kind), nulls: 0 };
        for row in rows {
            if row[0].is_null() {
                counted.nulls += 1;
            } else {
                counted.items.add(row[0].clone(), 1);
            }
        }
        counted
    }

    fn top(&self, k: i32) -> V {
        let mut all = self.items.frequent();
        if self.nulls > 0 {
            let at = all.iter().position(|(_, count)| self.nulls > *count).unwrap_or(all.len());
            all.insert(at, (V::Null, self.nulls));
        }
        all.truncate(usize::try_from(k).unwrap_or(0));
        V::List(all.into_iter().map(|(item, count)| V::Struct(vec![item, V::Int(count)])).collect())
    }

    fn state(&self, tracked: i32, kind: &DataType) -> Result<V> {
        let mut bytes = self
            .items
            .bytes(kind)
            .ok_or_else(|| fail("INTERNAL_ERROR", "XX000", "a sketch of items that cannot be written"))?;
        bytes.extend(self.nulls.to_be_bytes());
        let ddl = match kind {
            DataType::Utf8 => "item string not null".to_owned(),
            kind => format!("item {} NOT NULL", types::name(kind)),
        };
        Ok(V::Struct(vec![V::Bin(bytes), V::Int(tracked.into()), V::Null, V::str(ddl)]))
    }
}

/// A state as it was read.
struct Kept {
    counted: Counted,
    tracked: i32,
}

impl Kept {
    fn read(e: &Env<'_>, state: &V) -> Result<Self> {
        let DataType::Struct(fields) = &e.kinds[0] else {
            return Err(fail("INTERNAL_ERROR", "XX000", "a state of frequent items that is no structure"));
        };
        let (kind, members) = (fields[2].data_type(), state.items());
        let read = || {
            let bytes = members.first()?.bytes();
            let (sketch, nulls) = bytes.split_last_chunk::<8>()?;
            let items = FrequentItems::read(sketch, kind)?;
            Some(Counted { items, nulls: i64::from_be_bytes(*nulls) })
        };
        let counted = read().ok_or_else(|| {
            wrong("INVALID_PARAMETER_VALUE", &format!("`{}` needs a state of approx_top_k_accumulate.", e.name))
        })?;
        Ok(Self { counted, tracked: members.get(1).map_or(0, V::i) as i32 })
    }
}

fn combine(e: &Env<'_>, rows: &[Vec<V>]) -> Result<V> {
    let DataType::Struct(fields) = &e.kinds[0] else { return Ok(V::Null) };
    let kind = fields[2].data_type();
    let stated = if e.constants.len() > 1 { Some(tracked(e, 1)?) } else { None };
    let mut all: Option<Kept> = None;
    for row in rows.iter().filter(|row| !row[0].is_null()) {
        let one = Kept::read(e, &row[0])?;
        let kept = all.get_or_insert_with(|| {
            let tracked = stated.unwrap_or(one.tracked);
            Kept { counted: Counted { items: FrequentItems::new(tracked, kind), nulls: 0 }, tracked }
        });
        if stated.is_none() && kept.tracked != one.tracked {
            let text = format!(
                "The states have tracked different numbers of items, {} and {}; state `maxItemsTracked`.",
                kept.tracked, one.tracked
            );
            return Err(fail("APPROX_TOP_K_SKETCH_SIZE_NOT_MATCH", "42846", &text));
        }
        kept.counted.items.merge(&one.counted.items);
        kept.counted.nulls += one.counted.nulls;
    }
    match all {
        Some(kept) => kept.counted.state(kept.tracked, kind),
        None => Ok(V::Null),
    }
}
