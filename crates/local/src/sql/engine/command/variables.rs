//! Session variables and EXECUTE IMMEDIATE.

use std::sync::Arc;

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
    let mut session = scope.session.lock();
    for name in names {
        if session.variables.contains_key(&name) && !replace {
            return Err(Failure::class(
                "VARIABLE_ALREADY_EXISTS",
                &format!(
                    "Cannot create the variable {} because it already exists.\nChoose a different name, or drop or replace the existing \
                     variable.",
                    quoted(&["system", "session", &name])
                ),
                "42723",
            ));
        }
        let variable = Variable { kind: kind.clone(), value: value.clone(), default: (value.clone(), default.clone()) };
        session.variables.insert(name, variable);
    }
    Ok(Reply::Nothing)
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

fn assign(
    scope: &Scope<'_>,
    parts: &[String],
    value: &V,
    from: &datafusion::arrow::datatypes::DataType,
) -> Result<(), Failure> {
    let name = own(parts)?;
    let mut session = scope.session.lock();
    let variable = session.variables.get_mut(&name).ok_or_else(|| missing(parts))?;
    variable.value = converted(value, from, &variable.kind)?;
    Ok(())
}

/// `SET VAR a = 1, b = DEFAULT` and `SET VAR (a, b) = (SELECT …)`.
pub(super) async fn set(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    if c.is("(") {
        let names = c.list(Cursor::name)?;
        c.expect("=")?;
        let query = c.brackets()?.to_owned();
        c.done()?;
        return into(scope, &names, &query, &[]).await.map(|()| Reply::Nothing);
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
    for (parts, text) in &all {
        if text.eq_ignore_ascii_case("default") {
            let name = own(parts)?;
            let default = scope.session.lock().variables.get(&name).map(|v| v.default.clone());
            let (value, source) = default.ok_or_else(|| missing(parts))?;
            match source {
                Some(source) => {
                    let (value, kind) = scope.value(&source).await?;
                    assign(scope, parts, &value, &kind)?;
                }
                None => {
                    if let Some(variable) = scope.session.lock().variables.get_mut(&name) {
                        variable.value = value;
                    }
                }
            }
            continue;
        }
        if !scope.session.lock().variables.contains_key(&own(parts)?) {
            let text = format!("Cannot resolve variable {} on search path [`system`.`session`].", quoted(parts));
            return Err(Failure::class("UNRESOLVED_VARIABLE", &text, "42883"));
        }
        let (value, kind) = scope.value(text).await?;
        assign(scope, parts, &value, &kind)?;
    }
    Ok(Reply::Nothing)
}

/// Puts the only row of a query into variables; no row makes NULL.
async fn into(scope: &Scope<'_>, names: &[Vec<String>], query: &str, parameters: &[Parameter]) -> Result<(), Failure> {
    let inner = nested(scope, parameters);
    let read = inner.read(query, Named::new()).await?;
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
    Scope {
        core: Arc::clone(&scope.core),
        session: Arc::clone(&scope.session),
        catalog: scope.catalog.clone(),
        schema: scope.schema.clone(),
        parameters: parameters.to_vec(),
        host: scope.host,
        level: scope.level + 1,
        user: scope.user.clone(),
        rights: scope.rights.clone(),
    }
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
    if targets.is_empty() {
        let inner = nested(scope, &parameters);
        return super::run(&inner, &plain).await;
    }
    into(scope, &targets, &plain, &parameters).await?;
    Ok(Reply::Nothing)
}
