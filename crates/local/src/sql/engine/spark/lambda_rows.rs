//! Functions that take functions, run on the rows of a batch.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::LambdaArgument;

use super::function::plain;
use super::maps::build_map;
use super::types::{element, key_value};
use super::value::{V, build, read, same};
use super::{cast, fail};

pub(super) struct Rows<'a> {
    pub(super) function: &'static str,
    pub(super) values: Vec<ArrayRef>,
    pub(super) lambdas: Vec<(&'a LambdaArgument, DataType)>,
    pub(super) rows: usize,
}

impl Rows<'_> {
    /// Calls a function once for all; each call belongs to the row that is named.
    fn call(&self, at: usize, owners: &[u32], parameters: &[(DataType, Vec<V>)]) -> Result<Vec<V>> {
        let Some((lambda, kind)) = self.lambdas.get(at) else {
            return Err(fail(
                "INVALID_LAMBDA_FUNCTION_CALL",
                "42K0D",
                &format!("`{}` needs a lambda function.", self.function),
            ));
        };
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let arrays = parameters.iter().map(|(kind, values)| build(kind, values)).collect::<Result<Vec<_>>>()?;
        let getters: Vec<_> = arrays.iter().map(|a| move || Ok(Arc::clone(a))).collect();
        let getters: Vec<&dyn Fn() -> Result<ArrayRef>> =
            getters.iter().map(|g| g as &dyn Fn() -> Result<ArrayRef>).collect();
        let indices = UInt32Array::from(owners.to_vec());
        let result =
            lambda.evaluate(&getters, |captured| captured.iter().map(|c| Ok(take(c, &indices, None)?)).collect())?;
        let array = plain(&result.into_array(owners.len())?)?;
        let from = array.data_type().clone();
        (0..array.len()).map(|i| cast::cast(&read(&array, i), &from, kind)).collect()
    }

    fn row(&self, value: usize, row: usize) -> V {
        self.values.get(value).map_or(V::Null, |a| read(a, row))
    }

    fn kind(&self, value: usize) -> DataType {
        self.values.get(value).map_or(DataType::Null, |a| a.data_type().clone())
    }

    pub(super) fn run(&self, result: &DataType) -> Result<Vec<V>> {
        match self.function {
            "aggregate" | "reduce" => self.aggregate(result),
            "array_sort" => self.sort(),
            "zip_with" => self.zip(),
            "map_filter" | "transform_keys" | "transform_values" | "map_zip_with" => self.maps(result),
            _ => self.elements(),
        }
    }

    fn elements(&self) -> Result<Vec<V>> {
        let lists: Vec<V> = (0..self.rows).map(|r| self.row(0, r)).collect();
        let (mut owners, mut items, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (row, v) in lists.iter().enumerate() {
            for (i, item) in v.items().iter().enumerate() {
                owners.push(u32::try_from(row).unwrap_or(0));
                items.push(item.clone());
                places.push(V::int(i));
            }
        }
        let results = self.call(0, &owners, &[(element(&self.kind(0)), items.clone()), (DataType::Int32, places)])?;
        let mut results = results.into_iter();
        let mut out = Vec::with_capacity(self.rows);
        for v in &lists {
            let mine: Vec<V> = results.by_ref().take(v.items().len()).collect();
            out.push(match (v, self.function) {
                (V::Null, _) => V::Null,
                (_, "transform") => V::List(mine),
                (v, "filter") => V::List(
                    v.items().iter().zip(&mine).filter(|(_, keep)| keep.bool()).map(|(v, _)| v.clone()).collect(),
                ),
                // Any of them; an unknown one makes the rest unknown.
                (_, "exists") => {
                    if mine.iter().any(V::bool) {
                        V::Bool(true)
                    } else if mine.iter().any(V::is_null) {
                        V::Null
                    } else {
                        V::Bool(false)
                    }
                }
                _ => {
                    if mine.iter().any(|v| matches!(v, V::Bool(false))) {
                        V::Bool(false)
                    } else if mine.iter().any(V::is_null) {
                        V::Null
                    } else {
                        V::Bool(true)
                    }
                }
            });
        }
        Ok(out)
    }

    fn zip(&self) -> Result<Vec<V>> {
        let pairs: Vec<(V, V)> = (0..self.rows).map(|r| (self.row(0, r), self.row(1, r))).collect();
        let length =
            |(a, b): &(V, V)| if a.is_null() || b.is_null() { 0 } else { a.items().len().max(b.items().len()) };
        let (mut owners, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for (row, pair) in pairs.iter().enumerate() {
            for i in 0..length(pair) {
                owners.push(u32::try_from(row).unwrap_or(0));
                left.push(pair.0.items().get(i).cloned().unwrap_or(V::Null));
                right.push(pair.1.items().get(i).cloned().unwrap_or(V::Null));
            }
        }
        let mut results =
            self.call(0, &owners, &[(element(&self.kind(0)), left), (element(&self.kind(1)), right)])?.into_iter();
        Ok(pairs
            .iter()
            .map(|pair| {
                let mine = results.by_ref().take(length(pair)).collect();
                if pair.0.is_null() || pair.1.is_null() { V::Null } else { V::List(mine) }
            })
            .collect())
    }

    fn aggregate(&self, result: &DataType) -> Result<Vec<V>> {
        let (item, start) = (element(&self.kind(0)), self.kind(1));
        let mut out = Vec::with_capacity(self.rows);
        for row in 0..self.rows {
            let items = self.row(0, row);
            if items.is_null() {
                out.push(V::Null);
                continue;
            }
            let owner = [u32::try_from(row).unwrap_or(0)];
            let body = self.lambdas.first().map_or(DataType::Null, |l| l.1.clone());
            let mut state = self.row(1, row);
            for v in items.items() {
                let next = self.call(0, &owner, &[(start.clone(), vec![state]), (item.clone(), vec![v.clone()])])?;
                state = cast::cast(&next.into_iter().next().unwrap_or(V::Null), &body, &start)?;
            }
            if self.lambdas.len() > 1 {
                state = self.call(1, &owner, &[(start.clone(), vec![state])])?.into_iter().next().unwrap_or(V::Null);
            } else {
                state = cast::cast(&state, &start, result)?;
            }
            out.push(state);
        }
        Ok(out)
    }

    fn sort(&self) -> Result<Vec<V>> {
        let kind = element(&self.kind(0));
        let mut out = Vec::with_capacity(self.rows);
        for row in 0..self.rows {
            let V::List(mut items) = self.row(0, row) else {
                out.push(V::Null);
                continue;
            };
            // Every pair is compared once for all, so that the order need not call back.
            let n = items.len();
            let (mut left, mut right) = (Vec::with_capacity(n * n), Vec::with_capacity(n * n));
            super::bounded(self.function, n.saturating_mul(n).saturating_mul(size_of::<V>()), 0)?;
            for a in &items {
                for b in &items {
                    left.push(a.clone());
                    right.push(b.clone());
                }
            }
            let owners = vec![u32::try_from(row).unwrap_or(0); n * n];
            let signs = self.call(0, &owners, &[(kind.clone(), left), (kind.clone(), right)])?;
            if signs.iter().any(V::is_null) {
                return Err(fail(
                    "COMPARATOR_RETURNS_NULL",
                    "22004",
                    "The comparator has returned a NULL for a comparison. It should return a positive integer for \"greater than\", 0 for \"equal\" and a negative integer for \"less than\".",
                ));
            }
            let mut places: Vec<usize> = (0..n).collect();
            // Insertion needs no order that is total, which a function of the statement's may not give.
            for i in 1..n {
                let mut j = i;
                while j > 0 && signs[places[j - 1] * n + places[j]].i().cmp(&0) == Ordering::Greater {
                    places.swap(j - 1, j);
                    j -= 1;
                }
            }
            items = places.into_iter().map(|i| items[i].clone()).collect();
            out.push(V::List(items));
        }
        Ok(out)
    }

    fn maps(&self, result: &DataType) -> Result<Vec<V>> {
        let both = self.function == "map_zip_with";
        let (key, _) = key_value(result);
        let ((k, v), (l, w)) = (key_value(&self.kind(0)), key_value(&self.kind(1)));
        let shared = if both { key } else { k.clone() };
        let mut entries: Vec<Option<Vec<(V, V, V)>>> = Vec::with_capacity(self.rows);
        for row in 0..self.rows {
            let (first, second) = (self.row(0, row), if both { self.row(1, row) } else { V::Map(Vec::new()) });
            if first.is_null() || second.is_null() {
                entries.push(None);
                continue;
            }
            let mut mine: Vec<(V, V, V)> = Vec::new();
            for (a, b) in first.entries() {
                mine.push((cast::cast(a, &k, &shared)?, b.clone(), V::Null));
            }
            for (a, b) in second.entries() {
                let a = cast::cast(a, &l, &shared)?;
                match mine.iter_mut().find(|m| same(&m.0, &a)) {
                    Some(m) => m.2 = b.clone(),
                    None => mine.push((a, V::Null, b.clone())),
                }
            }
            entries.push(Some(mine));
        }
        let (mut owners, mut keys, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, mine) in entries.iter().enumerate() {
            for (a, b, c) in mine.iter().flatten() {
                owners.push(u32::try_from(row).unwrap_or(0));
                keys.push(a.clone());
                left.push(b.clone());
                right.push(c.clone());
            }
        }
        let mut parameters = vec![(shared, keys), (v, left)];
        if both {
            parameters.push((w, right));
        }
        let mut results = self.call(0, &owners, &parameters)?.into_iter();
        let mut out = Vec::with_capacity(self.rows);
        for mine in entries {
            let Some(mine) = mine else {
                out.push(V::Null);
                continue;
            };
            let values: Vec<V> = results.by_ref().take(mine.len()).collect();
            let pairs = mine.into_iter().zip(values).filter_map(|((k, v, _), r)| match self.function {
                "map_filter" => r.bool().then_some((k, v)),
                "transform_keys" => Some((r, v)),
                _ => Some((k, r)),
            });
            out.push(build_map(pairs)?);
        }
        Ok(out)
    }
}
