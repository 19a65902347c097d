//! What an API call is: a request to build and a response to read.

mod request_parts;
mod response_parts;

pub use request_parts::{JsonObject, Payload, RequestParts, WORKSPACE_ID_HEADER};
#[doc(hidden)]
pub use response_parts::deserialize;
pub use response_parts::{Content, ResponseParts};

use http::Method;

use crate::{Idempotency, Result};

/// A call of the API, as a value: its inputs are the fields of the implementing type.
///
/// Generated for every operation of the API. Implement it yourself for an endpoint that is not described yet:
///
/// ```
/// use databricks_core::operation::{Scope, Operation, OperationInfo, RequestContext, RequestParts, ResponseParts};
/// use databricks_core::Result;
///
/// struct Ping { room: String }
///
/// impl Operation for Ping {
///     type Output = serde_json::Value;
///     const INFO: &'static OperationInfo =
///         &OperationInfo::new("rooms.ping", http::Method::GET, "/api/2.0/rooms/{room}/ping", Scope::Workspace);
///
///     fn request(&self, context: &RequestContext) -> Result<RequestParts> {
///         RequestParts::new(Self::INFO, context)?.path_param("room", &self.room)
///     }
///     fn response(parts: ResponseParts) -> Result<Self::Output> {
///         parts.json()
///     }
/// }
///
/// let parts = Ping { room: "a/b".into() }.request(&RequestContext::default()).unwrap();
/// assert_eq!(parts.path(), "/api/2.0/rooms/a%2Fb/ping");
/// ```
pub trait Operation: Send + Sync + 'static {
    /// What the response holds.
    type Output: Send + 'static;

    /// What does not depend on the inputs.
    const INFO: &'static OperationInfo;

    /// Builds the request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when an input cannot be sent, such as an empty path parameter.
    fn request(&self, context: &RequestContext) -> Result<RequestParts>;

    /// Builds the request and gives away what can be sent once, such as a stream to upload.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    fn into_request(self, context: &RequestContext) -> Result<RequestParts>
    where
        Self: Sized,
    {
        self.request(context)
    }

    /// Fills what must stay the same over all attempts, such as an idempotency key. Called once, before the request is
    /// built.
    fn prepare(&mut self) {}

    /// Reads the response.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the response is not what the API describes.
    fn response(parts: ResponseParts) -> Result<Self::Output>;
}

/// What is known of an operation without its inputs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperationInfo {
    /// `service.method`, such as `clusters.get`; unique.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters in braces, such as `/api/2.0/policies/{name}`.
    pub path: &'static str,
    /// Which client offers it.
    pub scope: Scope,
    /// Whether it may be sent twice.
    pub idempotency: Idempotency,
    /// Whether the header `X-Databricks-Workspace-Id` is sent when a workspace id is configured.
    pub workspace_header: bool,
    /// What the response's body is.
    pub response: ResponseKind,
    /// The media type asked for.
    pub accept: &'static str,
}

impl OperationInfo {
    /// An operation that returns JSON, with the idempotency class of its method.
    pub const fn new(id: &'static str, method: Method, path: &'static str, scope: Scope) -> Self {
        let idempotency = match method {
            Method::GET | Method::HEAD | Method::OPTIONS => Idempotency::ReadOnly,
            Method::PUT | Method::DELETE => Idempotency::Idempotent,
            _ => Idempotency::NotIdempotent,
        };
        let workspace_header = matches!(scope, Scope::Workspace);
        Self {
            id,
            method,
            path,
            scope,
            idempotency,
            workspace_header,
            response: ResponseKind::Json,
            accept: "application/json",
        }
    }

    /// The same with another idempotency class.
    #[must_use]
    pub const fn idempotency(mut self, class: Idempotency) -> Self {
        self.idempotency = class;
        self
    }

    /// The same, with or without the workspace header.
    #[must_use]
    pub const fn workspace_header(mut self, sent: bool) -> Self {
        self.workspace_header = sent;
        self
    }

    /// The same with a response of which nothing is read.
    #[must_use]
    pub const fn empty(self) -> Self {
        self.response(ResponseKind::Empty, "application/json")
    }

    /// The same with a response that is a stream of bytes, asking for the media type `accept`.
    #[must_use]
    pub const fn stream(self, accept: &'static str) -> Self {
        self.response(ResponseKind::Stream, accept)
    }

    /// The same with another kind of response, asking for the media type `accept`.
    #[must_use]
    pub const fn response(mut self, kind: ResponseKind, accept: &'static str) -> Self {
        self.response = kind;
        self.accept = accept;
        self
    }
}

/// Which client offers an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// A workspace's client.
    Workspace,
    /// An account's client.
    Account,
}

/// What a response's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseKind {
    /// JSON, read whole.
    Json,
    /// Nothing that is read.
    Empty,
    /// A stream of bytes.
    Stream,
}

/// What a client's configuration adds to requests.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestContext {
    /// The account id, part of the paths of account operations.
    pub account_id: Option<String>,
    /// The workspace id, sent as a header.
    pub workspace_id: Option<String>,
}

impl RequestContext {
    /// With these ids.
    pub fn new(account_id: Option<String>, workspace_id: Option<String>) -> Self {
        Self { account_id, workspace_id }
    }
}

#[cfg(test)]
mod tests;
