//! Clauses that state something of an object: comments, properties, partitions, tags.

use super::super::mirror;
use super::super::scope::{Reply, Scope};
use super::super::store::missing::{self, feature};
use super::super::store::operation::Operation;
use super::super::store::table::TableState;
use super::super::store::{About, Properties, Relation, View};
use super::columns;
use super::cursor::Cursor;
use crate::sql::Failure;

/// `('a' = 'b', c.d = 1)`.
pub(super) fn pairs(c: &mut Cursor<'_>) -> Result<Properties, Failure> {
    let all = c.list(|c| {
        let key = key(c)?;
        let value = if c.eat("=") || !(c.is(",") || c.is(")")) {
            if c.is_string() { c.string()? } else { c.until(&[], true)?.to_owned() }
        } else {
            String::new()
        };
        Ok((key, value))
    })?;
    Ok(all.into_iter().collect())
}

/// The names of properties alone.
pub(super) fn keys(c: &mut Cursor<'_>) -> Result<Vec<String>, Failure> {
    c.list(key)
}

pub(super) fn key(c: &mut Cursor<'_>) -> Result<String, Failure> {
    if c.is_string() { c.string() } else { Ok(c.name()?.join(".")) }
}

/// What stands behind the columns of a table.
pub(super) fn clauses(c: &mut Cursor<'_>, state: &mut TableState) -> Result<(), Failure> {
    loop {
        if c.eat("USING") {
            let format = c.identifier()?.to_lowercase();
            if format != "delta" {
                return Err(feature(&format!("tables in the format {format}; managed tables are `delta`")));
            }
        } else if c.eat("PARTITIONED BY") {
            let mut none = std::collections::BTreeMap::new();
            let named = c.list(|c| {
                let before = c.clone();
                let name = c.identifier()?;
                if c.is(",") || c.is(")") {
                    return Ok((name, None));
                }
                if c.is("(") {
                    return Err(feature("transforms in PARTITIONED BY"));
                }
                c.back_to(&before);
                let column = columns::column(c, &mut none)?;
                Ok((column.name.clone(), Some(column)))
            })?;
            for (name, column) in named {
                state.columns.extend(column);
                state.partitions.push(name);
            }
        } else if c.eat("CLUSTER BY") {
            state.clusters =
                if c.eat("AUTO") || c.eat("NONE") { Vec::new() } else { c.list(|c| Ok(c.name()?.join(".")))? };
        } else if c.eat("COMMENT") {
            state.about.comment = Some(c.string()?);
        } else if c.eat("TBLPROPERTIES") {
            state.about.properties.extend(pairs(c)?);
        } else if c.eat("OPTIONS") {
            let options = pairs(c)?;
            state.about.properties.extend(options.into_iter().map(|(k, v)| (format!("option.{k}"), v)));
        } else if c.eat("DEFAULT COLLATION") {
            let name = c.identifier()?;
            if !name.eq_ignore_ascii_case("UTF8_BINARY") {
                return Err(feature(&format!("the collation {name}")));
            }
        } else if c.eat("LOCATION") {
            let place = c.string()?;
            let why = if place.trim_start_matches("dbfs:").starts_with("/Volumes/") {
                "volumes, which cannot be used as a location for tables; query the files with read_files or delta.`/Volumes/…`"
            } else {
                "tables at a location outside of the workspace; leave LOCATION out for a managed table"
            };
            return Err(feature(&format!("LOCATION '{place}': {why}")));
        } else if c.eat("WITH ROW FILTER") {
            state.filter = Some(super::policies::filter(c)?);
        } else if c.is("CLUSTERED BY") {
            return Err(Failure::class(
                "DELTA_OPERATION_NOT_ALLOWED",
                "Operation not allowed: `Bucketing` is not supported for Delta tables.",
                "0AKDC",
            ));
        } else {
            return Ok(());
        }
    }
}

/// Which object a statement names: its kind and name.
pub(super) fn target(c: &mut Cursor<'_>) -> Result<(&'static str, Vec<String>), Failure> {
    for (word, kind) in [
        ("TABLE", "TABLE"),
        ("VIEW", "VIEW"),
        ("SCHEMA", "SCHEMA"),
        ("DATABASE", "SCHEMA"),
        ("CATALOG", "CATALOG"),
        ("VOLUME", "VOLUME"),
        ("FUNCTION", "FUNCTION"),
        ("COLUMN", "COLUMN"),
    ] {
        if c.eat(word) {
            return Ok((kind, c.name()?));
        }
    }
    Err(c.error())
}

