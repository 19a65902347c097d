//! Personal access tokens: create one, use it through a `.netrc` file as `curl` does and from a key store, list all, revoke
//! it.
//!
//! Without any configuration it works on an embedded workspace, in this process. With one (a profile or `DATABRICKS_*`
//! variables) it works there if it is called with `--yes`.
//!
//! ```text
//! cargo run -p databricks-sdk --example tokens [-- --yes]
//! ```

#![allow(clippy::print_stdout)] // A program's output.

#[path = "shared/keys.rs"]
mod keys;
#[path = "quickstart/workspace.rs"]
mod workspace;

use std::io::Write as _;

use databricks_sdk::auth::Environment;
use databricks_sdk::{Config, KeyStore as _, Result, WorkspaceClient};

use keys::Keys;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    match run(std::env::args().any(|argument| argument == "--yes")).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(yes: bool) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let session = workspace::open(yes).await?;
    let w = session.client();
    if session.may_change() {
        let created = w.tokens().create().comment("databricks-sdk example").lifetime_seconds(600).await?;
        let id = created.token_info.and_then(|info| info.token_id).unwrap_or_default();
        println!("Created the token {id}; its value is shown once, in this response.");
        let token = created.token_value.unwrap_or_default();
        let by_netrc = use_by_netrc(w, &token).await;
        let by_key_store = use_by_key_store(w, token).await;
        list(w).await?;
        // What was made is removed, whatever came of it.
        w.tokens().delete(&id).await?;
        println!("Revoked the token {id}.");
        by_netrc?;
        by_key_store?;
    }
    list(w).await?;
    session.close().await;
    Ok(())
}

/// The same file serves `curl --netrc-file`.
async fn use_by_netrc(w: &WorkspaceClient, token: &str) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let host = w.client().config().host().unwrap_or_default().to_owned();
    let machine = host.parse::<http::Uri>()?.host().unwrap_or_default().to_owned();
    // Readable by its owner alone, and gone when it is dropped.
    let mut file = tempfile::NamedTempFile::new()?;
    write!(file, "machine {machine} login token password {token}")?;
    let environment = Environment::from_iter([("NETRC", file.path().to_string_lossy())]);
    let config = Config::hermetic().environment(environment).host(host).auth_type("netrc");
    let me = WorkspaceClient::new(config)?.current_user().me().await?;
    println!("By .netrc this is {}.", me.user_name.unwrap_or_default());
    Ok(())
}

/// The key store of this example lies in memory. A real program leaves it out: with the feature `keyring` that of the system
/// is used, which other programs can fill, too: `keyring set databricks work` of Python's keyring, for example.
async fn use_by_key_store(w: &WorkspaceClient, token: String) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let keys = Keys::default();
    keys.set("databricks", "work", &token.into())?;
    let host = w.client().config().host().unwrap_or_default();
    let config =
        Config::hermetic().host(host).key_store(keys.clone()).set_from_key_store("token", "databricks", "work");
    let me = WorkspaceClient::new(config)?.current_user().me().await?;
    println!("By the {} entry of the key store this is {}.", keys.len(), me.user_name.unwrap_or_default());
    Ok(())
}

async fn list(w: &WorkspaceClient) -> Result<()> {
    let mut tokens = w.tokens().list().items();
    println!("Tokens:");
    while let Some(token) = tokens.try_next().await? {
        println!("  {} {}", token.token_id.unwrap_or_default(), token.comment.unwrap_or_default());
    }
    Ok(())
}
