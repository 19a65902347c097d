//! Dynamic values in the texts of tasks: `{{job.parameters.name}}` and others.

use serde_json::Value;

use crate::state::handles::JobsHandle;
use crate::state::jobs::{Run, TaskRun};
use crate::state::lock;

/// What references stand for.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) handle: &'a JobsHandle,
    pub(super) run: &'a Run,
    pub(super) task: &'a TaskRun,
    /// What a loop goes through.
    pub(super) input: Option<&'a Value>,
}

/// A value as text has it: strings without quotes.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Scope<'_> {
    /// The text of a member with its references resolved.
    pub(super) fn text(&self, value: &Value, name: &str) -> String {
        if value[name].is_null() { String::new() } else { self.value(&value[name]) }
    }

    /// A value as text with its references resolved.
    pub(super) fn value(&self, value: &Value) -> String {
        let text = plain(value);
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            match after.split_once("}}") {
                Some((reference, behind)) => {
                    match self.resolve(reference.trim()) {
                        Some(found) => out.push_str(&found),
                        // What is not known stays, as on the platform.
                        None => out.push_str(&format!("{{{{{reference}}}}}")),
                    }
                    rest = behind;
                }
                None => {
                    out.push_str("{{");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn resolve(&self, reference: &str) -> Option<String> {
        if let Some(name) = reference.strip_prefix("job.parameters.") {
            return self.run.parameters.get(name).cloned();
        }
        if let Some(rest) = reference.strip_prefix("tasks.") {
            let (task, rest) = rest.split_once('.')?;
            if let Some(key) = rest.strip_prefix("values.") {
                return self.handle.task_values.get(self.run.id, task, key).map(|v| plain(&v));
            }
            let state = lock(&self.run.state);
            let found = state.latest().find(|t| t.key == task)?.json();
            return match rest {
                "result_state" => Some(found["state"]["result_state"].as_str()?.to_lowercase()),
                "run_id" => Some(found["run_id"].to_string()),
                _ => None,
            };
        }
        if let Some(rest) = reference.strip_prefix("input") {
            let input = self.input?;
            return match rest.strip_prefix('.') {
                Some(member) => input.get(member).map(plain),
                None if rest.is_empty() => Some(plain(input)),
                None => None,
            };
        }
        Some(match reference {
            "job.id" => self.run.job_id?.to_string(),
            "job.run_id" | "run.id" => self.run.id.to_string(),
            "task.name" => self.task.key.clone(),
            "task.run_id" => self.task.run_id.to_string(),
            "task.execution_count" => (self.task.attempt + 1).to_string(),
            "workspace.id" => self.handle.place.workspace_id.to_string(),
            "workspace.url" => self.handle.place.url.clone(),
            _ => return None,
        })
    }
}
