//! A Unity Catalog volume as an [`object_store::ObjectStore`], so that DataFusion, Polars, delta-rs and all else that
//! works with object stores read and write its files.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use databricks_object_store::VolumeStore;
//! use databricks_sdk::WorkspaceClient;
//! use object_store::{ObjectStoreExt as _, path::Path};
//!
//! let w = WorkspaceClient::from_env()?;
//! let store = VolumeStore::new(w.volume("/Volumes/main/default/data")?);
//! store.put(&Path::from("trips/one.csv"), "a,b\n1,2\n".into()).await?;
//! let read = store.get(&Path::from("trips/one.csv")).await?.bytes().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The version of this crate follows that of `object_store`.
//!
//! # What a volume does not do
//!
//! | asked for | what happens |
//! |---|---|
//! | [`PutMode::Create`](object_store::PutMode) | the service refuses to replace a file; atomic |
//! | [`PutMode::Update`](object_store::PutMode), versions | refused: volumes have no versions |
//! | entity tags | made of the time of the last change, in seconds, and the size: a file that is replaced within a second by one of the same size keeps its tag |
//! | attributes such as a media type | refused when written, never returned |
//! | copy | the bytes go through this machine; not atomic |
//! | rename | a copy and a deletion |
//! //! | empty directories | stay after their last file was deleted, and are listed as common prefixes |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod convert;
mod multipart;
mod store;

pub use store::VolumeStore;

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
