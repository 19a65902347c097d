//! What tasks run: statements of a file on a warehouse, and Python in an interpreter of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::outcome::{Failure, Outcome};
use super::references::Scope;
use crate::exec::commands;
use crate::python::Work;
use crate::records::call::text as member;
use crate::sql::request::{Parameter, StatementRequest};
use crate::sql::run as statements;
use crate::sql::store::{CancelOnDrop, Status};
use crate::state::contexts::{Language, TASK_CLUSTER};
use crate::state::handles::JobsHandle;
use crate::state::jobs::TaskRun;
use crate::state::lock;

/// The statements of an SQL task: of a file, or of a saved query.
pub(super) fn sql_source(handle: &JobsHandle, sql: &Value, scope: &Scope<'_>) -> Result<String, Failure> {
    let path = scope.text(&sql["file"], "path");
    if !path.is_empty() {
        return source(handle, &path).map(|(text, _)| text);
    }
    let query = scope.text(&sql["query"], "query_id");
    if query.is_empty() {
        return Err(Failure::new("The local workspace runs SQL files and saved queries, not dashboards and alerts."));
    }
    let kept = handle.records.get("queries/", &query);
    kept.map(|q| member(&q, "query_text").to_owned())
        .ok_or_else(|| Failure::new(format!("The query {query} does not exist.")))
}

/// The string of a file or notebook, and the language of a notebook.
pub(super) fn source(handle: &JobsHandle, path: &str) -> Result<(String, Option<&'static str>), Failure> {
    let objects = lock(&handle.objects);
    let path = path.strip_prefix("/Workspace").filter(|p| p.starts_with('/')).unwrap_or(path);
    let object = objects.get(path).map_err(|_| {
        Failure::new(format!("Unable to access \"{path}\": it does not exist, or the path is not right."))
    })?;
    let text =
        String::from_utf8(object.content.clone()).map_err(|_| Failure::new(format!("\"{path}\" is not text.")))?;
    Ok((text, object.language))
}

/// The text of a Python file: of the workspace, of a volume or of DBFS.
pub(super) fn text_of(handle: &JobsHandle, path: &str) -> Result<String, Failure> {
    String::from_utf8(bytes_of(handle, path)?).map_err(|_| Failure::new(format!("\"{path}\" is not text.")))
}

fn bytes_of(handle: &JobsHandle, path: &str) -> Result<Vec<u8>, Failure> {
    let unknown = || Failure::new(format!("Unable to access \"{path}\": it does not exist, or the path is not right."));
    let plain = path.strip_prefix("dbfs:").or_else(|| path.strip_prefix("file:")).unwrap_or(path);
    let entry = if plain.starts_with("/Volumes/") {
        lock(&handle.volumes.tree).get(plain)
    } else if let Some(mounted) = plain.strip_prefix("/dbfs/") {
        lock(&handle.dbfs).tree.get(&format!("/{mounted}"))
    } else if path.starts_with("dbfs:") {
        lock(&handle.dbfs).tree.get(plain)
    } else {
        return lock(&handle.objects).get(plain).map(|object| object.content.clone()).map_err(|_| unknown());
    };
    let content = entry.map_err(|_| unknown())?.content;
    content.read(0, content.length()).map_err(|error| Failure::new(format!("\"{path}\" could not be read: {error}")))
}

