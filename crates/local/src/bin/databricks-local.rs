//! The embedded workspace as a program.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use databricks_local::LocalWorkspace;

/// Runs an embedded Databricks workspace on loopback until it is interrupted.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// TCP port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// TCP port of what plays cloud storage, which links to files lead to; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    storage_port: u16,
    /// Address to listen on. Any but loopback needs --token, and --tls-self-signed or --insecure.
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Encrypts connections, with a certificate of an authority that is made at the start; its file is printed.
    #[arg(long)]
    tls_self_signed: bool,
    /// Allows to listen where others can reach the workspace without TLS.
    #[arg(long)]
    insecure: bool,
    /// A name by which clients reach the workspace besides localhost; may be repeated.
    #[arg(long)]
    host_name: Vec<String>,
    /// The personal access token; a random one by default.
    #[arg(long)]
    token: Option<String>,
    /// Directory that keeps records, files, notebooks, jobs, secrets and all that SQL makes over restarts.
    #[arg(long)]
    data: Option<PathBuf>,
    /// What the workspace begins with: a description of its objects in YAML, or SQL statements in a file that ends in .sql.
    #[arg(long)]
    seed: Option<PathBuf>,
    /// Passes Spark Connect on to the server at sc://HOST:PORT, such as Sail or Spark 4.
    #[arg(long, value_name = "URL", conflicts_with = "spark")]
    spark_connect: Option<String>,
    /// Starts a Spark engine and passes Spark Connect on to it: Sail, from the package pysail of python3 in PATH.
    #[arg(long, value_name = "ENGINE")]
    spark: Option<Spark>,
    /// How many times faster than the real platform clusters and warehouses change state.
    #[arg(long, default_value_t = 20.0)]
    speed: f64,
    /// Lifetime of OAuth access tokens in seconds.
    #[arg(long, default_value_t = 3600)]
    token_lifetime: u64,
    /// Prints which operations are covered instead of running: service, real work, records, all, apart by tabs.
    #[arg(long)]
    coverage: bool,
    /// Prints which functions of SQL are computed instead of running: name, kind, and what computes it, apart by tabs.
    #[arg(long)]
    functions: bool,
    /// Writes each request to standard error.
    #[arg(long, short)]
    verbose: bool,
}

/// Engines that the program starts.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Spark {
    Sail,
}

fn print_coverage() -> std::io::Result<()> {
    use std::io::Write as _;

    let mut out = std::io::stdout().lock();
    for service in databricks_local::coverage::by_service() {
        let work = service.covered - service.records;
        writeln!(out, "{}\t{work}\t{}\t{}", service.name, service.records, service.operations)?;
    }
    out.flush()
}

fn print_functions() -> std::io::Result<()> {
    use std::io::Write as _;

    let mut out = std::io::stdout().lock();
    for function in databricks_local::functions::all() {
        let line = format!("{}\t{:?}\t{:?}", function.name, function.kind, function.by);
        writeln!(out, "{}", line.to_lowercase())?;
    }
    out.flush()
}

/// How long a statement that is being planned may hold up the end of the program.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.coverage {
        return match print_coverage() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        };
    }
    if arguments.functions {
        return match print_functions() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        };
    }
    #[cfg(unix)]
    if let Err(error) = drop_secrets_of_the_environment() {
        return failed(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let result = runtime.block_on(run(arguments));
    // What still computes cannot be interrupted; it ends with the process.
    runtime.shutdown_timeout(PATIENCE);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref()),
    }
}

/// Starts this program anew without the variables that commands of contexts do not get, if there are any.
///
/// Commands run with the rights of this process and could read its first environment from `/proc`, whatever theirs is.
#[cfg(unix)]
fn drop_secrets_of_the_environment() -> std::io::Result<()> {
    use std::os::unix::process::CommandExt as _;

    let kept = |name: &std::ffi::OsStr| {
        name.to_str().is_some_and(|name| databricks_local::is_passed_on(name) || name.starts_with("RUST_"))
    };
    let variables: Vec<_> = std::env::vars_os().collect();
    if variables.iter().all(|(name, _)| kept(name)) {
        return Ok(());
    }
    let variables = variables.into_iter().filter(|(name, _)| kept(name));
    let program = std::env::current_exe()?;
    Err(std::process::Command::new(program).args(std::env::args_os().skip(1)).env_clear().envs(variables).exec())
}

/// States on one line what failed and why.
fn failed(error: &dyn std::error::Error) -> ExitCode {
    use std::io::Write as _;

    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    // Where standard error is closed, nothing can be stated.
    let _ = writeln!(std::io::stderr(), "databricks-local: {text}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let level = if arguments.verbose { tracing::Level::DEBUG } else { tracing::Level::WARN };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    let meant = arguments.token.is_some() && (arguments.tls_self_signed || arguments.insecure);
    if !(arguments.bind.is_loopback() || meant) {
        return Err(format!(
            "--bind {} lets other machines run SQL and Python here: add --token, and --tls-self-signed or --insecure, or \
             bind to 127.0.0.1",
            arguments.bind
        )
        .into());
    }
    let mut builder = LocalWorkspace::builder()
        .port(arguments.port)
        .storage_port(arguments.storage_port)
        .bind(arguments.bind)
        .tls_self_signed(arguments.tls_self_signed)
        .speed(arguments.speed)
        .token_lifetime(Duration::from_secs(arguments.token_lifetime))
        .starter_cluster(true);
    for name in arguments.host_name {
        builder = builder.host_name(name);
    }
    if let Some(token) = arguments.token {
        builder = builder.access_token(token);
    }
    if let Some(directory) = arguments.data {
        builder = builder.data(directory);
    }
    if let Some(file) = arguments.seed {
        builder = builder.seed_file(file);
    }
    if let Some(url) = arguments.spark_connect {
        builder = builder.spark_connect(url);
    }
    if let Some(Spark::Sail) = arguments.spark {
        builder = builder.spark_sail();
    }
    let workspace = builder.start().await?;
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
    if let Some(file) = workspace.authority_file() {
        let file = file.display();
        writeln!(out, "Authority of its certificate, for clients to trust:")?;
        writeln!(out, "  export SSL_CERT_FILE={file} REQUESTS_CA_BUNDLE={file} NODE_EXTRA_CA_CERTS={file}")?;
    }
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
    writeln!(out, "Account, with a password:")?;
    writeln!(
        out,
        "  export DATABRICKS_HOST={} DATABRICKS_ACCOUNT_ID={} DATABRICKS_USERNAME={} DATABRICKS_PASSWORD={}",
        workspace.url(),
        workspace.account_id(),
        workspace.username(),
        workspace.password()
    )?;
    if let Some(url) = workspace.spark_remote() {
        writeln!(out, "Spark Connect, for pyspark-client and databricks-connect:")?;
        writeln!(out, "  export SPARK_REMOTE='{url}'")?;
    }
    writeln!(out, "Page with recent requests and what is covered: {}/", workspace.url())?;
    writeln!(out)?;
    writeln!(out, "It runs SQL and Python for everyone who holds these. Stop it with Ctrl-C.")?;
    out.flush()
}
