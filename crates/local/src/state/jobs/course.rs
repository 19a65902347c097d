//! The course of a run: tasks begin when those that they depend on have succeeded, several at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Map, Value, json};

use super::{Phase, Run, TaskRun};
use crate::extract::Fields;
use crate::sql::request::StatementRequest;
use crate::sql::run as statements;
use crate::sql::store::{Statement, Status};
use crate::state::contexts::{self, Language};
use crate::state::{App, lock};

/// What came of a task: the members of its output, or why it failed.
type Outcome = Result<Value, Failure>;

struct Failure {
    error: String,
    trace: String,
}

impl Failure {
    fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), trace: String::new() }
    }
}

/// Carries a run out, from where it stands.
pub(crate) async fn carry_out(app: Arc<App>, run: Arc<Run>) {
    let mut canceled = run.canceled.subscribe();
    let mut active = FuturesUnordered::new();
    loop {
        for task in begin(&app, &run) {
            let (app, run) = (Arc::clone(&app), Arc::clone(&run));
            active.push(async move {
                let outcome = perform(&app, &run, &task).await;
                (task.run_id, outcome)
            });
        }
        if active.is_empty() {
            break;
        }
        tokio::select! {
            Some((task, outcome)) = active.next() => end(&app, &run, task, outcome),
            // What runs for the tasks is let go of, which ends it.
            _ = canceled.wait_for(|canceled| *canceled) => break,
        }
    }
    drop(active);
    let now = app.clock.now_ms();
    let mut state = lock(&run.state);
    for task in state.tasks.iter_mut().filter(|task| !task.phase.is_final()) {
        task.phase = Phase::Canceled;
        task.message = "Run cancelled.".to_owned();
        task.ended_ms = now;
    }
    state.ended_ms = Some(now);
}

/// The tasks that can begin now, marked as running. Those whose upstream failed are marked as such.
fn begin(app: &App, run: &Run) -> Vec<TaskRun> {
    let now = app.clock.now_ms();
    let mut state = lock(&run.state);
    let mut ready = Vec::new();
    loop {
        let phases: BTreeMap<String, Phase> = state.latest().map(|task| (task.key.clone(), task.phase)).collect();
        let mut blocked = false;
        for task in state.tasks.iter_mut().filter(|task| task.phase == Phase::Waiting) {
            let needs: Vec<Phase> = task.needs().filter_map(|key| phases.get(key).copied()).collect();
            if needs.iter().all(|phase| *phase == Phase::Succeeded) {
                task.phase = Phase::Running;
                task.started_ms = now;
                ready.push(task.clone());
            } else if needs.iter().all(|phase| phase.is_final()) {
                task.phase = Phase::UpstreamFailed;
                task.message = "Upstream task failed".to_owned();
                task.ended_ms = now;
                blocked = true;
            }
        }
        // A task that is blocked blocks those that depend on it.
        if !blocked {
            return ready;
        }
    }
}

fn end(app: &App, run: &Run, task_run: i64, outcome: Outcome) {
    let mut state = lock(&run.state);
    let Some(task) = state.tasks.iter_mut().find(|task| task.run_id == task_run) else { return };
    task.ended_ms = app.clock.now_ms();
    match outcome {
        Ok(output) => {
            task.phase = Phase::Succeeded;
            task.output = output;
        }
        Err(Failure { error, trace }) => {
            task.phase = Phase::Failed;
            task.message = "Workload failed, see run output for details".to_owned();
            task.output = json!({"error": error, "error_trace": trace});
        }
    }
}

