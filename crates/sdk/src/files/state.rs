//! What an upload needs to know in order to go on later.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// How far an upload in parts has come: enough to go on after the program was ended, see
/// [`Upload::resume`](crate::files::Upload::resume).
///
/// It holds the token of the upload. With it, and access to the workspace, others can add to the file: store it where
/// other credentials are stored, and remove it when the upload is complete. The service forgets an upload after some
/// days.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UploadState {
    /// The path of the file in its volume.
    pub path: String,
    /// The bytes of each part but the last.
    pub part_size: u64,
    /// All bytes.
    pub length: u64,
    pub(super) session_token: String,
    pub(super) parts: BTreeMap<u64, String>,
}

impl UploadState {
    pub(super) fn new(path: &str, part_size: u64, length: Option<u64>, session_token: String) -> Self {
        let length = length.unwrap_or(0);
        Self { path: path.to_owned(), part_size, length, session_token, parts: BTreeMap::new() }
    }

    /// How many parts have arrived.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The bytes of the parts that have arrived.
    pub fn bytes(&self) -> u64 {
        self.parts
            .keys()
            .map(|number| self.length.saturating_sub((number - 1) * self.part_size).min(self.part_size))
            .sum()
    }

    /// Whether the members fit each other; what was stored may have been changed.
    pub(super) fn is_sound(&self) -> bool {
        self.part_size > 0
            && !self.parts.keys().any(|number| *number == 0 || *number > self.length.div_ceil(self.part_size))
    }
}

impl fmt::Debug for UploadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadState")
            .field("path", &self.path)
            .field("part_size", &self.part_size)
            .field("length", &self.length)
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

type Callback = Box<dyn FnMut(&UploadState) + Send>;

/// Where states go after each part. With it, parts are kept when the upload fails.
#[derive(Clone, Default)]
pub(super) struct Checkpoints(Option<Arc<Mutex<Callback>>>);

impl Checkpoints {
    pub(super) fn new(callback: impl FnMut(&UploadState) + Send + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(Box::new(callback)))))
    }

    pub(super) fn keeps_parts(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn save(&self, state: &UploadState) {
        if let Some(callback) = &self.0 {
            callback.lock().unwrap_or_else(PoisonError::into_inner)(state);
        }
    }
}

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checkpoints").field(&self.keeps_parts()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_storage_and_hide_their_token() {
        let mut state = UploadState::new("/Volumes/c/s/v/f", 10, Some(25), "hunter2".into());
        state.parts.insert(1, "a".into());
        state.parts.insert(3, "c".into());
        let stored = serde_json::to_string(&state).unwrap();
        let read: UploadState = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, state);
        assert_eq!((read.parts(), read.bytes()), (2, 15));
        assert!(read.is_sound() && !format!("{read:?}").contains("hunter2"));
        state.parts.insert(4, "d".into());
        assert!(!state.is_sound());
    }
}
