//! Recursive queries whose terms spell their columns differently.

use datafusion::arrow::datatypes::Field;
use datafusion::common::config::ConfigOptions;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, RecursiveQuery};
use datafusion::optimizer::AnalyzerRule;

use super::spark::function::udf;
use super::spark::maybe_null;

/// Gives the columns of the recursive term the spelling that those of the first have: the engine asks for the same.
#[derive(Debug)]
pub(super) struct Spelled;

impl AnalyzerRule for Spelled {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(spelled)?.data)
    }

    fn name(&self) -> &str {
        "spelling_of_recursive_queries"
    }
}

fn spelled(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::RecursiveQuery(query) = &node else { return Ok(Transformed::no(node)) };
    let first = query.static_term.schema();
    let next = query.recursive_term.schema();
    let same = |(a, b): (&std::sync::Arc<Field>, &std::sync::Arc<Field>)| a.metadata() == b.metadata();
    if first.fields().iter().zip(next.fields()).all(same) {
        return Ok(Transformed::no(node));
    }
    let Some(plain) = maybe_null().map(udf) else { return Ok(Transformed::no(node)) };
    let columns = next.columns().into_iter().zip(first.fields()).map(|(column, field)| {
        let name = column.name.clone();
        // A value that is computed has no spelling of its own.
        let value = plain.call(vec![Expr::Column(column)]);
        let metadata = (!field.metadata().is_empty()).then(|| FieldMetadata::from(field.metadata().clone()));
        value.alias_with_metadata(name, metadata)
    });
    let term = LogicalPlanBuilder::from(query.recursive_term.as_ref().clone()).project(columns.collect::<Vec<_>>())?;
    let query = RecursiveQuery::try_new(
        query.name.clone(),
        std::sync::Arc::clone(&query.static_term),
        std::sync::Arc::new(term.build()?),
        query.is_distinct,
    )?;
    Ok(Transformed::yes(LogicalPlan::RecursiveQuery(query)))
}
