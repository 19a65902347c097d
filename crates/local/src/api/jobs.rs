//! Jobs and runs, API 2.2 (2.1 and 2.0 respond the same).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::policies;
use crate::exec::jobs::carry_out;
use crate::extract::{Fields, Query, missing};
use crate::html::escape;
use crate::paging::{Limits, page};
use crate::reply::{ApiError, Json, Reply};
use crate::state::handles::JobsHandle;
use crate::state::jobs::{Overrides, Run, Start, time_limit};
use crate::state::lock;

const JOBS: Limits = Limits { usual: 20, max: 100 };
const RUNS: Limits = Limits { usual: 20, max: 25 };

pub(super) fn routes(state: JobsHandle) -> Router {
    let version = || {
        Router::new()
            .route("/create", post(create))
            .route("/get", get(read))
            .route("/list", get(list))
            .route("/reset", post(reset))
            .route("/update", post(update))
            .route("/delete", post(delete))
            .route("/run-now", post(run_now))
            .route("/runs/submit", post(submit))
            .route("/runs/get", get(read_run))
            .route("/runs/list", get(list_runs))
            .route("/runs/get-output", get(output))
            .route("/runs/cancel", post(cancel))
            .route("/runs/cancel-all", post(cancel_all))
            .route("/runs/repair", post(repair))
            .route("/runs/delete", post(delete_run))
            .route("/runs/export", get(export))
    };
    Router::new()
        .nest("/api/2.2/jobs", version())
        .nest("/api/2.1/jobs", version())
        .nest("/api/2.0/jobs", version())
        .with_state(state)
}

fn id(fields: &Fields, name: &'static str) -> Result<i64, ApiError> {
    fields.opt_i64(name)?.ok_or_else(|| missing(name))
}

fn query_id(query: &Query, name: &'static str) -> Result<i64, ApiError> {
    query.opt_i64(name)?.ok_or_else(|| missing(name))
}

async fn create(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    policies::check_job(&state.records, &fields)?;
    let id = lock(&state.jobs).create(&fields, state.clock.now_ms())?;
    Ok(Json(json!({"job_id": id})))
}

async fn read(State(state): State<JobsHandle>, query: Query) -> Reply {
    lock(&state.jobs).job(query_id(&query, "job_id")?)?.json(query.get("page_token")).map(Json)
}

async fn list(State(state): State<JobsHandle>, query: Query) -> Reply {
    let with_tasks = query.opt_bool("expand_tasks")?.unwrap_or_default();
    let name = query.get("name").map(str::to_lowercase);
    let jobs = lock(&state.jobs);
    let wanted = jobs.jobs().filter(|job| name.as_ref().is_none_or(|name| job.name().to_lowercase() == *name));
    let all: Vec<_> = wanted.map(|job| job.listed(with_tasks)).collect();
    paged("jobs", page(all, "jobs", query.opt_i64("limit")?, query.get("page_token"), JOBS)?)
}

fn paged(name: &str, page: crate::paging::Page<Value>) -> Reply {
    let mut out = json!({"has_more": page.next.is_some()});
    if !page.items.is_empty() {
        out[name] = page.items.into();
    }
    if let Some(token) = page.next {
        out["next_page_token"] = json!(token);
    }
    if let Some(token) = page.previous {
        out["prev_page_token"] = json!(token);
    }
    Ok(Json(out))
}

