//! The floor: hyper's pooled client and serde with derived structs, and nothing else.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arrow;
use crate::fixtures::Row;
use crate::plain_models::{ListClustersResponse, User};
use crate::tls;
use crate::work::Contender;

pub(crate) struct Floor<C> {
    client: Client<C, Full<Bytes>>,
    url: String,
    token: HeaderValue,
}

/// A statement's response, with the members that a client needs to know that all rows came.
#[derive(Deserialize)]
pub(crate) struct Statement {
    statement_id: Option<String>,
    status: Status,
    manifest: Manifest,
    result: Data,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

#[derive(Deserialize)]
struct Manifest {
    format: Option<String>,
    schema: Schema,
    total_chunk_count: Option<i64>,
    total_row_count: Option<usize>,
    truncated: Option<bool>,
    chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Schema {
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    name: Option<String>,
    type_name: Option<String>,
    type_text: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    chunk_index: Option<i64>,
    row_offset: Option<i64>,
    row_count: Option<i64>,
}

#[derive(Deserialize)]
struct Data {
    data_array: Vec<Vec<Option<String>>>,
}

impl Manifest {
    /// Whether this describes a result of so many rows in one piece, with types for all its columns.
    fn describes(&self, rows: usize) -> bool {
        let typed = |column: &Column| column.name.is_some() && column.type_name.is_some() && column.type_text.is_some();
        let first =
            |chunk: &Chunk| chunk.chunk_index == Some(0) && chunk.row_offset == Some(0) && chunk.row_count.is_some();
        self.format.as_deref() == Some("JSON_ARRAY")
            && self.total_chunk_count == Some(1)
            && self.total_row_count == Some(rows)
            && self.truncated == Some(false)
            && self.schema.columns.iter().all(typed)
            && self.chunks.iter().all(first)
    }
}

impl Statement {
    /// The rows as structs.
    pub(crate) fn rows(self) -> Result<Vec<Row>> {
        ensure!(self.status.state == "SUCCEEDED" && self.statement_id.is_some(), "the statement failed");
        ensure!(self.manifest.describes(self.result.data_array.len()), "rows are missing");
        self.result.data_array.into_iter().map(row).collect()
    }
}

fn row(cells: Vec<Option<String>>) -> Result<Row> {
    let mut cells = cells.into_iter();
    let mut next = || cells.next().context("a cell is missing");
    let stated = |cell: Option<String>| cell.context("NULL");
    Ok(Row {
        id: stated(next()?)?.parse()?,
        name: stated(next()?)?,
        amount: stated(next()?)?.parse()?,
        active: stated(next()?)?.parse()?,
        day: stated(next()?)?,
        comment: next()?,
    })
}

/// The body of a request for a statement.
pub(crate) fn statement(text: &str) -> serde_json::Value {
    serde_json::json!({
        "statement": text, "warehouse_id": "abc", "wait_timeout": "10s", "on_wait_timeout": "CONTINUE",
        "disposition": "INLINE", "format": "JSON_ARRAY",
    })
}

impl Floor<HttpConnector> {
    pub(crate) fn plain(url: &str) -> Self {
        Self::new(url, Client::builder(TokioExecutor::new()).build_http())
    }
}

impl Floor<HttpsConnector<HttpConnector>> {
    /// Over TLS, to a server with this certificate.
    pub(crate) fn tls(url: &str, pem: &[u8]) -> Result<Self> {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls::client(pem)?).https_only();
        let connector = connector.enable_all_versions().build();
        Ok(Self::new(url, Client::builder(TokioExecutor::new()).build(connector)))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Floor<C> {
    fn new(url: &str, client: Client<C, Full<Bytes>>) -> Self {
        Self { client, url: url.to_owned(), token: HeaderValue::from_static("Bearer dapi0123456789") }
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<T> {
        self.call_of(None, method, path, body).await
    }

    async fn call_of<T: DeserializeOwned>(
        &self,
        workspace: Option<usize>,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T> {
        let uri: Uri = format!("{}{path}", self.url).parse()?;
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.token.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static("databricks-bench/0.1.0"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(workspace) = workspace {
            headers.insert("x-databricks-workspace-id", HeaderValue::from(workspace + 1));
        }
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Full::new(body.into());
        }
        let response = self.client.request(request).await?;
        ensure!(response.status().is_success(), "{}", response.status());
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&bytes)?)
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Contender for Floor<C> {
    async fn user(&self) -> Result<usize> {
        let user: User = self.call(Method::GET, "/api/2.0/preview/scim/v2/Me", None).await?;
        Ok(user.user_name.map_or(0, |name| name.len()))
    }

    async fn clusters(&self) -> Result<usize> {
        let (mut count, mut path) = (0, "/api/2.1/clusters/list".to_owned());
        loop {
            let page: ListClustersResponse = self.call(Method::GET, &path, None).await?;
            for cluster in page.clusters.unwrap_or_default() {
                count += usize::from(cluster.cluster_id.is_some());
            }
            match page.next_page_token.filter(|token| !token.is_empty()) {
                Some(token) => path = format!("/api/2.1/clusters/list?page_token={token}"),
                None => return Ok(count),
            }
        }
    }

    async fn rows(&self, text: &str) -> Result<usize> {
        let body = serde_json::to_vec(&statement(text))?;
        let response: Statement = self.call(Method::POST, "/api/2.0/sql/statements", Some(body)).await?;
        let rows = response.rows()?;
        Ok(rows.iter().filter(|row| row.weight() > 0).count())
    }

    async fn arrow(&self) -> Result<usize> {
        let body = serde_json::to_vec(&arrow::request())?;
        let first: Value = self.call(Method::POST, "/api/2.0/sql/statements", Some(body)).await?;
        let first = arrow::link(&first)?;
        let chunks = stream::iter(0..arrow::CHUNKS).map(|index| {
            let first = &first;
            async move {
                let link = match index {
                    0 => first.clone(),
                    _ => arrow::link(&self.call::<Value>(Method::GET, &arrow::path(index), None).await?)?,
                };
                let mut request = Request::new(Full::default());
                *request.uri_mut() = link.parse()?;
                let response = self.client.request(request).await?;
                ensure!(response.status().is_success(), "{}", response.status());
                arrow::rows(&response.into_body().collect().await?.to_bytes())
            }
        });
        chunks.buffered(arrow::PARALLELISM).try_fold(0, |sum, rows| std::future::ready(Ok(sum + rows))).await
    }

    async fn prepare(&mut self, _workspaces: usize) -> Result<()> {
        Ok(())
    }

    async fn user_of(&self, workspace: usize) -> Result<usize> {
        let user: User = self.call_of(Some(workspace), Method::GET, "/api/2.0/preview/scim/v2/Me", None).await?;
        Ok(user.user_name.map_or(0, |name| name.len()))
    }
}
