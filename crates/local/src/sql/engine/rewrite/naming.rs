//! Names of columns without an alias.

use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value};

use super::Rewriter;
use super::expressions::uncast;

impl Rewriter<'_> {
    /// The name that the platform gives to an expression without an alias.
    pub(super) fn name(&self, expr: &Expr) -> String {
        match expr {
            Expr::Identifier(ident) => ident.value.clone(),
            Expr::CompoundIdentifier(parts) => parts.last().map(|i| i.value.clone()).unwrap_or_default(),
            Expr::Nested(inner) => self.name(inner),
            Expr::BinaryOp { left, op, right } => {
                format!("({} {op} {})", self.name(left), self.name(right))
            }
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(s) | Value::DoubleQuotedString(s) => s.clone(),
                Value::Null => "NULL".to_owned(),
                Value::Placeholder(marker) => self
                    .setting
                    .parameters
                    .get(marker.trim_start_matches(':'))
                    .map_or_else(|| marker.clone(), |e| self.name(uncast(e))),
                other => other.to_string(),
            },
            Expr::Function(function) if function.over.is_none() => {
                let name = function.name.to_string().to_ascii_lowercase();
                match &function.args {
                    FunctionArguments::List(list) if list.clauses.is_empty() => {
                        let arguments: Vec<_> = list
                            .args
                            .iter()
                            .map(|a| match a {
                                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => self.name(e),
                                // `count(*)` counts ones.
                                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => "1".to_owned(),
                                other => other.to_string(),
                            })
                            .collect();
                        let distinct = match list.duplicate_treatment {
                            Some(treatment) => format!("{treatment} "),
                            None => String::new(),
                        };
                        format!("{name}({distinct}{})", arguments.join(", "))
                    }
                    _ => format!("{name}()"),
                }
            }
            other => other.to_string(),
        }
    }
}
