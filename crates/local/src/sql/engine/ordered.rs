//! ORDER BY inside of a query. SQL does not promise that its order reaches what is around it, but Spark keeps it as far as rows are only
//! passed on, and statements rely on that: a list that is gathered from ordered rows, a LIMIT around them, a view that sorts.
//!
//! The engine drops an order that nothing asks for. Here a node asks for it, and the plan runs in one partition, where no operator
//! but a join, an aggregation or another order changes the order of rows.

use std::fmt;
use std::sync::Arc;

use datafusion::common::DFSchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::logical_plan::Extension;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr::{Distribution, LexOrdering, OrderingRequirements, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, InputDistributionRequirements,
    PlanProperties, ReplaceChildrenOptions, SendableRecordBatchStream,
};

/// Aggregate functions whose result does not depend on the order of the rows.
const WITHOUT_ORDER: [&str; 16] = [
    "count",
    "sum",
    "avg",
    "mean",
    "min",
    "max",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "bool_and",
    "bool_or",
    "every",
    "approx_count_distinct",
];

/// Keeps the orders inside of a query that matter to what is around them.
#[derive(Debug)]
pub(super) struct Ordered;

impl AnalyzerRule for Ordered {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(kept(plan, Place::Statement)?.data)
    }

    fn name(&self) -> &str {
        "orders_of_subqueries"
    }
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// At the top, where an order is that of the statement.
    Statement,
    /// Inside, where an order reaches what is around it.
    Seen,
    /// Inside, where it does not.
    Unseen,
}

fn kept(plan: LogicalPlan, place: Place) -> Result<Transformed<LogicalPlan>> {
    let is_order = matches!(plan, LogicalPlan::Sort(_)) || (matches!(plan, LogicalPlan::Limit(_)) && over_sort(&plan));
    let below = match (&plan, place) {
        // What is below a LIMIT states which rows there are.
        (LogicalPlan::Limit(_), Place::Unseen) => Place::Seen,
        (LogicalPlan::Limit(_) | LogicalPlan::Projection(_), place) => place,
        (LogicalPlan::Sort(_) | LogicalPlan::Distinct(_), _) => Place::Unseen,
        (LogicalPlan::Aggregate(aggregate), _) if !needs_order(aggregate) => Place::Unseen,
        (LogicalPlan::Aggregate(_) | LogicalPlan::Window(_), _) => Place::Seen,
        (_, Place::Unseen) => Place::Unseen,
        _ => Place::Seen,
    };
    // The order below a LIMIT is kept with it.
    let below = if is_order && place != Place::Unseen { Place::Unseen } else { below };
    let plan = plan.map_subqueries(|subquery| kept(subquery, Place::Seen))?;
    let plan = plan.transform_sibling(|plan| plan.map_children(|child| kept(child, below)))?;
    if !is_order || place != Place::Seen {
        return Ok(plan);
    }
    let node = InOrder { input: plan.data };
    Ok(Transformed::yes(LogicalPlan::Extension(Extension { node: Arc::new(node) })))
}

fn over_sort(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Limit(limit) => over_sort(&limit.input),
        LogicalPlan::Projection(projection) => over_sort(&projection.input),
        LogicalPlan::Sort(_) => true,
        _ => false,
    }
}

fn needs_order(aggregate: &Aggregate) -> bool {
    aggregate.aggr_expr.iter().any(|expr| match expr.clone().unalias() {
        Expr::AggregateFunction(call) => !WITHOUT_ORDER.contains(&call.func.name()),
        _ => true,
    })
}

/// Whether a plan has an order inside.
pub(super) fn has_order(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Extension(extension) = node {
            found |= extension.node.as_any().is::<InOrder>();
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The operator of a node of this module.
pub(super) fn operator(
    node: &dyn UserDefinedLogicalNode,
    inputs: &[Arc<dyn ExecutionPlan>],
) -> Option<Arc<dyn ExecutionPlan>> {
    let (Some(_), [input]) = (node.as_any().downcast_ref::<InOrder>(), inputs) else { return None };
    Some(Arc::new(InOrderExec::new(Arc::clone(input), input.output_ordering().cloned())))
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Hash)]
struct InOrder {
    input: LogicalPlan,
}

impl UserDefinedLogicalNodeCore for InOrder {
    fn name(&self) -> &'static str {
        "InOrder"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InOrder")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(Self { input }),
            Err(_) => datafusion::common::plan_err!("an ordered relation has one input"),
        }
    }
}

/// Passes rows on, and asks for their order.
#[derive(Debug)]
struct InOrderExec {
    input: Arc<dyn ExecutionPlan>,
    order: Option<LexOrdering>,
    properties: Arc<PlanProperties>,
}

impl InOrderExec {
    fn new(input: Arc<dyn ExecutionPlan>, order: Option<LexOrdering>) -> Self {
        let properties = PlanProperties::new(
            input.equivalence_properties().clone(),
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self { input, order, properties: Arc::new(properties) }
    }
}

impl DisplayAs for InOrderExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InOrderExec")
    }
}

impl ExecutionPlan for InOrderExec {
    fn name(&self) -> &'static str {
        "InOrderExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![self.order.clone().map(OrderingRequirements::from)]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match <[Arc<dyn ExecutionPlan>; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self::new(input, self.order.clone()))),
            Err(_) => datafusion::common::plan_err!("an ordered relation has one input"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }
}
