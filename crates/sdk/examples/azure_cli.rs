//! Azure by the person or principal that is logged in with the Azure CLI.
//!
//! `az` and the workspace are played by this program, so that it runs without an account. A real program leaves out the
//! environment, [`process_runner`](databricks_sdk::Config::process_runner) and
//! [`connection`](databricks_sdk::ClientBuilder::connection), and needs `az login` once.
//!
//! ```text
//! cargo run -p databricks-sdk --example azure_cli
//! ```

#![allow(clippy::print_stdout)] // A program's output.

use std::io;

use databricks_sdk::auth::{Environment, ProcessOutput, ProcessRequest};
use databricks_sdk::{Body, Config, Error, ErrorKind, HttpService, ProcessRunner, Result, WorkspaceClient};
use http::{Request, Response, StatusCode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let programs = tempfile::tempdir()?;
    install(&programs.path().join(if cfg!(windows) { "az.cmd" } else { "az" }))?;
    let settings = Config::hermetic()
        .environment(Environment::from_iter([("PATH", programs.path().to_string_lossy())]))
        .host("https://adb-1234567890123456.7.azuredatabricks.net")
        .auth_type("azure-cli")
        .process_runner(Az);
    let script = tower::service_fn(|request: Request<Body>| async move { respond(&request) });
    let w = WorkspaceClient::builder().config(settings).connection(HttpService::new(script)).build()?;
    for _ in 0..2 {
        let me = w.current_user().me().await?;
        println!("This is {}; the token of az is kept until it has to be renewed.", me.user_name.unwrap_or_default());
    }
    Ok(())
}

/// The program is looked for in PATH; what runs it is [`Az`].
fn install(path: &std::path::Path) -> io::Result<()> {
    std::fs::write(path, "")?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Plays the Azure CLI. The token is made up.
#[derive(Debug)]
struct Az;

impl ProcessRunner for Az {
    async fn run(&self, request: &ProcessRequest) -> io::Result<ProcessOutput> {
        println!("  az {}", request.arguments.join(" "));
        let output = match request.arguments.get(1).map(String::as_str) {
            Some("show") => r#"{"user": {"name": "ann@example.com", "type": "user"}}"#,
            Some("get-access-token") => {
                r#"{"accessToken": "made-up-entra-token", "tokenType": "Bearer", "expires_on": 4102444800}"#
            }
            _ => return Ok(ProcessOutput::new(false, "", "no such command")),
        };
        Ok(ProcessOutput::new(true, output, ""))
    }
}

/// Plays the workspace, and prints what it is asked.
fn respond(request: &Request<Body>) -> Result<Response<Body>> {
    let path = request.uri().path();
    println!("  {} https://{}{path}", request.method(), request.uri().host().unwrap_or_default());
    if let Some(value) = request.headers().get("authorization") {
        println!("    authorization: {}", value.to_str().unwrap_or_default());
    }
    let (status, body) = match path {
        "/api/2.0/preview/scim/v2/Me" => (StatusCode::OK, r#"{"userName": "ann@example.com"}"#),
        _ => (StatusCode::NOT_FOUND, "{}"),
    };
    let response = Response::builder().status(status).header("content-type", "application/json").body(Body::from(body));
    response.map_err(|error| Error::new(ErrorKind::Other, "the script has no response").with_source(error))
}
