//! Opening a web page for a person.

use std::fmt;
use std::io;

/// Opens web pages. Replace it to send the person elsewhere, or to script a login.
pub trait Browser: fmt::Debug + Send + Sync + 'static {
    /// Opens a URL and returns at once. Called on a thread that may block.
    ///
    /// # Errors
    /// When there is no browser. The address is then shown for the person to open.
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
