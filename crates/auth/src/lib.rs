//! Configuration and authentication for Databricks: profile files, environment variables, and every credentials
//! provider of the official SDKs.
//!
//! The SDK uses this crate; it also works without the SDK, for any HTTP client:
//!
//! ```no_run
//! # async fn example() -> databricks_core::Result<()> {
//! use databricks_auth::{Config, Credentials as _};
//!
//! let config = Config::new().profile("dev").resolve()?; // reads files and variables, sends nothing
//! println!("{}", config.describe());
//! let credentials = config.credentials()?;
//! let headers = credentials.headers().await?; // `Authorization`, and what else the cloud needs
//! # Ok(()) }
//! ```
//!
//! # Concepts
//!
//! ```text
//! settings ──resolve()──▶ configuration ──credentials()──▶ chain ──▶ provider ──▶ token cache ──headers()──▶ headers
//! ```
//!
//! 1. **Settings** state which host to use and how to authenticate: `host`, `token`, `client_id` and so on. Each one
//!    comes from code ([`Config`]), else from its environment variable, else from a profile of `~/.databrickscfg`. A
//!    profile is read if it is named (`profile`, `DATABRICKS_CONFIG_PROFILE`); without a name, the default profile is
//!    read only if code and environment set neither a host nor credentials. [`Config::resolve`] merges and validates
//!    them into a [`ResolvedConfig`], which knows the [`Source`] of each.
//! 2. The **chain** ([`CredentialChain`]) is the list of all credentials providers in a fixed order. On first use it
//!    chooses the one that `auth_type` names, else the first one that is configured. Those that may work without any
//!    setting (`databricks-cli`, `github-oidc`, `azure-devops-oidc`, `azure-cli`, `netrc`) are skipped when they fail;
//!    a failure of any other is an error.
//! 3. A **credentials provider** is one way to get a token: an OAuth grant, a program such as `az`, the identity of a
//!    virtual machine. Its name is the *auth type*.
//! 4. The **token cache** ([`TokenCache`]) keeps the provider's token and renews it in the background before it
//!    expires. All clones of the credentials share it.
//! 5. The **headers** ([`AuthHeaders`]) authenticate one request. They are bound to the origin of the host. When a
//!    service refuses them with 401, [`Credentials::invalidate`] drops the token, so that a retry gets a new one.
//!
//! Fetching a token needs a Tokio runtime with IO and timers (`#[tokio::main]`, or `enable_all()` of the builder);
//! without one there is an error. Several runtimes may share credentials. [`ResolvedConfig::credentials_over`] sends
//! the token requests through an HTTP service of your own.
//!
//! # Auth types
//!
//! The chain tries them in the order of this table. Every one needs `host` (`DATABRICKS_HOST`); those of Azure accept
//! `azure_workspace_resource_id` (`DATABRICKS_AZURE_RESOURCE_ID`) in its place, and find the host through it.
//!
//! | auth type | authenticates | needs the settings (environment variables) |
//! |---|---|---|
//! | `pat` | the owner of a personal access token | `token` (`DATABRICKS_TOKEN`) |
//! | `basic` | an account admin; workspaces no longer accept it | `username` (`DATABRICKS_USERNAME`), `password` (`DATABRICKS_PASSWORD`) |
//! | `oauth-m2m` | a service principal | `client_id` (`DATABRICKS_CLIENT_ID`), `client_secret` (`DATABRICKS_CLIENT_SECRET`) |
//! | `databricks-cli` | a user | a login by `databricks auth login` or [`ResolvedConfig::login`]; optional `databricks_cli_path` (`DATABRICKS_CLI_PATH`) |
//! | `metadata-service` | the identity of a local token service | `metadata_service_url` (`DATABRICKS_METADATA_SERVICE_URL`) |
//! | `github-oidc` | a GitHub Actions job | the permission `id-token: write`; `client_id` (`DATABRICKS_CLIENT_ID`) for a federation policy of a service principal |
//! | `azure-devops-oidc` | an Azure DevOps pipeline | the variable `SYSTEM_ACCESSTOKEN`, which the pipeline must map; `client_id` as above |
//! | `env-oidc` | the subject of an ID token | the variable `DATABRICKS_OIDC_TOKEN`, or the one that `oidc_token_env` (`DATABRICKS_OIDC_TOKEN_ENV`) names; `client_id` as above |
//! | `file-oidc` | the subject of an ID token | `oidc_token_filepath` (`DATABRICKS_OIDC_TOKEN_FILEPATH`); `client_id` as above |
//! | `github-oidc-azure` | an Entra application that trusts a GitHub Actions job | `azure_client_id` (`ARM_CLIENT_ID`), the permission `id-token: write`; `azure_tenant_id` (`ARM_TENANT_ID`) if it cannot be found |
//! | `azure-msi` | the managed identity of an Azure machine | `azure_use_msi` (`ARM_USE_MSI`); `azure_client_id` (`ARM_CLIENT_ID`) for a user-assigned one |
//! | `azure-client-secret` | an Entra service principal | `azure_client_id` (`ARM_CLIENT_ID`), `azure_client_secret` (`ARM_CLIENT_SECRET`); `azure_tenant_id` as above |
//! | `azure-cli` | the user or service principal of `az login` | the program `az` in `PATH` |
//! | `google-credentials` | a Google service account (feature `google`) | `google_credentials` (`GOOGLE_CREDENTIALS`): a key file or its JSON |
//! | `google-id` | a Google service account that you may impersonate | `google_service_account` (`DATABRICKS_GOOGLE_SERVICE_ACCOUNT`), and Google's default credentials or `gcloud` |
//! | `model-serving` | the model that a serving endpoint runs | only to run in model serving |
//! | `netrc` | an entry of `.netrc` | a file with an entry for the host: `~/.netrc`, or the one that `NETRC` names |
//! | `external-browser` | a user, for this program only | `auth_type` must name it |
//! | `azure-pat` | an Entra identity, with short-lived personal access tokens | `auth_type` must name it; the settings of `azure-client-secret`, `azure-msi` or `azure-cli` |
//!
//! To force one, set `auth_type`: in code with [`Config::auth_type`], with the variable `DATABRICKS_AUTH_TYPE`, or in
//! the profile. No other provider is tried then, and settings of other providers are ignored. Without `auth_type`,
//! settings of two families, such as `token` and `client_id`, are an error.
//!
//! The providers of the Python SDK for notebooks (`runtime`, `runtime-oauth`) need the Python interpreter of a notebook
//! and are not supported; [`ResolvedConfig::exchange_token`] exchanges the token of a notebook.
//!
//! # When authentication fails
//!
//! The error message states on one line what failed and what to do; its `report()` adds why each provider was not used.
//! [`ResolvedConfig::describe`] and [`CredentialChain::describe`] show the same at any time, with the source of every
//! setting. [`error_kind`] returns the kind of the error, to match on.
//!
//! White space, line ends and byte order marks around a value are removed: files and CI systems often add them.
//!
//! # Safety of credentials
//!
//! `Debug`, messages and logs never show secrets. Plain http is accepted only for this machine. Tokens are bound to the
//! origin of the host. Token requests are sent only to that host, the platform, Entra, Google, and endpoints that you
//! set; other hosts that a discovery document or the host's metadata names are refused. Token requests follow no
//! redirect.
//!
//! # Features
//!
//! | feature | enables |
//! |---|---|
//! | `ring` (default), `aws-lc-rs` | the cryptography of TLS, as in `databricks-transport` |
//! | `browser` | opening the system's browser for logins; without it the address is written to standard error, or passed to [`Config::browser`] |
//! | `google` | `google-credentials`, and service account keys for `google-id` |
//! | `keyring` | the system's key store for logins, with the file as fallback |
//!
//! # Your own credentials
//!
//! [`StaticToken`] is one fixed token, [`from_fn`] calls a function for tokens, a [`TokenSource`] in a [`TokenCache`]
//! is a type that gets tokens, and [`Credentials`] is the trait that all of them implement. Pass any of them to
//! [`Config::credentials`].

#![cfg_attr(docsrs, feature(doc_cfg))]

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
mod static_token;
mod store;
mod timestamps;
mod token;
mod token_exchange;

pub use cache::TokenCache;
pub use cache::cached_token::CachedToken;
pub use cache::from_fn::from_fn;
pub use config::{Cloud, Config, HostType, ProfileSummary, ResolvedConfig, Source, WorkspaceAddress};
pub use credential_chain::{CredentialChain, Endpoint};
pub use describe::{DescribedAttribute, DescribedProvider, Description};
pub use error::{AuthError, AuthErrorKind, Declined, error_kind};
pub use login::LoginOutcome;
pub use login::browser::Browser;
pub use process::{ProcessOutput, ProcessRequest, ProcessRunner};
pub use static_token::StaticToken;
pub use store::{KeyStore, KeyStoreError, Storage};
pub use token::{Token, TokenSource};

pub use databricks_core::{AuthHeaders, Credentials};
pub use databricks_transport::{Environment, HttpService};

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
