//! Starts the runs of jobs when they are due. Time is that of the workspace: a test that moves Tokio's clock moves it.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;

use super::carry_out;
use crate::state::handles::JobsHandle;
use crate::state::jobs::Start;
use crate::state::{Parts, lock};

/// Starts what is due, until the workspace is gone.
pub(crate) async fn follow(workspace: Weak<Parts>) {
    loop {
        let Some((changed, next)) = workspace.upgrade().map(|parts| {
            let handle = JobsHandle::from(&*parts);
            start_due(&handle);
            let jobs = lock(&handle.jobs);
            let wait = jobs.next_due().map(|at| at.saturating_sub(handle.clock.now_ms()).max(0));
            (jobs.changed(), wait)
        }) else {
            return;
        };
        match next.and_then(|ms| u64::try_from(ms).ok()) {
            Some(ms) => tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(ms)) => {}
                () = changed.notified() => {}
            },
            None => changed.notified().await,
        }
    }
}

/// Starts a run of every job that is due. One that has as many active runs as it may have is passed over, as on the
/// platform.
fn start_due(handle: &JobsHandle) {
    let now = handle.clock.now_ms();
    let mut jobs = lock(&handle.jobs);
    for id in jobs.take_due(now) {
        let Ok(job) = jobs.job(id) else { continue };
        let name = job.name().to_owned();
        let (tasks, parameters) = job.content();
        let (environments, most, trigger) = (job.environments(), job.max_concurrent_runs(), job.trigger());
        let timeout_seconds = job.timeout_seconds();
        if jobs.runs().filter(|run| run.job_id == Some(id) && run.is_active()).count() >= most {
            continue;
        }
        let parameters: BTreeMap<String, String> = parameters;
        let start = Start {
            job: Some(id),
            name: &name,
            tasks: &tasks,
            parameters,
            environments,
            timeout_seconds,
            token: None,
            url: &handle.place.url,
            depth: 0,
            trigger,
        };
        match jobs.start(start, now) {
            Ok(Ok(run)) => drop(tokio::spawn(carry_out(handle.clone(), run))),
            Ok(Err(_)) => {}
            Err(error) => tracing::warn!(job = id, error = error.message(), "a scheduled run could not be started"),
        }
    }
}
