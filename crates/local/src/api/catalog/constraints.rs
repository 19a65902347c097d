//! Keys of tables. The SQL engine holds them; they inform, and nothing enforces them.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, post};
use serde_json::{Value, json};

use super::notes::{quoted, quoted_part, sql};
use super::table_name::known;
use crate::extract::{Fields, Query, missing};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::CatalogHandle;

pub(super) fn routes(state: CatalogHandle) -> Router {
    Router::new()
        .route("/api/2.1/unity-catalog/constraints", post(create))
        .route("/api/2.1/unity-catalog/constraints/{full_name}", delete(remove))
        .with_state(state)
}

async fn create(State(state): State<CatalogHandle>, fields: Fields) -> Reply {
    let name = known(&state, fields.str("full_name_arg")?).await?;
    let constraint = fields.opt_object("constraint")?.ok_or_else(|| missing("constraint"))?;
    let primary = constraint.opt_object("primary_key_constraint")?;
    let foreign = constraint.opt_object("foreign_key_constraint")?;
    let (stated, rest) = match (&primary, &foreign) {
        (Some(key), None) => (key, format!("PRIMARY KEY ({})", key_columns(key)?)),
        (None, Some(key)) => {
            let parent = known(&state, key.str("parent_table")?).await?;
            let referenced = format!("{} ({})", quoted(&parent.full()), list(key, "parent_columns")?);
            (key, format!("FOREIGN KEY ({}) REFERENCES {referenced}", list(key, "child_columns")?))
        }
        _ => {
            return Err(ApiError::invalid_parameter(
                "constraint has primary_key_constraint or foreign_key_constraint; others are made by ALTER TABLE",
            ));
        }
    };
    let rely = if stated.opt_bool("rely")? == Some(true) { " RELY" } else { "" };
    let (table, constraint) = (quoted(&name.full()), quoted_part(stated.str("name")?));
    sql(&state, &format!("ALTER TABLE {table} ADD CONSTRAINT {constraint} {rest}{rely}")).await?;
    Ok(Json(fields.0.get("constraint").cloned().unwrap_or_default()))
}

async fn remove(State(state): State<CatalogHandle>, Path(full_name): Path<String>, query: Query) -> Reply {
    let name = known(&state, &full_name).await?;
    let constraint = quoted_part(query.str("constraint_name")?);
    let cascade = if query.opt_bool("cascade")? == Some(true) { " CASCADE" } else { "" };
    sql(&state, &format!("ALTER TABLE {} DROP CONSTRAINT {constraint}{cascade}", quoted(&name.full()))).await?;
    Ok(Json::empty())
}

fn list(key: &Fields, member: &'static str) -> Result<String, ApiError> {
    let columns = key.opt_strings(member)?.filter(|all| !all.is_empty()).ok_or_else(|| missing(member))?;
    Ok(columns.iter().map(|column| quoted_part(column)).collect::<Vec<_>>().join(", "))
}

/// The columns of a primary key, those of time series marked.
fn key_columns(key: &Fields) -> Result<String, ApiError> {
    let series = key.opt_strings("timeseries_columns")?.unwrap_or_default();
    let columns = key.opt_strings("child_columns")?.filter(|all| !all.is_empty());
    let columns = columns.ok_or_else(|| missing("child_columns"))?;
    let marked = columns.iter().map(|column| {
        let mark = if series.contains(column) { " TIMESERIES" } else { "" };
        format!("{}{mark}", quoted_part(column))
    });
    Ok(marked.collect::<Vec<_>>().join(", "))
}

/// The constraints of a table, from the rows that describe it.
pub(super) fn described(rows: &[Vec<Option<String>>]) -> Vec<Value> {
    let text = |row: &[Option<String>], at: usize| row.get(at).and_then(Option::clone).unwrap_or_default();
    let rows = rows.iter().map(|row| (text(row, 0), text(row, 1)));
    let constraints =
        rows.skip_while(|(name, _)| name != "# Constraints").skip(1).take_while(|(name, _)| !name.is_empty());
    constraints.map(|(name, text)| one(&name, &text)).collect()
}

fn one(name: &str, text: &str) -> Value {
    let primary = text.strip_prefix("PRIMARY KEY ").and_then(names);
    if let Some((columns, _)) = primary {
        return json!({"primary_key_constraint": {"name": name, "child_columns": columns}});
    }
    if let Some((columns, rest)) = text.strip_prefix("FOREIGN KEY ").and_then(names)
        && let Some((parent, referenced)) =
            rest.trim_start().strip_prefix("REFERENCES ").and_then(|r| r.split_once('('))
    {
        let parent = parent.trim().replace('`', "");
        let referenced = names(&format!("({referenced}")).map(|(columns, _)| columns);
        let key = json!({"name": name, "child_columns": columns, "parent_table": parent, "parent_columns": referenced});
        return json!({"foreign_key_constraint": key});
    }
    json!({"named_table_constraint": {"name": name}})
}

/// The names of a list in brackets, and what follows it.
fn names(text: &str) -> Option<(Vec<String>, &str)> {
    let (list, rest) = text.strip_prefix('(')?.split_once(')')?;
    Some((list.split(',').map(|name| name.trim().trim_matches('`').to_owned()).collect(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_of_keys_are_read() {
        let row = |a: &str, b: &str| vec![Some(a.to_owned()), Some(b.to_owned()), None];
        let rows = [
            row("id", "int"),
            row("", ""),
            row("# Constraints", ""),
            row("pk", "PRIMARY KEY (`a`, `b`)"),
            row("fk", "FOREIGN KEY (`c`) REFERENCES `m`.`d`.`t` (`x`)"),
            row("ck", "CHECK (a > 0)"),
        ];
        let expected = json!([
            {"primary_key_constraint": {"name": "pk", "child_columns": ["a", "b"]}},
            {"foreign_key_constraint":
                {"name": "fk", "child_columns": ["c"], "parent_table": "m.d.t", "parent_columns": ["x"]}},
            {"named_table_constraint": {"name": "ck"}},
        ]);
        assert_eq!(Value::Array(described(&rows)), expected);
    }
}
