//! What the kinds of tasks do.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::attempts::Attempts;
use super::carry_out;
use super::outcome::{Failure, Outcome};
use super::references::Scope;
use super::workloads::{python_run, source, sql_file, sql_source, text_of, wheel_run};
use crate::state::handles::JobsHandle;
use crate::state::jobs::{Overrides, RUNNABLE, Run, Start, TaskRun};
use crate::state::lock;

/// How many runs of jobs may start each other.
const DEPTH: usize = 5;
/// How many iterations of a loop there may be.
const ITERATIONS: usize = 5000;

/// Does what a task states. `input` is what a loop goes through.
pub(super) fn perform<'a>(
    handle: &'a JobsHandle,
    run: &'a Arc<Run>,
    task: &'a TaskRun,
    input: Option<&'a Value>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
    Box::pin(async move {
        let scope = Scope { handle, run, task, input };
        let spec = &task.spec;
        if let Some(condition) = spec.get("condition_task") {
            return holds(&scope, condition);
        }
        if let Some(each) = spec.get("for_each_task") {
            return for_each(handle, run, task, each, &scope).await;
        }
        if let Some(other) = spec.get("run_job_task") {
            return run_job(handle, run, other, &scope).await;
        }
        if let Some(sql) = spec.get("sql_task") {
            let source = sql_source(handle, sql, &scope)?;
            return sql_file(handle, sql, &source, parameters(&scope, &sql["parameters"])).await;
        }
        if let Some(python) = spec.get("spark_python_task") {
            let path = scope.text(python, "python_file");
            let source = text_of(handle, &path)?;
            let arguments = python["parameters"].as_array().into_iter().flatten();
            let arguments: Vec<String> = arguments.map(|v| scope.value(v)).collect();
            let output = python_run(handle, task, source, path, arguments, BTreeMap::new()).await?;
            return Ok(json!({"logs": output.printed, "logs_truncated": output.truncated}));
        }
        if let Some(wheel) = spec.get("python_wheel_task") {
            return wheel_run(handle, task, wheel, &scope).await;
        }
        if let Some(stated) = spec.get("notebook_task") {
            return notebook(handle, task, stated, &scope).await;
        }
        let kind = spec.as_object().into_iter().flatten().find(|(name, _)| name.ends_with("_task"));
        Err(Failure::new(format!(
            "The embedded workspace runs {}; it keeps a {}, but does not run it.",
            RUNNABLE.join(", "),
            kind.map_or("task without work", |(name, _)| name)
        )))
    })
}

async fn notebook(handle: &JobsHandle, task: &TaskRun, notebook: &Value, scope: &Scope<'_>) -> Outcome {
    let path = scope.text(notebook, "notebook_path");
    let widgets = parameters(scope, &notebook["base_parameters"]);
    match source(handle, &path)? {
        (source, Some("SQL")) => sql_file(handle, notebook, &source, widgets).await,
        (source, Some("PYTHON")) => {
            let output = python_run(handle, task, source, path, Vec::new(), widgets).await?;
            Ok(json!({
                "notebook_output": {"result": output.exit, "truncated": false},
                "logs": output.printed,
                "logs_truncated": output.truncated,
            }))
        }
        (_, Some(other)) => {
            Err(Failure::new(format!("The local workspace runs notebooks in Python and SQL, not in {other}.")))
        }
        (_, None) => Err(Failure::new(format!("Unable to access the notebook \"{path}\": it is a file."))),
    }
}

/// Compares as the platform does: equality by text, order by number.
fn holds(scope: &Scope<'_>, condition: &Value) -> Outcome {
    let (left, right) = (scope.text(condition, "left"), scope.text(condition, "right"));
    let op = condition["op"].as_str().unwrap_or_default();
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .map_err(|_| Failure::new(format!("The operator {op} compares numbers, not '{text}'.")))
    };
    let outcome = match op {
        "EQUAL_TO" => left == right,
        "NOT_EQUAL" => left != right,
        "GREATER_THAN" => number(&left)? > number(&right)?,
        "GREATER_THAN_OR_EQUAL" => number(&left)? >= number(&right)?,
        "LESS_THAN" => number(&left)? < number(&right)?,
        "LESS_THAN_OR_EQUAL" => number(&left)? <= number(&right)?,
        other => return Err(Failure::new(format!("'{other}' is not an operator of conditions."))),
    };
    Ok(json!({"condition_task": {"outcome": outcome.to_string()}}))
}

