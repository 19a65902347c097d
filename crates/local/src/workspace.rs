//! The handle of a running workspace.

use std::fmt;
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::AbortHandle;

use crate::faults::Faults;
use crate::record::RecordedRequest;
use crate::server::Server;
use crate::state::Parts;

/// A running embedded workspace. Dropping it stops it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), databricks_local::StartError> {
/// let workspace = databricks_local::LocalWorkspace::start().await?;
/// assert!(workspace.url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
pub struct LocalWorkspace {
    pub(crate) parts: Arc<Parts>,
    pub(crate) server: Server,
    /// What plays cloud storage: an origin of its own.
    pub(crate) storage: Server,
    pub(crate) cluster_id: Option<String>,
    /// What starts scheduled runs.
    pub(crate) schedules: AbortHandle,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::SelfSigned>,
}

impl LocalWorkspace {
    /// The base URL, `http://127.0.0.1:<port>` without a trailing slash: the value for `DATABRICKS_HOST`. It begins with
    /// `https` if the builder asked for TLS.
    pub fn url(&self) -> &str {
        &self.parts.place.url
    }

    /// A personal access token of the workspace's user: the value for `DATABRICKS_TOKEN`. Account-level calls refuse
    /// it, as the real service does.
    pub fn token(&self) -> &str {
        &self.parts.identity.secrets.token
    }

    /// The service principal's OAuth client id: the value for `DATABRICKS_CLIENT_ID`.
    pub fn client_id(&self) -> &str {
        &self.parts.identity.secrets.client_id
    }

    /// The service principal's OAuth secret: the value for `DATABRICKS_CLIENT_SECRET`.
    pub fn client_secret(&self) -> &str {
        &self.parts.identity.secrets.client_secret
    }

    /// The account that the workspace belongs to: the value for `DATABRICKS_ACCOUNT_ID`.
    pub fn account_id(&self) -> &str {
        &self.parts.place.account_id
    }

    /// The name of the user that owns the token; with [`password`](Self::password) it authenticates account-level
    /// calls.
    pub fn username(&self) -> &str {
        crate::state::USER_NAME
    }

    /// The user's password for account-level calls with basic authentication.
    pub fn password(&self) -> &str {
        &self.parts.identity.secrets.password
    }

    /// The numeric identifier that responses carry in `X-Databricks-Org-Id`.
    pub fn workspace_id(&self) -> u64 {
        self.parts.place.workspace_id
    }

    /// The identifier of the SQL warehouse that is there from the start, stopped.
    pub fn warehouse_id(&self) -> &str {
        &self.parts.place.starter_warehouse
    }

    /// The identifier of the cluster that [`starter_cluster`](crate::LocalWorkspaceBuilder::starter_cluster) asks for: the value for
    /// `DATABRICKS_CLUSTER_ID`.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The URL for clients of Spark Connect, with the token and the [starter cluster](Self::cluster_id): the value for
    /// `SPARK_REMOTE` of PySpark and of Databricks Connect. `None` unless an engine is
    /// [attached](crate::LocalWorkspaceBuilder::spark_connect).
    pub fn spark_remote(&self) -> Option<String> {
        self.parts.attached.as_ref()?;
        let mut url = self.parts.place.spark_remote(self.token());
        if let Some(cluster) = &self.cluster_id {
            url.push_str(&format!(";x-databricks-cluster-id={cluster}"));
        }
        Some(url)
    }

    /// The requests handled so far, oldest first; the last 10,000 are kept, fewer if their bodies are larger than 64 MiB
    /// together.
    ///
    /// Values of headers that hold credentials are replaced.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.parts.record.snapshot()
    }

    /// The rules that make requests fail on demand.
    pub fn faults(&self) -> &Faults {
        &self.parts.faults
    }

    /// The origin of links to files of volumes, without a slash at its end. It refuses requests with `Authorization`.
    pub fn storage_url(&self) -> &str {
        self.parts.sql.volumes.storage.get().map_or("", String::as_str)
    }

    /// The certificate of the authority that clients are to trust, as PEM; `None` if connections are plain.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn authority(&self) -> Option<&str> {
        self.tls.as_ref().map(crate::tls::SelfSigned::authority)
    }

    /// The file with that certificate, which is there as long as the workspace runs: the value for `SSL_CERT_FILE` and for
    /// `REQUESTS_CA_BUNDLE` of Python's requests.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn authority_file(&self) -> Option<PathBuf> {
        self.parts.authority_file()
    }

    /// How many uploads to volumes have begun and are neither complete nor given up, and how many parts they hold.
    pub fn open_uploads(&self) -> (usize, usize) {
        self.parts.sql.volumes.open_uploads()
    }

    /// Stops taking requests, ends the child processes and waits for both.
    ///
    /// Dropping the workspace does the same without waiting.
    pub async fn shutdown(mut self) {
        self.schedules.abort();
        self.parts.stop();
        self.server.shutdown().await;
        self.storage.shutdown().await;
    }
}

impl Drop for LocalWorkspace {
    fn drop(&mut self) {
        self.schedules.abort();
        self.parts.stop();
        self.server.stop();
        self.storage.stop();
    }
}

impl fmt::Debug for LocalWorkspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWorkspace").field("url", &self.parts.place.url).finish_non_exhaustive()
    }
}
