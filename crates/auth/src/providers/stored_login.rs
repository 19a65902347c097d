//! A stored login of the official CLI or of this crate: used while it is valid, refreshed when it is not.

use std::sync::Arc;
use std::time::Duration;

use databricks_core::Result;
use serde_json::Value;

use crate::context::Context;
use crate::error::AuthError;
use crate::login::PUBLIC_CLIENT;
use crate::store::{Entry, Lock, Logins};
use crate::token::{Token, TokenSource};

/// A token this close to its expiry is refreshed.
const AHEAD: Duration = Duration::from_secs(300);
/// The pause after a refresh ahead of time failed.
const COOL_DOWN: Duration = Duration::from_secs(60);

/// The login under one key.
#[derive(Debug)]
pub(crate) struct StoredLogin {
    provider: &'static str,
    cx: Arc<Context>,
    logins: Logins,
}

impl StoredLogin {
    /// Finds the stored login; `None` if there is none.
    pub(crate) async fn find(cx: &Arc<Context>, provider: &'static str) -> Result<Option<Self>, AuthError> {
        let logins = Logins::open(cx, provider).await?;
        let entry = logins.get().await.map_err(|why| AuthError::failed(provider, why))?;
        Ok(entry.map(|_| Self { provider, cx: Arc::clone(cx), logins }))
    }

    async fn current(&self) -> Result<Token, AuthError> {
        let entry = self.read().await?;
        if entry.left(self.cx.now()) > AHEAD
            && let Some(token) = entry.token(self.cx.now())
        {
            return Ok(token.refresh_ahead(AHEAD));
        }
        // Other programs refresh this login too, and a refresh token may be usable only once.
        let _lock = match self.logins.path() {
            Some(path) => Some(Lock::beside(path).await),
            None => None,
        };
        let entry = self.read().await?;
        if entry.left(self.cx.now()) > AHEAD
            && let Some(token) = entry.token(self.cx.now())
        {
            return Ok(token.refresh_ahead(AHEAD));
        }
        match self.refresh(entry.clone()).await {
            Ok(token) => Ok(token.refresh_ahead(AHEAD)),
            Err(error) => self.go_on_with(&entry, error).await,
        }
    }

    async fn read(&self) -> Result<Entry, AuthError> {
        let entry = self.logins.get().await.map_err(|why| AuthError::failed(self.provider, why))?;
        entry.ok_or_else(|| self.log_in_again("the stored login is gone"))
    }

    async fn refresh(&self, mut entry: Entry) -> Result<Token, AuthError> {
        let Some(refresh_token) = entry.refresh_token() else {
            return Err(self.log_in_again("the stored login has expired and has no refresh token"));
        };
        let fields =
            [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose()), ("client_id", PUBLIC_CLIENT)];
        let (token, body) = self.cx.grant(self.provider, &fields, None, &[refresh_token.expose()]).await?;
        entry.renew(&token, body.get("refresh_token").and_then(Value::as_str), self.cx.now());
        if let Err(why) = self.logins.put(&entry).await {
            tracing::warn!(target: "databricks_auth", why, "cannot store the refreshed login; the next program may have to log in again");
        }
        Ok(token)
    }

    /// Handles a refresh that failed: another program may have refreshed the login, or the old token may still be
    /// valid.
    async fn go_on_with(&self, entry: &Entry, error: AuthError) -> Result<Token, AuthError> {
        let now = self.cx.now();
        if let Ok(Some(other)) = self.logins.get().await
            && other.access_token() != entry.access_token()
            && let Some(token) = other.token(now).filter(|_| other.left(now) > AHEAD)
        {
            return Ok(token.refresh_ahead(AHEAD));
        }
        let left = entry.left(now);
        match entry.token(now) {
            Some(token) if left > crate::cache::cached_token::MARGIN => {
                tracing::warn!(target: "databricks_auth", error = error.explained(), "cannot refresh the stored login ahead of time, continuing with the old token");
                Ok(token.refresh_ahead(left.saturating_sub(COOL_DOWN)))
            }
            _ if is_final(&error) => Err(error.with_hint(self.advice())),
            _ => Err(error),
        }
    }

    fn log_in_again(&self, why: &str) -> AuthError {
        AuthError::failed(self.provider, why).with_hint(self.advice())
    }

    fn advice(&self) -> String {
        let host = self.cx.host().map(|host| host.url).unwrap_or_default();
        match self.cx.config.profile() {
            Some(profile) => format!("log in again: databricks auth login --profile {profile}"),
            None => format!("log in again: databricks auth login --host {host}"),
        }
    }
}

/// Whether a retry cannot help.
fn is_final(error: &AuthError) -> bool {
    error.oauth_error().is_some_and(|code| matches!(code, "invalid_grant" | "invalid_request" | "access_denied"))
        || error.explained().contains("Refresh token is invalid")
}

impl TokenSource for StoredLogin {
    async fn token(&self) -> Result<Token> {
        Ok(self.current().await?)
    }
}
