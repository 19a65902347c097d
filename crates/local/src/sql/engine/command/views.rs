//! Views, temporary ones included.

use std::sync::Arc;

use super::super::names::Names;
use super::super::rewrite::parse;
use super::super::scope::{Named, Reply, Scope};
use super::super::spark::types;
use super::super::store::missing::{self, feature};
use super::super::store::{Name, Relation, View, ViewColumn, quoted};
use super::cursor::Cursor;
use super::properties;
use crate::sql::Failure;

pub(super) async fn create(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
    replace: bool,
    temporary: bool,
) -> Result<Reply, Failure> {
    let keep = c.eat("IF NOT EXISTS");
    let parts = c.name()?;
    let mut titles: Option<Vec<(String, Option<String>)>> = None;
    let mut about = scope.about();
    loop {
        if c.is("(") {
            titles = Some(c.list(|c| {
                let name = c.identifier()?;
                let comment = if c.eat("COMMENT") { Some(c.string()?) } else { None };
                Ok((name, comment))
            })?);
        } else if c.eat("COMMENT") {
            about.comment = Some(c.string()?);
        } else if c.eat("TBLPROPERTIES") {
            about.properties.extend(properties::pairs(c)?);
        } else if c.eat("WITH SCHEMA") {
            c.identifier()?;
            c.eat("EVOLUTION");
        } else if c.eat("DEFAULT COLLATION") {
            c.identifier()?;
        } else if c.is("WITH METRICS") {
            return Err(feature("metric views"));
        } else if c.is("USING") {
            return Err(feature("temporary views on files"));
        } else {
            break;
        }
    }
    c.expect("AS")?;
    let text = c.rest()?.to_owned();
    if temporary {
        let [own] = parts.as_slice() else {
            return Err(Failure::class(
                "TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS",
                &format!(
                    "CREATE TEMPORARY VIEW or the corresponding Dataset APIs only accept single-part view names, but got: {}.",
                    quoted(&parts)
                ),
                "428EK",
            ));
        };
        let key = own.to_lowercase();
        if !replace && scope.session.lock().views.contains_key(&key) {
            if keep {
                return Ok(Reply::Nothing);
            }
            return Err(Failure::class(
                "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                &format!(
                    "Cannot create the temporary view {} because it already exists.\nChoose a different name, drop or replace the \
                     existing view, or add the IF NOT EXISTS clause to tolerate pre-existing views.",
                    quoted(&[&key])
                ),
                "42P07",
            ));
        }
        let view = made(scope, text, about, titles, true, None).await?;
        scope.session.lock().views.insert(key, Arc::new(view));
        return Ok(Reply::Nothing);
    }
    let name = scope.resolve(&parts)?;
    scope.core.store.schema(&name.catalog, &name.schema, |_| ())?;
    match scope.core.store.relation(&name) {
        Some(_) if keep => return Ok(Reply::Nothing),
        Some(Relation::Table(_)) if replace => return Err(missing::not_a_view(&name)),
        Some(_) if !replace => return Err(missing::table_exists(&name)),
        _ => {}
    }
    let view = made(scope, text, about, titles, false, Some(&name)).await?;
    put(scope, &name, view, replace)
}

fn put(scope: &Scope<'_>, name: &Name, view: View, replace: bool) -> Result<Reply, Failure> {
    scope.core.store.change_schema(&name.catalog, &name.schema, |schema| {
        match schema.relations.get(&name.object) {
            Some(Relation::Table(_)) => return Err(missing::table_exists(name)),
            Some(Relation::View(_)) if !replace => return Err(missing::table_exists(name)),
            _ => {}
        }
        schema.relations.insert(name.object.clone(), Relation::View(Arc::new(view)));
        Ok(Reply::Nothing)
    })
}

