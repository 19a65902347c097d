//! `external-browser`: a user who logs in through a browser, for this program only. Used only when `auth_type` names
//! it.
//!
//! The login is stored where the official Python SDK stores its own, so the next run of either does not ask again.

use std::sync::Arc;
use std::time::Duration;

use databricks_core::{Result, Secret};

use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::config::Source;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::login::{Flow, Granted};
use crate::store::{Entry, Lock, SessionFile, SessionKey};
use crate::token::{Token, TokenSource};

const NAME: &str = "external-browser";

/// A stored token this close to its expiry is refreshed.
const AHEAD: Duration = Duration::from_secs(300);

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: true,
    inputs: |config| need(config, &[Key::Host]),
    configure: |cx| {
        Box::pin(async {
            let flow = Flow::configured(cx, NAME);
            let file = file(cx, &flow);
            let source = BrowserLogin { flow, file, cx: Arc::clone(cx), last: tokio::sync::Mutex::default() };
            Ok(Outcome::Ready(Headers::token(cx.cache(NAME, source))))
        })
    },
};

/// The file of this login; `None` without a home directory.
fn file(cx: &Context, flow: &Flow) -> Option<SessionFile> {
    let config = &cx.config;
    // The profile of last resort has no name there.
    let profile =
        config.profile().filter(|name| *name != "DEFAULT" || config.source("profile") == Some(&Source::Explicit));
    let key = SessionKey {
        host: config.host()?,
        client_id: flow.client_id(),
        scopes: &flow.scopes(),
        profile: profile.unwrap_or_default(),
        group_id: config.text(Key::GroupId),
    };
    Some(SessionFile::new(config.home()?, &key))
}

#[derive(Debug)]
struct BrowserLogin {
    cx: Arc<Context>,
    flow: Flow,
    file: Option<SessionFile>,
    /// The login as this program last saw it.
    last: tokio::sync::Mutex<Option<Entry>>,
}

impl TokenSource for BrowserLogin {
    async fn token(&self) -> Result<Token> {
        let mut last = self.last.lock().await;
        let is_first = last.is_none();
        // Other programs refresh the same login, and a refresh token may be usable only once.
        let _lock = match self.file.as_ref().filter(|file| file.path().exists()) {
            Some(file) => Some(Lock::beside(file.path()).await),
            None => None,
        };
        let stored = self.stored();
        if let Some(token) = stored.as_ref().and_then(|entry| self.still_good(entry, last.as_ref(), is_first)) {
            *last = stored;
            return Ok(token);
        }
        let mut entry = stored.or_else(|| last.clone()).unwrap_or_default();
        let granted = match entry.refresh_token() {
            Some(refresh_token) => self.refresh_or_ask(&refresh_token).await?,
            None => self.log_in().await?,
        };
        entry.renew(&granted.token, granted.refresh_token.as_ref().map(Secret::expose), self.cx.now());
        if let Some(file) = &self.file
            && let Err(error) = file.put(&entry, self.cx.now())
        {
            tracing::warn!(target: "databricks_auth", %error, "cannot store the login; the next program will have to log in again");
        }
        *last = Some(entry);
        Ok(granted.token)
    }
}

impl BrowserLogin {
    fn stored(&self) -> Option<Entry> {
        self.file.as_ref()?.get(self.cx.config.environment().get("TZ"), self.cx.now())
    }

    /// The stored token, if it is still valid and not the one that this program was about to replace.
    fn still_good(&self, stored: &Entry, last: Option<&Entry>, is_first: bool) -> Option<Token> {
        let is_news = is_first || last.and_then(Entry::access_token) != stored.access_token();
        let token = stored.token(self.cx.now()).filter(|_| is_news && stored.left(self.cx.now()) > AHEAD)?;
        Some(token.refresh_ahead(AHEAD))
    }

    async fn refresh_or_ask(&self, refresh_token: &Secret) -> Result<Granted, AuthError> {
        match self.flow.refresh(refresh_token).await {
            // The server states that this login has ended; other errors may be temporary.
            Err(error) if error.oauth_error().is_some() => {
                tracing::info!(target: "databricks_auth", error = error.explained(), "the login has ended, asking the user again");
                self.log_in().await
            }
            outcome => outcome,
        }
    }

    async fn log_in(&self) -> Result<Granted, AuthError> {
        tracing::info!(target: "databricks_auth", host = self.cx.host().map(|host| host.url), "logging in through a browser");
        self.flow.run().await
    }
}