async fn perform(app: &Arc<App>, run: &Run, task: &TaskRun) -> Outcome {
    let spec = &task.spec;
    let text = |value: &Value, name: &str| substitute(value[name].as_str().unwrap_or_default(), run);
    if let Some(sql) = spec.get("sql_task") {
        let path = text(&sql["file"], "path");
        if path.is_empty() {
            return Err(Failure::new(
                "The local workspace runs SQL files; saved queries, dashboards and alerts are not there.",
            ));
        }
        let (source, _) = source(app, &path)?;
        return sql_file(app, sql, &source, parameters(run, &sql["parameters"])).await;
    }
    if let Some(python) = spec.get("spark_python_task") {
        let path = text(python, "python_file");
        let (source, _) = source(app, &path)?;
        let arguments: Vec<String> = python["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|value| substitute(value.as_str().unwrap_or_default(), run))
            .collect();
        let output = python_run(app, task, &source, &path, &arguments, &BTreeMap::new()).await?;
        return Ok(json!({"logs": output.printed, "logs_truncated": false}));
    }
    let notebook = &spec["notebook_task"];
    let path = text(notebook, "notebook_path");
    let widgets = parameters(run, &notebook["base_parameters"]);
    match source(app, &path)? {
        (source, Some("SQL")) => sql_file(app, notebook, &source, widgets).await,
        (source, Some("PYTHON")) => {
            let output = python_run(app, task, &source, &path, &[], &widgets).await?;
            Ok(json!({"notebook_output": {"result": output.exit, "truncated": false}, "logs": output.printed}))
        }
        (_, Some(other)) => {
            Err(Failure::new(format!("The local workspace runs notebooks in Python and SQL, not in {other}.")))
        }
        (_, None) => Err(Failure::new(format!("Unable to access the notebook \"{path}\": it is a file."))),
    }
}

/// The string of a file or notebook, and the language of a notebook.
fn source(app: &App, path: &str) -> Result<(String, Option<&'static str>), Failure> {
    let objects = lock(&app.objects);
    let object = objects.get(path).map_err(|_| {
        Failure::new(format!("Unable to access \"{path}\": it does not exist, or the path is not right."))
    })?;
    let text =
        String::from_utf8(object.content.clone()).map_err(|_| Failure::new(format!("\"{path}\" is not text.")))?;
    Ok((text, object.language))
}

/// A task's own parameters over those of the job.
fn parameters(run: &Run, own: &Value) -> BTreeMap<String, String> {
    let mut all = run.parameters.clone();
    for (name, value) in own.as_object().into_iter().flatten() {
        all.entry(name.clone()).or_insert_with(|| substitute(value.as_str().unwrap_or_default(), run));
    }
    all
}

/// Puts the values of the job's parameters in for `{{job.parameters.name}}`.
fn substitute(text: &str, run: &Run) -> String {
    run.parameters
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{job.parameters.{name}}}}}"), value))
}

/// Runs the statements of a file, one after the other, on the task's warehouse.
async fn sql_file(app: &Arc<App>, spec: &Value, source: &str, parameters: BTreeMap<String, String>) -> Outcome {
    let warehouse = spec["warehouse_id"].as_str().unwrap_or(&app.starter_warehouse);
    let mut done = Vec::new();
    for text in split(source) {
        // Markers that are not bound fail the statement, values that no marker asks for do no harm.
        let bound: Vec<Value> = parameters.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let body = json!({"warehouse_id": warehouse, "statement": text, "parameters": bound});
        let fields = Fields(body.as_object().cloned().unwrap_or_default());
        let refused = |error: crate::reply::ApiError| Failure::new(format!("{error:?}"));
        let request = StatementRequest::parse(&fields).map_err(refused)?;
        let statement = Ended(statements::submit(app, request, &app.user, None).map_err(refused)?);
        statement.0.ended().await;
        match statement.0.status() {
            Status::Failed(failure) => return Err(Failure::new(failure.message)),
            Status::Succeeded(_) => done.push(json!({"lookup_key": statement.0.id})),
            other => return Err(Failure::new(format!("The statement is {}.", other.name()))),
        }
    }
    Ok(
        json!({"sql_output": {"file_output": {"warehouse_id": warehouse, "query_text": source, "sql_statements": done}}}),
    )
}

/// Cancels a statement when the task that waits for it is let go of.
struct Ended(Arc<Statement>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.cancel(0);
    }
}

/// The statements of a file: apart by semicolons that stand in no text, name or comment.
fn split(source: &str) -> Vec<String> {
    let (mut all, mut one) = (Vec::new(), String::new());
    let mut rest = source.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(mark), _) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '-') if rest.peek() == Some(&'-') => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            (None, ';') => {
                all.push(std::mem::take(&mut one));
                continue;
            }
            (None, _) => {}
        }
        one.push(c);
    }
    all.push(one);
    all.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

