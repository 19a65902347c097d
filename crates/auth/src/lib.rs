//! Configuration and sign-in for Databricks: profiles, environment and every credentials provider.
