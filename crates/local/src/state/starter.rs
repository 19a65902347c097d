//! What makes execution contexts and starts their interpreters.

use std::sync::Arc;

use super::app::App;
use super::contexts::Contexts;
use crate::python::PythonSetup;
use crate::random::Ids;

/// What makes execution contexts and starts their interpreters.
#[derive(Clone, Debug)]
pub(crate) struct ContextStarter {
    pub(crate) sql: Arc<App>,
    pub(crate) ids: Arc<Ids>,
    pub(crate) contexts: Arc<Contexts>,
    pub(crate) python: Arc<PythonSetup>,
}
