//! DESCRIBE in its forms, and EXPLAIN.

use super::super::functions;
use super::super::output::wire;
use super::super::scope::{Listing, Named, Reply, Scope};
use super::super::spark::types;
use super::super::spark::value::V;
use super::super::store::missing::{self, feature};
use super::super::store::{Returns, quoted};
use super::cursor::Cursor;
use super::{describe_table, maybe, string};
use crate::sql::Failure;

pub(super) async fn describe(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    if c.eat("HISTORY") {
        return super::version::history(scope, c).await;
    }
    if c.eat("DETAIL") {
        let parts = c.name()?;
        c.done()?;
        return describe_table::detail(scope, &parts).await;
    }
    if c.eat("CATALOG") {
        return catalog(scope, c);
    }
    if c.eat("SCHEMA") || c.eat("DATABASE") {
        return schema(scope, c);
    }
    if c.eat("FUNCTION") {
        return function(scope, c);
    }
    if c.eat("VOLUME") {
        return volume(scope, c);
    }
    for what in ["CONNECTION", "SHARE", "RECIPIENT", "PROVIDER", "EXTERNAL LOCATION", "STORAGE CREDENTIAL"] {
        if c.is(what) {
            return Err(feature(&format!("DESCRIBE {what}")));
        }
    }
    if c.eat("QUERY") || ["SELECT", "WITH", "VALUES", "FROM", "("].iter().any(|w| c.is(w)) {
        let text = c.rest()?;
        let planned = scope.plan(text, Named::new()).await?;
        let rows = planned.plan.schema().fields().iter().enumerate().map(|(at, field)| {
            let kind = types::simple(&wire(field.data_type()));
            vec![string(planned.names.spelled(at, field)), string(kind), V::Null]
        });
        let listing = Listing::new(&["col_name", "data_type", "comment"]);
        return Ok(Reply::Rows(listing.with(rows.collect::<Vec<_>>())));
    }
    c.eat("TABLE");
    describe_table::describe(scope, c)
}

fn catalog(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let extended = c.eat("EXTENDED");
    let name = c.identifier()?.to_lowercase();
    c.done()?;
    let about = scope
        .core
        .store
        .read(|all| all.get(&name).map(|found| found.about.clone()))
        .ok_or_else(|| missing::catalog(&name))?;
    let mut rows = vec![
        vec![string("Catalog Name"), string(&name)],
        vec![string("Comment"), string(about.comment.unwrap_or_default())],
        vec![string("Owner"), maybe(about.owner.as_deref())],
    ];
    if extended {
        rows.push(vec![string("Catalog Type"), string("Regular")]);
    }
    Ok(Reply::Rows(Listing::new(&["info_name", "info_value"]).with(rows)))
}

fn schema(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let extended = c.eat("EXTENDED");
    let parts = c.name()?;
    c.done()?;
    let (catalog, schema) = scope.resolve_schema(&parts)?;
    let about = scope.core.store.schema(&catalog, &schema, |s| s.about.clone())?;
    let mut rows = vec![
        vec![string("Catalog Name"), string(&catalog)],
        vec![string("Namespace Name"), string(&schema)],
        vec![string("Comment"), string(about.comment.unwrap_or_default())],
        vec![string("Location"), string("")],
        vec![string("Owner"), maybe(about.owner.as_deref())],
    ];
    if extended {
        let pairs: Vec<_> = about.properties.iter().map(|(k, v)| format!("({k},{v})")).collect();
        let shown = if pairs.is_empty() { String::new() } else { format!("({})", pairs.join(", ")) };
        rows.push(vec![string("Properties"), string(shown)]);
    }
    let listing = Listing::new(&["database_description_item", "database_description_value"]);
    Ok(Reply::Rows(listing.with(rows)))
}

