//! Libraries of a cluster, installed when the call returns.

use std::fmt::{self, Write as _};
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Operation as _, Result, WaitStatus};
use databricks_models::compute::{
    ClusterLibraryStatuses, Library, LibraryFullStatus, LibraryInstallStatus as State, libraries as operations,
};

use crate::client::Client;
use crate::poll::{Assessment, PollOptions, Pollable, Poller, Verdict, poll_setters};
use crate::services::compute::Libraries;

impl Libraries {
    /// Installs libraries on a running cluster, removes others, and waits until all of that is done: await it for the
    /// state of each library.
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
            poll: PollOptions::default().timeout(TIMEOUT),
        }
    }
}

/// How long libraries may take unless the caller sets another.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Libraries to be installed and removed; see [`Libraries::update`].
///
/// However the wait ends, and also if the future is dropped, the installation goes on at the service.
#[must_use = "nothing is installed before this is awaited"]
pub struct UpdateLibraries {
    libraries: Libraries,
    cluster_id: String,
    install: Vec<Library>,
    uninstall: Vec<Library>,
    poll: PollOptions<ClusterLibraryStatuses, State>,
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

    poll_setters! {
        /// Sets the timeout of the wait. Default: 30 minutes.
        ClusterLibraryStatuses, State
    }

    async fn run(self) -> Result<Vec<LibraryFullStatus>> {
        let Self { libraries, cluster_id, install, uninstall, poll } = self;
        if !uninstall.is_empty() {
            libraries.uninstall(&cluster_id, uninstall).await?;
        }
        let installs = !install.is_empty();
        if installs {
            libraries.install(&cluster_id, install).await?;
        }
        let target = Target { libraries, cluster_id, installs };
        let all =
            Poller::new(&target.libraries.client, poll).until(&target).await?.library_statuses.unwrap_or_default();
        let failed: Vec<_> = all.iter().filter(|library| library.status == Some(State::Failed)).collect();
        if failed.is_empty() {
            return Ok(all);
        }
        Err(give_up(&target.libraries, &target.cluster_id, &failed).await)
    }
}

impl fmt::Debug for UpdateLibraries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateLibraries")
            .field("cluster_id", &self.cluster_id)
            .field("timeout", &self.poll.timeout)
            .finish_non_exhaustive()
    }
}

/// The libraries of a cluster.
struct Target {
    libraries: Libraries,
    cluster_id: String,
    /// Whether there must be some, since they were asked for.
    installs: bool,
}

impl Pollable for Target {
    type Resource = ClusterLibraryStatuses;
    /// That of the library which is furthest behind.
    type State = State;

    fn client(&self) -> &Client {
        &self.libraries.client
    }

    fn operation(&self) -> &'static str {
        operations::Install::INFO.id
    }

    fn name(&self) -> String {
        format!("the libraries of cluster {}", self.cluster_id)
    }

    fn goal(&self) -> String {
        "finish installing".to_owned()
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<ClusterLibraryStatuses> {
        let mut call = self.libraries.cluster_status(&self.cluster_id);
        call.options = call.options.for_poll(timeout);
        call.await
    }

    fn assess(&self, all: &ClusterLibraryStatuses) -> Assessment {
        let all = all.library_statuses.as_deref().unwrap_or_default();
        let state = furthest_behind(all);
        let (message, verdict) = match all.iter().filter(|library| is_under_way(library)).count() {
            0 if all.is_empty() && self.installs => (Some("none is listed yet".to_owned()), Verdict::Pending),
            0 => (None, Verdict::Done),
            waiting => (Some(format!("{waiting} of {} to go", all.len())), Verdict::Pending),
        };
        Assessment::new(WaitStatus::new(state.as_str(), message), verdict)
    }

    fn state<'a>(&self, all: &'a ClusterLibraryStatuses, _status: &'a WaitStatus) -> Option<&'a State> {
        Some(furthest_behind(all.library_statuses.as_deref().unwrap_or_default()))
    }
}

impl IntoFuture for UpdateLibraries {
    type Output = Result<Vec<LibraryFullStatus>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn is_under_way(library: &LibraryFullStatus) -> bool {
    matches!(library.status, Some(State::Pending | State::Resolving | State::Installing))
}

/// The state of the library that is furthest behind: one that is not begun, else one that is under way, else one that
/// failed, else the first. Where no library is listed none has begun.
fn furthest_behind(all: &[LibraryFullStatus]) -> &State {
    let order = [State::Pending, State::Resolving, State::Installing, State::Failed];
    let listed = |state: &State| all.iter().filter_map(|library| library.status.as_ref()).find(|found| *found == state);
    let first = all.iter().find_map(|library| library.status.as_ref());
    order.iter().find_map(listed).or(first).unwrap_or(&State::Pending)
}

/// Removes what failed, so that the next attempt begins afresh, and states what went wrong.
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
    fn the_library_that_is_furthest_behind_states_how_far_all_are() {
        let of = |states: &[State]| {
            let all: Vec<_> = states.iter().map(|state| LibraryFullStatus::new().status(state.clone())).collect();
            furthest_behind(&all).clone()
        };
        assert_eq!(of(&[]), State::Pending);
        assert_eq!(of(&[State::Installed, State::Resolving, State::Failed]), State::Resolving);
        assert_eq!(of(&[State::Installing, State::Pending]), State::Pending);
        assert_eq!(of(&[State::Installed, State::Failed]), State::Failed);
        assert_eq!(of(&[State::UninstallOnRestart, State::Installed]), State::UninstallOnRestart);
    }

    #[test]
    fn libraries_have_names() {
        assert_eq!(name(&Library::new().pypi(PythonPyPiLibrary::new("polars"))), "pypi polars");
        assert_eq!(name(&Library::new().jar("/Volumes/a/b.jar")), "/Volumes/a/b.jar");
        assert_eq!(name(&Library::new()), "a library");
    }
}
