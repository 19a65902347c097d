//! Execution contexts and commands, API 1.2: member names in camel case, errors as `{"error": string}`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use crate::exec::commands;
use crate::extract::{Fields, Query};
use crate::python::Work;
use crate::reply::{ApiError, Json, Reply};
use crate::state::contexts::{Context, Language};
use crate::state::handles::CommandsHandle;
use crate::state::lock;

const LANGUAGES: [&str; 4] = ["python", "r", "scala", "sql"];

pub(super) fn routes(state: CommandsHandle) -> Router {
    Router::new()
        .route("/api/1.2/contexts/create", post(create))
        .route("/api/1.2/contexts/status", get(context_status))
        .route("/api/1.2/contexts/destroy", post(destroy))
        .route("/api/1.2/commands/execute", post(execute))
        .route("/api/1.2/commands/status", get(command_status))
        .route("/api/1.2/commands/cancel", post(cancel))
        .with_state(state)
}

/// The present run of a cluster that code can run on.
fn running_cluster(state: &CommandsHandle, cluster_id: &str) -> Result<i64, ApiError> {
    let now = state.clock.now_ms();
    let run = {
        let mut clusters = lock(&state.clusters);
        let cluster = clusters.get(cluster_id, now)?;
        cluster.ready_for_code().map(|()| {
            cluster.touch(now);
            cluster.spark_context_id()
        })
    };
    if run.is_err() {
        // It may have terminated by itself in the meantime.
        state.contexts.remove_cluster(cluster_id);
    }
    run
}

fn find(state: &CommandsHandle, cluster_id: &str, context_id: &str) -> Result<Arc<Context>, ApiError> {
    let run = running_cluster(state, cluster_id)?;
    state.contexts.get(context_id, cluster_id, run)
}

fn language(fields: &Fields) -> Result<Option<Language>, ApiError> {
    match fields.opt_enum("language", &LANGUAGES)? {
        None => Ok(None),
        Some("python") => Ok(Some(Language::Python)),
        Some("sql") => Ok(Some(Language::Sql)),
        Some(other) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "UnsupportedLanguage",
            format!("the local workspace runs python and sql, not {other}"),
        )),
    }
}

async fn create(State(state): State<CommandsHandle>, fields: Fields) -> Reply {
    let work = async {
        let cluster_id = fields.str("clusterId")?;
        let Some(language) = language(&fields)? else {
            return Err(crate::extract::missing("language"));
        };
        let run = running_cluster(&state, cluster_id)?;
        let id = commands::create(&state.starter, cluster_id, run, language).await?;
        Ok(Json(json!({"id": id})))
    };
    work.await.map_err(ApiError::legacy)
}

async fn context_status(State(state): State<CommandsHandle>, query: Query) -> Reply {
    let work = || {
        let id = query.str("contextId")?;
        let context = find(&state, query.str("clusterId")?, id)?;
        Ok(Json(json!({"id": id, "status": context.status().name()})))
    };
    work().map_err(ApiError::legacy)
}

async fn destroy(State(state): State<CommandsHandle>, fields: Fields) -> Reply {
    let work = || {
        let id = fields.str("contextId")?;
        find(&state, fields.str("clusterId")?, id)?;
        state.contexts.remove(id);
        Ok(Json(json!({"id": id})))
    };
    work().map_err(ApiError::legacy)
}

async fn execute(State(state): State<CommandsHandle>, fields: Fields) -> Reply {
    let work = || {
        let context = find(&state, fields.str("clusterId")?, fields.str("contextId")?)?;
        if language(&fields)?.is_some_and(|l| l != context.language) {
            return Err(ApiError::invalid_parameter("The language of a command must be that of its context"));
        }
        let id = state.ids.hex32();
        context.submit(id.clone(), Work::Code(fields.opt_str("command")?.unwrap_or_default().to_owned()));
        Ok(Json(json!({"id": id})))
    };
    work().map_err(ApiError::legacy)
}

async fn command_status(State(state): State<CommandsHandle>, query: Query) -> Reply {
    let work = || {
        let context = find(&state, query.str("clusterId")?, query.str("contextId")?)?;
        context.command_json(query.str("commandId")?).map(Json)
    };
    work().map_err(ApiError::legacy)
}

async fn cancel(State(state): State<CommandsHandle>, fields: Fields) -> Reply {
    let work = || {
        let context = find(&state, fields.str("clusterId")?, fields.str("contextId")?)?;
        let id = fields.str("commandId")?;
        context.cancel(id)?;
        Ok(Json(json!({"id": id})))
    };
    work().map_err(ApiError::legacy)
}
