//! Arrow record batches from Databricks SQL statements.
