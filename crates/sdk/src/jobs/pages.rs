//! Jobs and runs in full: the API returns at most 100 tasks, clusters and parameters at a time.

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::jobs::{BaseJob, BaseRun, Job, Run, jobs as operations};
use futures_util::TryStreamExt as _;

use crate::Call;
use crate::client::Client;
use crate::services::jobs::Jobs;
use crate::stream::ResultStream;

/// Adds the items of a later page. A page that lacks a list has nothing to add.
fn append<T>(all: &mut Option<Vec<T>>, more: Option<Vec<T>>) {
    if let Some(more) = more.filter(|more| !more.is_empty()) {
        all.get_or_insert_default().extend(more);
    }
}

/// The token of the next page, unless it leads back to the page it came with.
fn follow(token: Option<String>, last: Option<&str>) -> Result<Option<String>> {
    let token = token.filter(|token| !token.is_empty());
    if token.is_some() && token.as_deref() == last {
        return Err(Error::new(
            ErrorKind::PaginationLoop,
            "pagination loop: the service led back to a page that was read before",
        ));
    }
    Ok(token)
}

impl Call<operations::Get> {
    /// Reads the job with all of its tasks, job clusters, parameters and environments, from as many pages as it takes.
    ///
    /// # Errors
    /// As the call.
    pub async fn all_pages(mut self) -> Result<Job> {
        let mut job = self.clone().await?;
        loop {
            let Some(token) = follow(job.next_page_token.take(), self.operation.page_token.as_deref())? else {
                return Ok(job);
            };
            self.operation.page_token = Some(token);
            let page = self.clone().await?;
            let (all, more) = (job.settings.get_or_insert_default(), page.settings.unwrap_or_default());
            append(&mut all.tasks, more.tasks);
            append(&mut all.job_clusters, more.job_clusters);
            append(&mut all.parameters, more.parameters);
            append(&mut all.environments, more.environments);
            job.next_page_token = page.next_page_token;
        }
    }
}

impl Call<operations::GetRun> {
    /// Reads the run with all of its tasks, or the iterations of a for-each task, and with all job clusters, parameters
    /// and repairs, from as many pages as it takes.
    ///
    /// # Errors
    /// As the call.
    pub async fn all_pages(mut self) -> Result<Run> {
        let mut run = self.clone().await?;
        // Each page of a for-each task's iterations repeats the task itself.
        let by_iteration = run.iterations.as_ref().is_some_and(|all| !all.is_empty());
        loop {
            let Some(token) = follow(run.next_page_token.take(), self.operation.page_token.as_deref())? else {
                return Ok(run);
            };
            self.operation.page_token = Some(token);
            let page = self.clone().await?;
            if by_iteration {
                append(&mut run.iterations, page.iterations);
            } else {
                append(&mut run.tasks, page.tasks);
            }
            append(&mut run.job_clusters, page.job_clusters);
            append(&mut run.job_parameters, page.job_parameters);
            append(&mut run.repair_history, page.repair_history);
            run.next_page_token = page.next_page_token;
        }
    }
}

impl Jobs {
    /// The job with this name.
    ///
    /// # Errors
    /// When no job or more than one has the name, or they cannot be listed.
    pub async fn by_name(&self, name: &str) -> Result<BaseJob> {
        // The service filters by name in any case of letters.
        crate::lookup::by_name(
            self.list().name(name),
            "job",
            name,
            |job| job.settings.as_ref()?.name.clone(),
            |job| Some(job.job_id?.to_string()),
        )
        .await
    }
}

impl Call<operations::List> {
    /// Lists jobs with all of their tasks, job clusters, parameters and environments. Jobs that a list shows in part
    /// are read in full, one by one as they are asked for.
    pub fn in_full(self) -> ResultStream<BaseJob> {
        let client = self.client.clone();
        let jobs = self.expand_tasks(true).items().and_then(move |job| complete_job(client.clone(), job));
        ResultStream::new(jobs)
    }
}

impl Call<operations::ListRuns> {
    /// Lists runs with all of their tasks, job clusters, parameters and repairs. Runs that a list shows in part are
    /// read in full, one by one as they are asked for.
    pub fn in_full(self) -> ResultStream<BaseRun> {
        let client = self.client.clone();
        let runs = self.expand_tasks(true).items().and_then(move |run| complete_run(client.clone(), run));
        ResultStream::new(runs)
    }
}

async fn complete_job(client: Client, mut job: BaseJob) -> Result<BaseJob> {
    if job.has_more.take() == Some(true)
        && let Some(id) = job.job_id
    {
        let whole = client.call(operations::Get::new(id)).all_pages().await?.settings.unwrap_or_default();
        let settings = job.settings.get_or_insert_default();
        settings.tasks = whole.tasks;
        settings.job_clusters = whole.job_clusters;
        settings.parameters = whole.parameters;
        settings.environments = whole.environments;
    }
    Ok(job)
}

async fn complete_run(client: Client, mut run: BaseRun) -> Result<BaseRun> {
    if run.has_more.take() == Some(true)
        && let Some(id) = run.run_id
    {
        let whole = client.call(operations::GetRun::new(id)).all_pages().await?;
        run.tasks = whole.tasks;
        run.job_clusters = whole.job_clusters;
        run.job_parameters = whole.job_parameters;
        run.repair_history = whole.repair_history;
    }
    Ok(run)
}
