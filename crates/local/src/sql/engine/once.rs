//! A relation that a plan names more than once and that is read once: where two readings could differ, as with `rand()`,
//! a limit without a complete order, or sums of floating-point numbers, all who read it see the rows of the first.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::DFSchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::logical_plan::Extension;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, ChildrenPropertiesMode, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions, SendableRecordBatchStream,
    collect,
};
use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

/// The relation as one that may be named more than once.
pub(super) fn once(plan: LogicalPlan) -> Result<LogicalPlan> {
    if always_same(&plan)? {
        return Ok(plan);
    }
    let node = Once { input: plan, read: Read::default() };
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

/// Whether every reading of a relation gives the same rows.
fn always_same(plan: &LogicalPlan) -> Result<bool> {
    Ok(!is_volatile(plan)?
        && !any(plan, |node| {
            !matches!(
                node,
                LogicalPlan::TableScan(_)
                    | LogicalPlan::Values(_)
                    | LogicalPlan::EmptyRelation(_)
                    | LogicalPlan::Projection(_)
                    | LogicalPlan::Filter(_)
                    | LogicalPlan::SubqueryAlias(_)
                    | LogicalPlan::Subquery(_)
                    | LogicalPlan::Join(_)
                    | LogicalPlan::Union(_)
                    | LogicalPlan::Unnest(_)
            )
        })?)
}

/// Whether a function of a relation gives another value each time, as `rand()` does.
pub(super) fn is_volatile(plan: &LogicalPlan) -> Result<bool> {
    any(plan, |node| {
        let mut volatile = false;
        let _ = node.apply_expressions(|expr| {
            volatile |= expr.is_volatile();
            Ok(TreeNodeRecursion::Continue)
        });
        volatile
    })
}

fn any(plan: &LogicalPlan, holds: impl Fn(&LogicalPlan) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found = holds(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The rows, or why there are none, and what they take of the memory.
type Rows =
    Shared<BoxFuture<'static, std::result::Result<Arc<(Vec<RecordBatch>, MemoryReservation)>, Arc<DataFusionError>>>>;

/// What all places of one relation share.
#[derive(Clone, Default)]
struct Read(Arc<Mutex<Option<Rows>>>);

impl Read {
    /// The rows of the first who asks. A task of its own computes them, so that no reader waits for another one to go on.
    fn rows(&self, input: &Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Rows {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = || {
            let input = Arc::clone(input);
            let task = SpawnedTask::spawn(async move {
                let reservation = MemoryConsumer::new("relation read once").register(context.memory_pool());
                let batches = collect(input, context).await?;
                reservation.try_grow(batches.iter().map(RecordBatch::get_array_memory_size).sum())?;
                Ok((batches, reservation))
            });
            let joined = task.join_unwind().map(|done| match done {
                Ok(rows) => rows.map(Arc::new).map_err(Arc::new),
                Err(stopped) => Err(Arc::new(DataFusionError::External(Box::new(stopped)))),
            });
            joined.boxed().shared()
        };
        rows.get_or_insert_with(first).clone()
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Read")
    }
}

impl PartialEq for Read {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Read {}

impl PartialOrd for Read {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.address().partial_cmp(&other.address())
    }
}

impl Hash for Read {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Hash)]
struct Once {
    input: LogicalPlan,
    read: Read,
}

impl UserDefinedLogicalNodeCore for Once {
    fn name(&self) -> &'static str {
        "Once"
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
        f.write_str("Once")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(Self { input, read: self.read.clone() }),
            Err(_) => datafusion::common::plan_err!("a relation that is read once has one input"),
        }
    }
}

/// The operator of a node of this module.
pub(super) fn operator(
    node: &dyn UserDefinedLogicalNode,
    inputs: &[Arc<dyn ExecutionPlan>],
) -> Option<Arc<dyn ExecutionPlan>> {
    let (Some(once), [input]) = (node.as_any().downcast_ref::<Once>(), inputs) else { return None };
    Some(Arc::new(OnceExec::new(Arc::clone(input), once.read.clone())))
}

#[derive(Debug)]
struct OnceExec {
    input: Arc<dyn ExecutionPlan>,
    read: Read,
    properties: Arc<PlanProperties>,
}

impl OnceExec {
    fn new(input: Arc<dyn ExecutionPlan>, read: Read) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, read, properties: Arc::new(properties) }
    }
}

impl DisplayAs for OnceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceExec")
    }
}

impl ExecutionPlan for OnceExec {
    fn name(&self) -> &'static str {
        "OnceExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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
            Ok([input]) => Ok(Arc::new(Self::new(input, self.read.clone()))),
            Err(_) => datafusion::common::plan_err!("a relation that is read once has one input"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.read.rows(&self.input, context);
        let batches = rows.map(|done| {
            let rows = done.map_err(DataFusionError::Shared)?;
            let batches = (0..rows.0.len()).map(move |i| Ok(rows.0[i].clone()));
            Ok::<_, DataFusionError>(stream::iter(batches))
        });
        let batches = stream::once(batches).try_flatten().boxed();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
