//! Views that were made in another time zone than that of the session that reads them.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan};
use datafusion::optimizer::AnalyzerRule as _;

use super::coerce::Coerce;
use super::errors::carried;
use super::store::View;
use super::store::missing::feature;
use super::store::providers::Overlay;

/// The plan of a view. What it does with points in time it does on the clocks where it was made: that is refused here, where
/// a plan has one time zone, if the session has others.
pub(super) fn read(plan: LogicalPlan, view: &View, overlay: &Overlay) -> Result<LogicalPlan> {
    let Some(made) = view.time_zone.as_deref().filter(|made| *made != overlay.time_zone.as_ref()) else {
        return Ok(plan);
    };
    // With the casts that the platform adds.
    let plan = Coerce::default().analyze(plan, &ConfigOptions::default())?;
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let instant = |e: &Expr| matches!(e.get_type(&schema), Ok(DataType::Timestamp(_, Some(_))));
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                let computes = !matches!(expr, Expr::Column(_) | Expr::Alias(_) | Expr::OuterReferenceColumn(..));
                let mut reads = false;
                if computes {
                    reads = instant(expr);
                    expr.apply_children(|child| {
                        reads |= instant(child);
                        Ok(TreeNodeRecursion::Continue)
                    })?;
                }
                found |= reads;
                Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    if found {
        return Err(carried(feature(&format!(
            "reading a view in the time zone {} that computes with points in time and was made in {made}; SET TIME ZONE '{made}' before",
            overlay.time_zone
        ))));
    }
    Ok(plan)
}
