//! Opening web pages.

use std::fmt;
use std::io;

/// Opens web pages for a login. Implement it to show the page elsewhere, or to script a login; see
/// [`Config::browser`](crate::Config::browser).
pub trait Browser: fmt::Debug + Send + Sync + 'static {
    /// Opens a URL and returns without waiting for the user. Called on a thread that may block.
    ///
    /// # Errors
    /// When no browser can be opened. The address is written to standard error then.
    fn open(&self, url: &str) -> io::Result<()>;
}

/// The system's browser, or the one that `BROWSER` names.
#[cfg(feature = "browser")]
#[derive(Debug)]
pub(crate) struct SystemBrowser;

#[cfg(feature = "browser")]
impl Browser for SystemBrowser {
    fn open(&self, url: &str) -> io::Result<()> {
        webbrowser::open(url)
    }
}