async fn reset(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let settings = fields.opt_object("new_settings")?.ok_or_else(|| missing("new_settings"))?;
    policies::check_job(&state.records, &settings)?;
    lock(&state.jobs).change(id(&fields, "job_id")?, &settings, true, &[], state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn update(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let settings = fields.opt_object("new_settings")?.unwrap_or_default();
    let remove = fields.opt_strings("fields_to_remove")?.unwrap_or_default();
    policies::check_job(&state.records, &settings)?;
    lock(&state.jobs).change(id(&fields, "job_id")?, &settings, false, &remove, state.clock.now_ms())?;
    Ok(Json::empty())
}

async fn delete(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    lock(&state.jobs).delete(id(&fields, "job_id")?)?;
    Ok(Json::empty())
}

async fn run_now(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let job_id = id(&fields, "job_id")?;
    let given = texts(&fields, "job_parameters")?;
    let overrides = Overrides::parse(&fields)?;
    let started = {
        let mut jobs = lock(&state.jobs);
        let job = jobs.job(job_id)?.json(None)?;
        let name = jobs.job(job_id)?.name().to_owned();
        let settings = &job["settings"];
        let mut parameters: BTreeMap<String, String> = BTreeMap::new();
        for parameter in settings["parameters"].as_array().into_iter().flatten() {
            if let (Some(name), Some(default)) = (parameter["name"].as_str(), parameter["default"].as_str()) {
                parameters.insert(name.to_owned(), default.to_owned());
            }
        }
        parameters.extend(given);
        let environments = jobs.job(job_id)?.environments();
        let timeout_seconds = jobs.job(job_id)?.timeout_seconds();
        let only = fields.opt_strings("only")?;
        let tasks = all_tasks(jobs.job(job_id)?)?;
        let mut tasks: Vec<Value> = tasks
            .into_iter()
            .filter(|task| only.as_ref().is_none_or(|only| only.iter().any(|key| task["task_key"] == json!(key))))
            .collect();
        tasks.iter_mut().for_each(|task| overrides.apply(task));
        let token = fields.opt_str("idempotency_token")?;
        jobs.start(
            Start {
                job: Some(job_id),
                name: &name,
                tasks: &tasks,
                parameters,
                environments,
                timeout_seconds,
                token,
                url: &state.place.url,
                depth: 0,
                trigger: "ONE_TIME",
            },
            state.clock.now_ms(),
        )?
    };
    Ok(Json(begin(&state, started)))
}

/// The tasks of a job from all of its pages.
fn all_tasks(job: &crate::state::jobs::Job) -> Result<Vec<Value>, ApiError> {
    let mut tasks = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut page = job.json(token.as_deref())?;
        if let Value::Array(more) = page["settings"]["tasks"].take() {
            tasks.extend(more);
        }
        match page["next_page_token"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok(tasks),
        }
    }
}

async fn submit(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    policies::check_job(&state.records, &fields)?;
    let name = fields.opt_str("run_name")?.unwrap_or("Untitled");
    let stated = fields.opt_list("tasks")?.unwrap_or_default();
    let single: Vec<Value> =
        if stated.is_empty() { single_task(&fields, name).into_iter().collect() } else { Vec::new() };
    let tasks = if stated.is_empty() { single.as_slice() } else { stated };
    let token = fields.opt_str("idempotency_token")?;
    let environments = fields.opt_list("environments")?.unwrap_or_default().to_vec();
    let start = Start {
        job: None,
        name,
        tasks,
        parameters: BTreeMap::new(),
        environments,
        timeout_seconds: time_limit(&fields)?,
        token,
        url: &state.place.url,
        depth: 0,
        trigger: "ONE_TIME",
    };
    let started = lock(&state.jobs).start(start, state.clock.now_ms())?;
    Ok(Json(begin(&state, started)))
}

/// The one task of a run in the older form, which states it beside the run's own members. It is called as the run is.
fn single_task(fields: &Fields, run_name: &str) -> Option<Value> {
    const OF_RUN: [&str; 11] = [
        "access_control_list",
        "budget_policy_id",
        "environments",
        "git_source",
        "idempotency_token",
        "queue",
        "run_as",
        "run_name",
        "tasks",
        "usage_policy_id",
        "webhook_notifications",
    ];
    if !fields.0.iter().any(|(name, stated)| name.ends_with("_task") && stated.is_object()) {
        return None;
    }
    let own = fields.0.iter().filter(|(name, _)| !OF_RUN.contains(&name.as_str()));
    let mut task: serde_json::Map<String, Value> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let key: String = run_name.chars().take(100).map(plain).collect();
    task.insert("task_key".to_owned(), json!(key));
    Some(Value::Object(task))
}

/// Sets a new run going; one that was there already goes on as it is.
fn begin(state: &JobsHandle, started: Result<Arc<Run>, Arc<Run>>) -> Value {
    let run = match started {
        Ok(run) => {
            tokio::spawn(carry_out(state.clone(), Arc::clone(&run)));
            run
        }
        Err(known) => known,
    };
    json!({"run_id": run.id, "number_in_job": run.id})
}

/// An object of strings.
fn texts(fields: &Fields, name: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let object = fields.opt_object(name)?.unwrap_or_default();
    object.0.keys().map(|key| Ok((key.clone(), object.opt_str(key)?.unwrap_or_default().to_owned()))).collect()
}

async fn read_run(State(state): State<JobsHandle>, query: Query) -> Reply {
    let id = query_id(&query, "run_id")?;
    let jobs = lock(&state.jobs);
    if let Some(task) = jobs.run_of_task(id).and_then(|run| run.of_task(id)) {
        return Ok(Json(task));
    }
    let run = jobs.run(id)?;
    run.json(query.get("page_token"), query.opt_bool("include_history")?.unwrap_or_default()).map(Json)
}

async fn list_runs(State(state): State<JobsHandle>, query: Query) -> Reply {
    let (job, with_tasks) = (query.opt_i64("job_id")?, query.opt_bool("expand_tasks")?.unwrap_or_default());
    let (active, completed) =
        (query.opt_bool("active_only")?.unwrap_or_default(), query.opt_bool("completed_only")?.unwrap_or_default());
    let jobs = lock(&state.jobs);
    let wanted = jobs.runs().filter(|run| job.is_none_or(|job| run.job_id == Some(job)));
    let wanted = wanted.filter(|run| (!active || run.is_active()) && (!completed || !run.is_active()));
    let all: Vec<_> = wanted.map(|run| run.listed(with_tasks)).collect();
    paged("runs", page(all, "runs", query.opt_i64("limit")?, query.get("page_token"), RUNS)?)
}

async fn output(State(state): State<JobsHandle>, query: Query) -> Reply {
    let id = query_id(&query, "run_id")?;
    let jobs = lock(&state.jobs);
    if let Some(output) = jobs.run_of_task(id).and_then(|run| run.output(id)) {
        return Ok(Json(output));
    }
    let run = jobs.run(id)?;
    let tasks: Vec<i64> = lock(&run.state).tasks.iter().map(|task| task.run_id).collect();
    match tasks.as_slice() {
        [only] => run.output(*only).map(Json).ok_or_else(|| ApiError::not_found(format!("Run {id} has no output"))),
        _ => Err(ApiError::invalid_parameter(
            "Retrieving the output of runs with multiple tasks is not supported. Ask for each task's run.",
        )),
    }
}

async fn cancel(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let run = lock(&state.jobs).run(id(&fields, "run_id")?)?;
    if run.is_active() {
        run.canceled.send_replace(true);
    }
    Ok(Json::empty())
}

async fn cancel_all(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let job = fields.opt_i64("job_id")?;
    for run in lock(&state.jobs).runs().filter(|run| job.is_none_or(|job| run.job_id == Some(job)) && run.is_active()) {
        run.canceled.send_replace(true);
    }
    Ok(Json::empty())
}

async fn repair(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    let run_id = id(&fields, "run_id")?;
    let named = fields.opt_strings("rerun_tasks")?.unwrap_or_default();
    let all_failed = fields.opt_bool("rerun_all_failed_tasks")?.unwrap_or_default();
    let latest = fields.opt_i64("latest_repair_id")?;
    let overrides = Overrides::parse(&fields)?;
    let (repair, run) = {
        let mut jobs = lock(&state.jobs);
        (jobs.repair(run_id, (&named, all_failed), latest, &overrides, state.clock.now_ms())?, jobs.run(run_id)?)
    };
    tokio::spawn(carry_out(state.clone(), run));
    Ok(Json(json!({"repair_id": repair})))
}

/// The notebook of a task with what came of it, as a page.
async fn export(State(state): State<JobsHandle>, query: Query) -> Reply {
    let id = query_id(&query, "run_id")?;
    let run = {
        let jobs = lock(&state.jobs);
        jobs.run_of_task(id).map_or_else(|| jobs.run(id), Ok)?
    };
    let state = lock(&run.state);
    let several = state.latest().count() > 1;
    let task = state.tasks.iter().find(|t| t.run_id == id).or_else(|| state.latest().next().filter(|_| !several));
    let task =
        task.ok_or_else(|| ApiError::invalid_parameter(format!("Run {id} has several tasks; export one of them")))?;
    let path = task.spec["notebook_task"]["notebook_path"].as_str().ok_or_else(|| {
        ApiError::invalid_parameter(format!("Task '{}' is no notebook; only notebooks can be exported", task.key))
    })?;
    let (printed, result) = (&task.output["logs"], &task.output["notebook_output"]["result"]);
    let content = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>{0}</title></head><body><h1>{0}</h1>\
         <pre>{1}</pre><p>{2}</p></body></html>",
        escape(path),
        escape(printed.as_str().unwrap_or_default()),
        escape(result.as_str().unwrap_or_default())
    );
    let name = path.rsplit('/').next().unwrap_or_default();
    Ok(Json(json!({"views": [{"type": "NOTEBOOK", "name": name, "content": content}]})))
}

async fn delete_run(State(state): State<JobsHandle>, fields: Fields) -> Reply {
    lock(&state.jobs).delete_run(id(&fields, "run_id")?)?;
    Ok(Json::empty())
}
