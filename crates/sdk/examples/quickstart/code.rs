//! Python on a cluster.

use databricks_sdk::models::compute::Language;
use databricks_sdk::{Result, WorkspaceClient};

use crate::show::heading;

pub(crate) async fn run(w: &WorkspaceClient, cluster: &str) -> Result<()> {
    heading("Python on the cluster");
    let context = w.context(cluster, Language::Python).await?;
    context.run("from math import comb\nrow = [comb(6, k) for k in range(7)]").await?.into_result()?;
    println!("row = {}", context.run("row").await?.text()?);
    let failed = context.run("row[99]").await?;
    println!("row[99]: {failed}");

    // The same without the helper: start a command, then ask for its status and result.
    let execution = w.command_execution();
    let command = execution
        .execute()
        .cluster_id(cluster)
        .context_id(context.id())
        .language(Language::Python)
        .command("print(sum(row))");
    let started = command.wait().start().await?;
    let id = started.response().id.clone().unwrap_or_default();
    started.wait().await?;
    let status = execution.command_status(cluster, context.id(), id).await?;
    let data = status.results.and_then(|results| results.data).unwrap_or_default();
    println!("sum(row) = {} ({})", data.as_str().unwrap_or_default(), status.status.unwrap_or_default());
    context.shutdown().await
}
