//! Functions that tell about the workspace around the statement: its metastore, its secrets, what it understands.

use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, Query, Value};

use super::super::calls::text;
use super::super::functions::{self, call};
use super::super::params::literal;
use super::super::store::missing::feature as unsupported;
use super::expressions::uncast;
use super::{Rewriter, relations};
use crate::sql::Failure;

/// Functions of values.
pub(in super::super) const VALUES: &[&str] =
    &["current_metastore", "current_version", "secret", "try_secret", "version"];
/// Functions that stand in FROM.
pub(in super::super) const TABLES: &[&str] = &["collations", "list_secrets"];

/// The version of the embedded workspace, which stands where the platform states its own.
const OWN: &str = concat!("databricks-local ", env!("CARGO_PKG_VERSION"));
/// The only collation: strings compare by their bytes.
const COLLATIONS: &str = "SELECT 'SYSTEM' AS catalog, 'BUILTIN' AS schema, 'UTF8_BINARY' AS name, cast_to(NULL, 'STRING') AS language, \
     cast_to(NULL, 'STRING') AS country, 'ACCENT_SENSITIVE' AS accent_sensitivity, 'CASE_SENSITIVE' AS case_sensitivity, \
     'NO_PAD' AS pad_attribute, cast_to(NULL, 'STRING') AS icu_version";

const LITERALS: &str = "it with arguments that are not literals, parameters or variables";

impl Rewriter<'_> {
    /// What a call of such a function stands for.
    pub(super) fn workspace_function(&self, name: &str, function: &Function) -> Result<Option<Expr>, Failure> {
        if !VALUES.contains(&name) {
            return Ok(None);
        }
        let arguments = relations::arguments(function)?;
        if !name.ends_with("secret") && !arguments.is_empty() {
            return Err(wrong(name, "0", arguments.len()));
        }
        Ok(Some(match name {
            "current_metastore" => text(self.overlay.metastore.as_ref()),
            "version" => text(format!("{} {}", crate::thrift::SPARK_VERSION, OWN.replace(' ', "-"))),
            "current_version" => {
                let none = || call("cast_to", vec![literal(Value::Null), text("STRING")]);
                let members = [
                    ("dbr_version", none()),
                    ("dbsql_version", text(OWN)),
                    ("u_build_hash", none()),
                    ("r_build_hash", none()),
                ];
                call("named_struct", members.into_iter().flat_map(|(name, value)| [text(name), value]).collect())
            }
            _ => self.secret(name, &arguments)?,
        }))
    }

    /// The value of a secret, which is known before rows are read.
    fn secret(&self, name: &str, arguments: &[(Option<String>, Expr)]) -> Result<Expr, Failure> {
        let [(_, scope), (_, key)] = arguments else { return Err(wrong(name, "2", arguments.len())) };
        let (scope, key) = (constant(name, "SCOPE", scope)?, constant(name, "KEY", key)?);
        let found = match (&scope, &key) {
            (Some(scope), Some(key)) => self.overlay.secrets.value(scope, key),
            _ => None,
        };
        match found.map(String::from_utf8) {
            Some(Ok(value)) => Ok(text(value)),
            Some(Err(_)) => Err(unsupported("secrets that are not text in UTF-8; the Secrets API gives their bytes")),
            None if name == "try_secret" => Ok(call("cast_to", vec![literal(Value::Null), text("STRING")])),
            None => {
                let shown = |part: Option<String>| part.unwrap_or_else(|| "NULL".to_owned());
                let why = format!(
                    "the key {} cannot be found in the scope {}, or the user may not read it. Use try_secret to get NULL instead.",
                    shown(key),
                    shown(scope)
                );
                Err(lookup("SECRET_FUNCTION_LOOKUP_FAILED", &why))
            }
        }
    }

    /// The rows of such a function in FROM.
    pub(super) fn workspace_table(&self, name: &str, args: &[FunctionArg]) -> Result<Option<Box<Query>>, Failure> {
        if !TABLES.contains(&name) {
            return Ok(None);
        }
        let most = usize::from(name == "list_secrets");
        if args.len() > most {
            return Err(wrong(name, if most == 0 { "0" } else { "[0, 1]" }, args.len()));
        }
        if name == "collations" {
            return relations::query(COLLATIONS).map(Some);
        }
        let scope = match args.first() {
            None => None,
            Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(scope))) => match constant(name, "SCOPE", scope)? {
                Some(scope) => Some(scope),
                None => return Err(lookup("LIST_SECRETS_FAILED", "the scope is NULL.")),
            },
            Some(other) => return Err(unsupported(&format!("the argument {other} of list_secrets"))),
        };
        let Some(keys) = self.overlay.secrets.keys(scope.as_deref()) else {
            let why = format!("the user may not read the scope {}.", scope.unwrap_or_default());
            return Err(lookup("LIST_SECRETS_FAILED", &why));
        };
        // Names of scopes and keys have no quotes in them.
        let rows: Vec<String> = keys.iter().map(|(scope, key)| format!("('{scope}', '{key}')")).collect();
        relations::query(&match rows.is_empty() {
            true => "SELECT '' AS scope, '' AS key WHERE false".to_owned(),
            false => format!("SELECT * FROM (VALUES {}) AS list_secrets(scope, key)", rows.join(", ")),
        })
        .map(Some)
    }
}

fn wrong(name: &str, expected: &str, actual: usize) -> Failure {
    let text = format!("The `{name}` requires {expected} parameters but the actual number is {actual}.");
    Failure::class("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", &text, "42605")
}

fn lookup(class: &str, why: &str) -> Failure {
    Failure::class(&format!("INVALID_SECRET_LOOKUP.{class}"), &format!("Invalid secret lookup: {why}"), "22531")
}

/// The string that an argument is; `None` for NULL.
fn constant(name: &str, what: &str, argument: &Expr) -> Result<Option<String>, Failure> {
    match uncast(argument) {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Ok(Some(text.clone())),
            Value::Null => Ok(None),
            other => Ok(Some(other.to_string())),
        },
        // NULL of a type, as parameters and variables have it.
        Expr::Function(f) if f.name.to_string() == "cast_to" => match relations::arguments(f)?.first() {
            Some((_, inner @ Expr::Value(_))) => constant(name, what, inner),
            _ => Err(functions::unknown(name, LITERALS)),
        },
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            let why = format!("the {} of {name} has to be a constant string.", what.to_lowercase());
            Err(lookup(&format!("SECRET_FUNCTION_{what}_NOT_CONSTANT"), &why))
        }
        _ => Err(functions::unknown(name, LITERALS)),
    }
}
