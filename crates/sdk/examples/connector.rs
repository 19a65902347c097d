//! The actions of a connector, each by the ids that the one before returned: clusters, warehouses, contexts, commands,
//! statements, raw requests. What keeps state between two actions is in the ids alone.
//!
//! Without any configuration it works on an embedded workspace, in this process. With one (a profile or `DATABRICKS_*`
//! variables) it works there, if it is called with `--yes`, on `DATABRICKS_CLUSTER_ID` and `DATABRICKS_WAREHOUSE_ID`.
//!
//! ```text
//! cargo run -p databricks-sdk --example connector [-- --yes]
//! ```

#![allow(clippy::print_stdout)] // A program's output.

#[path = "quickstart/workspace.rs"]
mod workspace;

use std::time::Duration;

use databricks_sdk::models::compute::{CommandStatus, Language};
use databricks_sdk::{Method, Result, WorkspaceClient};

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
    let session = workspace::open(yes).await?;
    if !session.may_change() {
        println!("Nothing was done on this workspace. Call with --yes to start compute and run code there.");
        return Ok(());
    }
    let w = session.client();
    println!("Get current user: {}", w.current_user().me().await?.user_name.unwrap_or_default());
    println!("List node types: {}", w.clusters().list_node_types().await?.node_types.unwrap_or_default().len());
    println!("List clusters: {}", w.clusters().list().items().try_collect().await?.len());
    println!("List SQL warehouses: {}", w.warehouses().list().items().try_collect().await?.len());

    let cluster = session.cluster().await?;
    println!("Get cluster: {}", w.clusters().get(&cluster).await?.state.unwrap_or_default());
    command(w, &cluster).await?;
    w.clusters().delete(&cluster).wait().poll_interval(Duration::from_millis(250)).await?;
    println!("Terminate cluster: {}", w.clusters().get(&cluster).await?.state.unwrap_or_default());

    let warehouse = session.warehouse().await?;
    w.warehouses().start(&warehouse).wait().poll_interval(Duration::from_millis(250)).await?;
    println!("Start SQL warehouse: {}", w.warehouses().get(&warehouse).await?.state.unwrap_or_default());
    statement(w, &warehouse).await?;
    w.warehouses().stop(&warehouse).wait().poll_interval(Duration::from_millis(250)).await?;
    println!("Stop SQL warehouse: {}", w.warehouses().get(&warehouse).await?.state.unwrap_or_default());

    let raw: serde_json::Value = w
        .raw(Method::GET, "/2.0/clusters/list")
        .query("page_size", "5")
        .max_retries(2)
        .exponential_backoff(true)
        .json()
        .await?;
    println!("Raw request: {} clusters", raw["clusters"].as_array().map_or(0, Vec::len));
    session.close().await;
    Ok(())
}

/// Create execution context, run command, get command status until it has finished.
async fn command(w: &WorkspaceClient, cluster: &str) -> Result<()> {
    let execution = w.command_execution();
    let context =
        execution.create().cluster_id(cluster).language(Language::Python).wait().await?.id.unwrap_or_default();
    println!("Create execution context: {context}");
    let call = execution.execute().cluster_id(cluster).context_id(&context).language(Language::Python);
    let id = call.command("print(6 * 7)").await?.id.unwrap_or_default();
    println!("Run command: {id}");
    loop {
        let status = execution.command_status(cluster, &context, &id).await?;
        let state = status.status.unwrap_or_default();
        if matches!(state, CommandStatus::Queued | CommandStatus::Running | CommandStatus::Cancelling) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        let data = status.results.and_then(|results| results.data).unwrap_or_default();
        println!("Get command status: {state}, {}", data.as_str().unwrap_or_default());
        return execution.destroy(cluster, context).await;
    }
}

/// A statement that is waited for, and one whose id is returned at once.
async fn statement(w: &WorkspaceClient, warehouse: &str) -> Result<()> {
    let sum: i64 = w.sql("SELECT CAST(:a AS BIGINT) + 2").bind("a", 40_i64).warehouse(warehouse).fetch_one().await?;
    println!("Execute an SQL statement: {sum}");
    let id = w.sql("SELECT 1").warehouse(warehouse).execute().await?.detach().id().to_owned();
    let rows: Vec<i64> = w.sql_statement(&id).rows().await?;
    println!("The same by its id, {id}: {rows:?}");
    Ok(())
}
