//! GRANT, REVOKE and SHOW GRANTS: kept as they were given, where REST keeps them.

use super::super::mirror;
use super::super::scope::{Listing, Reply, Scope};
use super::super::store::Grant;
use super::super::store::missing;
use super::cursor::Cursor;
use super::string;
use crate::sql::Failure;

const PRIVILEGES: &[&str] = &[
    "ALL PRIVILEGES",
    "APPLY TAG",
    "BROWSE",
    "CREATE CATALOG",
    "CREATE CONNECTION",
    "CREATE EXTERNAL LOCATION",
    "CREATE FUNCTION",
    "CREATE MATERIALIZED VIEW",
    "CREATE MODEL",
    "CREATE SCHEMA",
    "CREATE TABLE",
    "CREATE VOLUME",
    "EXECUTE",
    "EXTERNAL USE SCHEMA",
    "MANAGE",
    "MODIFY",
    "READ VOLUME",
    "REFRESH",
    "SELECT",
    "USE CATALOG",
    "USE SCHEMA",
    "WRITE VOLUME",
];

fn privilege(c: &mut Cursor<'_>) -> Result<String, Failure> {
    for p in PRIVILEGES {
        if c.eat(p) {
            return Ok((*p).to_owned());
        }
    }
    if c.eat("USAGE") {
        return Ok("USE SCHEMA".to_owned());
    }
    Err(c.error())
}

/// The object of a grant: its kind and full name, which has to be there.
fn object(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<(String, String), Failure> {
    let store = &scope.core.store;
    if c.eat("CATALOG") {
        let name = c.identifier()?.to_lowercase();
        return match store.read(|all| all.contains_key(&name)) {
            true => Ok(("CATALOG".to_owned(), name)),
            false => Err(missing::catalog(&name)),
        };
    }
    if c.eat("SCHEMA") || c.eat("DATABASE") {
        let (catalog, schema) = scope.resolve_schema(&c.name()?)?;
        store.schema(&catalog, &schema, |_| ())?;
        return Ok(("SCHEMA".to_owned(), format!("{catalog}.{schema}")));
    }
    if c.eat("METASTORE") {
        return Ok(("METASTORE".to_owned(), "metastore".to_owned()));
    }
    if c.eat("FUNCTION") {
        let parts = c.name()?;
        let name = scope.resolve(&parts)?;
        store.function(&name).ok_or_else(|| missing::routine(&parts))?;
        return Ok(("FUNCTION".to_owned(), name.plain()));
    }
    if c.eat("VOLUME") {
        let name = scope.resolve(&c.name()?)?;
        let there = store.schema(&name.catalog, &name.schema, |s| s.volumes.contains_key(&name.object))?;
        return if there { Ok(("VOLUME".to_owned(), name.plain())) } else { Err(missing::volume(&name)) };
    }
    if c.is("ANY FILE") || c.is("ANONYMOUS FUNCTION") {
        return Err(missing::feature("privileges on files and anonymous functions"));
    }
    let _ = c.eat("TABLE") || c.eat("VIEW");
    let (name, _) = scope.relation(&c.name()?)?;
    Ok(("TABLE".to_owned(), name.plain()))
}

fn principal(c: &mut Cursor<'_>) -> Result<String, Failure> {
    if c.is_string() { c.string() } else { c.identifier() }
}

pub(super) fn grant(scope: &Scope<'_>, c: &mut Cursor<'_>, give: bool) -> Result<Reply, Failure> {
    let mut privileges = Vec::new();
    if c.eat("ALL PRIVILEGES") {
        privileges.push("ALL PRIVILEGES".to_owned());
    } else {
        privileges.push(privilege(c)?);
        while c.eat(",") {
            privileges.push(privilege(c)?);
        }
    }
    c.expect("ON")?;
    let (kind, object) = object(scope, c)?;
    c.expect(if give { "TO" } else { "FROM" })?;
    let mut principals = vec![principal(c)?];
    while c.eat(",") {
        principals.push(principal(c)?);
    }
    c.done()?;
    mirror::grant(scope, (&kind, &object), &principals, &privileges, give)?;
    Ok(Reply::Nothing)
}

/// `SHOW GRANTS [principal] ON object`.
pub(super) fn show(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let who = if c.is("ON") { None } else { Some(principal(c)?) };
    c.expect("ON")?;
    let (kind, object) = object(scope, c)?;
    c.done()?;
    // What is granted on a schema or catalog holds for what is in it.
    let parents: Vec<(String, String)> = {
        let parts: Vec<&str> = object.split('.').collect();
        let mut all = vec![(kind.clone(), object.clone())];
        if parts.len() == 3 {
            all.push(("SCHEMA".to_owned(), parts[..2].join(".")));
        }
        if parts.len() >= 2 {
            all.push(("CATALOG".to_owned(), parts[0].to_owned()));
        }
        all
    };
    let mut found: Vec<Grant> = scope.core.store.grants(|grants| {
        let fits = |g: &&Grant| {
            parents.iter().any(|(k, o)| *k == g.kind && *o == g.object)
                && who.as_ref().is_none_or(|w| *w == g.principal)
        };
        grants.iter().filter(fits).cloned().collect()
    });
    found.sort();
    let rows =
        found.into_iter().map(|g| vec![string(g.principal), string(g.privilege), string(g.kind), string(g.object)]);
    let listing = Listing::new(&["Principal", "ActionType", "ObjectType", "ObjectKey"]);
    Ok(Reply::Rows(listing.with(rows.collect::<Vec<_>>())))
}
