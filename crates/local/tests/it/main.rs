//! The embedded workspace over real sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, which the lint does not see")]

mod account;
mod authentication;
mod client;
mod clusters;
mod commands;
mod connections;
mod consent;
mod data;
mod faults;
mod governance;
mod grpc;
mod jobs;
#[cfg(all(feature = "bin", unix))]
mod kills;
mod lakebase;
#[cfg(all(feature = "bin", feature = "engine"))]
mod load;
mod mlflow;
mod names;
#[cfg(feature = "bin")]
mod policies;
mod process;
#[cfg(feature = "bin")]
mod program;
mod rest_records;
mod scripts;
#[cfg(all(feature = "engine", feature = "seed"))]
mod seed;
mod services;
mod spark_connect;
#[cfg(feature = "engine")]
mod spark_facts;
#[cfg(feature = "spark")]
mod spark_statements;
#[cfg(feature = "engine")]
mod sql_catalog;
#[cfg(feature = "engine")]
mod sql_copy;
#[cfg(feature = "delta")]
mod sql_delta;
#[cfg(all(feature = "delta", feature = "bin", unix))]
mod sql_delta_kills;
#[cfg(feature = "delta")]
mod sql_evolution;
#[cfg(feature = "delta")]
mod sql_feed;
#[cfg(feature = "engine")]
mod sql_files;
#[cfg(feature = "parquet")]
mod sql_functions;
#[cfg(feature = "parquet")]
mod sql_parquet;
#[cfg(feature = "delta")]
mod sql_policies;
#[cfg(feature = "engine")]
mod sql_scripts;
#[cfg(feature = "engine")]
mod sql_sessions;
#[cfg(feature = "engine")]
mod sql_values;
#[cfg(feature = "engine")]
mod statements;
#[cfg(feature = "engine")]
mod thrift;
#[cfg(feature = "engine")]
mod thrift_client;
#[cfg(feature = "engine")]
mod tpch;
#[cfg(feature = "delta")]
mod uc_renames;
#[cfg(feature = "engine")]
mod uc_tables;
mod vectors;
mod warehouses;
mod workspace_objects;
