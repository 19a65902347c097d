//! Azure by an Entra service principal: both tokens and the workspace's resource id in the headers, then a personal
//! access token created with them.
//!
//! Entra and the workspace are played by a script in this program, so that it runs without an account of either. The
//! settings are those of a real program; only [`connection`](databricks_sdk::ClientBuilder::connection) is left out
//! there.
//!
//! ```text
//! cargo run -p databricks-sdk --example azure
//! ```

#![allow(clippy::print_stdout)] // A program's output.

use databricks_sdk::{Body, Config, Error, ErrorKind, HttpService, Result, WorkspaceClient};
use http::{Request, Response};

const RESOURCE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Databricks/workspaces/w";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // In a real program from_env() reads ARM_CLIENT_ID and so on.
    let settings = Config::hermetic()
        .host("https://adb-1234567890123456.7.azuredatabricks.net")
        .azure_workspace_resource_id(RESOURCE)
        .azure_client_id("00000000-0000-0000-0000-000000000001")
        .azure_client_secret("a-secret")
        .azure_tenant_id("00000000-0000-0000-0000-000000000002");
    let w = client(settings.clone())?;
    println!("A call with the tokens of Entra:");
    w.clusters().list().items().try_collect().await?;

    println!("A personal access token, created with them:");
    let token = w.tokens().create().comment("this is an example token").lifetime_seconds(100).await?;
    let host = w.client().config().host().unwrap_or_default().to_owned();
    let by_token = client(Config::hermetic().host(host).token(token.token_value.unwrap_or_default()))?;
    by_token.clusters().list().items().try_collect().await?;

    println!("The auth type azure-pat does the same and renews the token in time:");
    let renewing = client(settings.auth_type("azure-pat").azure_pat_lifetime_seconds(3600))?;
    renewing.clusters().list().items().try_collect().await?;
    println!("At the end of a program it is revoked:");
    renewing.client().credentials().close().await;
    Ok(())
}

fn client(config: Config) -> Result<WorkspaceClient> {
    let script = tower::service_fn(|request: Request<Body>| async move { respond(&request) });
    WorkspaceClient::builder().config(config).connection(HttpService::new(script)).build()
}

/// Plays Entra and the workspace, and prints what it is asked. The tokens are made up.
fn respond(request: &Request<Body>) -> Result<Response<Body>> {
    let (host, path) = (request.uri().host().unwrap_or_default(), request.uri().path());
    println!("  {} https://{host}{path}", request.method());
    for name in ["authorization", "x-databricks-azure-sp-management-token", "x-databricks-azure-workspace-resource-id"]
    {
        if let Some(value) = request.headers().get(name) {
            println!("    {name}: {}", value.to_str().unwrap_or_default());
        }
    }
    let form = request.body().as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let body = match path {
        _ if host == "login.microsoftonline.com" => {
            // The id is that of the application Azure Databricks, the same in every tenant.
            let of = if form.contains("2ff814a6-3304-4ab8-85cb-cd0e6f879c1d") { "databricks" } else { "management" };
            format!(r#"{{"access_token": "made-up-token-for-{of}", "token_type": "Bearer", "expires_in": 3600}}"#)
        }
        "/api/2.0/token/create" => {
            r#"{"token_value": "made-up-personal-access-token", "token_info": {"token_id": "1"}}"#.to_owned()
        }
        _ => "{}".to_owned(),
    };
    let response = Response::builder().status(200).header("content-type", "application/json").body(Body::from(body));
    response.map_err(|error| Error::new(ErrorKind::Other, "the script has no response").with_source(error))
}