/// Calls an entry point of a package. The wheels of the task and of its environment are put on the path as they are,
/// which serves those that are Python alone; what they need besides has to be there.
pub(super) async fn wheel_run(handle: &JobsHandle, task: &TaskRun, wheel: &Value, scope: &Scope<'_>) -> Outcome {
    let libraries =
        task.spec["libraries"].as_array().into_iter().flatten().filter_map(|library| library["whl"].as_str());
    let environment = scope.run.environments.iter().find(|e| e["environment_key"] == task.spec["environment_key"]);
    let spec = environment.map_or(&Value::Null, |environment| &environment["spec"]);
    let dependencies = spec["dependencies"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let directory = handle.sql.directory.path().join(format!("wheels-{}", task.run_id));
    let failed = |error: std::io::Error| Failure::new(format!("The wheels could not be unpacked: {error}"));
    std::fs::create_dir_all(&directory).map_err(failed)?;
    let mut paths = Vec::new();
    for path in libraries.chain(dependencies.filter(|d| d.ends_with(".whl"))) {
        let file = directory.join(path.rsplit('/').next().unwrap_or(path));
        std::fs::write(&file, bytes_of(handle, path)?).map_err(failed)?;
        paths.push(file.display().to_string());
    }
    let (package, entry) = (scope.text(wheel, "package_name"), scope.text(wheel, "entry_point"));
    let positional = wheel["parameters"].as_array().into_iter().flatten().map(|v| scope.value(v));
    let named = wheel["named_parameters"].as_object().into_iter().flatten();
    let arguments = positional.chain(named.map(|(name, v)| format!("--{name}={}", scope.value(v)))).collect();
    let source = format!(
        "import importlib, importlib.metadata, sys\n\
         sys.path[:0] = {}\n\
         def _entry(package, name):\n\
         \x20   try:\n\
         \x20       points = importlib.metadata.distribution(package).entry_points\n\
         \x20   except importlib.metadata.PackageNotFoundError:\n\
         \x20       points = []\n\
         \x20   for point in points:\n\
         \x20       if point.name == name:\n\
         \x20           return point.load()\n\
         \x20   return getattr(importlib.import_module(package.replace('-', '_')), name)\n\
         _entry({}, {})()\n",
        json!(paths),
        json!(package),
        json!(entry)
    );
    let output = python_run(handle, task, source, package, arguments, BTreeMap::new()).await;
    // What stays goes with the workspace.
    let _ = std::fs::remove_dir_all(&directory);
    let output = output?;
    Ok(json!({"logs": output.printed, "logs_truncated": output.truncated}))
}

/// Runs the statements of a file, one after the other, on the task's warehouse.
pub(super) async fn sql_file(
    handle: &JobsHandle,
    spec: &Value,
    source: &str,
    parameters: BTreeMap<String, String>,
) -> Outcome {
    let warehouse = spec["warehouse_id"].as_str().unwrap_or(&handle.place.starter_warehouse);
    let bound: Vec<Parameter> = parameters.into_iter().map(|(name, value)| Parameter::string(name, value)).collect();
    let mut done = Vec::new();
    for text in crate::sql::statements(source) {
        let mut request = StatementRequest::new(warehouse, &text)?;
        // Markers that are not bound fail the statement, values that no marker asks for do no harm.
        request.parameters.clone_from(&bound);
        let statement = CancelOnDrop(statements::submit(&handle.sql, request, &handle.user, None)?);
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

/// What came of a run of Python.
pub(super) struct Printed {
    pub(super) printed: String,
    pub(super) truncated: bool,
    /// What the notebook exited with.
    pub(super) exit: String,
}

/// Runs Python in a context of its own.
pub(super) async fn python_run(
    handle: &JobsHandle,
    task: &TaskRun,
    source: String,
    path: String,
    arguments: Vec<String>,
    widgets: BTreeMap<String, String>,
) -> Result<Printed, Failure> {
    let cluster = format!("{TASK_CLUSTER}{}", task.run_id);
    let id = commands::create(&handle.starter, &cluster, 0, Language::Python).await?;
    // Dropping this ends the interpreter.
    let context = Session { handle: handle.clone(), id };
    let found = handle.starter.contexts.get(&context.id, &cluster, 0)?;
    let argv = std::iter::once(path.clone()).chain(arguments).collect();
    let command = handle.ids.hex32();
    found.submit(command.clone(), Work::Notebook { source, path, arguments: widgets, argv });
    let results = found.finished(&command).await?["results"].take();
    let text = |name: &str| results[name].as_str().unwrap_or_default().to_owned();
    match results["resultType"].as_str() {
        Some("error") => Err(Failure { error: without_tags(&text("summary")), trace: text("cause"), timed_out: false }),
        Some("notebook") => {
            Ok(Printed { printed: text("data"), truncated: results["truncated"] == true, exit: text("exit") })
        }
        _ => Err(Failure::new("The interpreter of the task ended.")),
    }
}

/// An interpreter that is gone when it is dropped.
struct Session {
    handle: JobsHandle,
    id: String,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.handle.starter.contexts.remove(&self.id);
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
    fn errors_lose_their_markup() {
        assert_eq!(without_tags("<span class='x'>NameError</span>: name &#x27;a&#x27; &lt;"), "NameError: name 'a' <");
    }
}
