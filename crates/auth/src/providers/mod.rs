//! The credentials providers, one file each, and the order in which they are tried.

mod azure;
mod azure_cli;
mod azure_client_secret;
mod azure_devops_oidc;
mod azure_msi;
mod azure_pat;
mod basic;
mod databricks_cli;
mod env_oidc;
mod exchange;
mod external_browser;
mod file_oidc;
mod github;
mod github_oidc;
mod github_oidc_azure;
pub(crate) mod google;
#[cfg(feature = "google")]
mod google_credentials;
mod google_default;
mod google_id;
#[cfg(feature = "google")]
mod google_key;
#[cfg(not(feature = "google"))]
mod google_off;
pub(crate) mod headers;
mod metadata_service;
pub(crate) mod model_serving;
mod netrc;
mod oauth_m2m;
mod pat;
pub(crate) mod provider;
mod stored_login;

use provider::Provider;

/// The providers in the order of the chain.
pub(crate) static CHAIN: &[&Provider] = &[
    &pat::PROVIDER,
    &basic::PROVIDER,
    &oauth_m2m::PROVIDER,
    &databricks_cli::PROVIDER,
    &metadata_service::PROVIDER,
    &github_oidc::PROVIDER,
    &azure_devops_oidc::PROVIDER,
    &env_oidc::PROVIDER,
    &file_oidc::PROVIDER,
    &github_oidc_azure::PROVIDER,
    &azure_msi::PROVIDER,
    &azure_client_secret::PROVIDER,
    &azure_cli::PROVIDER,
    #[cfg(feature = "google")]
    &google_credentials::PROVIDER,
    #[cfg(not(feature = "google"))]
    &google_off::PROVIDER,
    &google_id::PROVIDER,
    &model_serving::PROVIDER,
    &netrc::PROVIDER,
];

/// The providers that are used only when `auth_type` names them.
pub(crate) static ON_REQUEST: &[&Provider] = &[&external_browser::PROVIDER, &azure_pat::PROVIDER];
