//! Google Cloud by an ID token: the default credentials act for a service account, whose ID token authenticates with the
//! workspace, and whose access token goes along for calls that touch Google's own resources.
//!
//! Google and the workspace are played by this program, so that it runs without an account. A real program leaves out the
//! environment and [`connection`](databricks_sdk::ClientBuilder::connection), and needs
//! `gcloud auth application-default login` once, or runs on a machine of Google Cloud.
//!
//! ```text
//! cargo run -p databricks-sdk --example google
//! ```

#![allow(clippy::print_stdout)] // A program's output.

use std::io::Write as _;

use databricks_sdk::auth::Environment;
use databricks_sdk::{Body, Config, Error, ErrorKind, HttpService, Result, WorkspaceClient};
use http::{Request, Response, StatusCode};

const ACCOUNT: &str = "reports@example-project.iam.gserviceaccount.com";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    // As `gcloud auth application-default login` stores them.
    let mut file = tempfile::NamedTempFile::new()?;
    write!(
        file,
        r#"{{"type": "authorized_user", "client_id": "id", "client_secret": "made-up", "refresh_token": "made-up"}}"#
    )?;
    let environment = Environment::from_iter([("GOOGLE_APPLICATION_CREDENTIALS", file.path().to_string_lossy())]);
    let settings = Config::hermetic()
        .environment(environment)
        .host("https://1234567890123456.7.gcp.databricks.com")
        .set("google_service_account", ACCOUNT);
    let script = tower::service_fn(|request: Request<Body>| async move { respond(&request) });
    let w = WorkspaceClient::builder().config(settings).connection(HttpService::new(script)).build()?;
    let me = w.current_user().me().await?;
    println!(
        "This is {}, by {}.",
        me.user_name.unwrap_or_default(),
        w.client().credentials().describe().auth_type.unwrap_or_default()
    );
    Ok(())
}

/// Plays Google and the workspace, and prints what they are asked. The tokens are made up.
fn respond(request: &Request<Body>) -> Result<Response<Body>> {
    let (host, path) = (request.uri().host().unwrap_or_default(), request.uri().path());
    println!("  {} https://{host}{path}", request.method());
    for name in ["authorization", "x-databricks-gcp-sa-access-token"] {
        if let Some(value) = request.headers().get(name) {
            println!("    {name}: {}", value.to_str().unwrap_or_default());
        }
    }
    let (status, body) = match (host, path) {
        ("oauth2.googleapis.com", _) => {
            (StatusCode::OK, r#"{"access_token": "made-up-default-token", "token_type": "Bearer", "expires_in": 3600}"#)
        }
        ("iamcredentials.googleapis.com", path) if path.ends_with(":generateIdToken") => {
            (StatusCode::OK, r#"{"token": "made-up-id-token"}"#)
        }
        ("iamcredentials.googleapis.com", _) => {
            (StatusCode::OK, r#"{"accessToken": "made-up-access-token", "expireTime": "2100-01-01T00:00:00Z"}"#)
        }
        (_, "/api/2.0/preview/scim/v2/Me") => (StatusCode::OK, r#"{"userName": "reports@example-project"}"#),
        _ => (StatusCode::NOT_FOUND, "{}"),
    };
    let response = Response::builder().status(status).header("content-type", "application/json").body(Body::from(body));
    response.map_err(|error| Error::new(ErrorKind::Other, "the script has no response").with_source(error))
}
