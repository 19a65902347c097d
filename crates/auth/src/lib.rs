//! Configuration and sign-in for Databricks: profiles, environment, and every way to get credentials.
//!
//! A [`Config`] takes what a program sets; [`Config::resolve`] adds the environment and the profile file
//! (`~/.databrickscfg`) and validates, without any network; [`ResolvedConfig::sign_in`] makes [`Credentials`] of it, which find
//! and renew tokens over the given HTTP service. It works without the rest of the SDK, for any HTTP client.
//!
//! ```no_run
//! # async fn example() -> databricks_core::Result<()> {
//! use databricks_auth::Config;
//! use databricks_core::Credentials as _;
//!
//! let config = Config::new().profile("dev").resolve()?;
//! println!("{}", config.describe());
//! let http = databricks_transport::Client::builder().build()?;
//! let sign_in = config.sign_in(http.service());
//! let headers = sign_in.headers().await?; // `Authorization`, and what else the cloud needs
//! # Ok(()) }
//! ```
//!
//! # Ways to sign in
//!
//! With `auth_type` unset, the first of these that has what it needs is used, in this order:
//!
//! | `auth_type` | needs |
//! |---|---|
//! | `pat` | `token` |
//! | `basic` | `username`, `password` |
//! | `oauth-m2m` | `client_id`, `client_secret` |
//!
//! # Your own
//!
//! [`StaticToken`] is one token, [`from_fn`] a function that gets tokens, [`TokenSource`] with [`TokenCache`] a type that does,
//! and [`Credentials`] the trait behind all of them. Give any of these to [`Config::credentials`].

mod cache;
mod chain;
mod config;
mod context;
mod describe;
mod error;
mod expiry;
mod http;
mod login;
mod machine;
mod metadata;
mod oauth;
mod process;
mod providers;
mod scrub;
mod sign_in;
mod store;
mod token;
mod trust;

pub use cache::{CachedToken, StaticToken, TokenCache, from_fn};
pub use config::{Cloud, Config, HostType, ProfileSummary, ResolvedConfig, Source};
pub use describe::{DescribedAttribute, DescribedProvider, Description};
pub use error::{AuthError, AuthErrorKind, Declined, error_kind};
pub use process::{ProcessOutput, ProcessRequest, ProcessRunner};
pub use sign_in::{Endpoint, SignIn};
pub use store::{KeyStore, KeyStoreError, Storage};
pub use login::LoginOutcome;
pub use login::browser::Browser;
pub use token::{Token, TokenSource};

pub use databricks_core::{AuthHeaders, Credentials};
pub use databricks_transport::{Environment, HttpService};
