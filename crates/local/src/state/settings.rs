//! What the builder of a workspace sets.

use std::path::PathBuf;
use std::time::Duration;

use super::volumes;
use crate::spark::attached::Engine;
use crate::sql::script::Scripts;
use crate::sql::spill::ChunkSizes;

/// What the builder sets.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) speed: f64,
    pub(crate) token_lifetime: Duration,
    pub(crate) link_lifetime: Duration,
    /// Whether links want a header besides their signature.
    pub(crate) link_headers: bool,
    /// How uploads to volumes in parts are offered.
    pub(crate) volume_links: volumes::Links,
    pub(crate) chunks: ChunkSizes,
    pub(crate) scripts: Scripts,
    /// The interpreter of Python contexts.
    pub(crate) python: PathBuf,
    /// How long the rest of a request may stay out.
    pub(crate) idle_limit: Duration,
    /// Where the workspace's state is kept; `None` for as long as it runs.
    pub(crate) data: Option<PathBuf>,
    /// The personal access token; a random one otherwise.
    pub(crate) token: Option<String>,
    /// Names besides those of loopback by which clients reach the workspace.
    pub(crate) host_names: Vec<String>,
    /// The Spark engine to attach.
    pub(crate) spark: Option<Engine>,
    /// Whether connections are encrypted.
    #[cfg(feature = "tls")]
    pub(crate) tls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            speed: 20.0,
            token_lifetime: Duration::from_secs(3600),
            link_lifetime: Duration::from_secs(15 * 60),
            link_headers: false,
            volume_links: volumes::Links::default(),
            chunks: ChunkSizes::default(),
            scripts: Scripts::default(),
            python: PathBuf::from("python3"),
            idle_limit: Duration::from_secs(60),
            data: None,
            token: None,
            host_names: Vec::new(),
            spark: None,
            #[cfg(feature = "tls")]
            tls: false,
        }
    }
}

impl Settings {
    /// How URLs of the workspace begin.
    pub(crate) fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.tls {
            return "https";
        }
        "http"
    }
}
