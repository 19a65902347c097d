//! Tower middleware and HTTP client of the Databricks SDK for Rust.
