//! Configuration and authentication for Databricks: profiles, environment, and every way to get credentials.
//!
//! A [`Config`] takes what a program sets; [`Config::resolve`] adds the environment and the profile file
//! (`~/.databrickscfg`) and validates, without any network; [`ResolvedConfig::credentials`] makes [`Credentials`] of it, which find
//! and renew tokens. It works without the rest of the SDK, for any HTTP client.
//!
//! ```no_run
//! # async fn example() -> databricks_core::Result<()> {
//! use databricks_auth::{Config, Credentials as _};
//!
//! let config = Config::new().profile("dev").resolve()?;
//! println!("{}", config.describe());
//! let credentials = config.credentials()?;
//! let headers = credentials.headers().await?; // `Authorization`, and what else the cloud needs
//! # Ok(()) }
//! ```
//!
//! [`ResolvedConfig::credentials_over`] takes an HTTP service of your own in place of the default one. Fetching a token needs a Tokio runtime
//! with IO and timers (`#[tokio::main]`, or `enable_all()` of the builder); any other is an error. Several runtimes may share credentials.
//!
//! # Credentials providers
//!
//! With `auth_type` unset, the first of these that is configured is used, in this order; `auth_type` names one and leaves the
//! others out.
//!
//! | `auth_type` | who is authenticated | needs, besides `host` |
//! |---|---|---|
//! | `pat` | the owner of the token | `token` |
//! | `basic` | an account admin | `username`, `password` |
//! | `oauth-m2m` | a service principal | `client_id`, `client_secret` |
//! | `databricks-cli` | a person, logged in with the official CLI or with [`ResolvedConfig::login`] | the program, or a stored login |
//! | `metadata-service` | the identity of the local token service | `metadata_service_url` |
//! | `github-oidc` | a GitHub Actions job | the permission `id-token: write`; `client_id` for a policy of a service principal |
//! | `azure-devops-oidc` | an Azure DevOps pipeline | `SYSTEM_ACCESSTOKEN`, mapped by the pipeline |
//! | `env-oidc`, `file-oidc` | the subject of an ID token | `DATABRICKS_OIDC_TOKEN`, or `oidc_token_filepath` |
//! | `github-oidc-azure` | an Entra application that trusts a GitHub Actions job | `azure_client_id` |
//! | `azure-msi` | the managed identity of an Azure machine | `azure_use_msi` |
//! | `azure-client-secret` | an Entra service principal | `azure_client_id`, `azure_client_secret` |
//! | `azure-cli` | the user or principal that is logged in with `az` | the program |
//! | `google-credentials` | a Google service account (feature `google`) | `google_credentials` |
//! | `google-id` | a Google service account that you may act for | `google_service_account` |
//! | `model-serving` | the model that a serving endpoint runs | nothing |
//! | `netrc` | an entry of `.netrc` | the file |
//! | `external-browser` | a person, for this program alone | to be asked for by `auth_type` |
//! | `azure-pat` | an Entra identity, through a short-lived token of the workspace | to be asked for by `auth_type` |
//!
//! With an Azure resource id (`azure_workspace_resource_id`) in place of a host, the providers of Entra find the host. The notebook
//! runtime of the Python SDK works only in the Python interpreter of a notebook, and is not here.
//!
//! When no credentials are found, the error says on one line what to do, and its `report()` says why each provider was not used;
//! [`ResolvedConfig::describe`] and [`CredentialChain::describe`] tell the same at any time, with the source of every setting.
//!
//! Blanks, line ends and byte order marks around a value are dropped, whatever it comes from: files and CI systems add them.
//!
//! # Safety of credentials
//!
//! Secrets never show in `Debug`, messages or logs. Plain http is for this machine alone. Tokens are bound to the origin of the host,
//! and token requests go to that host, to the platform, to Entra and Google, or to an endpoint that you name: whatever else a
//! discovery document or the host's metadata names is refused. Token requests follow no redirect.
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `ring` (default), `aws-lc-rs` | cryptography of TLS, as in `databricks-transport` |
//! | `browser` | opens the system's browser for logins; without it the address is written to standard error, or goes to [`Config::browser`] |
//! | `google` | `google-credentials`, and service account keys for `google-id` |
//! | `keyring` | the system's key store for logins of people, with the file as fallback |
//!
//! # Your own
//!
//! [`StaticToken`] is one token, [`from_fn`] a function that gets tokens, [`TokenSource`] with [`TokenCache`] a type that does,
//! and [`Credentials`] the trait behind all of them. Give any of these to [`Config::credentials`].

mod allowed_hosts;
mod cache;
mod choose;
mod config;
mod context;
mod credential_chain;
mod describe;
mod error;
mod http;
mod login;
mod metadata;
mod oauth;
mod oauth_endpoints;
mod platform;
mod process;
mod providers;
mod runtime;
mod sanitize;
mod store;
mod timestamps;
mod token;
mod token_exchange;

pub use cache::{CachedToken, StaticToken, TokenCache, from_fn};
pub use config::{Cloud, Config, HostType, ProfileSummary, ResolvedConfig, Source};
pub use credential_chain::{CredentialChain, Endpoint};
pub use describe::{DescribedAttribute, DescribedProvider, Description};
pub use error::{AuthError, AuthErrorKind, Declined, error_kind};
pub use login::LoginOutcome;
pub use login::browser::Browser;
pub use process::{ProcessOutput, ProcessRequest, ProcessRunner};
pub use store::{KeyStore, KeyStoreError, Storage};
pub use token::{Token, TokenSource};

pub use databricks_core::{AuthHeaders, Credentials};
pub use databricks_transport::{Environment, HttpService};
