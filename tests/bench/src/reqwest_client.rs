//! reqwest with its JSON, into the same structs as the floor.

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arrow;
use crate::floor::{Statement, statement};
use crate::plain_models::{ListClustersResponse, User};
use crate::work::Contender;

pub(crate) struct Reqwest {
    client: Client,
    url: String,
}

impl Reqwest {
    /// * `pem`: the certificate of a server over TLS, the only one that is trusted.
    pub(crate) fn new(url: &str, pem: Option<&[u8]>) -> Result<Self> {
        // The cryptography that the others use, too. What the operating system trusts is not loaded, whatever the server.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = pem.map(reqwest::Certificate::from_pem).transpose()?;
        let client = Client::builder().user_agent("databricks-bench/0.1.0").no_proxy().tls_certs_only(certificate);
        Ok(Self { client: client.build()?, url: url.to_owned() })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<T> {
        self.call_of(None, method, path, body).await
    }

    async fn call_of<T: DeserializeOwned>(
        &self,
        workspace: Option<usize>,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<T> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.bearer_auth("dapi0123456789").header("accept", "application/json");
        if let Some(workspace) = workspace {
            request = request.header("x-databricks-workspace-id", workspace + 1);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

impl Contender for Reqwest {
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
        let response: Statement = self.call(Method::POST, "/api/2.0/sql/statements", Some(statement(text))).await?;
        let rows = response.rows()?;
        Ok(rows.iter().filter(|row| row.weight() > 0).count())
    }

    async fn arrow(&self) -> Result<usize> {
        let first: Value = self.call(Method::POST, "/api/2.0/sql/statements", Some(arrow::request())).await?;
        let first = arrow::link(&first)?;
        let chunks = stream::iter(0..arrow::CHUNKS).map(|index| {
            let first = &first;
            async move {
                let link = match index {
                    0 => first.clone(),
                    _ => arrow::link(&self.call::<Value>(Method::GET, &arrow::path(index), None).await?)?,
                };
                let response = self.client.get(link).send().await?.error_for_status()?;
                arrow::rows(&response.bytes().await?)
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
