//! Signing in as a person.

pub(crate) mod browser;
