//! Tower middleware and HTTP client of the Databricks SDK for Rust.
//!
//! [`Client`] is the whole stack: retries, rate limit, sign-in, user agent, redacting debug log, inactivity timeout, redirects,
//! decompression, proxies and TLS. It is a [`tower::Service`] from `http::Request<Body>` to `http::Response<Body>`, cheap to clone,
//! and building it does no IO. An answer of status 400 and above comes out as a typed [`Error`].
//!
//! ```no_run
//! # async fn example() -> databricks_core::Result<()> {
//! use databricks_core::Body;
//! use databricks_transport::{CallOptions, Client, read_body};
//!
//! let client = Client::builder().build()?;
//! let mut request = http::Request::get("https://example.cloud.databricks.com/api/2.0/clusters/list").body(Body::empty()).unwrap();
//! request.extensions_mut().insert(CallOptions::new().max_attempts(3));
//! let answer = client.send(request).await?;
//! let bytes = read_body(answer.into_body(), 1 << 20).await?;
//! # Ok(()) }
//! ```
//!
//! The layers in [`layers`] can be used one by one around any service of that shape; the example `custom_stack` of this crate does so.
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `ring` (default) | cryptography by `ring` |
//! | `aws-lc-rs` | cryptography by `aws-lc-rs`; wins when both are on |
//! | `webpki-roots` | Mozilla's root certificates, for machines without any |
//! | `socks` | SOCKS5 proxies |
//! | `brotli`, `zstd` | more kinds of compressed answers |

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

pub use body::read_body;
pub use client::{Client, ClientBuilder};
pub use clock::{Clock, SharedClock, Sleep, SystemClock};
pub use curl::curl;
pub use environment::Environment;
pub use layers::FinalUri;
pub use multipart::multipart;
pub use options::{CallOptions, RawAnswer};
pub use proxy::ProxyOptions;
pub use retry_policy::{Backoff, RetryBudget, RetryOn, RetryPolicy};
pub use tls::TlsOptions;
pub use user_agent::UserAgent;

use databricks_core::{Body, Error};

/// A service that answers requests, with its type erased: what the layers of this SDK pass around.
///
/// Cloning shares the connection pool.
pub type HttpService = tower::util::BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Error>;
