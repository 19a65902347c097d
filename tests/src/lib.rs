//! Tests of the Databricks SDK for Rust over a socket: behaviour, conformance, interoperability.
