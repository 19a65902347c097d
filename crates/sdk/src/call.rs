//! One call of the API.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::operation::WORKSPACE_ID_HEADER;
use databricks_core::{Credentials, DataPlane, Error, ErrorKind, Operation, Paginated, Result, SharedCredentials};
use databricks_transport::RetryPolicy;
use http::{HeaderMap, StatusCode, Uri};

use crate::client::Client;
use crate::options::Options;
use crate::{Items, Pages};

/// A call that is ready to be made: an operation with its inputs, and options for this call alone.
///
/// Await it for the result. Optional inputs of the operation are methods of the same name; they differ from operation
/// to operation, and so do [`items`](Call::items) and [`pages`](Call::pages) (lists) and `wait` (operations that
/// complete later; a [`Waiter`](crate::Waiter) or an [`OperationWaiter`](crate::OperationWaiter)).
///
/// Options of the call begin with `with_`, so that they never clash with an input: `timeout` is an input of the API,
/// `with_timeout` an option. What has no inputs of the API has plain names: waits and handles,
/// [`Query`](crate::WorkspaceClient::sql), [`RawRequest`](crate::RawRequest) and
/// [`ClientBuilder`](crate::ClientBuilder).
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// let cluster = w.clusters().get("0923-164208-meows279").with_timeout(Duration::from_secs(10)).with_max_attempts(2).await?;
/// # Ok(())
/// # }
/// ```
///
/// Nothing is sent before the call is awaited. Dropping the future stops it, retries included.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<O> {
    pub(crate) client: Client,
    pub(crate) operation: O,
    pub(crate) options: Options,
}

/// A result with status and headers of the response.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response<T> {
    /// The result.
    pub output: T,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

impl<O: Operation> Call<O> {
    pub(crate) fn new(client: Client, operation: O) -> Self {
        Self { client, operation, options: Options::default() }
    }

    /// Changes the operation's inputs: what the generated setters call.
    #[allow(dead_code)] // Without any package there are no setters.
    pub(crate) fn map(mut self, change: impl FnOnce(&mut O)) -> Self {
        change(&mut self.operation);
        self
    }

    /// Sets the timeout of the call as a whole, all attempts and the pauses between them included. Default: none;
    /// retries have a budget of their own.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout(timeout);
        self
    }

    /// Sets the timeout of one attempt, from the connection to the last byte. Default: none but the idle timeout (60
    /// s).
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.options.attempt_timeout(timeout);
        self
    }

    /// Sets the most attempts; 1 means that nothing is retried. Default: as many as fit into the client's retry budget.
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.options.max_attempts(attempts);
        self
    }

    /// Sets a retry policy in place of the client's.
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry(policy);
        self
    }

    /// Sets whether the request may be sent again when it is unknown whether the service executed it.
    ///
    /// Default: the operation's own class, by its method or its idempotency key.
    pub fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.options.idempotent(idempotent);
        self
    }

    /// Adds a header. The first of a name replaces the client's, more of the same name are added.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.header(&name.into(), &value.into());
        self
    }

    /// Sets an input that this release does not know, by its name on the wire: a member of the JSON body, or a query
    /// parameter where there is no body. One that the release knows is refused when the call is made.
    pub fn with_input(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.options.input(&name.into(), value.into());
        self
    }

    /// Sets whether this call's requests and responses are logged, redacted, whatever the client's settings.
    pub fn with_debug(mut self, on: bool) -> Self {
        self.options.debug(on);
        self
    }

    /// Adds `name/value` to the user agent of this call.
    pub fn with_user_agent_extra(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.user_agent_extra(&name.into(), &value.into());
        self
    }

    /// Sets credentials in place of the client's, for this call and the polls that follow it.
    pub fn with_credentials(mut self, credentials: impl Credentials) -> Self {
        self.options.transport().credentials = Some(SharedCredentials::new(credentials));
        self
    }

    /// Makes the call.
    ///
    /// # Errors
    /// When an input cannot be sent, no credentials are found, the service cannot be reached or refuses, or its
    /// response cannot be decoded; see [`Error`](crate::Error).
    pub async fn send(mut self) -> Result<O::Output> {
        self.operation.prepare();
        let request = self.operation.into_request(self.client.context().await?)?;
        let request = self.options.add_inputs(request)?;
        O::response(self.client.execute(request, &self.options).await?)
    }

    /// Makes the call and returns status and headers with the result.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_full(mut self) -> Result<Response<O::Output>> {
        self.operation.prepare();
        let request = self.operation.into_request(self.client.context().await?)?;
        let request = self.options.add_inputs(request)?;
        let parts = self.client.execute(request, &self.options).await?;
        let (status, headers) = (parts.status, parts.headers.clone());
        Ok(Response { output: O::response(parts)?, status, headers })
    }

    /// Makes the call without consuming the operation.
    pub(crate) async fn send_ref(client: &Client, operation: &O, options: &Options) -> Result<O::Output> {
        let request = options.add_inputs(operation.request(client.context().await?)?)?;
        O::response(client.execute(request, options).await?)
    }
}

impl<O: DataPlane> Call<O> {
    /// Makes the call at the endpoint's own host, past the workspace's, as route-optimized serving endpoints want it.
    /// Awaiting the call goes through the workspace.
    ///
    /// The workspace is asked for the host each time; the token for it is made of the client's own (RFC 7523), once,
    /// and never the client's own.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`ErrorKind::InvalidInput`] when the endpoint has no host of its own.
    pub async fn send_direct(mut self) -> Result<O::Output> {
        self.operation.prepare();
        let response = Self::send_control(&self.client, &self.operation).await?;
        let none = || {
            Error::new(ErrorKind::InvalidInput, "the endpoint has no host of its own; await the call instead")
                .with_operation(O::INFO.id)
        };
        let target = O::target(&response).ok_or_else(none)?;
        let uri: Uri = target.url.parse().map_err(|e| {
            Error::new(ErrorKind::Decode, "the workspace named a host for the endpoint that is not a URL")
                .with_source(e)
                .with_operation(O::INFO.id)
        })?;
        let credentials = self.client.credentials().data_plane(target.authorization_details);
        self.options.transport().credentials = Some(SharedCredentials::new(credentials));
        self.options.transport().foreign_credentials = true;
        let request = self.operation.into_request(self.client.context().await?)?;
        let mut request = self.options.add_inputs(request)?;
        // Another host than the workspace's: it has no use for the workspace's id.
        request.headers.remove(WORKSPACE_ID_HEADER);
        O::response(self.client.execute_at(request, uri, &self.options).await?)
    }

    async fn send_control(client: &Client, operation: &O) -> Result<<O::Control as Operation>::Output> {
        Call::send_ref(client, &operation.control()?, &Options::default()).await
    }
}

impl<O: Operation> IntoFuture for Call<O> {
    type Output = Result<O::Output>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<O::Output>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<O: Paginated> Call<O> {
    /// All items of the list, page after page, as a stream. Nothing is sent before the first item is asked for.
    pub fn items(self) -> Items<O> {
        Items::new(self.pages())
    }

    /// The pages of the list as a stream.
    pub fn pages(self) -> Pages<O> {
        Pages::new(self)
    }
}
