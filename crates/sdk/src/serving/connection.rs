//! HTTP requests that the service makes with the credentials of a connection.

use std::collections::BTreeMap;
use std::pin::Pin;

use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use databricks_models::serving::ExternalFunctionRequestHttpMethod;
use databricks_models::serving::serving_endpoints::HttpRequest;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::WorkspaceClient;
use crate::client::Client;

impl WorkspaceClient {
    /// A connection of the catalog to an external HTTP service, to send requests through. The service adds the
    /// connection's host and credentials, which this client never sees.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// use databricks_sdk::Method;
    ///
    /// let request = w.connection("slack").request(Method::POST, "/api/chat.postMessage");
    /// let response = request.json(&serde_json::json!({"channel": "C0", "text": "done"})).await?;
    /// println!("{}", response.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn connection(&self, name: impl Into<String>) -> Connection {
        Connection { client: self.client.clone(), name: name.into() }
    }
}

/// A connection to an external HTTP service; see [`WorkspaceClient::connection`].
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    name: String,
}

impl Connection {
    /// A request through the connection.
    ///
    /// * `method`: GET, POST, PUT, PATCH or DELETE.
    /// * `path`: path below the connection's base URL.
    pub fn request(&self, method: Method, path: impl Into<String>) -> ConnectionRequest {
        ConnectionRequest {
            client: self.client.clone(),
            operation: HttpRequest::new(
                self.name.as_str(),
                ExternalFunctionRequestHttpMethod::from(method.as_str()),
                path.into(),
            ),
            headers: BTreeMap::new(),
            params: BTreeMap::new(),
            invalid: None,
        }
    }
}

/// A request through a connection, to be awaited; see [`Connection::request`].
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct ConnectionRequest {
    client: Client,
    operation: HttpRequest,
    headers: BTreeMap<String, String>,
    params: BTreeMap<String, String>,
    invalid: Option<Error>,
}

impl ConnectionRequest {
    /// Sets a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Sets a parameter of the query.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.insert(name.into(), value.into());
        self
    }

    /// Sets the body to a value as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(body) {
            Ok(text) => self.operation.json = Some(text),
            Err(error) => {
                let message = "the body cannot be written as JSON";
                self.invalid = Some(Error::new(ErrorKind::InvalidInput, message).with_source(error));
            }
        }
        self
    }

    /// Sets a label that is put before the connection's host.
    pub fn sub_domain(mut self, label: impl Into<String>) -> Self {
        self.operation.sub_domain = Some(label.into());
        self
    }

    async fn run(self) -> Result<ConnectionResponse> {
        let Self { client, mut operation, headers, params, invalid } = self;
        if let Some(error) = invalid {
            return Err(error);
        }
        let text = |pairs: BTreeMap<String, String>| {
            let pairs = pairs.into_iter().map(|(name, value)| (name, Value::from(value)));
            let object = Value::Object(pairs.collect());
            object.as_object().is_some_and(|object| !object.is_empty()).then(|| object.to_string())
        };
        operation.headers = text(headers);
        operation.params = text(params);
        let response = client.call(operation).send_full().await?;
        let session_id = response.output.mcp_session_id;
        let mut pieces = response.output.contents;
        let mut body = Vec::new();
        while let Some(piece) = pieces.try_next().await? {
            if body.len() + piece.len() > LARGEST {
                let message = "the external service sent more than 512 MiB";
                return Err(Error::new(ErrorKind::Decode, message).with_permanent());
            }
            body.extend_from_slice(&piece);
        }
        Ok(ConnectionResponse { status: response.status, headers: response.headers, session_id, body: body.into() })
    }
}

/// The largest response that is read into memory.
const LARGEST: usize = 512 << 20;

impl IntoFuture for ConnectionRequest {
    type Output = Result<ConnectionResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<ConnectionResponse>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The response of an external service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionResponse {
    /// The status: one of success, since others are errors.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The session of a server of the Model Context Protocol; send it with the next request.
    pub session_id: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl ConnectionResponse {
    /// The body as a string (UTF-8; what is not becomes U+FFFD).
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it is not JSON or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        databricks_core::operation::deserialize(&self.body)
    }
}
