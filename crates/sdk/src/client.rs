//! Where operations meet a connection.

use std::future::Future;
use std::sync::{Arc, OnceLock};
#[cfg(any(feature = "compute", feature = "files", feature = "jobs", feature = "sql"))]
use std::time::Duration;

use databricks_auth::{Config, CredentialChain, LoginOutcome, ResolvedConfig};
use databricks_core::operation::{Content, OperationInfo, Payload, ResponseKind};
use databricks_core::{
    Body, Error, ErrorKind, Operation, RequestContext, RequestParts, ResponseParts, Result, SharedCredentials,
};
use databricks_transport::{SharedClock, read_body};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};

use crate::background::Background;
use crate::options::Options;
use crate::runtime;

/// A connection pool, credentials and settings, shared by everything that was made from one client.
///
/// Cheap to clone. [`WorkspaceClient`](crate::WorkspaceClient) and [`AccountClient`](crate::AccountClient) wrap it; use
/// it by itself to call operations that you describe: `client.call(MyOperation { .. })`.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: ResolvedConfig,
    credentials: CredentialChain,
    transport: databricks_transport::Client,
    /// The same pool without credentials: for other hosts, which must not see any.
    anonymous: databricks_transport::Client,
    /// For cloud storage; built at its first use.
    #[cfg_attr(not(any(feature = "files", feature = "sql")), allow(dead_code))]
    storage: Arc<(databricks_transport::ClientBuilder, OnceLock<databricks_transport::Client>)>,
    clock: SharedClock,
    background: Background,
    /// Where requests go; known after the first one.
    place: OnceLock<Place>,
    /// The id of the workspace, once it was asked for.
    #[cfg(feature = "iam")]
    workspace_id: tokio::sync::OnceCell<i64>,
    /// The clients of the account's workspaces that were made, by address.
    #[cfg(feature = "provisioning")]
    workspaces: tokio::sync::Mutex<std::collections::BTreeMap<String, Client>>,
}

/// What every request needs of the endpoint.
struct Place {
    base: Uri,
    context: RequestContext,
}

/// The largest JSON response that is read, far beyond any page of the API.
const MAX_RESPONSE: usize = 512 << 20;

impl Client {
    /// A client with these settings; what they leave open comes from the environment and the profile file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a setting is wrong; the message names it and where it came from. Nothing is sent.
    pub fn from_config(config: Config) -> Result<Self> {
        Self::builder(config).build()
    }