/// Changes what is stated of an object.
pub(super) async fn edit(
    scope: &Scope<'_>,
    kind: &str,
    parts: &[String],
    operation: &'static str,
    change: impl FnOnce(&mut About) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let store = &scope.core.store;
    match kind {
        "CATALOG" => {
            let name = parts.first().map(|p| p.to_lowercase()).unwrap_or_default();
            store.change_catalog(&name, |c| change(&mut c.about))
        }
        "SCHEMA" => {
            let (catalog, schema) = scope.resolve_schema(parts)?;
            store.change_schema(&catalog, &schema, |s| change(&mut s.about))
        }
        "VOLUME" => {
            let name = scope.resolve(parts)?;
            store.change_schema(&name.catalog, &name.schema, |s| {
                let about = s.volumes.get_mut(&name.object).ok_or_else(|| missing::volume(&name))?;
                change(about)?;
                mirror::keep_volume(scope.host, &name, about)
            })
        }
        "FUNCTION" => {
            let name = scope.resolve(parts)?;
            store.change_schema(&name.catalog, &name.schema, |s| {
                let found = s.functions.get_mut(&name.object).ok_or_else(|| missing::routine(parts))?;
                change(&mut std::sync::Arc::make_mut(found).about)?;
                mirror::keep_function(scope.host, &name, found)
            })
        }
        _ => {
            let (name, relation) = scope.relation(parts)?;
            match relation {
                Relation::Table(table) => {
                    let _writing = table.writer.lock().await;
                    let mut state = table.state().as_ref().clone();
                    change(&mut state.about)?;
                    let properties = serde_json::json!(state.about.properties).to_string();
                    let operation = Operation::new(operation).with("properties", properties);
                    table.commit(state, &scope.change(operation))
                }
                Relation::View(view) => {
                    let mut view = View::clone(&view);
                    change(&mut view.about)?;
                    store.change_schema(&name.catalog, &name.schema, |s| {
                        s.relations.insert(name.object.clone(), Relation::View(std::sync::Arc::new(view)));
                        Ok(())
                    })
                }
            }
        }
    }
}

pub(super) async fn comment(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let (kind, parts) = target(c)?;
    c.expect("IS")?;
    let text = if c.eat("NULL") { None } else { Some(c.string()?) };
    c.done()?;
    if kind == "COLUMN" {
        let (column, table) = split_column(&parts, c)?;
        let operation = Operation::new("CHANGE COLUMN");
        super::alter_column::edit(scope, table, column, operation, |column| {
            column.comment = text;
            Ok(())
        })
        .await?;
        return Ok(Reply::Nothing);
    }
    edit(scope, kind, &parts, "SET TBLPROPERTIES", |about| {
        about.comment = text;
        Ok(())
    })
    .await?;
    Ok(Reply::Nothing)
}

fn split_column<'p>(parts: &'p [String], c: &Cursor<'_>) -> Result<(&'p str, &'p [String]), Failure> {
    match parts.split_last() {
        Some((column, table)) if !table.is_empty() => Ok((column, table)),
        _ => Err(c.error()),
    }
}

/// `SET TAG ON TABLE t key = value`, `UNSET TAG ON TABLE t key`.
pub(super) async fn tag(scope: &Scope<'_>, c: &mut Cursor<'_>, set: bool) -> Result<Reply, Failure> {
    let (kind, parts) = target(c)?;
    let key = key(c)?;
    let value = if set && c.eat("=") { key_or_text(c)? } else { String::new() };
    c.done()?;
    let change = |tags: &mut Properties| {
        if set {
            tags.insert(key, value);
        } else {
            tags.remove(&key);
        }
    };
    if kind == "COLUMN" {
        let (column, table) = split_column(&parts, c)?;
        let operation = Operation::new(if set { "SET TAGS" } else { "UNSET TAGS" });
        super::alter_column::edit(scope, table, column, operation, |column| {
            change(&mut column.tags);
            Ok(())
        })
        .await?;
        return Ok(Reply::Nothing);
    }
    edit(scope, kind, &parts, if set { "SET TAGS" } else { "UNSET TAGS" }, |about| {
        change(&mut about.tags);
        Ok(())
    })
    .await?;
    Ok(Reply::Nothing)
}

fn key_or_text(c: &mut Cursor<'_>) -> Result<String, Failure> {
    key(c)
}

/// What a statement changes.
pub(super) type Change = Box<dyn FnOnce(&mut About) -> Result<(), Failure>>;

/// `SET TAGS (…)`, `UNSET TAGS (…)`, `SET TBLPROPERTIES (…)` and the like, if they come next.
pub(super) fn stated(c: &mut Cursor<'_>) -> Result<Option<Change>, Failure> {
    let set = c.is("SET");
    let before = c.clone();
    if !(c.eat("SET") || c.eat("UNSET")) {
        if c.eat("OWNER TO") {
            let owner = key(c)?;
            return Ok(Some(Box::new(move |about| {
                about.owner = Some(owner);
                Ok(())
            })));
        }
        return Ok(None);
    }
    if set && c.eat("OWNER TO") {
        let owner = key(c)?;
        return Ok(Some(Box::new(move |about| {
            about.owner = Some(owner);
            Ok(())
        })));
    }
    if c.eat("TAGS") {
        if set {
            let tags = pairs(c)?;
            return Ok(Some(Box::new(move |about| {
                about.tags.extend(tags);
                Ok(())
            })));
        }
        let tags = keys(c)?;
        return Ok(Some(Box::new(move |about| {
            tags.iter().for_each(|t| {
                about.tags.remove(t);
            });
            Ok(())
        })));
    }
    if c.eat("TBLPROPERTIES") || c.eat("DBPROPERTIES") || c.eat("PROPERTIES") {
        if set {
            let given = pairs(c)?;
            return Ok(Some(Box::new(move |about| {
                about.properties.extend(given);
                Ok(())
            })));
        }
        let quietly = c.eat("IF EXISTS");
        let names = keys(c)?;
        return Ok(Some(Box::new(move |about| {
            let absent: Vec<_> = names.iter().filter(|n| !about.properties.contains_key(*n)).cloned().collect();
            if !absent.is_empty() && !quietly {
                return Err(Failure::class(
                    "UNSET_NONEXISTENT_PROPERTIES",
                    &format!("Attempted to unset non-existent properties [`{}`].", absent.join("`, `")),
                    "42K0J",
                ));
            }
            names.iter().for_each(|n| {
                about.properties.remove(n);
            });
            Ok(())
        })));
    }
    c.back_to(&before);
    Ok(None)
}
