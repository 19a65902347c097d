//! Three calls by the bare client.

#[path = "../src/plain_models.rs"]
#[allow(dead_code)]
mod plain_models;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Workspace {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    host: String,
    token: String,
}

impl Workspace {
    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: String) -> Result<T, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.host))
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        let response = self.client.request(request).await?;
        if !response.status().is_success() {
            return Err(response.status().to_string().into());
        }
        Ok(serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?.https_only();
    let client = Client::builder(TokioExecutor::new()).build(connector.enable_all_versions().build());
    let w = Workspace { client, host: std::env::var("DATABRICKS_HOST")?, token: std::env::var("DATABRICKS_TOKEN")? };
    let me: plain_models::User = w.call(Method::GET, "/api/2.0/preview/scim/v2/Me", String::new()).await?;
    println!("{:?}", me.user_name);
    let list: plain_models::ListClustersResponse = w.call(Method::GET, "/api/2.1/clusters/list", String::new()).await?;
    println!("{}", list.clusters.unwrap_or_default().len());
    let body = serde_json::json!({"statement": "SELECT 1", "warehouse_id": "abc"}).to_string();
    let statement: serde_json::Value = w.call(Method::POST, "/api/2.0/sql/statements", body).await?;
    println!("{statement}");
    Ok(())
}
