//! A DataFusion query over Parquet files in a volume, and the files themselves written by DataFusion.
//!
//! `cargo run --features engines --example parquet` in `tests/lake`, after
//! `cargo build --workspace --bin databricks-local` in the workspace.

use std::sync::Arc;

use anyhow::{Result, ensure};
use databricks_lake::Local;
use deltalake::arrow::array::AsArray as _;
use deltalake::arrow::datatypes::{Float64Type, Int64Type};
use deltalake::arrow::util::pretty::pretty_format_batches;
use deltalake::datafusion::dataframe::DataFrameWriteOptions;
use deltalake::datafusion::prelude::{ParquetReadOptions, SessionContext};
use url::Url;

/// Scheme and host are free: they name the store within DataFusion.
const STORE: &str = "volume://data";

#[tokio::main]
async fn main() -> Result<()> {
    let local = Local::start().await?;
    let engine = SessionContext::new();
    engine.register_object_store(&Url::parse(STORE)?, Arc::new(local.store("/Volumes/main/default/data")?));

    let trips = "SELECT value AS id, value % 7 AS zone, value * 0.5 AS fare FROM generate_series(1, 100000)";
    engine.sql(trips).await?.write_parquet(&format!("{STORE}/trips/"), DataFrameWriteOptions::new(), None).await?;
    let files = local.client()?.volume("/Volumes/main/default/data")?.walk("trips").try_collect().await?;
    for file in &files {
        println!("{} has {} bytes", file.path.as_deref().unwrap_or_default(), file.file_size.unwrap_or_default());
    }
    ensure!(!files.is_empty(), "DataFusion wrote nothing");

    engine.register_parquet("trips", format!("{STORE}/trips/"), ParquetReadOptions::default()).await?;
    let query =
        "SELECT zone, count(*) AS trips, sum(fare) AS fares FROM trips WHERE id > 50000 GROUP BY zone ORDER BY zone";
    let batches = engine.sql(query).await?.collect().await?;
    println!("{}", pretty_format_batches(&batches)?);
    let count: i64 = batches.iter().flat_map(|batch| batch.column(1).as_primitive::<Int64Type>().values()).sum();
    let fares: f64 = batches.iter().flat_map(|batch| batch.column(2).as_primitive::<Float64Type>().values()).sum();
    // The ids from 50,001 to 100,000, half of each.
    ensure!(count == 50_000 && fares == 0.5 * 50_000.0 * 150_001.0 / 2.0, "{count} trips for {fares}");
    Ok(())
}
