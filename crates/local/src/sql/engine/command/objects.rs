//! Catalogs, schemas and volumes; DROP of all kinds of objects.

use super::super::mirror;
use super::super::renames::Kind;
use super::super::scope::{Reply, Scope};
use super::super::store::missing::{self, feature};
use super::super::store::{About, Catalog, Name, Relation, Schema, quoted};
use super::cursor::Cursor;
use super::properties;
use crate::sql::Failure;

pub(super) fn create(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let kind = kind(c)?;
    let keep = c.eat("IF NOT EXISTS");
    let parts = c.name()?;
    let about = stated(scope, c)?;
    c.done()?;
    let store = &scope.core.store;
    let there = match kind {
        "CATALOG" => {
            let [name] = parts.as_slice() else { return Err(c.error()) };
            let name = name.to_lowercase();
            (!store.create_catalog(&name, about)?)
                .then(|| missing::exists("CATALOG_ALREADY_EXISTS", "catalog", &quoted(&[name]), "42710"))
        }
        "SCHEMA" => {
            let (catalog, schema) = scope.resolve_schema(&parts)?;
            store.change_catalog(&catalog, |found: &mut Catalog| {
                if found.schemas.contains_key(&schema) || schema == "information_schema" {
                    let name = quoted(&[&catalog, &schema]);
                    return Ok(Some(missing::exists("SCHEMA_ALREADY_EXISTS", "schema", &name, "42P06")));
                }
                found.schemas.insert(schema.clone(), Schema { about, ..Schema::default() });
                Ok(None)
            })?
        }
        _ => {
            let name = scope.resolve(&parts)?;
            store.change_schema(&name.catalog, &name.schema, |schema| {
                if schema.volumes.contains_key(&name.object) {
                    return Ok(Some(missing::exists("VOLUME_ALREADY_EXISTS", "volume", &name.quoted(), "42000")));
                }
                mirror::keep_volume(scope.host, &name, &about)?;
                schema.volumes.insert(name.object.clone(), about);
                Ok(None)
            })?
        }
    };
    match there {
        Some(failure) if !keep => Err(failure),
        _ => Ok(Reply::Nothing),
    }
}

