//! The account: its users and its OAuth app integrations. Enables an application, changes the lifetimes of its tokens,
//! disables it.
//!
//! Without any configuration it works on the account of an embedded workspace, in this process. With one (an account
//! profile, or `DATABRICKS_HOST`, `DATABRICKS_ACCOUNT_ID` and credentials) it lists what is there, and changes
//! something only if it is called with `--yes`.
//!
//! ```text
//! cargo run -p databricks-sdk --example account [-- --yes]
//! ```

#![allow(clippy::print_stdout)] // A program's output.

use databricks_local::LocalWorkspace;
use databricks_sdk::models::oauth2::TokenAccessPolicy;
use databricks_sdk::{AccountClient, Config, Error, ErrorKind, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    match run(std::env::args().any(|argument| argument == "--yes")).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.report());
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(yes: bool) -> Result<()> {
    if Config::from_env().resolve()?.host().is_some() {
        let a = AccountClient::from_env()?;
        users(&a).await?;
        list(&a).await?;
        return if yes { integrations(&a).await } else { Ok(()) };
    }
    let local = LocalWorkspace::start()
        .await
        .map_err(|e| Error::new(ErrorKind::Other, "the embedded workspace could not be started").with_source(e))?;
    println!("No account is configured, so here is that of an embedded workspace: {}", local.url());
    // The account takes OAuth, here of a service principal; personal access tokens belong to a workspace.
    let config = Config::hermetic()
        .host(local.url())
        .account_id(local.account_id())
        .client_id(local.client_id())
        .client_secret(local.client_secret());
    let a = AccountClient::new(config)?;
    list(&a).await?;
    integrations(&a).await?;
    local.shutdown().await;
    Ok(())
}

/// The users of the account, ten of them.
async fn users(a: &AccountClient) -> Result<()> {
    println!("Users:");
    for user in a.users_v2().list().items().limit(10).try_collect().await? {
        println!("  {} {}", user.id.unwrap_or_default(), user.user_name.unwrap_or_default());
    }
    Ok(())
}

async fn list(a: &AccountClient) -> Result<()> {
    println!("Integrations:");
    let mut published = a.published_app_integration().list().items();
    while let Some(app) = published.try_next().await? {
        println!("  {} {}", app.integration_id.unwrap_or_default(), app.name.unwrap_or_default());
    }
    let mut custom = a.custom_app_integration().list().items();
    while let Some(app) = custom.try_next().await? {
        println!("  {} {}", app.integration_id.unwrap_or_default(), app.name.unwrap_or_default());
    }
    Ok(())
}

/// A published application (Power BI) and one of our own, from enabling to disabling.
async fn integrations(a: &AccountClient) -> Result<()> {
    let (published, custom) = (a.published_app_integration(), a.custom_app_integration());
    let power_bi = published.create().app_id("power-bi").await?.integration_id.unwrap_or_default();
    let redirect = "https://example.com/callback".to_owned();
    let tableau =
        custom.create().name("tableau-server").redirect_urls([redirect]).await?.integration_id.unwrap_or_default();
    list(a).await?;

    let lifetimes = TokenAccessPolicy::new().access_token_ttl_in_minutes(10).refresh_token_ttl_in_minutes(200);
    published.update(&power_bi).token_access_policy(lifetimes.clone()).await?;
    custom.update(&tableau).token_access_policy(lifetimes).await?;
    let policy = published.get(&power_bi).await?.token_access_policy.unwrap_or_default();
    println!("Access tokens of Power BI now live {} minutes.", policy.access_token_ttl_in_minutes.unwrap_or_default());

    published.delete(&power_bi).await?;
    custom.delete(&tableau).await?;
    println!("Both are disabled again.");
    Ok(())
}
