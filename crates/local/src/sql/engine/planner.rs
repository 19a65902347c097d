//! The engine's planner, which knows nodes that are ours, too.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::spark::random::is_seeded;
use super::{once, ordered};

#[derive(Debug)]
pub(super) struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Self)]);
        match session.as_any().downcast_ref::<SessionState>() {
            // Where values follow from the order of rows, there is one order.
            Some(state) if is_seeded(plan)? || ordered::has_order(plan)? => {
                let config = state.config().clone().with_target_partitions(1);
                let one = SessionStateBuilder::new_from_existing(state.clone()).with_config(config).build();
                planner.create_physical_plan(plan, &one).await
            }
            _ => planner.create_physical_plan(plan, session).await,
        }
    }
}

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        Ok(once::operator(node, inputs).or_else(|| ordered::operator(node, inputs)))
    }
}
