//! Why a run did not end well, from its tasks.

use std::fmt::Write as _;

use databricks_core::{Error, ErrorKind};
use databricks_models::jobs::{Run, RunTask, jobs as operations};
use futures_util::stream::{self, StreamExt as _};

use super::states::{State, latest};
use super::target::{AT_ONCE, Target};

/// So many failed tasks are asked for the reason.
const MOST_REASONS: usize = 10;

/// The error of a run that did not end well, with the tasks that failed and why.
pub(super) async fn failure(target: &Target, run: &Run) -> Error {
    let state = State::of_run(run);
    let mut message = format!("run {} ended as {}", target.id, state.label());
    if !state.message().is_empty() {
        let _ = write!(message, ": {}", state.message().trim_end_matches('.'));
    }
    let tasks = latest(run);
    let failed: Vec<_> = tasks.iter().filter(|task| State::of_task(task).is_failure()).collect();
    if !failed.is_empty() {
        let _ = write!(message, "; {} of {} tasks failed", failed.len(), tasks.len());
    }
    let reasons: Vec<String> = stream::iter(failed.iter().take(MOST_REASONS).map(|task| reason(target, task)))
        .buffered(AT_ONCE)
        .collect()
        .await;
    for reason in reasons {
        let _ = write!(message, "; {reason}");
    }
    if failed.len() > MOST_REASONS {
        let _ = write!(message, "; and {} more", failed.len() - MOST_REASONS);
    }
    let error = Error::new(ErrorKind::OperationFailed, message).with_operation("jobs.get_run");
    match run.run_page_url.as_deref().filter(|url| !url.is_empty()) {
        Some(url) => error.with_hint(format!("see {url}")),
        None => error,
    }
}

/// A failed task in a line. Its output is the most telling; the message of the state is used where there is none.
async fn reason(target: &Target, task: &RunTask) -> String {
    let state = State::of_task(task);
    let output = match task.run_id {
        // Tasks that never ran have no output.
        Some(id) if matches!(state.result(), "FAILED" | "TIMEDOUT" | "") => {
            target.client.call(operations::GetRunOutput::new(id)).await.ok()
        }
        _ => None,
    };
    let said = output
        .and_then(|output| output.error)
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| state.message().to_owned());
    let colon = if said.is_empty() { "" } else { ": " };
    format!("{} ({}){colon}{said}", task.task_key, state.label())
}
