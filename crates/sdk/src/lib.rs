//! Databricks SDK for Rust.
//!
//! One dependency for programs that talk to Databricks: [`WorkspaceClient`] for a workspace, [`AccountClient`] for an
//! account. Both authenticate by the rules that all official SDKs share (explicit settings, then the environment, then
//! a profile of `.databrickscfg`), and both offer every operation of the API as a method that can be awaited.
//!
//! ```sh
//! cargo add databricks-sdk
//! cargo add tokio --features macros,rt-multi-thread
//! ```
//!
//! ```no_run
//! use databricks_sdk::WorkspaceClient;
//!
//! #[tokio::main]
//! async fn main() -> databricks_sdk::Result<()> {
//!     let w = WorkspaceClient::from_env()?;
//!     let me = w.current_user().me().await?;
//!     println!("Hello, {}!", me.user_name.unwrap_or_default());
//!
//!     let mut clusters = w.clusters().list().page_size(100).items();
//!     while let Some(cluster) = clusters.try_next().await? {
//!         println!("{} is {}", cluster.cluster_name.unwrap_or_default(), cluster.state.unwrap_or_default());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Where to go from here
//!
//! The [`guide`] has a page per subject: first call, authenticating, calling, waiting, SQL, files, commands and jobs,
//! errors and retries, logging, proxies and certificates, testing, layers and features, stability, and moving from the
//! SDKs for Python, Go and Java.
//!
//! | to do | see |
//! |---|---|
//! | call an operation, with options for this call alone | [`Call`] |
//! | walk a list | [`Call::items`], [`Call::pages`] |
//! | wait until something runs | [`Waiter`], [`OperationWaiter`] |
//! | run SQL | [`WorkspaceClient::sql`] |
//! | run Python, Scala, R or SQL on a cluster | [`WorkspaceClient::context`] |
//! | choose, start and configure clusters | [`compute`] |
//! | run jobs and follow their runs | [`jobs`] |
//! | upload and download files of volumes | [`files`] |
//! | read, copy and list files of DBFS | [`dbfs`] |
//! | chat with models as they generate, call external services | `serving` |
//! | call an endpoint that has no method | [`WorkspaceClient::raw`] |
//! | call without async (feature `blocking`) | [`Block`](https://docs.rs/databricks-sdk/latest/databricks_sdk/blocking/trait.Block.html) |
//! | authenticate | [`Config`], [`auth`] |
//! | set a user agent, TLS, a proxy, retries | [`WorkspaceClient::builder`] |
//! | test a program without a workspace | [`testing`] |
//! | understand an error, of the compiler too | [`troubleshooting`] |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod background;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
mod builder;
mod call;
mod client;
mod client_methods;
#[cfg(feature = "compute")]
pub mod commands;
#[cfg(feature = "compute")]
pub mod compute;
#[cfg(feature = "database")]
mod database_password;
#[cfg(feature = "files")]
pub mod dbfs;
#[cfg(feature = "dynamic")]
#[cfg_attr(docsrs, doc(cfg(feature = "dynamic")))]
mod dynamic;
#[cfg_attr(not(all(feature = "compute", feature = "sql", feature = "dynamic")), allow(dead_code))]
mod failure_reason;
#[cfg(feature = "files")]
pub mod files;
#[cfg(all(any(doc, doctest), feature = "common"))]
pub mod guide;
#[allow(unused_macros, unused_imports)] // Without any package there is nothing to write.
mod handle;
#[cfg(feature = "iam")]
mod identity;
#[cfg(feature = "jobs")]
pub mod jobs;
#[cfg(any(feature = "compute", feature = "jobs", feature = "sql"))]
mod lookup;
mod lro;
mod options;
mod pager;
mod pages;
mod poll;
mod raw;
mod runtime;
#[cfg(feature = "workspace")]
mod secret_reference;
#[cfg(feature = "workspace")]
mod secrets;
// An input may be called `add` or `default`: the API's words, not Rust's traits.
#[allow(clippy::should_implement_trait)]
#[rustfmt::skip]
pub mod services;
#[cfg(feature = "serving")]
pub mod serving;
#[cfg(feature = "sql")]
pub mod sql;
mod stream;
mod table;
pub mod testing;
pub mod troubleshooting;
mod waiter;
mod workspace;
#[cfg(feature = "workspace")]
mod workspace_files;

pub use account::AccountClient;
pub use builder::ClientBuilder;
pub use call::{Call, Response};
pub use client::Client;
#[cfg(feature = "database")]
pub use database_password::DatabasePasswords;
pub use databricks_auth as auth;
pub use databricks_auth::{
    AuthError, AuthErrorKind, Browser, Config, KeyStore, LoginOutcome, ProcessRunner, ResolvedConfig, Storage,
};
pub use databricks_core::{
    ApiError, AuthHeaders, Body, ByteStream, Continuation, Credentials, Error, ErrorKind, Extra, FieldMask,
    Idempotency, LongRunning, Nullable, Operation, Page, Paginated, ProtoDuration, Result, Secret, SharedCredentials,
    StatementFailure, Timestamp, WaitStatus, Waitable,
    api_error::{self, ApiErrorKind},
    body::Part,
    lro::LroState,
    operation,
};
pub use databricks_models as models;
pub use databricks_transport::{
    Backoff, Clock, Environment, HttpService, ProxyOptions, RetryBudget, RetryOn, RetryPolicy, SharedClock, Sleep,
    TlsOptions,
};
#[cfg(feature = "dynamic")]
#[cfg_attr(docsrs, doc(cfg(feature = "dynamic")))]
pub use dynamic::DynamicCall;
pub use http::Method;
pub use lro::{OperationHandle, OperationWaiter};
pub use pages::{Items, Pages};
pub use poll::{Progress, Updates};
pub use raw::{RawRequest, RawResponse};
#[cfg(feature = "workspace")]
pub use secret_reference::SecretReference;
#[cfg(feature = "workspace")]
pub use secrets::SecretBytes;
pub use stream::ResultStream;
pub use table::Table;
pub use waiter::{Started, Waiter};
pub use workspace::WorkspaceClient;
#[cfg(feature = "workspace")]
pub use workspace_files::WorkspaceUpload;

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
