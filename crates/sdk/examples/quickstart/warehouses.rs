//! SQL warehouses: a life from creation to removal.

use databricks_sdk::{Error, ErrorKind, Result, Table, WorkspaceClient};

use crate::show::{POLL, ProgressLine, heading};

pub(crate) async fn list(w: &WorkspaceClient) -> Result<()> {
    heading("SQL warehouses");
    let mut table = Table::new(["id", "name", "size", "state"]);
    let mut warehouses = w.warehouses().list().items();
    while let Some(warehouse) = warehouses.try_next().await? {
        let state = warehouse.state.unwrap_or_default().to_string();
        let [id, name, size] = [warehouse.id, warehouse.name, warehouse.cluster_size].map(Option::unwrap_or_default);
        table.push([id, name, size, state]);
    }
    print!("{table}");
    Ok(())
}

/// Creates a warehouse, stops it and starts it. Returns its id; it runs in the end.
pub(crate) async fn life_cycle(w: &WorkspaceClient) -> Result<String> {
    heading("A warehouse's life");
    let mut line = ProgressLine::new("create");
    let created = w
        .warehouses()
        .create()
        .name("quickstart")
        .cluster_size("2X-Small")
        .max_num_clusters(1)
        .auto_stop_mins(10)
        .wait()
        .poll_interval(POLL)
        .on_progress(move |progress| line.show(progress.state.as_str(), progress.elapsed))
        .await?;
    let id = created.id.ok_or_else(|| Error::new(ErrorKind::Other, "the new warehouse has no id"))?;
    list(w).await?;

    let mut line = ProgressLine::new("stop");
    w.warehouses()
        .stop(&id)
        .wait()
        .poll_interval(POLL)
        .on_progress(move |progress| line.show(progress.state.as_str(), progress.elapsed))
        .await?;
    let mut line = ProgressLine::new("start");
    w.warehouses()
        .start(&id)
        .wait()
        .poll_interval(POLL)
        .on_progress(move |progress| line.show(progress.state.as_str(), progress.elapsed))
        .await?;

    let warehouse = w.warehouses().get(&id).await?;
    println!("{} is {}", warehouse.name.unwrap_or_default(), warehouse.state.unwrap_or_default());
    Ok(id)
}

pub(crate) async fn remove(w: &WorkspaceClient, id: &str) -> Result<()> {
    w.warehouses().delete(id).await.map(drop)
}
