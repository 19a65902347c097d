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
