//! What the providers use of the system: clock, child processes, browser and key store.
//!
//! All of it can be replaced, so that a test needs neither a program in `PATH` nor a desktop.

use std::path::Path;
use std::sync::Arc;

use databricks_transport::SharedClock;

use crate::login::browser::Browser;
use crate::process::DynProcessRunner;
use crate::process::system::SystemRunner;
use crate::store::key_store::KeyStore;
use crate::store::storage::Storage;

/// The parts of the system that providers use.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) clock: SharedClock,
    pub(crate) runner: Arc<dyn DynProcessRunner>,
    /// `None` follows the features this crate was built with.
    pub(crate) browser: Option<Arc<dyn Browser>>,
    /// `None` follows the features this crate was built with.
    pub(crate) key_store: Option<Arc<dyn KeyStore>>,
    /// The storage of logins, if it was set in code.
    pub(crate) storage: Option<Storage>,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            clock: SharedClock::default(),
            runner: Arc::new(SystemRunner),
            browser: None,
            key_store: None,
            storage: None,
        }
    }
}

/// Whether the file's mode lets other users read it. Always `false` where there are no modes.
pub(crate) fn is_readable_by_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Replaces a file as a whole, keeping its mode; a new one is readable by its owner only.
pub(crate) fn replace_file(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;

    // A symbolic link, for example to a file under version control, is kept.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".databricks-").suffix(".tmp").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = std::fs::metadata(&path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
