//! Databricks SDK for Rust: clients for workspaces and accounts.
