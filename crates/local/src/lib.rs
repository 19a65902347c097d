//! An embedded Databricks workspace for examples, development and tests.
//!
//! [`LocalWorkspace`] is a real HTTP server on loopback that speaks the REST API: it checks tokens, issues OAuth
//! tokens, moves clusters and warehouses through their life cycles in time, runs SQL statements on an embedded engine
//! (feature `engine`), Python commands in a `python3` process and jobs of both, keeps files of volumes and DBFS, and
//! breaks on demand ([`faults`]).
//! State is gone when the workspace is dropped, unless [`LocalWorkspaceBuilder::data`] names a directory for it.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use databricks_local::LocalWorkspace;
//!
//! let workspace = LocalWorkspace::builder().speed(1000.0).start().await?;
//! println!("DATABRICKS_HOST={} DATABRICKS_TOKEN={}", workspace.url(), workspace.token());
//! // … point any Databricks client there …
//! workspace.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Safety
//!
//! Every holder of a token can run SQL and Python with the rights of this process, as on a real workspace. Therefore
//! the server listens on loopback only, makes a new random token and client secret at each start, compares secrets in
//! constant time, and refuses requests whose `Host` or `Origin` names anything but itself, so that neither a web page
//! nor a rebound name can reach it. Files live in a temporary directory that only its user can enter and that the next
//! workspace removes if this one is killed. Python sees only those environment variables that a program needs to run,
//! so that credentials do not get into output by accident; it is not a sandbox.
//!
//! # What is kept
//!
//! Objects stay until they are deleted. Of what happened, the last is kept: 10,000 [requests](LocalWorkspace::requests)
//! with up to 64 MiB of bodies, 2,000 statements in the query history, 5,000 runs of jobs that have ended, 1,000 commands of a
//! context, 1,000 events of a cluster, 10,000 statements for twelve hours. Results of statements stay for an hour and are on disk,
//! uploads that are not completed for seven days, tokens for a day after they expire.
//!
//! With [`LocalWorkspaceBuilder::data`] records, files, notebooks, jobs and secrets outlive the process, a kill included:
//! what was acknowledged is on disk. So do tables and what else SQL makes with the feature `delta`, where a table is a Delta
//! table in a directory of its own below `tables`; no other program may write there. All rows are in memory besides: that is
//! what statements read. Versions stay until the table is dropped, since `OPTIMIZE` and `VACUUM` do nothing. Delta has no
//! intervals, so that no table has them either, and a VARIANT is a string of JSON to other readers. Without the feature tables
//! are in memory alone: a [seed](LocalWorkspaceBuilder::seed) makes them at each start.
//!
//! # Time
//!
//! What takes the platform time (a cluster that starts, a warehouse that stops) takes a realistic time divided by
//! [`LocalWorkspaceBuilder::speed`]. Times that a user sets (auto-termination, auto-stop, `wait_timeout`, lifetimes of
//! tokens and links) are not scaled. All of it follows Tokio's clock: a test that pauses it moves the workspace too.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod auth;
mod body;
mod builder;
mod caller;
mod clock;
pub mod coverage;
mod durable;
mod exec;
mod extract;
pub mod faults;
#[cfg(feature = "engine")]
pub mod functions;
mod gate;
mod grpc;
mod html;
mod oidc;
mod operations;
mod origin;
mod paging;
mod python;
mod random;
mod record;
mod records;
mod reply;
mod router;
mod scim;
mod scratch;
mod seed;
mod server;
mod spark;
mod sql;
mod state;
mod thrift;
#[cfg(feature = "tls")]
mod tls;
mod workspace;

pub use builder::{LocalWorkspaceBuilder, StartError};
#[doc(hidden)]
pub use python::is_passed_on;
pub use record::RecordedRequest;
pub use sql::script::ScriptedResult;
pub use state::volumes::Links;
pub use workspace::LocalWorkspace;

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
