//! Clusters: node types, and a life from creation to removal.

use databricks_sdk::{Error, ErrorKind, Result, Table, WorkspaceClient};

use crate::show::{POLL, ProgressLine, heading};

pub(crate) async fn node_types(w: &WorkspaceClient) -> Result<()> {
    heading("Node types");
    let mut table = Table::new(["node type", "cores", "memory"]);
    for node in w.clusters().list_node_types().await?.node_types.unwrap_or_default().iter().take(5) {
        table.push([node.node_type_id.clone(), node.num_cores.to_string(), format!("{} GiB", node.memory_mb / 1024)]);
    }
    print!("{table}");
    Ok(())
}

pub(crate) async fn list(w: &WorkspaceClient) -> Result<()> {
    heading("Clusters");
    let mut table = Table::new(["id", "name", "state"]);
    let mut clusters = w.clusters().list().page_size(20).items();
    while let Some(cluster) = clusters.try_next().await? {
        let state = cluster.state.unwrap_or_default().to_string();
        table.push([cluster.cluster_id.unwrap_or_default(), cluster.cluster_name.unwrap_or_default(), state]);
    }
    print!("{table}");
    Ok(())
}

/// Creates a cluster and takes it through restart, termination and start. Returns its id; it runs in the end.
pub(crate) async fn life_cycle(w: &WorkspaceClient) -> Result<String> {
    heading("A cluster's life");
    let versions = w.clusters().spark_versions().await?.versions.unwrap_or_default();
    let version = versions.into_iter().find_map(|version| version.key).ok_or_else(|| nothing("Spark version"))?;
    let nodes = w.clusters().list_node_types().await?.node_types.unwrap_or_default();
    let node = nodes.into_iter().next().ok_or_else(|| nothing("node type"))?;

    let mut line = ProgressLine::new("create");
    let created = w
        .clusters()
        .create(version)
        .cluster_name("quickstart")
        .node_type_id(node.node_type_id)
        .num_workers(1)
        .autotermination_minutes(15)
        .wait()
        .poll_interval(POLL)
        .on_progress(move |progress| line.show(progress.state.as_str(), progress.elapsed))
        .await?;
    let id = created.cluster_id.ok_or_else(|| nothing("cluster id"))?;
    list(w).await?;

    let mut line = ProgressLine::new("restart");
    w.clusters()
        .restart(&id)
        .wait()
        .poll_interval(POLL)
        .on_progress(move |progress| line.show(progress.state.as_str(), progress.elapsed))
        .await?;
    let mut line = ProgressLine::new("terminate");
    w.clusters()
        .delete(&id)
        .wait()
        .poll_interval(POLL)
        .on_progress(move |progress| line.show(progress.state.as_str(), progress.elapsed))
        .await?;
    let mut line = ProgressLine::new("start");
    w.clusters()
        .start(&id)
        .wait()
        .poll_interval(POLL)
        .on_progress(move |progress| line.show(progress.state.as_str(), progress.elapsed))
        .await?;

    let cluster = w.clusters().get(&id).await?;
    println!("{} is {}", cluster.cluster_name.unwrap_or_default(), cluster.state.unwrap_or_default());
    Ok(id)
}

pub(crate) async fn remove(w: &WorkspaceClient, id: &str) -> Result<()> {
    w.clusters().permanent_delete(id).await
}

fn nothing(what: &str) -> Error {
    Error::new(ErrorKind::Other, format!("the workspace offers no {what}"))
}
