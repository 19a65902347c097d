//! Holding up a transfer and letting it go on.

use tokio::sync::watch;

/// Holds up an upload and lets it go on, from wherever it is needed; clones control the same upload. See
/// [`Upload::control`](super::Upload::control).
///
/// ```no_run
/// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// use std::path::Path;
/// use databricks_sdk::files::TransferControl;
///
/// let control = TransferControl::new();
/// let upload = w.files().upload_from("/Volumes/main/default/data/f", Path::new("f")).control(&control);
/// let running = tokio::spawn(upload.send());
/// control.pause(); // parts that are under way arrive, and no further ones are begun
/// control.resume();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TransferControl(watch::Sender<bool>);

impl TransferControl {
    /// A control of a transfer that is not held up.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Holds up the transfer before the next part. Parts that are under way arrive.
    pub fn pause(&self) {
        self.0.send_replace(true);
    }

    /// Lets the transfer go on.
    pub fn resume(&self) {
        self.0.send_replace(false);
    }

    /// Whether the transfer is held up.
    pub fn is_paused(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the transfer is not held up.
    pub(super) async fn running(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|paused| !paused).await;
    }
}

impl Default for TransferControl {
    fn default() -> Self {
        Self::new()
    }
}
