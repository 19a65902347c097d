//! Arrow record batches from Databricks SQL statements.
//!
//! A crate of its own because the Arrow crates make a breaking release every quarter: it follows them, so that
//! [`databricks_sdk`] need not. The types of this crate's signatures are those of the `arrow-array` it is built with.
//!
//! ```no_run
//! # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! use databricks_arrow::ArrowExt as _;
//!
//! let mut batches = w.sql("SELECT * FROM samples.nyctaxi.trips").warehouse("1234567890abcdef").batches();
//! while let Some(batch) = batches.try_next().await? {
//!     println!("{} rows of {} columns", batch.num_rows(), batch.num_columns());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What comes from storage is checked before it is decoded: lengths, offsets, types, dictionaries and the sizes that
//! compressed buffers claim. A chunk that is not a complete Arrow stream, or has other rows than the service states, is
//! an error.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod batches;
mod chunk;
mod columns;
mod frames;
mod layout;
mod schema;
mod unpack;

pub use batches::{ArrowExt, BatchStream};

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
