//! What the generated models promise, on the real API.

#![allow(clippy::unwrap_used)]
// A test may stop at the first thing that is not as it should be.
// The packages that are looked at. Within the workspace each is on, by the features of the tests.
#![cfg(all(
    feature = "apps",
    feature = "catalog",
    feature = "compute",
    feature = "iam",
    feature = "jobs",
    feature = "ml",
    feature = "pipelines",
    feature = "postgres",
    feature = "serving",
    feature = "settings",
    feature = "sharing",
    feature = "sql",
    feature = "vectorsearch",
    feature = "workspace"
))]

mod masks;
mod odd;
mod requests;
mod secrets;
mod unknown;
