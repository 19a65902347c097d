//! The facade against the embedded workspace, over a socket.

mod account;
mod clusters;
mod commands;
mod jobs;
mod libraries;
mod lists;
mod raw;
mod scripted;
mod sign_in;
mod sql;
mod sql_results;
mod sql_types;
mod warehouses;
