//! Operations and types of the Databricks REST API, generated from its OpenAPI description.
//!
//! One module per package of the API, each behind a feature of its name; `full` turns all on. A package's types stand
//! in its module, its operations in a module per service:
//!
//! ```
//! # #[cfg(feature = "compute")] {
//! use databricks_core::{Operation, RequestContext};
//! use databricks_models::compute::clusters;
//!
//! let get = clusters::Get::new("0923-164208-meows279");
//! let parts = get.request(&RequestContext::default()).unwrap();
//! assert_eq!(parts.path_and_query(), "/api/2.1/clusters/get?cluster_id=0923-164208-meows279");
//! # }
//! ```
//!
//! Nothing here does IO: an operation turns itself into the parts of a request and reads its response. `databricks-sdk`
//! sends them.
//!
//! # Names
//!
//! Names are those of the API in Rust's cases. One rule resolves clashes with words of the language and with functions:
//! an underscore is appended (`type_`, `default_`). An enum's variant for the string `UNKNOWN` is `Unknown_`, since
//! `Unknown` keeps strings that this release does not know.
//!
//! # Versions
//!
//! What a release promises while the API changes is stated in [`versions`].

#![cfg_attr(docsrs, feature(doc_cfg))]

// What the generator cannot know: whether the type of a member is cheap to copy, or holds string already.
#[allow(clippy::clone_on_copy, clippy::useless_conversion)]
#[rustfmt::skip]
mod generated;

#[cfg(feature = "dynamic")]
#[cfg_attr(docsrs, doc(cfg(feature = "dynamic")))]
pub mod dynamic;

#[doc = include_str!("../VERSIONS.md")]
pub mod versions {}

#[allow(unreachable_pub, unused_imports)] // With no package there is nothing in it.
pub use generated::*;

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
