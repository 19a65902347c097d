//! What can be polled, and what a response means.

use std::future::Future;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Operation, RequestParts, Result, WaitStatus};
use percent_encoding::percent_decode_str;

use crate::client::Client;

/// Work at the service whose state can be polled.
pub(crate) trait Pollable: Sync {
    /// What a poll returns.
    type Resource: Send;

    /// The type of its state.
    type State: ?Sized;

    fn client(&self) -> &Client;

    /// The operation that errors name, such as `clusters.start`.
    fn operation(&self) -> &'static str;

    /// What is polled, such as `run 42`.
    fn name(&self) -> String;

    /// What is waited for, after `did not` in a message, such as `reach RUNNING`.
    fn goal(&self) -> String;

    /// Polls once.
    ///
    /// * `timeout`: of this poll, all attempts together.
    fn poll(&self, timeout: Option<Duration>) -> impl Future<Output = Result<Self::Resource>> + Send;

    fn assess(&self, resource: &Self::Resource) -> Assessment;

    /// The state of a resource, where it is one of its members.
    ///
    /// * `status`: what [`assess`](Self::assess) found.
    fn state<'a>(&self, _resource: &'a Self::Resource, _status: &'a WaitStatus) -> Option<&'a Self::State> {
        None
    }

    /// Calls `f` with the state of a resource, for those who watch the progress.
    ///
    /// * `status`: what [`assess`](Self::assess) found.
    fn report(&self, resource: &Self::Resource, status: &WaitStatus, f: &mut dyn FnMut(&Self::State)) {
        if let Some(state) = self.state(resource, status) {
            f(state);
        }
    }
}

impl<P: Pollable> Pollable for &P {
    type Resource = P::Resource;
    type State = P::State;
    fn client(&self) -> &Client {
        P::client(self)
    }
    fn operation(&self) -> &'static str {
        P::operation(self)
    }
    fn name(&self) -> String {
        P::name(self)
    }
    fn goal(&self) -> String {
        P::goal(self)
    }
    fn poll(&self, timeout: Option<Duration>) -> impl Future<Output = Result<Self::Resource>> + Send {
        P::poll(self, timeout)
    }
    fn assess(&self, resource: &Self::Resource) -> Assessment {
        P::assess(self, resource)
    }
    fn state<'a>(&self, resource: &'a Self::Resource, status: &'a WaitStatus) -> Option<&'a Self::State> {
        P::state(self, resource, status)
    }
    fn report(&self, resource: &Self::Resource, status: &WaitStatus, f: &mut dyn FnMut(&Self::State)) {
        P::report(self, resource, status, f);
    }
}

/// What a response means.
pub(crate) struct Assessment {
    pub(crate) status: WaitStatus,
    pub(crate) verdict: Verdict,
}

impl Assessment {
    pub(crate) fn new(status: WaitStatus, verdict: Verdict) -> Self {
        Self { status, verdict }
    }
}

pub(crate) enum Verdict {
    /// It goes on.
    Pending,
    /// It has come to what was waited for.
    Done,
    /// It has failed.
    Failed(Error),
    /// It has failed, unless this is the state from before the call, which a service may still show for a moment.
    FailedOrStale(Error),
}

/// Judges the state of a resource by lists of states.
///
/// * `existed`: whether the resource was there before the call, so that its state may be from before it.
/// * `reason`: what else the resource states about its failure.
pub(crate) fn judge(
    name: &str,
    operation: &'static str,
    (success, failure): (&[&str], &[&str]),
    status: &WaitStatus,
    existed: bool,
    reason: Option<String>,
) -> Verdict {
    let state = status.state.as_str();
    if success.contains(&state) {
        return Verdict::Done;
    }
    if !failure.contains(&state) {
        return Verdict::Pending;
    }
    let mut message = format!("{name} failed to reach {}, got {state}{}", success.join(" or "), said(status));
    if let Some(reason) = reason {
        message.push_str(": ");
        message.push_str(&reason);
    }
    let error = Error::new(ErrorKind::OperationFailed, message).with_operation(operation);
    let at_rest = matches!(state, "STOPPED" | "TERMINATED" | "UPDATE_FAILED" | "UPDATE_CANCELED");
    if existed && at_rest { Verdict::FailedOrStale(error) } else { Verdict::Failed(error) }
}

/// Whether an operation acts on a resource that was there before, by its id.
pub(crate) fn acts_on_existing(operation: &str) -> bool {
    let method = operation.rsplit('.').next().unwrap_or_default();
    matches!(method, "start" | "restart" | "stop" | "edit" | "resize" | "delete") || method.starts_with("update")
}

/// The service's message about a state, ready to be put behind it.
pub(crate) fn said(status: &WaitStatus) -> String {
    let message = status.message.as_deref().filter(|message| !message.is_empty());
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

/// The id of what an operation acts on, from its request: what fills the placeholders of the path, else the values of
/// the query.
pub(crate) fn id_in(parts: &RequestParts) -> String {
    let whole = parts.path_and_query();
    let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    if let (Some(first), Some(last)) = (parts.info.path.find('{'), parts.info.path.rfind('}')) {
        let after = parts.info.path.len() - last - 1;
        return path.get(first..path.len().saturating_sub(after)).map(decoded).unwrap_or_default();
    }
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(_, value)| decoded(value))
        .collect::<Vec<_>>()
        .join("/")
}

/// The id of what an operation acts on; see [`id_in`].
pub(crate) fn id_of<O: Operation>(operation: &O) -> String {
    operation.request(&databricks_core::RequestContext::default()).map(|parts| id_in(&parts)).unwrap_or_default()
}