struct Printed {
    printed: String,
    /// What the notebook exited with.
    exit: String,
}

/// What a notebook finds besides Python itself, and what it exited with.
const PRELUDE: &str = "
import json as _json, sys as _sys, types as _types
class _Exit(BaseException):
    pass
_exit_value = ''
def _leave(value=''):
    global _exit_value
    _exit_value = value if isinstance(value, str) else str(value)
    raise _Exit()
def _widget(name):
    if name not in _widgets:
        raise ValueError('InputWidgetNotDefined: no input widget named ' + name + ' is defined')
    return _widgets[name]
dbutils = _types.SimpleNamespace(
    notebook=_types.SimpleNamespace(exit=_leave),
    widgets=_types.SimpleNamespace(get=_widget, getAll=lambda: dict(_widgets), text=lambda name, default, label=None: _widgets.setdefault(name, default)),
)
";

/// Runs Python in a context of its own.
async fn python_run(
    app: &Arc<App>,
    task: &TaskRun,
    source: &str,
    path: &str,
    arguments: &[String],
    widgets: &BTreeMap<String, String>,
) -> Result<Printed, Failure> {
    let cluster = format!("job-task-{}", task.run_id);
    let id = contexts::create(app, &cluster, 0, Language::Python).await.map_err(|e| Failure::new(format!("{e:?}")))?;
    // Dropping this ends the interpreter.
    let context = Session { app: Arc::clone(app), id: id.clone() };
    let found = app.contexts.get(&context.id, &cluster, 0).map_err(|e| Failure::new(format!("{e:?}")))?;
    let literal = |value: Value| Value::from(value.to_string()).to_string();
    let widgets: Map<String, Value> = widgets.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let argv: Vec<&str> = std::iter::once(path).chain(arguments.iter().map(String::as_str)).collect();
    let setup = format!(
        "{PRELUDE}\n_widgets = _json.loads({})\n_sys.argv = _json.loads({})",
        literal(json!(widgets)),
        literal(json!(argv))
    );
    let body = format!(
        "try:\n    exec(compile(_json.loads({}), {}, 'exec'), globals())\nexcept _Exit:\n    pass\nexcept SystemExit as _e:\n    if _e.code not in (None, 0):\n        raise RuntimeError('SystemExit: ' + str(_e.code))",
        literal(json!(source)),
        json!(path)
    );
    let mut texts = Vec::new();
    for code in [setup, body, "print(_exit_value, end='')".to_owned()] {
        let command = app.ids.hex32();
        found.submit(command.clone(), code);
        let results = found.finished(&command).await.map_err(|e| Failure::new(format!("{e:?}")))?["results"].take();
        match results["resultType"].as_str() {
            Some("error") => {
                let plain = |name: &str| results[name].as_str().unwrap_or_default().to_owned();
                return Err(Failure { error: without_tags(&plain("summary")), trace: plain("cause") });
            }
            Some(_) => texts.push(results["data"].as_str().unwrap_or_default().to_owned()),
            None => return Err(Failure::new("The interpreter of the task ended.")),
        }
    }
    let exit = texts.pop().unwrap_or_default();
    Ok(Printed { printed: texts.pop().unwrap_or_default(), exit })
}

/// An interpreter that is gone when it is dropped.
struct Session {
    app: Arc<App>,
    id: String,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.app.contexts.remove(&self.id);
    }
}

/// The summary of an error as plain text; it comes as HTML.
fn without_tags(html: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => plain.push(c),
            _ => {}
        }
    }
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_of_their_own() {
        assert_eq!(split("SELECT ';' AS a; -- no; not here\n SELECT `b;` ;;"), ["SELECT ';' AS a", "SELECT `b;`"]);
        assert!(split(" ; ").is_empty());
    }

    #[test]
    fn errors_lose_their_markup() {
        assert_eq!(without_tags("<span class='x'>NameError</span>: name &#x27;a&#x27; &lt;"), "NameError: name 'a' <");
    }
}
