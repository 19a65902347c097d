//! SQL statements on a warehouse: bind, run, read rows.
//!
//! ```no_run
//! # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! #[derive(serde::Deserialize)]
//! struct Trip { pickup_zip: i32, fare_amount: f64 }
//!
//! let trips: Vec<Trip> = w
//!     .sql("SELECT pickup_zip, fare_amount FROM samples.nyctaxi.trips WHERE fare_amount > :min LIMIT 10")
//!     .bind("min", 20.0)
//!     .warehouse("1234567890abcdef")
//!     .rows()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to do | use |
//! |---|---|
//! | read rows into a type | [`Query::rows`], [`Query::fetch_one`], [`Query::fetch_optional`] |
//! | run a statement and show its result | await the [`Query`], print the [`ResultSet`] |
//! | start a statement, poll it later | [`Query::execute`], [`Statement`] |
//! | take up a statement by its id | [`WorkspaceClient::sql_statement`](crate::WorkspaceClient::sql_statement) |
//! | have the bytes of a result (CSV, JSON, Arrow) | [`Query::csv`], [`Query::json`], [`Query::chunks`] |
//! | find a warehouse by its name | [`Warehouses::by_name`](crate::services::sql::Warehouses::by_name) |
//!
//! A result is complete or an error: the rows of each chunk and of all chunks are compared with what the service
//! states, in every way of reading. Whether a limit truncated the result is in `truncated()` of the streams and in
//! [`ResultSet::truncated`]; ways of reading that return nothing but rows fail, unless the query sets a limit.

mod bind;
mod cells;
mod chunks;
mod csv;
mod prefetch;
mod progress;
mod query;
mod row;
mod rows;
mod scalar;
mod scan;
mod settings;
mod source;
mod statement;
mod storage;
mod tally;
mod types;
mod value;
mod warehouses;
mod wire;

pub use bind::{Parameter, ToParameter};
pub use chunks::ChunkStream;
pub use progress::StatementProgress;
pub use query::Query;
pub use row::{Column, Row};
pub use rows::{ResultSet, RowStream, Rows};
pub use settings::{Disposition, Format};
pub use statement::Statement;
pub use tally::ChunkInfo;
pub use types::SqlType;
