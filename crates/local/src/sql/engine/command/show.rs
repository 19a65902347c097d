//! SHOW: what there is, in the platform's columns.

use super::super::scope::{Listing, Named, Reply, Scope};
use super::super::spark::pattern_like;
use super::super::spark::value::V;
use super::super::store::missing::{self, feature};
use super::super::store::{Relation, quoted};
use super::super::{functions, guard};
use super::cursor::Cursor;
use super::{grants, show_create, string};
use crate::sql::Failure;

/// A pattern of names: `*` is any text, `|` parts alternatives.
struct Filter(Option<String>);

impl Filter {
    fn read(c: &mut Cursor<'_>) -> Result<Self, Failure> {
        let pattern = if c.eat("LIKE") || c.is_string() { Some(c.string()?) } else { None };
        c.done()?;
        Ok(Self(pattern))
    }

    fn fits(&self, name: &str) -> bool {
        let Some(pattern) = &self.0 else { return true };
        pattern.split('|').any(|one| pattern_like(&one.trim().to_lowercase(), &name.to_lowercase()))
    }
}

/// `IN` or `FROM` with a name, which may be missing.
fn place(c: &mut Cursor<'_>) -> Result<Option<Vec<String>>, Failure> {
    if !(c.eat("IN") || c.eat("FROM")) {
        return Ok(None);
    }
    for word in ["SCHEMA", "DATABASE", "CATALOG"] {
        let before = c.clone();
        if c.eat(word) {
            if c.at_end() || c.is("LIKE") {
                c.back_to(&before);
            }
            break;
        }
    }
    c.name().map(Some)
}

fn schema_of(scope: &Scope<'_>, place: Option<Vec<String>>) -> Result<(String, String), Failure> {
    match place {
        Some(parts) => scope.resolve_schema(&parts),
        None => Ok((scope.catalog.clone(), scope.schema.clone())),
    }
}

pub(super) async fn show(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let store = &scope.core.store;
    if c.eat("CATALOGS") {
        let filter = Filter::read(c)?;
        let names: Vec<String> = store.read(|all| all.keys().filter(|n| filter.fits(n)).cloned().collect());
        return Ok(Reply::Rows(Listing::new(&["catalog"]).with(names.into_iter().map(|n| vec![string(n)]))));
    }
    if c.eat("SCHEMAS") || c.eat("DATABASES") {
        let catalog = match place(c)? {
            Some(parts) => parts.last().map(|p| p.to_lowercase()).unwrap_or_default(),
            None => scope.catalog.clone(),
        };
        let filter = Filter::read(c)?;
        let mut names: Vec<String> = store.read(|all| {
            let found = all.get(&catalog).ok_or_else(|| missing::catalog(&catalog))?;
            Ok(found.schemas.keys().cloned().collect())
        })?;
        names.push("information_schema".to_owned());
        names.retain(|n| filter.fits(n));
        names.sort();
        return Ok(Reply::Rows(Listing::new(&["databaseName"]).with(names.into_iter().map(|n| vec![string(n)]))));
    }
    if c.eat("TABLES") {
        return tables(scope, c, false);
    }
    if c.eat("TABLE EXTENDED") {
        return extended(scope, c);
    }
    if c.eat("VIEWS") {
        return tables(scope, c, true);
    }
    if c.eat("COLUMNS") {
        return columns(scope, c);
    }
    if c.eat("VOLUMES") {
        let (catalog, schema) = schema_of(scope, place(c)?)?;
        let filter = Filter::read(c)?;
        let names: Vec<String> = store.schema(&catalog, &schema, |s| s.volumes.keys().cloned().collect())?;
        let rows = names.into_iter().filter(|n| filter.fits(n)).map(|n| vec![string(&schema), string(n)]);
        return Ok(Reply::Rows(Listing::new(&["database", "volume_name"]).with(rows.collect::<Vec<_>>())));
    }
    if c.eat("TBLPROPERTIES") {
        return properties(scope, c);
    }
    if c.eat("CREATE TABLE") || c.eat("CREATE VIEW") {
        let parts = c.name()?;
        c.eat("AS SERDE");
        c.done()?;
        let (name, relation) = scope.relation(&parts)?;
        let text = show_create::statement(&name, &relation);
        return Ok(Reply::Rows(Listing::new(&["createtab_stmt"]).with([vec![string(text)]])));
    }
    if c.eat("PARTITIONS") {
        return partitions(scope, c).await;
    }
    if c.eat("GRANTS") || c.eat("GRANT") {
        return grants::show(scope, c);
    }
    if c.eat("USERS") || c.is("GROUPS") {
        return Err(feature("SHOW USERS and SHOW GROUPS; the SCIM API lists them"));
    }
    let which = c.any(&["USER", "SYSTEM", "ALL"]).unwrap_or("ALL");
    if c.eat("FUNCTIONS") {
        return routines(scope, c, which);
    }
    if c.eat("CURRENT SCHEMA") || c.eat("CURRENT DATABASE") {
        return Err(c.error());
    }
    for what in [
        "CONNECTIONS",
        "SHARES",
        "RECIPIENTS",
        "PROVIDERS",
        "EXTERNAL LOCATIONS",
        "STORAGE CREDENTIALS",
        "PROCEDURES",
        "POLICIES",
    ] {
        if c.is(what) {
            return Err(feature(&format!("SHOW {what}")));
        }
    }
    Err(c.error())
}

