//! One login: open the server's page, wait for the code, exchange it for a token.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use databricks_core::Secret;
use futures_util::future::{Either, select};
use serde_json::Value;

use super::browser::Browser;
use super::listener::{Callback, Listener};
use super::pkce::Pkce;
use crate::allowed_hosts;
use crate::config::attributes::Key;
use crate::config::cloud::AzureEnvironment;
use crate::context::Context;
use crate::error::{AuthError, AuthErrorKind, feature_off};
use crate::http::Outgoing;
use crate::oauth::{not_configured, shown};
use crate::oauth_endpoints::OAuthEndpoints;
use crate::token::Token;

/// The public client of the official CLI, which every account knows.
pub(crate) const PUBLIC_CLIENT: &str = "databricks-cli";

/// The timeout of a login.
const PATIENCE: Duration = Duration::from_secs(300);

/// A login of some client.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    provider: &'static str,
    cx: Arc<Context>,
    client_id: String,
    client_secret: Option<Secret>,
    /// Whether the client is an application of Entra, which authenticates the user.
    is_entra: bool,
}

/// The result of a login.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) token: Token,
    pub(crate) refresh_token: Option<Secret>,
}

impl Flow {
    /// With the program's own client where it has one, or its application of Entra, else with the public one.
    pub(crate) fn configured(cx: &Arc<Context>, provider: &'static str) -> Self {
        let (client_id, client_secret, is_entra) =
            match (cx.config.text(Key::ClientId), cx.config.text(Key::AzureClientId)) {
                (None, Some(id)) => (id, cx.config.secret_of(Key::AzureClientSecret), true),
                (id, _) => (id.unwrap_or(PUBLIC_CLIENT), cx.config.secret_of(Key::ClientSecret), false),
            };
        Self {
            provider,
            cx: Arc::clone(cx),
            client_id: client_id.to_owned(),
            client_secret: client_secret.cloned(),
            is_entra,
        }
    }

    /// With the public client, whose logins the CLI shares.
    pub(crate) fn public(cx: &Arc<Context>, provider: &'static str) -> Self {
        Self { provider, cx: Arc::clone(cx), client_id: PUBLIC_CLIENT.to_owned(), client_secret: None, is_entra: false }
    }

    fn failed(&self, why: impl std::fmt::Display) -> AuthError {
        AuthError::failed(self.provider, why)
    }

