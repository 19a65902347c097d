//! The whole stack in one value.

mod builder;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, future::Future, pin::Pin};

use databricks_core::{Body, Error, Origin, Result, SharedCredentials};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use tower::{Service, ServiceExt as _};

pub use self::builder::ClientBuilder;
use crate::http_client::HttpClient;
use crate::layers::{
    AttemptLayer, AuthLayer, DeadlineLayer, DebugLogLayer, DecompressLayer, Exchange, HeadersLayer, InactivityLayer,
    Layered, Next as _, RateLimitLayer, RedirectLayer, ResponseLayer, RetryLayer, SpanLayer, UserAgentLayer,
};
use crate::user_layers::UserLayers;
use crate::{CallOptions, Environment, HttpService, RetryPolicy, SharedClock, UserAgent};

/// The layers with their types, from outside in: the order in which a request passes them.
type Stack = Layered<
    SpanLayer,
    Layered<DeadlineLayer, Layered<RetryLayer, Layered<RateLimitLayer, Layered<AttemptLayer, Attempt>>>>,
>;
/// What happens in one attempt.
type Attempt = Layered<
    AuthLayer,
    Layered<HeadersLayer, Layered<UserAgentLayer, Layered<ResponseLayer, Layered<DebugLogLayer, Wire>>>>,
>;
/// What happens close to the wire.
type Wire = Layered<InactivityLayer, Layered<RedirectLayer, Layered<DecompressLayer, HttpClient>>>;

type Sending = Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send>>;

/// Sends requests with everything that a call of the API needs. Clones are cheap and share connections, rate limit and
/// settings.
///
/// ```no_run
/// # fn example(credentials: databricks_core::SharedCredentials) -> databricks_core::Result<()> {
/// use databricks_transport::Client;
///
/// let plain = Client::builder().user_agent(databricks_transport::UserAgent::default()).build()?;
/// let signed_in = plain.with_credentials(credentials); // the same connections
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    stack: Arc<Stack>,
    settings: Arc<Settings>,
    /// The stack inside of the caller's own layers, if there are any.
    wrapped: Option<HttpService>,
}

/// What stacks are made of.
#[derive(Clone)]
struct Settings {
    http: HttpClient,
    credentials: Option<SharedCredentials>,
    origin: Option<Origin>,
    user_agent: UserAgent,
    headers: HeaderMap,
    retry: RetryPolicy,
    limit: RateLimitLayer,
    inactivity: Duration,
    log: DebugLogLayer,
    response_limit: usize,
    environment: Environment,
    clock: SharedClock,
    call_layers: UserLayers,
}

impl Settings {
    fn into_client(self) -> Client {
        let wire = Layered::new(RedirectLayer::default(), Layered::new(DecompressLayer::new(), self.http.clone()));
        let wire = Layered::new(InactivityLayer::new(self.inactivity), wire);
        let attempt =
            Layered::new(ResponseLayer::new(self.response_limit, self.clock.clone()), Layered::new(self.log, wire));
        let attempt = Layered::new(UserAgentLayer::new(self.user_agent.clone()), attempt);
        let attempt = Layered::new(HeadersLayer::new(self.headers.clone(), self.origin.clone()), attempt);
        let attempt = Layered::new(AuthLayer::new(self.credentials.clone(), self.origin.clone()), attempt);
        let stack = Layered::new(self.limit.clone(), Layered::new(AttemptLayer::new(), attempt));
        let stack = Layered::new(RetryLayer::new(self.retry.clone(), self.clock.clone()), stack);
        let stack = Layered::new(SpanLayer::new(), Layered::new(DeadlineLayer::new(self.clock.clone()), stack));
        let bare = Client { stack: Arc::new(stack), settings: Arc::new(self), wrapped: None };
        let layers = &bare.settings.call_layers;
        let wrapped = (!layers.is_empty()).then(|| layers.around(bare.service()));
        Client { wrapped, ..bare }
    }
}

impl Client {
    /// A builder with the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Sends a request. Options of the call are a [`CallOptions`] in its extensions.
    ///
    /// # Errors
    /// Every status from 400, and everything that keeps a response from coming; see [`ErrorKind`](databricks_core::ErrorKind).
    pub fn send(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>>> + Send + 'static + use<> {
        self.run(Exchange::of(request))
    }

