//! Clean-up that goes on after a handle was dropped.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;

/// Counts the tasks that clean up, so that a program can wait for them before it ends.
#[derive(Clone, Debug)]
pub(crate) struct Background(Arc<watch::Sender<usize>>);

impl Default for Background {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Background {
    /// Runs a task. Outside of a runtime nothing can be sent any more, so all that is done is a line in the log.
    #[cfg_attr(not(any(feature = "compute", feature = "files", feature = "jobs", feature = "sql")), allow(dead_code))]
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Some(runtime) = runtime() else {
            tracing::warn!("a handle was dropped outside of a Tokio runtime, so what it stands for is not cleaned up");
            return;
        };
        self.spawn_on(&runtime, work);
    }

    /// Runs a task on this runtime. If the runtime has ended, nothing is done.
    #[cfg_attr(not(any(feature = "compute", feature = "jobs", feature = "sql")), allow(dead_code))]
    pub(crate) fn spawn_on(&self, runtime: &Handle, work: impl Future<Output = ()> + Send + 'static) {
        self.0.send_modify(|running| *running += 1);
        let counted = Counted(self.clone());
        runtime.spawn(async move {
            let _counted = counted;
            work.await;
        });
    }

    /// Waits until no task runs.
    pub(crate) async fn idle(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

/// Where a task can run: the runtime of the caller, or that of blocking calls.
#[cfg_attr(not(any(feature = "compute", feature = "files", feature = "jobs", feature = "sql")), allow(dead_code))]
fn runtime() -> Option<Handle> {
    let current = Handle::try_current().ok();
    #[cfg(feature = "blocking")]
    let current = current.or_else(|| crate::blocking::handle().cloned());
    current
}

/// A task that runs; dropped with it, even if the runtime ends before the task does.
#[cfg_attr(not(any(feature = "compute", feature = "files", feature = "jobs", feature = "sql")), allow(dead_code))]
struct Counted(Background);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running -= 1);
    }
}
