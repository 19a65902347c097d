//! Three calls by reqwest.

#[path = "../src/plain_models.rs"]
#[allow(dead_code)]
mod plain_models;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, host, token) =
        (reqwest::Client::new(), std::env::var("DATABRICKS_HOST")?, std::env::var("DATABRICKS_TOKEN")?);
    let get = |path: &str| client.get(format!("{host}{path}")).bearer_auth(&token);
    let me: plain_models::User = get("/api/2.0/preview/scim/v2/Me").send().await?.error_for_status()?.json().await?;
    println!("{:?}", me.user_name);
    let list: plain_models::ListClustersResponse =
        get("/api/2.1/clusters/list").send().await?.error_for_status()?.json().await?;
    println!("{}", list.clusters.unwrap_or_default().len());
    let body = serde_json::json!({"statement": "SELECT 1", "warehouse_id": "abc"});
    let request = client.post(format!("{host}/api/2.0/sql/statements")).bearer_auth(&token).json(&body);
    let statement: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
    println!("{statement}");
    Ok(())
}