    /// Logs the user in.
    pub(crate) async fn run(&self) -> Result<Granted, AuthError> {
        let endpoints = self.endpoints().await?;
        let authorize = endpoints
            .authorize
            .as_deref()
            .ok_or_else(|| self.failed("the authorization endpoint is not known; set discovery_url"))?;
        let origin = allowed_hosts::check_scheme(authorize, "the authorization endpoint")?;
        let port = self
            .cx
            .config
            .int(Key::OauthCallbackPort)
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port != 0);
        let listener = Listener::bind(port).await.map_err(|error| {
            let which = port.map_or_else(|| "8020 to 8040".to_owned(), |port| port.to_string());
            self.failed(format!("cannot listen for the browser on port {which}: {error}"))
                .with_hint("set oauth_callback_port to a free port")
        })?;
        let pkce = Pkce::new().ok_or_else(|| self.failed("the system has no source of random bytes"))?;
        let redirect_uri = listener.redirect_uri();
        let url = self.authorize_url(authorize, &redirect_uri, &pkce);
        let origin = origin.to_string();
        let callback = Box::pin(listener.callback(&pkce.state, &origin));
        let opening = Box::pin(self.open(url));
        // The listener must be polled while the browser starts; the login does not wait for a browser that stays in the
        // foreground.
        let waiting = async {
            match select(callback, opening).await {
                Either::Left((callback, _)) => callback,
                Either::Right(((), callback)) => callback.await,
            }
        };
        let callback = tokio::time::timeout(PATIENCE, waiting).await;
        let callback = callback.map_err(|_| {
            self.failed(format!("the login was not completed within {} minutes", PATIENCE.as_secs() / 60))
        })?;
        match callback.map_err(|error| self.failed(format!("cannot listen for the browser: {error}")))? {
            Callback::Code(code) => self.swap(&code, &redirect_uri, &pkce).await,
            Callback::Refused(why) => {
                Err(self.failed(format!("the server refused the login: {}", crate::sanitize::sanitize(&why))))
            }
            Callback::Foreign(why) => Err(self
                .failed(format!("{why}; the login was stopped"))
                .with_hint("log in again, from this program's window")),
        }
    }

    /// The endpoints of the login: of the platform's server, or for an application of Entra those that the workspace
    /// names.
    async fn endpoints(&self) -> Result<OAuthEndpoints, AuthError> {
        if !self.is_entra {
            return self.cx.endpoints(self.provider).await.cloned();
        }
        if self.cx.config.is_set(Key::GroupId) {
            return Err(not_configured(self.provider, "group_id is set, and Entra cannot take on a group's rights"));
        }
        let host = self.cx.host_url(self.provider)?;
        let request = Outgoing::get(format!("{host}/oidc/oauth2/v2.0/authorize")).few().operation("Entra discovery");
        let response = self.cx.http.send(request).await;
        let response = response
            .map_err(|error| self.failed("the workspace does not name the login page of Entra").with_cause(error))?;
        let location = response.headers.get(http::header::LOCATION).filter(|_| response.status.is_redirection());
        let location = location.and_then(|location| location.to_str().ok()?.split('?').next());
        let authorize =
            location.ok_or_else(|| self.failed("the workspace does not name the login page of Entra"))?.to_owned();
        let is_entra = authorize.parse::<http::Uri>().is_ok_and(|uri| {
            uri.scheme_str() == Some("https")
                && uri.host().is_some_and(|host| AzureEnvironment::of_authority(host).is_some())
        });
        let Some(base) = authorize.strip_suffix("/authorize").filter(|_| is_entra) else {
            let text = format!(
                "{}: the workspace redirects logins to {}, which is not Entra",
                self.provider,
                shown(&authorize)
            );
            return Err(AuthError::new(AuthErrorKind::UntrustedEndpoint, text).with_provider(self.provider));
        };
        Ok(OAuthEndpoints { token: format!("{base}/token"), authorize: Some(authorize) })
    }

    fn authorize_url(&self, authorize: &str, redirect_uri: &str, pkce: &Pkce) -> String {
        let scope = self.scopes().join(" ");
        let challenge = pkce.challenge();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", redirect_uri),
            ("scope", scope.as_str()),
            ("state", pkce.state.expose()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        if let Some(group) = self.cx.config.text(Key::GroupId) {
            query.append_pair("assume_group", group);
        }
        let separator = if authorize.contains('?') { '&' } else { '?' };
        format!("{authorize}{separator}{}", query.finish())
    }

    /// The client of the login.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The scopes, with the one for a refresh token unless that is disabled.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let mut scopes = self.cx.config.scopes();
        if !self.cx.config.flag(Key::DisableOauthRefreshToken) && !scopes.iter().any(|scope| scope == "offline_access")
        {
            scopes.push("offline_access".to_owned());
        }
        scopes
    }

    /// Opens the browser, or else writes the address to standard error: the user must see it, and a log may go
    /// elsewhere.
    async fn open(&self, url: String) {
        let browser = browser(self.cx.config.platform().browser.clone());
        let opened = match browser {
            None => Err(feature_off("browser")),
            Some(browser) => {
                let url = url.clone();
                match tokio::task::spawn_blocking(move || browser.open(&url)).await {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        if let Err(why) = opened {
            tracing::warn!(target: "databricks_auth", why, "cannot open a browser; the address to log in at is on standard error");
            let host = self.cx.host().map(|host| host.url).unwrap_or_default();
            if let Err(error) = writeln!(std::io::stderr(), "{}", announcement(&host, &url)) {
                tracing::warn!(target: "databricks_auth", %error, "cannot write to standard error; open this address to log in: {url}");
            }
        }
    }

    async fn swap(&self, code: &Secret, redirect_uri: &str, pkce: &Pkce) -> Result<Granted, AuthError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", pkce.verifier.expose()),
            ("client_id", self.client_id.as_str()),
        ];
        self.grant(&fields, &[code.expose(), pkce.verifier.expose()]).await
    }

    /// A new token for a refresh token.
    pub(crate) async fn refresh(&self, refresh_token: &Secret) -> Result<Granted, AuthError> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
            ("client_id", self.client_id.as_str()),
        ];
        let granted = self.grant(&fields, &[refresh_token.expose()]).await?;
        Ok(Granted { refresh_token: granted.refresh_token.or_else(|| Some(refresh_token.clone())), ..granted })
    }

    /// The secret of a confidential app goes into the form, beside its id.
    async fn grant(&self, fields: &[(&str, &str)], secrets: &[&str]) -> Result<Granted, AuthError> {
        let secret = self.client_secret.as_ref().map(Secret::expose);
        let fields: Vec<_> = fields.iter().copied().chain(secret.map(|secret| ("client_secret", secret))).collect();
        let secrets: Vec<_> = secrets.iter().copied().chain(secret).collect();
        let endpoint = self.endpoints().await?.token;
        let (token, body) = self.cx.grant_at(&endpoint, self.provider, &fields, None, &secrets).await?;
        let refresh_token =
            body.get("refresh_token").and_then(Value::as_str).filter(|text| !text.is_empty()).map(Secret::from);
        Ok(Granted { token, refresh_token })
    }
}

/// What is written to standard error where no browser opens.
fn announcement(host: &str, url: &str) -> String {
    let minutes = PATIENCE.as_secs() / 60;
    format!(
        "To log in to {host}, open this address in a browser of this machine within {minutes} minutes:\n\n  {url}\n"
    )
}

/// The given browser, or the system's where this build has it.
fn browser(given: Option<Arc<dyn Browser>>) -> Option<Arc<dyn Browser>> {
    #[cfg(feature = "browser")]
    let given = given.or_else(|| Some(Arc::new(super::browser::SystemBrowser) as Arc<dyn Browser>));
    given
}
