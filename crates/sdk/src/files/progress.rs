//! How far a transfer has come.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::control::TransferControl;

/// How far an upload or a download has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferProgress {
    /// The bytes that are transferred.
    pub bytes: u64,
    /// All bytes, if known.
    pub total_bytes: Option<u64>,
    /// The parts or ranges that are transferred.
    pub parts: u64,
    /// Parts that were sent again with a new link, and downloads that went on after a break.
    pub renewals: u64,
}

type Callback = Box<dyn FnMut(TransferProgress) + Send>;

/// The progress and the callback that gets it; clones share both.
#[derive(Clone, Default)]
pub(super) struct Tracker(Arc<Mutex<Tracked>>);

#[derive(Default)]
struct Tracked {
    progress: TransferProgress,
    callback: Option<Callback>,
    control: TransferControl,
}

impl Tracker {
    pub(super) fn set_callback(&self, callback: impl FnMut(TransferProgress) + Send + 'static) {
        self.lock().callback = Some(Box::new(callback));
    }

    pub(super) fn set_control(&self, control: TransferControl) {
        self.lock().control = control;
    }

    /// Waits until the transfer is not held up.
    pub(super) async fn running(&self) {
        let control = self.lock().control.clone();
        control.running().await;
    }

    /// Notes something without a report.
    pub(super) fn note(&self, change: impl FnOnce(&mut TransferProgress)) {
        change(&mut self.lock().progress);
    }

    /// Notes something and reports.
    pub(super) fn report(&self, change: impl FnOnce(&mut TransferProgress)) {
        let mut tracked = self.lock();
        let Tracked { progress, callback, .. } = &mut *tracked;
        change(progress);
        if let Some(callback) = callback {
            callback(*progress);
        }
    }

    pub(super) fn get(&self) -> TransferProgress {
        self.lock().progress
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tracked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracker").field(&self.get()).finish()
    }
}
