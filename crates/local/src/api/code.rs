//! What code on a cluster asks of its workspace beside the public API: SQL without a warehouse, and task values.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::extract::{Fields, Query, missing};
use crate::reply::{ApiError, Json, Reply};
use crate::sql::notebook;
use crate::state::handles::JobsHandle;
use crate::state::lock;

pub(super) fn routes(state: JobsHandle) -> Router {
    Router::new()
        .route("/local/sql", post(sql))
        .route("/local/task-values", get(value).post(set_value))
        .with_state(state)
}

async fn sql(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let limit = match fields.opt_i64("row_limit")? {
        None => notebook::ROW_LIMIT,
        Some(n) => u64::try_from(n).map_err(|_| ApiError::invalid_parameter("row_limit must be positive"))?,
    };
    Ok(Json(notebook::run(&state.sql, fields.str("statement")?, limit).await))
}

/// Run and key of a task by the run id of its attempt.
fn task(state: &JobsHandle, id: i64) -> Result<(i64, String), ApiError> {
    let run = lock(&state.jobs).run_of_task(id);
    let found = run.and_then(|run| {
        let state = lock(&run.state);
        state.tasks.iter().find(|t| t.run_id == id).map(|t| (run.id, t.key.clone()))
    });
    found.ok_or_else(|| {
        ApiError::invalid_parameter("Task values are kept for the tasks of a run, not for iterations of a loop")
    })
}

async fn set_value(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let id = fields.opt_i64("task_run_id")?.ok_or_else(|| missing("task_run_id"))?;
    let (run, key) = task(&state, id)?;
    let value = fields.0.get("value").cloned().unwrap_or(Value::Null);
    state.task_values.set(run, &key, fields.str("key")?, value)?;
    Ok(Json::empty())
}

async fn value(State(state): State<JobsHandle>, query: Query) -> Reply {
    let id = query.opt_i64("task_run_id")?.ok_or_else(|| missing("task_run_id"))?;
    let (run, _) = task(&state, id)?;
    let found = state.task_values.get(run, query.str("task_key")?, query.str("key")?);
    Ok(Json(found.map_or_else(|| json!({}), |value| json!({"value": value}))))
}
