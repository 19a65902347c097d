//! What SQL statements run with.

use std::sync::Arc;

use super::Shared;
use super::clusters::Clusters;
use super::history::History;
use super::secrets::SecretScopes;
use super::sessions::Sessions;
use super::volumes::Volumes;
use super::warehouses::Warehouses;
use crate::clock::Clock;
use crate::random::Ids;
use crate::records::store::Records;
use crate::scratch::Scratch;
use crate::sql::script::Scripts;
use crate::sql::spill::ChunkSizes;
use crate::sql::store::Statements;

/// How statements run.
#[derive(Debug)]
pub(crate) struct StatementSettings {
    pub(crate) chunks: ChunkSizes,
    /// Results that are given beforehand.
    pub(crate) scripts: Scripts,
}

/// What SQL statements run with, from the compute that they start to the directory of their results.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) settings: StatementSettings,
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<Ids>,
    pub(crate) workspace_id: u64,
    /// Securables, grants and who is in which group, which statements read and change as REST does.
    pub(crate) records: Arc<Records>,
    pub(crate) clusters: Shared<Clusters>,
    pub(crate) warehouses: Shared<Warehouses>,
    /// Files that statements read.
    pub(crate) volumes: Arc<Volumes>,
    /// Secrets that statements read.
    pub(crate) secret_scopes: Shared<SecretScopes>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) history: Arc<History>,
    #[cfg(feature = "engine")]
    pub(crate) engine: Arc<crate::sql::engine::Engine>,
    /// The engine that clients' statements run on in place of that, set at the start if there is one.
    #[cfg(feature = "spark")]
    pub(crate) spark: std::sync::OnceLock<crate::spark::sql::SparkSql>,
    /// Removed with all it holds when the last request is done.
    pub(crate) directory: Scratch,
}

impl App {
    pub(crate) fn new_spark_context(&self) -> i64 {
        self.ids.spark_context()
    }
}