fn tables(scope: &Scope<'_>, c: &mut Cursor<'_>, views: bool) -> Result<Reply, Failure> {
    let place = place(c)?;
    let (catalog, schema) = schema_of(scope, place)?;
    let filter = Filter::read(c)?;
    let mut rows: Vec<Vec<V>> = Vec::new();
    let found: Vec<(String, bool)> = if schema == "information_schema" {
        Vec::new()
    } else {
        scope.core.store.schema(&catalog, &schema, |s| {
            s.relations.iter().map(|(n, r)| (n.clone(), matches!(r, Relation::View(_)))).collect()
        })?
    };
    let mut row = |schema: &str, name: &str, temporary: bool| {
        let mut cells = vec![string(schema), string(name), V::Bool(temporary)];
        if views {
            cells.push(V::Bool(false));
        }
        rows.push(cells);
    };
    for (name, is_view) in &found {
        if filter.fits(name) && (*is_view || !views) {
            row(&schema, name, false);
        }
    }
    for name in scope.session.lock().views.keys() {
        if filter.fits(name) {
            row("", name, true);
        }
    }
    let columns: &[&str] = if views {
        &["namespace", "viewName", "isTemporary:b", "isMaterialized:b"]
    } else {
        &["database", "tableName", "isTemporary:b"]
    };
    Ok(Reply::Rows(Listing::new(columns).with(rows)))
}

fn extended(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let (catalog, schema) = schema_of(scope, place(c)?)?;
    c.expect("LIKE")?;
    let filter = Filter(Some(c.string()?));
    if c.is("PARTITION") {
        return Err(feature("SHOW TABLE EXTENDED with a PARTITION clause"));
    }
    c.done()?;
    let found: Vec<(String, Relation)> = scope.core.store.schema(&catalog, &schema, |s| {
        s.relations.iter().filter(|(n, _)| filter.fits(n)).map(|(n, r)| (n.clone(), r.clone())).collect()
    })?;
    let rows = found.into_iter().map(|(name, relation)| {
        let kind = match relation {
            Relation::View(_) => "VIEW",
            Relation::Table(table) => table.state().about.table_type(),
        };
        let text = format!("Catalog: {catalog}\nDatabase: {schema}\nTable: {name}\nType: {kind}\n");
        vec![string(&schema), string(name), V::Bool(false), string(text)]
    });
    let listing = Listing::new(&["database", "tableName", "isTemporary:b", "information"]);
    Ok(Reply::Rows(listing.with(rows.collect::<Vec<_>>())))
}

