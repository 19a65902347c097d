//! What the engine needs of the workspace around it.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::records::renames::Renamed;
use crate::sql::Failure;
use crate::state::kept::Staged;

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostFile {
    /// From `/Volumes` on.
    pub(crate) path: String,
    pub(crate) modified_ms: i64,
    pub(crate) length: u64,
}

/// Securables that are records of REST's, which SQL makes and reads as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Volumes,
    Functions,
}

/// The privileges of a principal on a securable, named as SQL names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostGrant {
    pub(crate) principal: String,
    pub(crate) privilege: String,
    /// `TABLE`, `SCHEMA` and so on.
    pub(crate) kind: String,
    pub(crate) object: String,
}

/// The secrets that a user may read.
pub(crate) trait Secrets: Send + Sync + std::fmt::Debug {
    /// The value of a secret, if the user may read it.
    fn value(&self, scope: &str, key: &str) -> Option<Vec<u8>>;

    /// Scopes and the keys in them: of one scope, or of all that the user may read. `None` if the user may not read the one.
    fn keys(&self, scope: Option<&str>) -> Option<Vec<(String, String)>>;
}

/// The workspace, as statements see it.
pub(crate) trait Host: Send + Sync {
    /// The workspace's time, in milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// The file of that path, or all files below the directory of that path.
    ///
    /// # Errors
    ///
    /// If there is neither.
    fn files(&self, path: &str) -> Result<Vec<HostFile>, Failure>;

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// If it is missing or cannot be read.
    fn content(&self, path: &str) -> Result<Vec<u8>, Failure>;

    /// The records of all securables of a kind.
    fn securables(&self, kind: Kept) -> Vec<Map<String, Value>>;

    /// Notes what SQL states of a securable; members that REST alone has stay.
    ///
    /// # Errors
    ///
    /// If the record cannot be stored.
    fn keep(&self, kind: Kept, full_name: &str, members: Map<String, Value>) -> Result<(), Failure>;

    /// Forgets what REST notes of a securable and of all that it held.
    ///
    /// # Errors
    ///
    /// If the change cannot be stored.
    fn forget(&self, kind: &str, full_name: &str) -> Result<(), Failure>;

    /// The identifier of the metastore among those of all clouds and regions.
    fn metastore(&self) -> String;

    /// The secrets that a user may read, who can be an administrator of the workspace.
    fn secrets(&self, user: &str, is_admin: bool) -> Arc<dyn Secrets>;
    /// Gives what REST notes of a securable and of all that it holds, and their files, the new names. `names` is what the
    /// engine keeps of them: one change makes all of it.
    ///
    /// # Errors
    ///
    /// If the change cannot be stored, or files are in the way.
    fn rename(&self, renamed: &Renamed<'_>, names: Staged) -> Result<(), Failure>;

    /// The names that privileges of a user are granted to: the user's own, and those of groups.
    fn principals(&self, user: &str) -> Vec<String>;

    /// All privileges that principals were granted.
    fn grants(&self) -> Vec<HostGrant>;

    /// Gives privileges on a securable to a principal or takes them away; `ALL PRIVILEGES` takes away all.
    ///
    /// # Errors
    ///
    /// If the change cannot be stored.
    fn grant(&self, securable: (&str, &str), principal: &str, privileges: &[String], give: bool)
    -> Result<(), Failure>;
}