    /// A client over a transport without credentials.
    ///
    /// * `storage`: what requests to cloud storage go through.
    pub(crate) fn assemble(
        config: ResolvedConfig,
        plain: databricks_transport::Client,
        storage: databricks_transport::ClientBuilder,
    ) -> Self {
        let clock = config.clock().clone();
        let credentials = config.credentials_over(plain.service());
        let transport = plain.with_credentials(SharedCredentials::new(credentials.clone()));
        let inner = Inner {
            config,
            credentials,
            transport,
            anonymous: plain,
            storage: Arc::new((storage, OnceLock::new())),
            clock,
            background: Background::default(),
            place: OnceLock::new(),
            #[cfg(feature = "iam")]
            workspace_id: tokio::sync::OnceCell::new(),
            #[cfg(feature = "provisioning")]
            workspaces: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The client of a workspace of the account that this is a client of. All clients of one workspace are one.
    #[cfg(feature = "provisioning")]
    pub(crate) async fn of_workspace(&self, address: databricks_auth::WorkspaceAddress) -> Result<Self> {
        let key = format!("{address:?}");
        let mut known = self.inner.workspaces.lock().await;
        if let Some(client) = known.get(&key) {
            return Ok(client.clone());
        }
        let plain = self.inner.anonymous.with_rate_limit(Some(self.inner.config.rate_limit()));
        let mut moved = None;
        let derived =
            self.inner.credentials.for_workspace(&address, |origin| moved.insert(plain.for_origin(origin)).service());
        let credentials = Box::pin(runtime::run(derived)).await?;
        let plain = moved.unwrap_or(plain);
        let inner = Inner {
            config: credentials.config(),
            transport: plain.with_credentials(SharedCredentials::new(credentials.clone())),
            credentials,
            anonymous: plain,
            storage: Arc::clone(&self.inner.storage),
            clock: self.inner.clock.clone(),
            background: self.inner.background.clone(),
            place: OnceLock::new(),
            #[cfg(feature = "iam")]
            workspace_id: tokio::sync::OnceCell::new(),
            workspaces: tokio::sync::Mutex::default(),
        };
        let client = Self { inner: Arc::new(inner) };
        known.insert(key, client.clone());
        Ok(client)
    }

    /// The settings, with the source of each.
    pub fn config(&self) -> &ResolvedConfig {
        &self.inner.config
    }

    /// The credentials, for other HTTP clients that need the same headers.
    pub fn credentials(&self) -> &CredentialChain {
        &self.inner.credentials
    }

    /// Authenticates a person through a browser and stores the login as the official CLI does, so that `auth_type =
    /// databricks-cli` finds it from then on, here and in the official tools.
    ///
    /// Asks for a new login even if there is one. Takes at most 5 minutes.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when there is no host, the person does not log in, or the login cannot be stored.
    pub async fn login(&self) -> Result<LoginOutcome> {
        runtime::run(self.inner.config.login(self.inner.anonymous.service())).await
    }

    /// Forgets the stored login of this host or profile. Without one, does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when there is no host, or the storage cannot be changed.
    pub async fn logout(&self) -> Result<()> {
        runtime::run(self.inner.config.logout(self.inner.anonymous.service())).await
    }

    /// Where the id of the workspace is kept.
    #[cfg(feature = "iam")]
    pub(crate) fn workspace_id_cell(&self) -> &tokio::sync::OnceCell<i64> {
        &self.inner.workspace_id
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.inner.clock
    }

    /// Calls an operation.
    pub fn call<O: Operation>(&self, operation: O) -> crate::Call<O> {
        crate::Call::new(self.clone(), operation)
    }

    /// What the configuration adds to requests; finds out about the host first, once.
    pub(crate) async fn context(&self) -> Result<&RequestContext> {
        self.place().await.map(|place| &place.context)
    }

    pub(crate) async fn base(&self) -> Result<&Uri> {
        self.place().await.map(|place| &place.base)
    }

    async fn place(&self) -> Result<&Place> {
        if let Some(place) = self.inner.place.get() {
            return Ok(place);
        }
        // In an allocation of its own: only the first request has to find out.
        let endpoint = Box::pin(runtime::run(self.inner.credentials.endpoint())).await?;
        let context = RequestContext::new(endpoint.account_id, endpoint.workspace_id);
        Ok(self.inner.place.get_or_init(|| Place { base: endpoint.base, context }))
    }

    /// Sends a request of an operation and reads the response, unless it is a stream.
    pub(crate) async fn execute(&self, mut parts: RequestParts, options: &Options) -> Result<ResponseParts> {
        let base = match self.inner.place.get() {
            Some(place) => &place.base,
            None => self.base().await?,
        };
        let uri = on_base(base, parts.take_path_and_query()?)?;
        self.execute_at(parts, uri, options).await
    }

    /// As [`execute`](Self::execute), at a URL of its own. The options state which credentials go there.
    pub(crate) fn execute_at(
        &self,
        parts: RequestParts,
        uri: Uri,
        options: &Options,
    ) -> impl Future<Output = Result<ResponseParts>> + Send + use<> {
        let info = parts.info;
        let sending = self.start(parts, uri, options);
        async move {
            let response = runtime::run(sending?).await.map_err(|error| error.with_operation(info.id))?;
            receive(info, response).await.map_err(|error| error.with_operation(info.id))
        }
    }

    /// Puts the request together. Nothing is sent before the future is polled.
    fn start(
        &self,
        parts: RequestParts,
        uri: Uri,
        options: &Options,
    ) -> Result<impl Future<Output = Result<http::Response<Body>>> + Send + use<>> {
        options.check()?;
        let mut call = options.call_options();
        let info = parts.info;
        call.operation = Some(info.id);
        call.path_template = Some(info.path);
        call.idempotency = Some(info.idempotency);
        call.stream_response = info.response == ResponseKind::Stream;
        let (request, types) = assemble(parts, uri, options.headers())?;
        Ok(self.inner.transport.send_prepared(request, call, types.into_iter().flatten()))
    }

    /// Sends a request with credentials.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<http::Response<Body>> {
        runtime::run(self.inner.transport.send(request)).await
    }

    /// Sends a request without credentials, to wherever it points.
    pub(crate) async fn send_anonymous(&self, request: Request<Body>) -> Result<http::Response<Body>> {
        runtime::run(self.inner.anonymous.send(request)).await
    }

    /// Sends a request to cloud storage: without credentials, headers or rate limit of this client, and over HTTP/1.1,
    /// where each download has a connection of its own instead of a share of one.
    #[cfg(any(feature = "files", feature = "sql"))]
    pub(crate) async fn send_to_storage(&self, request: Request<Body>) -> Result<http::Response<Body>> {
        let (builder, built) = &*self.inner.storage;
        let storage = match built.get() {
            Some(storage) => storage,
            None => {
                let made = builder.clone().build()?;
                built.get_or_init(|| made)
            }
        };
        runtime::run(storage.send(request)).await
    }

    /// Reads a path of the API that the service named itself, query included.
    ///
    /// * `info`: the operation that the path belongs to.
    #[cfg(feature = "sql")]
    pub(crate) async fn get_path(&self, info: &'static OperationInfo, path: &str) -> Result<ResponseParts> {
        if !path.starts_with('/') {
            return Err(Error::new(ErrorKind::Decode, "the service named a path that does not begin with a slash")
                .with_operation(info.id));
        }
        let parts = RequestParts::new(info, self.context().await?)?;
        let uri = join(self.base().await?, path)?;
        self.execute_at(parts, uri, &Options::default()).await
    }

    /// Waits for the clean-up that dropped handles have started: statements and commands that are cancelled, contexts
    /// that are destroyed.
    ///
    /// Call it before the runtime ends; what is not done by then is lost. Each piece of clean-up takes at most ten
    /// seconds. The client can be used as before.
    pub async fn shutdown(&self) {
        self.inner.background.idle().await;
    }

    /// Tasks that run in the background.
    #[cfg(any(feature = "files", feature = "sql"))]
    pub(crate) fn background(&self) -> &Background {
        &self.inner.background
    }

    /// Makes a call in the background, within ten seconds; a failure is logged with this complaint.
    #[cfg(any(feature = "compute", feature = "files", feature = "jobs", feature = "sql"))]
    pub(crate) fn call_in_background<O: Operation>(&self, operation: O, complaint: &'static str) {
        let client = self.clone();
        self.inner.background.spawn(async move {
            let mut options = Options::default();
            options.timeout(Duration::from_secs(10));
            if let Err(error) = crate::Call::send_ref(&client, &operation, &options).await {
                tracing::warn!(%error, "{complaint}");
            }
        });
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("host", &self.inner.config.host()).finish_non_exhaustive()
    }
}

/// Puts a path and query on a base URL.
pub(crate) fn join(base: &Uri, path_and_query: &str) -> Result<Uri> {
    let target = path_and_query
        .parse()
        .map_err(|e| Error::new(ErrorKind::InvalidInput, "the path or query cannot be sent").with_source(e))?;
    on_base(base, target)
}

fn on_base(base: &Uri, target: PathAndQuery) -> Result<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = base.scheme().cloned();
    parts.authority = base.authority().cloned();
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).map_err(|e| Error::new(ErrorKind::InvalidInput, "the URL cannot be sent").with_source(e))
}

