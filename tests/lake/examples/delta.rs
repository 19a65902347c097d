//! A Delta table in a volume, written, changed and read by delta-rs.
//!
//! `cargo run --features engines --example delta` in `tests/lake`, after
//! `cargo build --workspace --bin databricks-local` in the workspace.

use std::sync::Arc;

use anyhow::{Result, ensure};
use databricks_lake::Local;
use deltalake::arrow::array::{AsArray as _, Int64Array, RecordBatch, StringArray};
use deltalake::arrow::datatypes::Int64Type;
use deltalake::arrow::util::pretty::pretty_format_batches;
use deltalake::datafusion::prelude::{SessionContext, col, lit};
use deltalake::kernel::{DataType, PrimitiveType};
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use deltalake::{DeltaResult, DeltaTable, DeltaTableBuilder};
use url::Url;

#[tokio::main]
async fn main() -> Result<()> {
    let local = Local::start().await?;
    // A commit is a file that must not be there yet, which a volume guarantees: the log store of delta-rs that relies on
    // conditional puts is the right one.
    logstore_factories().insert(Url::parse("volume://")?, Arc::new(Conditional));
    let location = Url::parse("volume://data/trips")?;
    let store = Arc::new(local.store("/Volumes/main/default/data")?);
    let open = || {
        DeltaTableBuilder::from_url(location.clone()).map(|b| b.with_storage_backend(store.clone(), location.clone()))
    };

    let table = open()?.build()?.create().with_table_name("trips");
    let table = table
        .with_column("id", DataType::Primitive(PrimitiveType::Long), false, None)
        .with_column("zone", DataType::Primitive(PrimitiveType::String), true, None)
        .await?;
    let table = table.write([batch(0..1000)?]).await?;
    let table = table.write([batch(1000..1500)?]).await?;
    let (table, deleted) = table.delete().with_predicate(col("id").lt(lit(100))).await?;
    ensure!(deleted.num_deleted_rows == Some(100), "{deleted:?}");
    println!("version {:?}, 100 rows deleted", table.version());

    // As another program finds it.
    let table = open()?.load().await?;
    ensure!(table.version() == Some(3), "the table is at version {:?}", table.version());
    ensure!(rows(&table).await? == 1400, "rows are missing");
    let before = open()?.with_version(1).load().await?;
    ensure!(rows(&before).await? == 1000, "an older version has other rows");

    // Two writers of one version: the second finds the commit there, and goes on after it.
    let (one, two) = (open()?.load().await?, open()?.load().await?);
    one.write([batch(2000..2001)?]).await?;
    two.write([batch(2001..2002)?]).await?;
    let table = open()?.load().await?;
    ensure!(table.version() == Some(5) && rows(&table).await? == 1402, "a commit was lost");
    println!("two writers, both commits are there: version {:?}", table.version());
    Ok(())
}

async fn rows(table: &DeltaTable) -> Result<i64> {
    let engine = SessionContext::new();
    engine.register_table("trips", Arc::new(table.table_provider().build().await?))?;
    let batches = engine.sql("SELECT count(*) AS trips, min(id), max(zone) FROM trips").await?.collect().await?;
    println!("{}", pretty_format_batches(&batches)?);
    Ok(batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values()).sum())
}

fn batch(ids: std::ops::Range<i64>) -> Result<RecordBatch> {
    let zones: StringArray = ids.clone().map(|id| Some(format!("zone {}", id % 7))).collect();
    let ids: Int64Array = ids.map(Some).collect();
    Ok(RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("zone", Arc::new(zones) as _)])?)
}

/// Makes log stores that commit by conditional puts.
struct Conditional;

impl LogStoreFactory for Conditional {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}
