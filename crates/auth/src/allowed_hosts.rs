//! Which hosts may receive credentials.

use databricks_core::Origin;
use http::Uri;

use crate::config::cloud::{AzureEnvironment, is_platform_host};
use crate::config::host::is_loopback;
use crate::error::{AuthError, AuthErrorKind};

/// Refuses an endpoint that is neither one of the user's own origins nor one of the platform.
///
/// * `url`: the endpoint.
/// * `named_by`: the document that names it, for the message.
/// * `own`: the origins of the configured host and of endpoints that the user set.
pub(crate) fn check(url: &str, named_by: &str, own: &[Origin]) -> Result<(), AuthError> {
    let origin = url.parse::<Uri>().ok().as_ref().and_then(Origin::of);
    let Some(origin) = origin else {
        return Err(AuthError::new(
            AuthErrorKind::UntrustedEndpoint,
            format!("{named_by} names an endpoint that is not an absolute URL"),
        ));
    };
    if own.contains(&origin) || is_trusted(&origin) {
        return Ok(());
    }
    Err(AuthError::new(
        AuthErrorKind::UntrustedEndpoint,
        format!("{named_by} names {origin}, which is neither the configured host nor a known login service; no credentials are sent there"),
    )
    .with_hint("if you trust it, set it as token_endpoint or discovery_url"))
}

fn is_trusted(origin: &Origin) -> bool {
    let host = origin.host();
    match origin.scheme() {
        "https" => {
            is_platform_host(host)
                || AzureEnvironment::of_authority(host).is_some()
                || matches!(host, "oauth2.googleapis.com" | "iamcredentials.googleapis.com")
                || is_loopback(host)
        }
        "http" => is_loopback(host),
        _ => false,
    }
}

/// Refuses an endpoint of the user that would receive credentials over plain http.
pub(crate) fn check_scheme(url: &str, attribute: &str) -> Result<Origin, AuthError> {
    let origin = url.parse::<Uri>().ok().as_ref().and_then(Origin::of);
    match origin {
        Some(origin) if origin.scheme() == "https" || is_loopback(origin.host()) => Ok(origin),
        Some(origin) => Err(AuthError::new(
            AuthErrorKind::UntrustedEndpoint,
            format!("{attribute} is at {origin}, which would receive credentials over plain http; use https"),
        )),
        None => Err(AuthError::new(AuthErrorKind::InvalidValue, format!("{attribute} must be an absolute URL"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let own = [Origin::of(&"https://data.example.com".parse().unwrap()).unwrap()];
        for url in [
            "https://data.example.com/oidc/v1/token",
            "https://accounts.cloud.databricks.com/x",
            "https://login.databricks.com/x",
            "https://login.microsoftonline.com/t/oauth2/token",
            "http://localhost:1/t",
            "https://adb-1.2.azuredatabricks.net/oidc/v1/token",
        ] {
            assert!(check(url, "test", &own).is_ok(), "{url}");
        }
        for url in [
            "https://evil.example.com/oidc/v1/token",
            "http://data.example.com/oidc/v1/token",
            "https://data.example.com:8443/x",
            "http://accounts.cloud.databricks.com/x",
            "https://cloud.databricks.com.evil.com/",
            "/relative",
        ] {
            let error = check(url, "test", &own).unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::UntrustedEndpoint, "{url}");
        }
    }
}
