//! Operations and types of the Databricks REST API, generated from its OpenAPI description.