async fn for_each(handle: &JobsHandle, run: &Arc<Run>, task: &TaskRun, each: &Value, scope: &Scope<'_>) -> Outcome {
    let inputs = scope.text(each, "inputs");
    let inputs: Vec<Value> = serde_json::from_str(&inputs)
        .map_err(|e| Failure::new(format!("The inputs of the loop are not a JSON list: {e}: {inputs}")))?;
    if inputs.len() > ITERATIONS {
        return Err(Failure::new(format!("A loop has at most {ITERATIONS} iterations, not {}.", inputs.len())));
    }
    let concurrency = each["concurrency"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1).clamp(1, 100);
    let total = inputs.len();
    let attempts = Attempts::of(&each["task"]);
    let attempts = &attempts;
    let work = inputs.into_iter().map(|input| async move {
        let mut made = 0;
        loop {
            // Each attempt at an iteration has a run id of its own, since its interpreter is known by it.
            let inner = TaskRun::new(lock(&handle.jobs).next_id(), &each["task"], task.attempt);
            let outcome = attempts.within(perform(handle, run, &inner, Some(&input))).await;
            let Some(pause) = outcome.as_ref().err().and_then(|failure| attempts.again(made, failure)) else {
                return outcome;
            };
            made += 1;
            tokio::time::sleep(pause).await;
        }
    });
    let outcomes: Vec<Outcome> = futures_util::stream::iter(work).buffered(concurrency).collect().await;
    let failed = outcomes.iter().filter(|o| o.is_err()).count();
    if let Some(Err(first)) = outcomes.into_iter().find(Result::is_err) {
        return Err(Failure {
            error: format!("{failed} of {total} iterations failed, first with: {}", first.error),
            trace: first.trace,
            timed_out: first.timed_out,
        });
    }
    let stats = json!({"total_iterations": total, "completed_iterations": total, "succeeded_iterations": total});
    Ok(json!({"for_each_task": {"stats": {"task_run_stats": stats}}}))
}

async fn run_job(handle: &JobsHandle, run: &Arc<Run>, other: &Value, scope: &Scope<'_>) -> Outcome {
    if run.depth >= DEPTH {
        return Err(Failure::new(format!("More than {DEPTH} jobs start each other.")));
    }
    let id = other["job_id"].as_i64().or_else(|| scope.text(other, "job_id").parse().ok());
    let id = id.ok_or_else(|| Failure::new("run_job_task has no job_id."))?;
    let started = {
        let mut jobs = lock(&handle.jobs);
        let job = jobs.job(id)?;
        let name = job.name().to_owned();
        let (mut tasks, mut values) = job.content();
        let overrides = Overrides::of_task(other).map_err(|e| Failure::new(e.message()))?;
        tasks.iter_mut().for_each(|task| overrides.apply(task));
        for (name, value) in other["job_parameters"].as_object().into_iter().flatten() {
            values.insert(name.clone(), scope.value(value));
        }
        let start = Start {
            job: Some(id),
            name: &name,
            tasks: &tasks,
            parameters: values,
            environments: job.environments(),
            timeout_seconds: job.timeout_seconds(),
            token: None,
            url: &handle.place.url,
            depth: run.depth + 1,
            trigger: "RUN_JOB_TASK",
        };
        let (Ok(started) | Err(started)) = jobs.start(start, handle.clock.now_ms())?;
        started
    };
    let ended = CancelOnDrop(Arc::clone(&started));
    // A task of its own: a run that is canceled with this one still comes to its end.
    let carried_out = tokio::spawn(carry_out(handle.clone(), Arc::clone(&started))).await;
    drop(ended);
    carried_out.map_err(|error| Failure::new(format!("The run {} broke off: {error}", started.id)))?;
    let shown = started.listed(false);
    match shown["state"]["result_state"].as_str() {
        Some("SUCCESS") => Ok(json!({
            "run_job_output": {"run_id": started.id},
            "run_job_task": {"run_id": started.id},
        })),
        other => Err(Failure::new(format!(
            "The run {} of job {id} ended with {}.",
            started.id,
            other.unwrap_or("no result")
        ))),
    }
}

/// Cancels a run when the task that waits for it is let go of; one that has ended is not changed by it.
struct CancelOnDrop(Arc<Run>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if self.0.is_active() {
            self.0.canceled.send_replace(true);
        }
    }
}

/// A task's own parameters over those of the job.
fn parameters(scope: &Scope<'_>, own: &Value) -> BTreeMap<String, String> {
    let mut all = scope.run.parameters.clone();
    for (name, value) in own.as_object().into_iter().flatten() {
        all.entry(name.clone()).or_insert_with(|| scope.value(value));
    }
    all
}