/// The media types that a request asks for and has, unless its caller sets others.
type MediaTypes = [Option<(HeaderName, HeaderValue)>; 2];

fn assemble(parts: RequestParts, uri: Uri, extra: Option<&HeaderMap>) -> Result<(Request<Body>, MediaTypes)> {
    let (content_type, body) = match parts.payload {
        Payload::None => (None, Body::empty()),
        Payload::Json(text) => (Some(HeaderValue::from_static("application/json")), Body::from(text)),
        Payload::Body { content_type, body } => (Some(HeaderValue::from_static(content_type)), body),
        Payload::Multipart(fields) => {
            let (content_type, body) = databricks_transport::multipart(fields)?;
            (Some(content_type), body)
        }
        _ => {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the request has a kind of body that this client does not know",
            ));
        }
    };
    let mut request = Request::new(body);
    *request.method_mut() = parts.info.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = parts.headers;
    let accept = Some((header::ACCEPT, HeaderValue::from_static(parts.info.accept)));
    let content_type = content_type.map(|value| (header::CONTENT_TYPE, value));
    let mut types = [accept, content_type];
    if let Some(extra) = extra {
        apply(request.headers_mut(), extra);
        for place in &mut types {
            *place = place.take().filter(|(name, _)| !extra.contains_key(name));
        }
    }
    Ok((request, types))
}

/// Puts a caller's headers over those that are there: the first of a name replaces, further ones of the same name are
/// added.
pub(crate) fn apply(headers: &mut HeaderMap, extra: &HeaderMap) {
    for name in extra.keys() {
        headers.remove(name);
        for value in extra.get_all(name) {
            headers.append(name, value.clone());
        }
    }
}

async fn receive(info: &'static OperationInfo, response: http::Response<Body>) -> Result<ResponseParts> {
    let (head, body) = response.into_parts();
    let content = match info.response {
        ResponseKind::Stream => Content::Stream(body.into_stream()),
        _ => Content::Bytes(read_body(body, MAX_RESPONSE).await?),
    };
    Ok(ResponseParts::new(info, head.status, head.headers, content))
}
