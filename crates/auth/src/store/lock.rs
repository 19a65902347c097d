//! A lock between processes that refresh the same login.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// The timeout of waiting for another process.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(25);

/// Holds the lock until it is dropped. Best effort: where it cannot be taken, work continues without it.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Closing the file releases the lock.
    _file: Option<File>,
}

impl Lock {
    /// Waits for the lock beside a token cache file, without blocking the async thread.
    pub(crate) async fn beside(cache: &Path) -> Self {
        let path = cache.with_extension("json.lock");
        let file = tokio::task::spawn_blocking(move || acquire(&path)).await.ok().flatten();
        if file.is_none() {
            tracing::debug!(target: "databricks_auth", "continuing without the lock of the token cache");
        }
        Self { _file: file }
    }
}

fn acquire(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).ok()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            Err(_) => return None,
        }
    }
}
