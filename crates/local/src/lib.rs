//! An embedded Databricks workspace for examples, development and tests.
