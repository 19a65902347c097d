//! Session variables and EXECUTE IMMEDIATE.

use super::super::errors;
use super::super::scope::{Named, Reply, Scope};
use super::super::session::Variable;
use super::super::spark::value::V;
use super::super::spark::{cast, text, types};
use super::super::store::missing::feature;
use super::super::store::quoted;
use super::cursor::Cursor;
use crate::sql::Failure;
use crate::sql::request::Parameter;

fn own(parts: &[String]) -> Result<String, Failure> {
    match parts {
        [name] => Ok(name.to_lowercase()),
        [session, name] if session.eq_ignore_ascii_case("session") => Ok(name.to_lowercase()),
        [system, session, name] if system.eq_ignore_ascii_case("system") && session.eq_ignore_ascii_case("session") => {
            Ok(name.to_lowercase())
        }
        _ => Err(missing(parts)),
    }
}

fn missing(parts: &[String]) -> Failure {
    let shown = match parts {
        [one] => quoted(&["system", "session", &one.to_lowercase()]),
        other => quoted(other),
    };
    Failure::class(
        "VARIABLE_NOT_FOUND",
        &format!(
            "The variable {shown} cannot be found. Verify the spelling and correctness of the schema and catalog.\n\
             If you did not qualify the name with a schema and catalog, verify the current_schema() output, or qualify the name \
             with the correct schema and catalog.\nTo tolerate the error on drop use DROP VARIABLE IF EXISTS."
        ),
        "42883",
    )
}

pub(super) async fn declare(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let replace = c.eat("OR REPLACE");
    let _ = c.eat("VARIABLE") || c.eat("VAR");
    let (names, variable) = declared(scope, c).await?;
    let mut session = scope.session.lock();
    for name in names {
        if session.variables.contains_key(&name) && !replace {
            return Err(exists(&["system", "session", &name]));
        }
        session.variables.insert(name, variable.clone());
    }
    Ok(Reply::Nothing)
}

pub(in super::super) fn exists(name: &[&str]) -> Failure {
    Failure::class(
        "VARIABLE_ALREADY_EXISTS",
        &format!(
            "Cannot create the variable {} because it already exists.\nChoose a different name, or drop or replace the existing \
             variable.",
            quoted(name)
        ),
        "42723",
    )
}

/// The names of a declaration, and what each of them is.
pub(in super::super) async fn declared(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
) -> Result<(Vec<String>, Variable), Failure> {
    let mut names = vec![own(&c.name()?)?];
    while c.eat(",") {
        names.push(own(&c.name()?)?);
    }
    let kind = if c.at_end() || c.is("DEFAULT") || c.is("=") {
        None
    } else {
        Some(types::parse(c.kind()?).map_err(|e| errors::failure(&e))?)
    };
    let default = if c.eat("DEFAULT") || c.eat("=") { Some(c.rest()?.to_owned()) } else { None };
    c.done()?;
    if kind.is_none() && default.is_none() {
        return Err(c.error());
    }
    let (value, from) = match &default {
        Some(default) => scope.value(default).await?,
        None => (V::Null, datafusion::arrow::datatypes::DataType::Null),
    };
    let kind = kind.unwrap_or_else(|| from.clone());
    let value = converted(&value, &from, &kind)?;
    Ok((names, Variable { kind, value: value.clone(), default: (value, default) }))
}

fn converted(
    value: &V,
    from: &datafusion::arrow::datatypes::DataType,
    to: &datafusion::arrow::datatypes::DataType,
) -> Result<V, Failure> {
    cast::check(from, to).and_then(|()| cast::cast(value, from, to)).map_err(|e| errors::failure(&e))
}

pub(super) fn drop(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let quietly = c.eat("IF EXISTS");
    let parts = c.name()?;
    c.done()?;
    let gone = scope.session.lock().variables.remove(&own(&parts)?);
    if gone.is_none() && !quietly { Err(missing(&parts)) } else { Ok(Reply::Nothing) }
}

/// Works with a variable: one of the script around the statement comes before one of the session.
fn with<T>(scope: &Scope<'_>, parts: &[String], work: impl Fn(&mut Variable) -> T) -> Result<T, Failure> {
    if let Some(done) = scope.locals.as_ref().and_then(|locals| locals.with(parts, &work)) {
        return Ok(done);
    }
    let name = own(parts)?;
    scope.session.lock().variables.get_mut(&name).map(work).ok_or_else(|| missing(parts))
}

pub(in super::super) fn assign(
    scope: &Scope<'_>,
    parts: &[String],
    value: &V,
    from: &datafusion::arrow::datatypes::DataType,
) -> Result<(), Failure> {
    with(scope, parts, |variable| {
        variable.value = converted(value, from, &variable.kind)?;
        Ok(())
    })?
}

