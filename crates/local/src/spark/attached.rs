//! The attached engine: one that runs already, or one that the workspace starts and stops.

use std::path::Path;

use super::address::Address;
use super::sail::Sail;
use super::upstream::Upstream;

/// What the builder asks for.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// A server of Spark Connect at this URL.
    Url(String),
    /// Sail, started for the workspace.
    Sail,
}

/// An engine that calls are passed on to.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(super) upstream: Upstream,
    /// The engine itself, if it is the workspace's own.
    own: Option<Sail>,
}

impl Attached {
    /// Attaches an engine; an error is a sentence.
    ///
    /// * `python`: the interpreter that Sail is started with.
    /// * `parent`: where Sail gets a directory of its own.
    pub(crate) async fn new(engine: Engine, python: &Path, parent: &Path) -> Result<Self, String> {
        match engine {
            Engine::Url(url) => Ok(Self { upstream: Upstream::new(Address::parse(&url)?)?, own: None }),
            Engine::Sail => {
                let (sail, port) = Sail::start(python, parent).await?;
                Ok(Self { upstream: Upstream::new(Address::loopback(port))?, own: Some(sail) })
            }
        }
    }

    /// Whether it is the workspace's own, which started it.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Ends the engine if it is the workspace's own.
    pub(crate) fn stop(&self) {
        if let Some(sail) = &self.own {
            sail.stop();
        }
    }
}
