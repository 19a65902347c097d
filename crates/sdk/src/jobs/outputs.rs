//! What the tasks of a run returned.

use databricks_core::Result;
use databricks_models::jobs::{RunOutput, jobs as operations};
use futures_util::stream::{self, StreamExt as _};

use super::run::RunHandle;
use super::states::{State, latest};
use super::target::AT_ONCE;

impl RunHandle {
    /// The outputs of the tasks, in the order of the job. For a task that was repaired, that of its last attempt.
    ///
    /// Tasks that never ran, and those for which the service has no output, are left out. An output that cannot be read
    /// for another reason does not cost the others: its [`error`](TaskOutput::error) states why.
    ///
    /// # Errors
    /// When the run cannot be read.
    pub async fn outputs(&self) -> Result<Vec<TaskOutput>> {
        let run = self.status().await?;
        let tasks = latest(&run).into_iter().filter(|task| State::of_task(task).has_run());
        let tasks = tasks.filter_map(|task| Some((task.task_key.clone(), task.run_id?)));
        let read = tasks.map(|(task_key, run_id)| async move {
            match self.target.client.call(operations::GetRunOutput::new(run_id)).await {
                Ok(output) => Some(TaskOutput { task_key, run_id, output, unread: None }),
                Err(error) if error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 404)) => {
                    tracing::debug!(task_key, run_id, %error, "a task has no output");
                    None
                }
                Err(error) => {
                    tracing::warn!(task_key, run_id, %error, "the output of a task cannot be read");
                    let unread = Some(format!("the output cannot be read: {}", error.report()));
                    Some(TaskOutput { task_key, run_id, output: RunOutput::default(), unread })
                }
            }
        });
        let outputs: Vec<_> = stream::iter(read).buffered(AT_ONCE).collect().await;
        Ok(outputs.into_iter().flatten().collect())
    }
}

/// The output of a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskOutput {
    /// The name of the task within the job.
    pub task_key: String,
    /// The run of the task.
    pub run_id: i64,
    /// All of it.
    pub output: RunOutput,
    /// Why it could not be read.
    unread: Option<String>,
}

impl TaskOutput {
    /// The string it returned: what a notebook exited with, or what a program printed.
    pub fn text(&self) -> Option<&str> {
        let notebook = self.output.notebook_output.as_ref().and_then(|it| it.result.as_deref());
        notebook.or(self.output.logs.as_deref())
    }

    /// Why the task failed, or why its output cannot be read.
    pub fn error(&self) -> Option<&str> {
        self.unread.as_deref().or(self.output.error.as_deref()).filter(|text| !text.is_empty())
    }
}