    /// Sends a request with these options, whatever its extensions hold. The extensions of the response are empty: who
    /// needs no [`CallInfo`](crate::layers::CallInfo) and no [`FinalUri`](crate::FinalUri) saves their making.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_with(
        &self,
        request: Request<Body>,
        options: CallOptions,
    ) -> impl Future<Output = Result<Response<Body>>> + Send + 'static + use<> {
        self.run(Exchange::new(request, options))
    }

    /// As [`send_with`](Self::send_with), with headers in place of the request's of the same names: they save the map of a
    /// request that has no others.
    #[doc(hidden)]
    pub fn send_prepared(
        &self,
        request: Request<Body>,
        options: CallOptions,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Sending {
        self.run(Exchange::new(request, options).with_headers(headers))
    }

    /// Boxed here, so that the futures of callers stay small: the state of a call lies in this one allocation.
    fn run(&self, mut exchange: Exchange) -> Sending {
        if let Some(wrapped) = &self.wrapped {
            return Box::pin(wrapped.clone().oneshot(exchange.outgoing_with_extensions()));
        }
        let stack = Arc::clone(&self.stack);
        Box::pin(async move {
            single_slash(exchange.own_uri_mut());
            let mut response = stack.send(&mut exchange).await?;
            exchange.annotate(&mut response);
            Ok(response)
        })
    }

    /// The client with its type erased.
    pub fn service(&self) -> HttpService {
        HttpService::new(self.clone())
    }

    /// A client with other credentials that shares connections, rate limit and settings with this one.
    #[must_use]
    pub fn with_credentials(&self, credentials: SharedCredentials) -> Self {
        Settings { credentials: Some(credentials), ..(*self.settings).clone() }.into_client()
    }

    /// A client without credentials that shares connections, rate limit and settings with this one: for token requests
    /// and links that are signed already.
    #[must_use]
    pub fn without_credentials(&self) -> Self {
        Settings { credentials: None, ..(*self.settings).clone() }.into_client()
    }

    /// A client whose credentials and configured headers go to this origin only.
    #[must_use]
    pub fn for_origin(&self, origin: Origin) -> Self {
        Settings { origin: Some(origin), ..(*self.settings).clone() }.into_client()
    }

    /// A client with a limit of its own, in requests per second, and none with `None`; it shares everything else.
    #[must_use]
    pub fn with_rate_limit(&self, per_second: Option<u32>) -> Self {
        let limit = RateLimitLayer::new(per_second, self.settings.clock.clone());
        Settings { limit, ..(*self.settings).clone() }.into_client()
    }

    /// A client with another retry policy, for example none for one quick request for something that may not be there.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        Settings { retry, ..(*self.settings).clone() }.into_client()
    }

    /// A client with another user agent.
    #[must_use]
    pub fn with_user_agent(&self, user_agent: UserAgent) -> Self {
        Settings { user_agent, ..(*self.settings).clone() }.into_client()
    }

    /// The clock by which this client waits; helpers that poll wait by the same.
    pub fn clock(&self) -> &SharedClock {
        &self.settings.clock
    }

    /// The environment that this client was built with.
    pub fn environment(&self) -> &Environment {
        &self.settings.environment
    }

    /// The credentials, if there are any.
    pub fn credentials(&self) -> Option<&SharedCredentials> {
        self.settings.credentials.as_ref()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("credentials", &self.settings.credentials)
            .field("origin", &self.settings.origin)
            .field("retry", &self.settings.retry)
            .finish_non_exhaustive()
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Sending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.run(Exchange::of(request))
    }
}

/// Paths of files begin with a slash, and so does what they are appended to: two in that place become one, as in the
/// official SDKs.
fn single_slash(uri: &mut Uri) {
    const DOUBLE: &str = "/api/2.0/fs/files//";
    if !uri.path().starts_with(DOUBLE) {
        return;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path =
        format!("{}/{}{query}", DOUBLE.trim_end_matches('/'), uri.path()[DOUBLE.len()..].trim_start_matches('/'));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    if let Ok(single) = Uri::from_parts(parts) {
        *uri = single;
    }
}
