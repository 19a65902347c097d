//! The vocabulary of the Databricks SDK for Rust: operations, errors, credentials, secrets and redaction, without IO.
