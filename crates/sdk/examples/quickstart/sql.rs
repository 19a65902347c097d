//! SQL: a statement with parameters, waited for and by its id.

use databricks_sdk::{Result, WorkspaceClient};
use serde::Deserialize;

use crate::show::{ProgressLine, heading};

#[derive(Debug, Deserialize)]
struct Busy {
    zip: i64,
    trips: i64,
    fares: f64,
}

const BUSIEST: &str = "SELECT CAST(pickup_zip AS BIGINT) AS zip, count(*) AS trips, sum(fare_amount) AS fares FROM samples.nyctaxi.trips \
                       WHERE fare_amount > :min GROUP BY pickup_zip ORDER BY trips DESC, zip LIMIT 3";

pub(crate) async fn run(w: &WorkspaceClient, warehouse: &str) -> Result<()> {
    heading("SQL, waited for");
    let table = w.sql(BUSIEST).bind("min", 20.0).warehouse(warehouse).await?;
    print!("{table}");

    heading("SQL, by its id");
    let statement = w.sql(BUSIEST).bind("min", 50.0).warehouse(warehouse).execute().await?;
    let id = statement.detach().id().to_owned();
    let mut line = ProgressLine::new(format!("statement {id}"));
    let found = w.sql_statement(&id).wait().await?;
    line.show(found.state().unwrap_or_default().as_str(), std::time::Duration::ZERO);
    drop(line);
    for Busy { zip, trips, fares } in found.rows::<Busy>().await? {
        println!("{zip}: {trips} trips for {fares:.2}");
    }
    Ok(())
}