fn function(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let extended = c.eat("EXTENDED");
    let parts = if c.is_string() { super::names::parts(&c.string()?)? } else { c.name()? };
    c.done()?;
    let listing = Listing::new(&["function_desc"]);
    let lines = |lines: Vec<String>| Reply::Rows(listing.with(lines.into_iter().map(|l| vec![string(l)])));
    if let [one] = parts.as_slice()
        && functions::is_builtin(&one.to_lowercase())
    {
        return Ok(lines(vec![
            format!("Function: {}", one.to_lowercase()),
            "Usage: a built-in function; the SQL reference describes it.".to_owned(),
        ]));
    }
    let name = scope.resolve(&parts)?;
    let Some(function) = scope.core.store.function(&name) else {
        return Err(Failure::class(
            "UNRESOLVED_ROUTINE",
            &format!(
                "Cannot resolve routine {} on search path [`system`.`builtin`, `system`.`session`].",
                quoted(&parts)
            ),
            "42883",
        ));
    };
    let mut out = vec![format!("Function:      {}", name.plain())];
    let (kind, returns) = match &function.returns {
        Returns::Value(kind) => ("SCALAR", kind.to_uppercase()),
        Returns::Table(columns) => {
            let columns: Vec<_> = columns.iter().map(|(n, k)| format!("{n} {}", k.to_uppercase())).collect();
            ("TABLE", format!("TABLE({})", columns.join(", ")))
        }
    };
    out.push(format!("Type:          {kind}"));
    for (at, p) in function.parameters.iter().enumerate() {
        let label = if at == 0 { "Input:         " } else { "               " };
        out.push(format!("{label}{} {}", p.name, p.kind.to_uppercase()));
    }
    if function.parameters.is_empty() {
        out.push("Input:         ()".to_owned());
    }
    out.push(format!("Returns:       {returns}"));
    if extended {
        if let Some(comment) = &function.about.comment {
            out.push(format!("Comment:       {comment}"));
        }
        out.push(format!("Deterministic: {}", function.deterministic));
        if let Some(owner) = &function.about.owner {
            out.push(format!("Owner:         {owner}"));
        }
        out.push(format!("Body:          {}", function.body));
    }
    Ok(lines(out))
}

fn volume(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let parts = c.name()?;
    c.done()?;
    let name = scope.resolve(&parts)?;
    let about = scope.core.store.schema(&name.catalog, &name.schema, |s| s.volumes.get(&name.object).cloned())?;
    let about = about.ok_or_else(|| missing::volume(&name))?;
    let listing = Listing::new(&["name", "catalog", "database", "owner", "comment", "volumeType"]);
    Ok(Reply::Rows(listing.with([vec![
        string(&name.object),
        string(&name.catalog),
        string(&name.schema),
        maybe(about.owner.as_deref()),
        maybe(about.comment.as_deref()),
        string("MANAGED"),
    ]])))
}

/// The plan of a query, as the embedded engine has it.
pub(super) async fn explain(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let extended = c.any(&["EXTENDED", "FORMATTED", "COST", "CODEGEN"]);
    if extended == Some("CODEGEN") {
        return Err(feature("EXPLAIN CODEGEN"));
    }
    if !["SELECT", "WITH", "VALUES", "FROM", "TABLE", "("].iter().any(|w| c.is(w)) {
        return Err(feature("EXPLAIN of statements that are not queries"));
    }
    let table = c.eat("TABLE");
    let rest = c.rest()?;
    let text = if table { format!("SELECT * FROM {rest}") } else { rest.to_owned() };
    let planned = scope.plan(&text, Named::new()).await?;
    let failed = |e| super::super::errors::failure(&e);
    let mut shown = String::new();
    if extended.is_some() {
        shown.push_str(&format!("== Analyzed Logical Plan ==\n{}\n\n", planned.plan.display_indent()));
    }
    let frame = planned.session.execute_logical_plan(planned.plan).await.map_err(failed)?;
    let physical = frame.create_physical_plan().await.map_err(failed)?;
    let tree = datafusion::physical_plan::displayable(physical.as_ref()).indent(false).to_string();
    shown.push_str(&format!("== Physical Plan ==\n{tree}"));
    Ok(Reply::Rows(Listing::new(&["plan"]).with([vec![string(shown)]])))
}