/// The view of a query, which is planned once for its columns.
async fn made(
    scope: &Scope<'_>,
    text: String,
    about: super::super::store::About,
    titles: Option<Vec<(String, Option<String>)>>,
    temporary: bool,
    name: Option<&Name>,
) -> Result<View, Failure> {
    let reads = Names::of(&parse(&text)?).relations;
    if let Some(name) = name {
        let session = scope.session.lock();
        let local = reads.iter().find(|r| r.len() == 1 && session.views.contains_key(&r[0].to_lowercase()));
        if let Some(local) = local {
            return Err(Failure::class(
                "INVALID_TEMP_OBJ_REFERENCE",
                &format!(
                    "Cannot create the persistent object {} of the type VIEW because it references to the temporary object {} of \
                     the type VIEW. Please make the temporary object {1} persistent, or make the persistent object {0} temporary.",
                    name.quoted(),
                    quoted(local)
                ),
                "42K0F",
            ));
        }
        drop(session);
        refuse_cycles(scope, name, &reads)?;
    }
    let planned = scope.plan(&text, Named::new()).await?;
    let schema = planned.plan.schema();
    let fields: Vec<_> = schema.fields().iter().collect();
    if titles.as_ref().is_some_and(|t| t.len() != fields.len()) {
        let wanted = titles.as_ref().map_or(0, Vec::len);
        let class = if fields.len() < wanted { "NOT_ENOUGH_DATA_COLUMNS" } else { "TOO_MANY_DATA_COLUMNS" };
        return Err(Failure::class(
            &format!("CREATE_VIEW_COLUMN_ARITY_MISMATCH.{class}"),
            &format!("Cannot create view: it has {wanted} names of columns and its query gives {}.", fields.len()),
            "21S01",
        ));
    }
    let columns = fields.iter().enumerate().map(|(at, field)| {
        let (title, comment) = match titles.as_ref().and_then(|t| t.get(at)) {
            Some((title, comment)) => (title.clone(), comment.clone()),
            None => (planned.names.spelled(at, field), None),
        };
        let kind = types::simple(&super::super::output::wire(field.data_type()));
        ViewColumn { name: title, kind, comment }
    });
    let columns: Vec<ViewColumn> = columns.collect();
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = columns.iter().find(|c| !seen.insert(c.name.to_lowercase())) {
        return Err(Failure::class(
            "COLUMN_ALREADY_EXISTS",
            &format!(
                "The column {} already exists. Choose another name or rename the existing column.",
                quoted(&[twice.name.to_lowercase()])
            ),
            "42711",
        ));
    }
    let (catalog, schema) = (scope.catalog.clone(), scope.schema.clone());
    Ok(View { about, text, catalog, schema, columns, temporary, time_zone: scope.session.time_zone() })
}

/// Refuses a view that would read itself.
fn refuse_cycles(scope: &Scope<'_>, name: &Name, reads: &[Vec<String>]) -> Result<(), Failure> {
    let mut work: Vec<Name> = reads.iter().filter_map(|r| scope.resolve(r).ok()).collect();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(read) = work.pop() {
        if read == *name && scope.core.store.relation(name).is_some() {
            return Err(Failure::class(
                "RECURSIVE_VIEW",
                &format!("Recursive view {} detected (cycle: {0} -> {0}).", name.quoted()),
                "42K0H",
            ));
        }
        if !seen.insert(read.clone()) {
            continue;
        }
        if let Some(Relation::View(view)) = scope.core.store.relation(&read) {
            let inner = Scope {
                catalog: view.catalog.clone(),
                schema: view.schema.clone(),
                session: Arc::default(),
                parameters: Vec::new(),
                locals: None,
                ..scope.clone()
            };
            let of = Names::of(&parse(&view.text)?).relations;
            work.extend(of.iter().filter_map(|r| inner.resolve(r).ok()));
        }
    }
    Ok(())
}

pub(super) async fn alter(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let parts = c.name()?;
    if c.eat("RENAME TO") {
        return super::alter_table::rename(scope, c, &parts).await;
    }
    let (name, relation) = scope.relation(&parts)?;
    let Relation::View(view) = relation else { return Err(missing::not_a_view(&name)) };
    if c.eat("AS") {
        let text = c.rest()?.to_owned();
        let named = if view.temporary { None } else { Some(&name) };
        let new = made(scope, text, view.about.clone(), None, view.temporary, named).await?;
        if view.temporary {
            scope.session.lock().views.insert(name.object, Arc::new(new));
            return Ok(Reply::Nothing);
        }
        return put(scope, &name, new, true);
    }
    if c.eat("WITH SCHEMA") {
        c.identifier()?;
        c.eat("EVOLUTION");
        c.done()?;
        return Ok(Reply::Nothing);
    }
    if let Some(change) = properties::stated(c)? {
        c.done()?;
        properties::edit(scope, "VIEW", &parts, "SET TBLPROPERTIES", change).await?;
        return Ok(Reply::Nothing);
    }
    Err(c.error())
}
