//! CREATE FUNCTION: functions in SQL.

use std::sync::Arc;

use super::super::errors;
use super::super::functions::is_builtin;
use super::super::mirror;
use super::super::scope::{Named, Reply, Scope};
use super::super::spark::types;
use super::super::store::missing::{self, feature};
use super::super::store::{Function, FunctionParameter, Name, Returns, quoted};
use super::cursor::Cursor;
use crate::sql::Failure;

pub(super) async fn create(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
    replace: bool,
    temporary: bool,
) -> Result<Reply, Failure> {
    if temporary {
        return Err(feature("temporary functions"));
    }
    let keep = c.eat("IF NOT EXISTS");
    let parts = c.name()?;
    let name = scope.resolve(&parts)?;
    if c.eat("AS") {
        return Err(feature("functions of Java classes"));
    }
    let parameters = if c.is("( )") {
        c.eat("( )");
        Vec::new()
    } else {
        c.list(parameter)?
    };
    for (at, p) in parameters.iter().enumerate() {
        if parameters[..at].iter().any(|o| o.name.eq_ignore_ascii_case(&p.name)) {
            return Err(Failure::class(
                "DUPLICATE_ROUTINE_PARAMETER_NAMES",
                &format!(
                    "Found duplicate name(s) in the parameter list of the user-defined routine {}: {}.",
                    name.quoted(),
                    quoted(&[&p.name])
                ),
                "42734",
            ));
        }
        types::parse(&p.kind).map_err(|e| errors::failure(&e))?;
    }
    let mut about = scope.about();
    let (mut returns, mut deterministic) = (None, true);
    let body = loop {
        if c.eat("RETURNS") {
            returns = Some(if c.eat("TABLE") {
                let columns = if c.is("(") {
                    c.list(|c| {
                        let column = (c.identifier()?, c.kind()?.to_owned());
                        if c.eat("COMMENT") {
                            c.string()?;
                        }
                        Ok(column)
                    })?
                } else {
                    Vec::new()
                };
                Returns::Table(columns)
            } else {
                let kind = c.kind()?.to_owned();
                types::parse(&kind).map_err(|e| errors::failure(&e))?;
                Returns::Value(kind)
            });
        } else if c.eat("LANGUAGE") {
            let language = c.identifier()?;
            if !language.eq_ignore_ascii_case("sql") {
                return Err(feature(&format!("functions in {language}")));
            }
        } else if c.eat("NOT DETERMINISTIC") {
            deterministic = false;
        } else if c.eat("DETERMINISTIC") {
            deterministic = true;
        } else if c.eat("COMMENT") {
            about.comment = Some(c.string()?);
        } else if c.eat("CONTAINS SQL") || c.eat("READS SQL DATA") || c.eat("SQL SECURITY DEFINER") {
        } else if c.eat("RETURN") {
            break c.rest()?.to_owned();
        } else {
            return Err(c.error());
        }
    };
    scope.core.store.schema(&name.catalog, &name.schema, |_| ())?;
    if scope.core.store.function(&name).is_some() && !replace {
        if keep {
            return Ok(Reply::Nothing);
        }
        return Err(missing::exists("ROUTINE_ALREADY_EXISTS", "routine", &name.quoted(), "42723"));
    }
    if parts.len() == 1 && is_builtin(&name.object) {
        return Err(feature(&format!("a function in SQL with the name of the built-in function `{}`", name.object)));
    }
    let mut function = Function {
        about,
        parameters,
        returns: returns.clone().unwrap_or(Returns::Value(String::new())),
        body,
        catalog: scope.catalog.clone(),
        schema: scope.schema.clone(),
        deterministic,
    };
    if returns.is_none() {
        function.returns = Returns::Value(types::name(&body_type(scope, &function).await?));
    }
    let before = put(scope, &name, Some(Arc::new(function.clone())))?;
    // The body is planned as a call of the function.
    let checked = check(scope, &name, &function).await;
    if let Err(failure) = checked {
        put(scope, &name, before)?;
        return Err(failure);
    }
    Ok(Reply::Nothing)
}

fn parameter(c: &mut Cursor<'_>) -> Result<FunctionParameter, Failure> {
    c.eat("IN");
    let name = c.identifier()?;
    let kind = c.kind()?.to_owned();
    let (mut default, mut comment) = (None, None);
    loop {
        if c.eat("DEFAULT") {
            default = Some(c.until(&["COMMENT"], true)?.to_owned());
        } else if c.eat("COMMENT") {
            comment = Some(c.string()?);
        } else if c.eat("NOT NULL") {
        } else {
            return Ok(FunctionParameter { name, kind, default, comment });
        }
    }
}

fn put(scope: &Scope<'_>, name: &Name, function: Option<Arc<Function>>) -> Result<Option<Arc<Function>>, Failure> {
    scope.core.store.change_schema(&name.catalog, &name.schema, |schema| {
        Ok(match function {
            Some(function) => {
                mirror::keep_function(scope.host, name, &function)?;
                schema.functions.insert(name.object.clone(), function)
            }
            None => {
                scope.host.forget("FUNCTION", &name.plain())?;
                schema.functions.remove(&name.object)
            }
        })
    })
}

/// The type of a body whose function does not state it.
async fn body_type(scope: &Scope<'_>, function: &Function) -> Result<datafusion::arrow::datatypes::DataType, Failure> {
    let columns: Vec<_> =
        function.parameters.iter().map(|p| format!("CAST(NULL AS {}) AS {}", p.kind, quoted(&[&p.name]))).collect();
    let from = if columns.is_empty() { String::new() } else { format!(" FROM (SELECT {})", columns.join(", ")) };
    let planned = scope.plan(&format!("SELECT ({}){from}", function.body), Named::new()).await?;
    Ok(super::super::output::wire(planned.plan.schema().field(0).data_type()))
}

async fn check(scope: &Scope<'_>, name: &Name, function: &Function) -> Result<(), Failure> {
    let samples = function.parameters.iter().map(|p| match types::parse(&p.kind) {
        Ok(kind) if kind.is_numeric() => format!("CAST(1 AS {})", p.kind),
        _ => format!("CAST(NULL AS {})", p.kind),
    });
    let call = format!("{}({})", name.quoted(), samples.collect::<Vec<_>>().join(", "));
    let text = match &function.returns {
        Returns::Value(_) => format!("SELECT {call}"),
        Returns::Table(_) => format!("SELECT * FROM {call}"),
    };
    scope.plan(&text, Named::new()).await.map(drop)
}
