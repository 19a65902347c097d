//! Casts that the engine does otherwise than the platform.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan};

use super::errors;
use super::output::{column_type, wire};
use crate::sql::Failure;

/// Refuses casts between numbers and times: the engine counts microseconds where the platform counts seconds.
pub(super) fn check(plan: &LogicalPlan) -> Result<(), Failure> {
    let mut refused = None;
    let visited = plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|root| {
            root.apply(|expr| {
                let (inner, target) = match expr {
                    Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
                    Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
                    _ => return Ok(TreeNodeRecursion::Continue),
                };
                let source = inner.get_type(&schema)?;
                if (number(&source) && time(target)) || (time(&source) && number(target)) {
                    refused = Some((column_type(&wire(&source)).text, column_type(&wire(target)).text));
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    visited.map_err(|e| errors::failure(&e))?;
    match refused {
        None => Ok(()),
        Some((source, target)) => {
            let text = format!("The embedded workspace does not cast {source} to {target}.");
            Err(Failure::class("UNSUPPORTED_FEATURE", &text, "0A000"))
        }
    }
}

fn number(kind: &DataType) -> bool {
    kind.is_numeric()
}

fn time(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64)
}
