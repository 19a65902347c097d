//! HTTP handlers, one module per service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;

use crate::state::App;

mod clusters;
mod current_user;
mod faults;
mod tokens;
mod warehouses;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(clusters::routes())
        .merge(current_user::routes())
        .merge(faults::routes())
        .merge(tokens::routes())
        .merge(warehouses::routes())
}

/// Locks; a panic of another request leaves the state usable, since no handler panics between two changes.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
