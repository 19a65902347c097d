//! Tower middleware and HTTP client of the Databricks SDK for Rust.
//!
//! [`Client`] is the whole stack: retries, rate limit, authentication, user agent, redacting debug log, inactivity
//! timeout, redirects, decompression, proxies and TLS. It is a [`tower::Service`] from `http::Request<Body>` to
//! `http::Response<Body>`, cheap to clone, and building it does no IO. A response of status 400 and above comes out as
//! a typed [`Error`].
//!
//! ```no_run
//! # async fn example() -> databricks_transport::Result<()> {
//! use databricks_transport::{Body, CallOptions, Client, read_body};
//!
//! let client = Client::builder().build()?;
//! let mut request = http::Request::get("https://example.cloud.databricks.com/api/2.0/clusters/list").body(Body::empty()).unwrap();
//! request.extensions_mut().insert(CallOptions::new().max_attempts(3));
//! let response = client.send(request).await?;
//! let bytes = read_body(response.into_body(), 1 << 20).await?;
//! # Ok(()) }
//! ```
//!
//! The layers in [`layers`] can be used one by one around any service of that shape; the example `custom_stack` of this
//! crate does so.
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `ring` (default) | cryptography by `ring` |
//! | `aws-lc-rs` | cryptography by `aws-lc-rs`; wins when both are on |
//! | `webpki-roots` | Mozilla's root certificates, for machines without any |
//! | `socks` | SOCKS5 proxies |
//! | `brotli`, `zstd` | more kinds of compressed responses |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod client;
mod clock;
mod connect_error;
mod connector;
mod curl;
mod environment;
mod http_client;
pub mod layers;
mod multipart;
mod options;
mod proxy;
mod resolver;
mod retry_policy;
mod stream;
mod tls;
mod tunnel;
mod user_agent;
mod user_layers;

pub use body::read_body;
pub use client::{Client, ClientBuilder};
pub use clock::{Clock, SharedClock, Sleep, SystemClock};
pub use curl::curl;
pub use environment::Environment;
pub use layers::FinalUri;
pub use multipart::multipart;
pub use options::{CallOptions, RawResponse};
pub use proxy::ProxyOptions;
pub use retry_policy::{Backoff, RetryBudget, RetryOn, RetryPolicy};
pub use tls::TlsOptions;
pub use user_agent::UserAgent;

/// What the signatures of this crate and implementations of [`Credentials`] need.
pub use databricks_core::{
    AuthHeaders, Body, Credentials, Error, ErrorKind, Origin, Result, Secret, SharedCredentials,
};

/// A service that responds to requests, with its type erased: what the layers of this SDK pass around.
///
/// Cloning shares the connection pool.
pub type HttpService = tower::util::BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Error>;

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
