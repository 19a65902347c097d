//! From a job to its runs: handles of new runs, and of those that are there.

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::jobs::jobs as operations;

use super::run::RunHandle;
use crate::Call;
use crate::client::Client;
use crate::services::jobs::Jobs;

impl Jobs {
    /// A run by its id, to wait for it, follow it, cancel it and so on. Nothing is sent.
    ///
    /// * `run_id`: the run of a job, or of tasks that were submitted.
    pub fn run(&self, run_id: i64) -> RunHandle {
        RunHandle::new(self.client.clone(), run_id)
    }
}

impl Call<operations::RunNow> {
    /// Starts the run and returns a handle to it.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<RunHandle> {
        let client = self.client.clone();
        let id = self.await?.run_id;
        started(client, id)
    }
}

impl Call<operations::Submit> {
    /// Starts the run and returns a handle to it.
    ///
    /// # Errors
    /// As the call.
    pub async fn start(self) -> Result<RunHandle> {
        let client = self.client.clone();
        let id = self.await?.run_id;
        started(client, id)
    }
}

fn started(client: Client, id: Option<i64>) -> Result<RunHandle> {
    id.map(|id| RunHandle::new(client, id)).ok_or_else(|| Error::new(ErrorKind::Decode, "the response has no run_id"))
}
