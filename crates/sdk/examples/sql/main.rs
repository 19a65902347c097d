//! SQL on a warehouse: parameters, typed rows, results larger than memory, errors.
//!
//! Without any configuration it works on an embedded workspace, in this process. With one (a profile or `DATABRICKS_*`
//! variables) it works there, on the warehouse of `DATABRICKS_WAREHOUSE_ID`, and only reads.
//!
//! ```text
//! cargo run -p databricks-sdk --example sql                 a walk through
//! cargo run -p databricks-sdk --example sql -- "SELECT 1"   one statement of your own
//! ```

#![allow(clippy::print_stdout)]

#[path = "../quickstart/workspace.rs"]
mod workspace;

use std::process::ExitCode;

use databricks_sdk::{Result, WorkspaceClient};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().nth(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn run(statement: Option<String>) -> Result<()> {
    let session = workspace::open(false).await?;
    let w = session.client();
    let warehouse = session.warehouse().await?;
    match statement {
        Some(statement) => println!("{}", w.sql(statement).warehouse(&warehouse).row_limit(1000).await?),
        None => walk(w, &warehouse).await?,
    }
    // Statements that were dropped on the way are cancelled before the program ends.
    w.client().shutdown().await;
    session.close().await;
    Ok(())
}

async fn walk(w: &WorkspaceClient, warehouse: &str) -> Result<()> {
    println!("\nA statement prints as a table.");
    println!(
        "{}",
        w.sql("SELECT current_user() AS me, DATE '2024-02-29' AS day, 1.50 AS price").warehouse(warehouse).await?
    );

    println!("Rows as values of a type, with parameters that are bound and not pasted in.");
    #[derive(Debug, Deserialize)]
    struct Square {
        id: i64,
        square: Option<i64>,
    }
    let squares: Vec<Square> = w
        .sql("SELECT id, CASE WHEN id % 2 = 0 THEN id * id END AS square FROM range(:from, :to) ORDER BY id")
        .bind("from", 3_i64)
        .bind("to", 7_i64)
        .warehouse(warehouse)
        .rows()
        .await?;
    for Square { id, square } in &squares {
        println!("  {id} squared is {}", square.map_or("not asked for".to_owned(), |square| square.to_string()));
    }

    println!("\nTwo million rows as they arrive: memory holds a window of them.");
    let bar = ProgressBar::no_length().with_style(style("{bar:40} {human_pos}/{human_len} rows, {elapsed}"));
    let query = w.sql("SELECT id, id % 7 AS day FROM range(2000000)").warehouse(warehouse).on_progress({
        let bar = bar.clone();
        move |progress| {
            if let Some(total) = progress.total_rows {
                bar.set_length(total.unsigned_abs());
            }
            bar.set_position(progress.rows.unsigned_abs());
        }
    });
    let mut rows = query.rows::<(i64, i64)>();
    let mut sundays = 0;
    while let Some((_, day)) = rows.try_next().await? {
        sundays += i64::from(day == 6);
    }
    bar.finish();
    println!("{sundays} of them are Sundays.");

    println!("\nA statement that fails says why, with its SQLSTATE.");
    if let Err(error) = w.sql("SELECT nothing FROM nowhere").warehouse(warehouse).await {
        let state = error.statement().and_then(|failure| failure.sql_state()).unwrap_or("unknown").to_owned();
        println!("  SQLSTATE {state}: {error}");
    }

    println!("\nA statement can be left and taken up again by its id.");
    let id = w.sql("SELECT count(*) FROM range(1000)").warehouse(warehouse).execute().await?.detach().id().to_owned();
    let count: Vec<i64> = w.sql_statement(&id).rows().await?;
    println!("  {id}: {count:?}");
    Ok(())
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