fn kind(c: &mut Cursor<'_>) -> Result<&'static str, Failure> {
    for (word, kind) in [("SCHEMA", "SCHEMA"), ("DATABASE", "SCHEMA"), ("CATALOG", "CATALOG"), ("VOLUME", "VOLUME")] {
        if c.eat(word) {
            return Ok(kind);
        }
    }
    Err(c.error())
}

fn stated(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<About, Failure> {
    let mut about = scope.about();
    loop {
        if c.eat("COMMENT") {
            about.comment = Some(c.string()?);
        } else if c.eat("WITH DBPROPERTIES") || c.eat("DBPROPERTIES") || c.eat("OPTIONS") {
            about.properties.extend(properties::pairs(c)?);
        } else if c.eat("MANAGED LOCATION") || c.is("LOCATION") {
            return Err(feature("objects with a location of their own"));
        } else if c.eat("DEFAULT COLLATION") {
            c.identifier()?;
        } else {
            return Ok(about);
        }
    }
}

pub(super) async fn alter(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let kind = if c.eat("FUNCTION") { "FUNCTION" } else { kind(c)? };
    let parts = c.name()?;
    if kind == "VOLUME" && c.eat("RENAME TO") {
        let from = scope.resolve(&parts)?;
        let to = c.name()?;
        c.done()?;
        let to = match to.as_slice() {
            [one] => Name { object: one.to_lowercase(), ..from.clone() },
            _ => scope.resolve(&to)?,
        };
        if (&from.catalog, &from.schema) != (&to.catalog, &to.schema) {
            return Err(feature("a volume that moves to another schema"));
        }
        return super::alter_table::to_name(scope, Kind::Volume, &from, &to).await;
    }
    if c.eat("RENAME TO") {
        return Err(feature(&format!("ALTER {kind} … RENAME TO")));
    }
    if c.eat("ENABLE PREDICTIVE OPTIMIZATION")
        || c.eat("DISABLE PREDICTIVE OPTIMIZATION")
        || c.eat("INHERIT PREDICTIVE OPTIMIZATION")
    {
        c.done()?;
        return Ok(Reply::Nothing);
    }
    let change = properties::stated(c)?.ok_or_else(|| c.error())?;
    c.done()?;
    let store = &scope.core.store;
    match kind {
        "CATALOG" => {
            let name = parts.first().map(|p| p.to_lowercase()).unwrap_or_default();
            store.change_catalog(&name, |found| change(&mut found.about))?;
        }
        "SCHEMA" => {
            let (catalog, schema) = scope.resolve_schema(&parts)?;
            store.change_schema(&catalog, &schema, |found| change(&mut found.about))?;
        }
        "FUNCTION" => {
            let name = scope.resolve(&parts)?;
            store.change_schema(&name.catalog, &name.schema, |s| {
                let found = s.functions.get_mut(&name.object).ok_or_else(|| missing::routine(&parts))?;
                change(&mut std::sync::Arc::make_mut(found).about)?;
                mirror::keep_function(scope.host, &name, found)
            })?;
        }
        _ => {
            let name = scope.resolve(&parts)?;
            store.change_schema(&name.catalog, &name.schema, |s| {
                let about = s.volumes.get_mut(&name.object).ok_or_else(|| missing::volume(&name))?;
                change(about)?;
                mirror::keep_volume(scope.host, &name, about)
            })?;
        }
    }
    Ok(Reply::Nothing)
}

pub(super) fn drop(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let store = &scope.core.store;
    if c.eat("TABLE") || c.is("VIEW") || c.is("MATERIALIZED VIEW") {
        let view = c.eat("VIEW") || c.eat("MATERIALIZED VIEW");
        let quietly = c.eat("IF EXISTS");
        let parts = c.name()?;
        c.eat("PURGE");
        c.done()?;
        if let [one] = parts.as_slice()
            && scope.session.lock().views.remove(&one.to_lowercase()).is_some()
        {
            return Ok(Reply::Nothing);
        }
        let name = scope.resolve(&parts)?;
        let gone = store.change_schema(&name.catalog, &name.schema, |schema| {
            match schema.relations.get(&name.object) {
                None => return Ok(false),
                Some(Relation::Table(_)) if view => return Err(missing::wrong_command(&name, "TABLE", "VIEW")),
                Some(Relation::View(_)) if !view => return Err(missing::wrong_command(&name, "VIEW", "TABLE")),
                _ => {}
            }
            schema.relations.remove(&name.object);
            Ok(true)
        });
        return match stored(gone)? {
            Ok(true) => scope.host.forget("TABLE", &name.plain()).map(|()| Reply::Nothing),
            Err(failure) if failure.message.contains("WRONG_COMMAND") => Err(failure),
            _ if quietly => Ok(Reply::Nothing),
            _ => Err(missing::table(&parts)),
        };
    }
    if c.is("TEMPORARY") || c.is("TEMP") {
        c.skip();
        if c.eat("VARIABLE") {
            return super::variables::drop(scope, c);
        }
        return Err(feature("temporary functions"));
    }
    if c.eat("VARIABLE") {
        return super::variables::drop(scope, c);
    }
    if c.eat("FUNCTION") {
        let quietly = c.eat("IF EXISTS");
        let parts = c.name()?;
        c.done()?;
        let name = scope.resolve(&parts)?;
        let gone = store.change_schema(&name.catalog, &name.schema, |s| {
            let there = s.functions.remove(&name.object).is_some();
            if there { scope.host.forget("FUNCTION", &name.plain()).map(|()| true) } else { Ok(false) }
        });
        let gone = stored(gone)?;
        return if quietly || gone? { Ok(Reply::Nothing) } else { Err(missing::routine(&parts)) };
    }
    let kind = kind(c)?;
    let quietly = c.eat("IF EXISTS");
    let parts = c.name()?;
    let cascade = c.eat("CASCADE");
    c.eat("RESTRICT");
    c.done()?;
    match kind {
        "CATALOG" => {
            let name = parts.first().map(|p| p.to_lowercase()).unwrap_or_default();
            store.write(|all| {
                let Some(found) = all.get(&name) else {
                    return if quietly { Ok(Reply::Nothing) } else { Err(missing::catalog(&name)) };
                };
                let empty = found.schemas.iter().all(|(n, s)| n == "default" && s.is_empty());
                if !empty && !cascade {
                    return Err(Failure::class(
                        "CATALOG_NOT_EMPTY",
                        &format!("Cannot drop catalog {} because it contains objects. Use DROP CATALOG ... CASCADE to drop the catalog and all its objects.", quoted(&[&name])),
                        "2BP01",
                    ));
                }
                all.remove(&name);
                Ok(Reply::Nothing)
            })?;
            scope.host.forget("CATALOG", &name)?;
            Ok(Reply::Nothing)
        }
        "SCHEMA" => {
            let (catalog, schema) = scope.resolve_schema(&parts)?;
            let dropped = store.change_catalog(&catalog, |found| {
                let Some(inside) = found.schemas.get(&schema) else { return Err(missing::schema(&catalog, &schema)) };
                if !inside.is_empty() && !cascade {
                    return Err(Failure::class(
                        "SCHEMA_NOT_EMPTY",
                        &format!(
                            "Cannot drop a schema {} because it contains objects.\nUse DROP SCHEMA ... CASCADE to drop the schema and all \
                             its objects.",
                            quoted(&[&catalog, &schema])
                        ),
                        "2BP01",
                    ));
                }
                found.schemas.remove(&schema);
                scope.host.forget("SCHEMA", &format!("{catalog}.{schema}"))?;
                Ok(Reply::Nothing)
            });
            match stored(dropped)? {
                Err(failure) if quietly && !failure.message.contains("NOT_EMPTY") => Ok(Reply::Nothing),
                other => other,
            }
        }
        _ => {
            let name = scope.resolve(&parts)?;
            let gone = store.change_schema(&name.catalog, &name.schema, |s| {
                let there = s.volumes.remove(&name.object).is_some();
                if there { scope.host.forget("VOLUME", &name.plain()).map(|()| true) } else { Ok(false) }
            });
            let gone = stored(gone)?;
            if quietly || gone? { Ok(Reply::Nothing) } else { Err(missing::volume(&name)) }
        }
    }
}

/// Takes out that a change could not be stored, which IF EXISTS does not pass over.
fn stored<T>(outcome: Result<T, Failure>) -> Result<Result<T, Failure>, Failure> {
    match outcome {
        Err(failure) if failure.code != "BAD_REQUEST" => Err(failure),
        other => Ok(other),
    }
}