fn columns(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    if !(c.eat("IN") || c.eat("FROM")) {
        return Err(c.error());
    }
    let mut parts = c.name()?;
    if c.eat("IN") || c.eat("FROM") {
        let mut schema = c.name()?;
        schema.extend(parts.last().cloned());
        parts = schema;
    }
    c.done()?;
    let names: Vec<String> = match scope.relation(&parts)?.1 {
        Relation::Table(table) => table.state().columns.iter().map(|c| c.name.clone()).collect(),
        Relation::View(view) => view.columns.iter().map(|c| c.name.clone()).collect(),
    };
    Ok(Reply::Rows(Listing::new(&["col_name"]).with(names.into_iter().map(|n| vec![string(n)]))))
}

fn properties(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let parts = c.name()?;
    let key = if c.eat("(") {
        let key = super::properties::key(c)?;
        c.expect(")")?;
        Some(key)
    } else {
        None
    };
    c.done()?;
    let (name, relation) = scope.relation(&parts)?;
    let all = match &relation {
        Relation::Table(table) => table.state().about.properties.clone(),
        Relation::View(view) => view.about.properties.clone(),
    };
    let rows: Vec<Vec<V>> = match key {
        None => all.iter().map(|(k, v)| vec![string(k), string(v)]).collect(),
        Some(key) => {
            let absent = || format!("Table {} does not have property: {key}", name.plain());
            vec![vec![string(&key), string(all.get(&key).cloned().unwrap_or_else(absent))]]
        }
    };
    Ok(Reply::Rows(Listing::new(&["key", "value"]).with(rows)))
}

async fn partitions(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let parts = c.name()?;
    if c.is("PARTITION") {
        return Err(feature("SHOW PARTITIONS with a PARTITION clause"));
    }
    c.done()?;
    let (name, table) = scope.table(&parts)?;
    let state = table.state();
    if let Some(kind) = guard::Kind::of(&state) {
        let text = format!("SHOW PARTITIONS command is not supported for tables with {}.", kind.noun());
        return Err(Failure::class(&format!("{}_SHOW_PARTITIONS_UNSUPPORTED", kind.class()), &text, "0A000"));
    }
    if state.partitions.is_empty() {
        return Err(Failure::class(
            "INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY",
            &format!("The partition command is invalid. Table {} is not partitioned.", name.quoted()),
            "42601",
        ));
    }
    let columns: Vec<_> = state.partitions.iter().map(|p| quoted(&[p])).collect();
    let list = columns.join(", ");
    let text = format!("SELECT DISTINCT {list} FROM {} ORDER BY {list}", name.quoted());
    Ok(Reply::Query(Box::new(scope.plan(&text, Named::new()).await?)))
}

fn routines(scope: &Scope<'_>, c: &mut Cursor<'_>, which: &str) -> Result<Reply, Failure> {
    let (catalog, schema) = schema_of(scope, place(c)?)?;
    let pattern = if c.eat("LIKE") || c.is_string() {
        Some(c.string()?)
    } else if c.at_end() {
        None
    } else {
        Some(c.name()?.pop().unwrap_or_default())
    };
    c.done()?;
    let filter = Filter(pattern);
    let mut names: Vec<String> = Vec::new();
    if which != "USER" {
        names.extend(functions::names().filter(|n| filter.fits(n)).map(str::to_owned));
    }
    if which != "SYSTEM" {
        let own: Vec<String> = scope.core.store.schema(&catalog, &schema, |s| s.functions.keys().cloned().collect())?;
        names.extend(own.into_iter().filter(|n| filter.fits(n)).map(|n| format!("{catalog}.{schema}.{n}")));
    }
    names.sort();
    Ok(Reply::Rows(Listing::new(&["function"]).with(names.into_iter().map(|n| vec![string(n)]))))
}
