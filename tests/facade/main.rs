//! The facade against the embedded workspace, over a socket.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

mod account;
mod account_workspaces;
mod apps;
mod authentication;
mod blocking;
mod clusters;
mod commands;
mod dbfs;
mod encrypted;
mod jobs;
mod libraries;
mod lists;
mod objects;
mod progress;
mod raw;
mod runtimes;
mod script;
mod scripted;

mod sql;
mod sql_complete;
mod sql_results;
mod sql_storage;
mod sql_types;
mod volumes;
mod waits;
mod warehouses;

// Programs whose build cost is measured, compiled here so that they keep up with the API.
#[expect(dead_code, clippy::print_stdout, reason = "programs, whose main functions are not called")]
#[path = "../bench/apps/layers.rs"]
mod build_cost_layers;
#[expect(dead_code, clippy::print_stdout, reason = "programs, whose main functions are not called")]
#[path = "../bench/apps/ours.rs"]
mod build_cost_ours;