/// `SET VAR a = 1, b = DEFAULT` and `SET VAR (a, b) = (SELECT …)`.
pub(in super::super) async fn set(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    if c.is("(") {
        let names = c.list(Cursor::name)?;
        c.expect("=")?;
        let query = c.brackets()?.to_owned();
        c.done()?;
        return into(scope, &names, scope, &query).await.map(|()| Reply::Nothing);
    }
    let mut all = Vec::new();
    loop {
        let parts = c.name()?;
        c.expect("=")?;
        all.push((parts, c.until(&[], true)?.to_owned()));
        if !c.eat(",") {
            break;
        }
    }
    c.done()?;
    // All values are found before any is put: `a = b, b = a` swaps them.
    let mut values = Vec::new();
    for (parts, text) in &all {
        if text.eq_ignore_ascii_case("default") {
            let ((value, source), kind) = with(scope, parts, |v| (v.default.clone(), v.kind.clone()))?;
            values.push(match source {
                Some(source) => scope.value(&source).await?,
                None => (value, kind),
            });
            continue;
        }
        if with(scope, parts, |_| ()).is_err() {
            let text = format!("Cannot resolve variable {} on search path [`system`.`session`].", quoted(parts));
            return Err(Failure::class("UNRESOLVED_VARIABLE", &text, "42883"));
        }
        values.push(scope.value(text).await?);
    }
    for ((parts, _), (value, kind)) in all.iter().zip(&values) {
        assign(scope, parts, value, kind)?;
    }
    Ok(Reply::Nothing)
}

/// Puts the only row of a query into variables; no row makes NULL.
async fn into(scope: &Scope<'_>, names: &[Vec<String>], from: &Scope<'_>, query: &str) -> Result<(), Failure> {
    let read = from.read(query, Named::new()).await?;
    if read.names.len() != names.len() {
        return Err(Failure::class(
            "ASSIGNMENT_ARITY_MISMATCH",
            &format!(
                "The number of columns or variables assigned or aliased: {} does not match the number of source expressions: {}.",
                names.len(),
                read.names.len()
            ),
            "42802",
        ));
    }
    let rows = read.values();
    if rows.len() > 1 {
        return Err(Failure::class(
            "ROW_SUBQUERY_TOO_MANY_ROWS",
            "More than one row returned by a subquery used as a row.",
            "21000",
        ));
    }
    let row = rows.into_iter().next().unwrap_or_else(|| vec![V::Null; names.len()]);
    for ((parts, value), kind) in names.iter().zip(&row).zip(&read.kinds) {
        assign(scope, parts, value, kind)?;
    }
    Ok(())
}

fn nested<'a>(scope: &Scope<'a>, parameters: &[Parameter]) -> Scope<'a> {
    // What a text of its own names are not the variables of the script around.
    Scope { parameters: parameters.to_vec(), level: scope.level + 1, locals: None, ..scope.clone() }
}

/// `EXECUTE IMMEDIATE text [INTO a, b] [USING v [AS name], …]`.
pub(super) async fn execute(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let source = c.until(&["INTO", "USING"], false)?.to_owned();
    let mut targets = Vec::new();
    if c.eat("INTO") {
        targets.push(c.name()?);
        while c.eat(",") {
            targets.push(c.name()?);
        }
    }
    let mut parameters = Vec::new();
    if c.eat("USING") {
        let bracket = c.eat("(");
        loop {
            let text = c.until(&["AS"], true)?.to_owned();
            let name = if c.eat("AS") { Some(c.identifier()?) } else { None };
            let (value, kind) = scope.value(&text).await?;
            let name = name.unwrap_or_else(|| (parameters.len() + 1).to_string());
            if types::is_nested(&kind) {
                return Err(feature("arrays, maps and structures in USING"));
            }
            let value = (!value.is_null()).then(|| text::text(&value, &kind));
            parameters.push(Parameter { name, kind: types::name(&kind), value });
            if !c.eat(",") {
                break;
            }
        }
        if bracket {
            c.expect(")")?;
        }
    }
    c.done()?;
    let (V::Str(statement), _) = scope.value(&source).await? else {
        return Err(Failure::class(
            "NULL_QUERY_STRING_EXECUTE_IMMEDIATE",
            &format!(
                "Execute immediate requires a non-null variable as the query string, but the provided variable {source} is null."
            ),
            "22004",
        ));
    };
    let plain = super::super::lexical::plain(&statement);
    if plain.trim_start().to_ascii_uppercase().starts_with("EXECUTE IMMEDIATE") {
        return Err(Failure::class(
            "NESTED_EXECUTE_IMMEDIATE",
            "Nested EXECUTE IMMEDIATE commands are not allowed. Please ensure that the SQL query provided does not contain another EXECUTE IMMEDIATE command.",
            "07501",
        ));
    }
    if Cursor::new(&plain).is("BEGIN") {
        return Err(Failure::class(
            "SQL_SCRIPT_IN_EXECUTE_IMMEDIATE",
            "SQL Scripts in EXECUTE IMMEDIATE commands are not allowed. Please ensure that the SQL query provided does not contain \
             SQL script. Make sure the SQL query is a valid SQL statement.",
            "07501",
        ));
    }
    let inner = nested(scope, &parameters);
    if targets.is_empty() {
        return super::run(&inner, &plain).await;
    }
    into(scope, &targets, &inner, &plain).await?;
    Ok(Reply::Nothing)
}
