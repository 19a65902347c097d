//! Services that keep records: created, read, listed, updated and deleted by their identifiers.
//!
//! Most services of the API are of this form. [`kinds`] states what is particular to each, [`verbs`] does the work for
//! all, and [`special`] holds the operations that fit no verb.

pub(crate) mod call;
mod kind;
mod kinds;
mod mask;
pub(crate) mod renames;
pub(crate) mod special;
pub(crate) mod stamp;
pub(crate) mod store;
mod verbs;

use std::collections::HashMap;
use std::sync::LazyLock;

use call::Call;
use kind::{Edit, Kind, Verb};

use crate::operations::Operation;
use crate::reply::Reply;

/// SQL's LIKE with `%` for any run of characters.
pub(crate) fn like(text: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('%').collect();
    let [first, middle @ .., last] = &parts[..] else { return text == pattern };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What serves an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    Verb(&'static Kind, Verb),
    Action(&'static Kind, Edit),
    Special(fn(&Call<'_>) -> Reply),
}

static SERVICES: LazyLock<HashMap<&'static str, Service>> = LazyLock::new(|| {
    let found = crate::operations::all().iter().filter_map(|o| Some((o.id, look_up(o)?)));
    found.collect()
});

fn look_up(operation: &'static Operation) -> Option<Service> {
    if let Some(special) = special::find(operation) {
        return Some(Service::Special(special));
    }
    kinds::all().find_map(|kind| match kind.action(operation) {
        Some(edit) => Some(Service::Action(kind, edit)),
        None => kind.verb(operation).map(|verb| Service::Verb(kind, verb)),
    })
}

/// The service of an operation, if records serve it.
pub(crate) fn service_of(operation: &Operation) -> Option<Service> {
    SERVICES.get(operation.id).copied()
}

/// Runs a call.
pub(crate) fn serve(service: Service, call: &Call<'_>) -> Reply {
    match service {
        Service::Verb(kind, verb) => verbs::run(kind, verb, call),
        Service::Action(kind, edit) => verbs::act(kind, edit, call),
        Service::Special(run) => run(call),
    }
}
