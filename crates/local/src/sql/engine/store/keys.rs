//! Views of the information schema about keys. Checks of rows are no part of them: the platform keeps its view of checks
//! for the future.

use std::collections::BTreeMap;

use super::information::{Row, text};
use super::table::{Constraint, Reference, TableState};
use super::{Catalog, Relation};
use crate::sql::engine::spark::value::V;

/// The columns of a view, if it is one of these.
pub(super) fn columns(view: &str) -> Option<&'static [&'static str]> {
    Some(match view {
        "table_constraints" => &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_type",
            "is_deferrable",
            "initially_deferred",
            "enforced",
            "comment",
        ],
        "key_column_usage" => &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "ordinal_position:i",
            "position_in_unique_constraint:i",
        ],
        "referential_constraints" => &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "unique_constraint_catalog",
            "unique_constraint_schema",
            "unique_constraint_name",
            "match_option",
            "update_rule",
            "delete_rule",
        ],
        "constraint_table_usage" => &[
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
        ],
        "constraint_column_usage" => &[
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
        ],
        "check_constraints" => {
            &["constraint_catalog", "constraint_schema", "constraint_name", "check_clause", "sql_path"]
        }
        _ => return None,
    })
}

/// The rows of a view about the catalogs that `wanted` names.
pub(super) fn rows(view: &str, all: &BTreeMap<String, Catalog>, wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (catalog, held) in all.iter().filter(|(catalog, _)| wanted(catalog)) {
        for (schema, inside) in &held.schemas {
            for (table, relation) in &inside.relations {
                if let Relation::Table(one) = relation {
                    of_table(view, all, [catalog, schema, table], &one.state(), &mut rows);
                }
            }
        }
    }
    rows
}

fn of_table(view: &str, all: &BTreeMap<String, Catalog>, own: [&str; 3], state: &TableState, rows: &mut Vec<Row>) {
    for (name, constraint) in &state.constraints {
        let [catalog, schema, _] = own;
        let named = texts([catalog, schema, name]);
        let (columns, reference) = match constraint {
            Constraint::Check(_) => continue,
            Constraint::PrimaryKey(columns) => (columns, None),
            Constraint::ForeignKey(columns, reference) => (columns, Some(reference)),
        };
        let target = reference.map(|reference| Target::of(all, reference));
        match view {
            "table_constraints" => {
                let kind = if reference.is_some() { "FOREIGN KEY" } else { "PRIMARY KEY" };
                // No key is enforced; the platform says YES of the two before.
                let about = vec![text(kind), text("YES"), text("YES"), text("NO"), V::Null];
                rows.push([named, texts(own), about].concat());
            }
            "key_column_usage" => rows.extend(columns.iter().enumerate().map(|(at, column)| {
                let there = target.as_ref().and_then(|target| target.position(at)).map_or(V::Null, V::int);
                [named.clone(), texts(own), vec![text(column), V::int(at + 1), there]].concat()
            })),
            "referential_constraints" => {
                let Some((reference, target)) = reference.zip(target) else { continue };
                let unique = match (reference.table.as_slice(), &target.key) {
                    ([catalog, schema, _], Some((key, _))) => texts([catalog, schema, key]),
                    _ => vec![V::Null; 3],
                };
                rows.push([named, unique, vec![text("FULL"), text("NO ACTION"), text("NO ACTION")]].concat());
            }
            // What a key refers to: its own table, or that of the other side.
            "constraint_table_usage" => rows.push([used(own, reference), named].concat()),
            "constraint_column_usage" => {
                let columns = target.as_ref().map_or(columns, |target| &target.columns);
                rows.extend(columns.iter().map(|c| [used(own, reference), vec![text(c)], named.clone()].concat()));
            }
            _ => {}
        }
    }
}

fn texts(parts: [&str; 3]) -> Vec<V> {
    parts.iter().map(|part| text(part)).collect()
}

fn used(own: [&str; 3], reference: Option<&Reference>) -> Vec<V> {
    match reference {
        Some(reference) => reference.table.iter().map(|part| text(part)).collect(),
        None => texts(own),
    }
}

/// The other side of a foreign key.
struct Target {
    /// The primary key of the table and its columns.
    key: Option<(String, Vec<String>)>,
    /// The columns that are referred to.
    columns: Vec<String>,
}

impl Target {
    fn of(all: &BTreeMap<String, Catalog>, reference: &Reference) -> Self {
        let key = primary_key(all, reference);
        let columns = match &key {
            Some((_, columns)) if reference.columns.is_empty() => columns.clone(),
            _ => reference.columns.clone(),
        };
        Self { key, columns }
    }

    /// The place in the primary key of what the column at `at` of the foreign key refers to, from 1.
    fn position(&self, at: usize) -> Option<usize> {
        let (wanted, (_, columns)) = (self.columns.get(at)?, self.key.as_ref()?);
        columns.iter().position(|column| column.eq_ignore_ascii_case(wanted)).map(|place| place + 1)
    }
}

fn primary_key(all: &BTreeMap<String, Catalog>, reference: &Reference) -> Option<(String, Vec<String>)> {
    let [catalog, schema, table] = reference.table.as_slice() else { return None };
    let Relation::Table(table) = all.get(catalog)?.schemas.get(schema)?.relations.get(table)? else { return None };
    table.state().constraints.iter().find_map(|(name, constraint)| match constraint {
        Constraint::PrimaryKey(columns) => Some((name.clone(), columns.clone())),
        _ => None,
    })
}
