//! The embedded workspace as a program.

use std::time::Duration;

use clap::Parser;
use databricks_local::LocalWorkspace;

/// Runs an embedded Databricks workspace on loopback until it is interrupted.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// TCP port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many times faster than the real platform clusters and warehouses change state.
    #[arg(long, default_value_t = 20.0)]
    speed: f64,
    /// Lifetime of OAuth access tokens in seconds.
    #[arg(long, default_value_t = 3600)]
    token_lifetime: u64,
    /// Writes each request to standard error.
    #[arg(long, short)]
    verbose: bool,
}

/// How long a statement that is being planned may hold up the end of the program.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(run(Arguments::parse()));
    // What still computes cannot be interrupted; it ends with the process.
    runtime.shutdown_timeout(PATIENCE);
    result
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let level = if arguments.verbose { tracing::Level::DEBUG } else { tracing::Level::WARN };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    let workspace = LocalWorkspace::builder()
        .port(arguments.port)
        .speed(arguments.speed)
        .token_lifetime(Duration::from_secs(arguments.token_lifetime))
        .starter_cluster(true)
        .start()
        .await?;
    announce(&workspace)?;
    until_stopped().await?;
    workspace.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C, or for the signal by which other programs ask for an end.
async fn until_stopped() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Prints where the workspace is and how to get in: the one place where secrets are shown on purpose.
fn announce(workspace: &LocalWorkspace) -> std::io::Result<()> {
    use std::io::Write as _;

    let mut out = std::io::stdout().lock();
    writeln!(out, "Local workspace: {}", workspace.url())?;
    writeln!(out, "Token:           {}", workspace.token())?;
    writeln!(out, "SQL warehouse:   {}", workspace.warehouse_id())?;
    let cluster = workspace.cluster_id().unwrap_or_default();
    writeln!(out, "Cluster:         {cluster}")?;
    writeln!(out)?;
    writeln!(out, "Workspace, with a personal access token:")?;
    writeln!(
        out,
        "  export DATABRICKS_HOST={} DATABRICKS_TOKEN={} DATABRICKS_WAREHOUSE_ID={} DATABRICKS_CLUSTER_ID={cluster}",
        workspace.url(),
        workspace.token(),
        workspace.warehouse_id()
    )?;
    writeln!(out, "Account, with a service principal (OAuth):")?;
    writeln!(
        out,
        "  export DATABRICKS_HOST={} DATABRICKS_ACCOUNT_ID={} DATABRICKS_CLIENT_ID={} DATABRICKS_CLIENT_SECRET={}",
        workspace.url(),
        workspace.account_id(),
        workspace.client_id(),
        workspace.client_secret()
    )?;
    writeln!(out)?;
    writeln!(out, "It runs SQL and Python for everyone who holds these. Stop it with Ctrl-C.")?;
    out.flush()
}
