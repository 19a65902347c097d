//! The PARTITION clause of INSERT: values for all rows of columns that the table is partitioned by.

use super::super::store::missing::feature;
use super::super::store::table::TableState;
use super::cursor::Cursor;
use crate::sql::Failure;

/// Columns and, where they are stated, their values.
pub(super) struct Partition(Vec<(String, Option<String>)>);

pub(super) fn read(c: &mut Cursor<'_>) -> Result<Partition, Failure> {
    let one = |c: &mut Cursor<'_>| {
        let name = c.identifier()?;
        let value = if c.eat("=") { Some(c.until(&[], true)?.to_owned()) } else { None };
        Ok((name, value))
    };
    c.list(one).map(Partition)
}

impl Partition {
    fn stated(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }

    /// The columns that the rows of [`Self::query`] have, in their order.
    pub(super) fn columns(&self, state: &TableState, list: Option<Vec<String>>) -> Result<Vec<String>, Failure> {
        for (name, _) in &self.0 {
            if !state.partitions.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                let text = format!("PARTITION clause cannot contain the non-partition column: `{name}`.");
                return Err(Failure::class("NON_PARTITION_COLUMN", &text, "42000"));
            }
        }
        let named = |name: &str| self.0.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let mut all = list.unwrap_or_else(|| {
            let plain = state.columns.iter().map(|column| column.name.clone()).filter(|name| !named(name));
            // Columns without a value are the last of the query.
            let open = self.0.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.clone());
            plain.chain(open).collect()
        });
        for (name, _) in self.stated() {
            if all.iter().any(|listed| listed.eq_ignore_ascii_case(name)) {
                let text =
                    format!("The column `{name}` has a value in the PARTITION clause and is in the list of columns.");
                return Err(Failure::class("STATIC_PARTITION_COLUMN_IN_INSERT_COLUMN_LIST", &text, "42713"));
            }
            all.push(name.clone());
        }
        Ok(all)
    }

    /// The rows with the values that are stated.
    pub(super) fn query(&self, query: &str) -> String {
        let values: Vec<String> =
            self.stated().enumerate().map(|(at, (_, value))| format!("{value} AS `__partition_{at}`")).collect();
        if values.is_empty() { query.to_owned() } else { format!("SELECT *, {} FROM ({query})", values.join(", ")) }
    }

    /// The rows that INSERT OVERWRITE replaces.
    pub(super) fn condition(&self) -> Result<String, Failure> {
        if self.0.iter().any(|(_, value)| value.is_none()) {
            return Err(feature("INSERT OVERWRITE with a partition column without a value"));
        }
        let equal = self.stated().map(|(name, value)| format!("`{}` <=> ({value})", name.replace('`', "``")));
        Ok(equal.collect::<Vec<_>>().join(" AND "))
    }
}
