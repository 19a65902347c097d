//! Libraries of a cluster, installed when the call returns.

use std::fmt::Write as _;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::{Library, LibraryFullStatus};

use crate::services::compute::Libraries;
use crate::waiter::pause;

impl Libraries {
    /// Installs libraries on a running cluster, removes others, and waits until all of that is done: await it for the state of each library.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// use databricks_sdk::models::compute::{Library, PythonPyPiLibrary};
    ///
    /// let polars = Library::new().pypi(PythonPyPiLibrary::new("polars==1.30.0"));
    /// w.libraries().update("0923-164208-meows279").install([polars]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, cluster_id: impl Into<String>) -> UpdateLibraries {
        UpdateLibraries {
            libraries: self.clone(),
            cluster_id: cluster_id.into(),
            install: Vec::new(),
            uninstall: Vec::new(),
            timeout: Duration::from_secs(30 * 60),
            interval: None,
        }
    }
}

/// Libraries to be installed and removed; see [`Libraries::update`].
#[derive(Clone, Debug)]
#[must_use = "nothing is installed before this is awaited"]
pub struct UpdateLibraries {
    libraries: Libraries,
    cluster_id: String,
    install: Vec<Library>,
    uninstall: Vec<Library>,
    timeout: Duration,
    interval: Option<Duration>,
}

impl UpdateLibraries {
    /// Adds libraries to install.
    pub fn install(mut self, libraries: impl IntoIterator<Item = Library>) -> Self {
        self.install.extend(libraries);
        self
    }

    /// Adds libraries to remove. They stay in place until the cluster restarts.
    pub fn uninstall(mut self, libraries: impl IntoIterator<Item = Library>) -> Self {
        self.uninstall.extend(libraries);
        self
    }

    /// Bounds the wait. Default: 30 minutes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Looks at the state at this interval, instead of pauses that grow to ten seconds.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    async fn run(self) -> Result<Vec<LibraryFullStatus>> {
        let Self { libraries, cluster_id, install, uninstall, timeout, interval } = self;
        if !uninstall.is_empty() {
            libraries.uninstall(&cluster_id, uninstall).await?;
        }
        if !install.is_empty() {
            libraries.install(&cluster_id, install).await?;
        }
        let clock = libraries.client.clock();
        let started = clock.now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let all = libraries.cluster_status(&cluster_id).await?.library_statuses.unwrap_or_default();
            let waiting = all.iter().filter(|library| is(library, &["PENDING", "RESOLVING", "INSTALLING"])).count();
            if waiting == 0 {
                let failed: Vec<_> = all.iter().filter(|library| is(library, &["FAILED"])).collect();
                if failed.is_empty() {
                    return Ok(all);
                }
                return Err(give_up(&libraries, &cluster_id, &failed).await);
            }
            let pause = interval.unwrap_or_else(|| pause(attempt));
            let elapsed = clock.now().saturating_duration_since(started);
            if elapsed + pause > timeout {
                let message =
                    format!("timed out after {elapsed:.0?} waiting for libraries of cluster {cluster_id}: {waiting} still to install");
                return Err(Error::new(ErrorKind::WaitTimeout, message)
                    .with_hint("they are still being installed; wait again or raise the timeout"));
            }
            clock.sleep(pause).await;
        }
    }
}

impl IntoFuture for UpdateLibraries {
    type Output = Result<Vec<LibraryFullStatus>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn is(library: &LibraryFullStatus, states: &[&str]) -> bool {
    library.status.as_ref().is_some_and(|status| states.contains(&status.as_str()))
}

/// Removes what failed, so that the next attempt begins afresh, and says what went wrong.
async fn give_up(libraries: &Libraries, cluster_id: &str, failed: &[&LibraryFullStatus]) -> Error {
    let mut message = format!("{} of the libraries of cluster {cluster_id} failed", failed.len());
    for library in failed {
        let name = library.library.as_ref().map(name).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(message, "; {name}: {}", library.messages.as_deref().unwrap_or_default().join(", "));
    }
    let remove: Vec<_> = failed.iter().filter_map(|library| library.library.clone()).collect();
    if let Err(error) = libraries.uninstall(cluster_id, remove).await {
        tracing::warn!(%error, cluster_id, "libraries that failed could not be removed");
    }
    Error::new(ErrorKind::OperationFailed, message)
}

/// What people call a library.
fn name(library: &Library) -> String {
    let kinds = [
        library.pypi.as_ref().map(|it| format!("pypi {}", it.package)),
        library.maven.as_ref().map(|it| format!("maven {}", it.coordinates)),
        library.cran.as_ref().map(|it| format!("cran {}", it.package)),
        library.whl.clone(),
        library.jar.clone(),
        library.requirements.clone(),
    ];
    kinds.into_iter().flatten().next().unwrap_or_else(|| "a library".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use databricks_models::compute::PythonPyPiLibrary;

    #[test]
    fn libraries_have_names() {
        assert_eq!(name(&Library::new().pypi(PythonPyPiLibrary::new("polars"))), "pypi polars");
        assert_eq!(name(&Library::new().jar("/Volumes/a/b.jar")), "/Volumes/a/b.jar");
        assert_eq!(name(&Library::new()), "a library");
    }
}
