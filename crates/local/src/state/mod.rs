//! What the workspace knows, in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod app;
pub(crate) mod clusters;
pub(crate) mod content;
pub(crate) mod contexts;
mod credentials;
pub(crate) mod dbfs;
pub(crate) mod endpoints;
pub(crate) mod grants;
pub(crate) mod handles;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod integrations;
pub(crate) mod jobs;
pub(crate) mod kept;
pub(crate) mod notebooks;
pub(crate) mod objects;
pub(crate) mod parts;
mod place;
pub(crate) mod policies;
pub(crate) mod secrets;
pub(crate) mod sessions;
mod settings;
pub(crate) mod signed_links;
pub(crate) mod starter;
pub(crate) mod tokens;
pub(crate) mod tree;
pub(crate) mod volumes;
pub(crate) mod warehouses;

pub(crate) use app::App;
pub(crate) use parts::Parts;
pub(crate) use settings::Settings;

/// The user whom personal access tokens and the password belong to.
pub(crate) const USER_NAME: &str = "local.user@example.com";

/// State that several services change.
pub(crate) type Shared<T> = Arc<Mutex<T>>;

/// Locks; a panic of another request leaves the state usable, since no handler panics between two changes.
pub(crate) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
