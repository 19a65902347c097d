//! One stored login, in the form of the official CLI.

use std::fmt;
use std::time::{Duration, SystemTime};

use databricks_core::Secret;
use serde_json::{Map, Value};

use crate::sanitize::trimmed;
use crate::timestamps;
use crate::token::Token;

/// A token with its refresh token and its expiry. Unknown members are kept.
#[derive(Clone, Default)]
pub(crate) struct Entry(Map<String, Value>);

/// Does not show the tokens.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("members", &self.0.keys().collect::<Vec<_>>()).finish()
    }
}

impl Entry {
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        value.as_object().cloned().map(Self)
    }

    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).map(trimmed).filter(|text| !text.is_empty())
    }

    pub(crate) fn access_token(&self) -> Option<&str> {
        self.text("access_token")
    }

    pub(crate) fn refresh_token(&self) -> Option<Secret> {
        self.text("refresh_token").map(Secret::from)
    }

    pub(crate) fn expiry(&self) -> Option<&str> {
        self.text("expiry")
    }

    /// The remaining lifetime of the token; zero if it has no readable expiry.
    pub(crate) fn left(&self, now: SystemTime) -> Duration {
        self.expiry().and_then(|expiry| timestamps::utc(expiry, now)).unwrap_or_default()
    }

    /// The token, if there is one.
    pub(crate) fn token(&self, now: SystemTime) -> Option<Token> {
        let token = Token::new(self.access_token()?).token_type(self.text("token_type").unwrap_or_default());
        Some(token.expires_in(self.left(now)))
    }

    /// Replaces the token. Without a new refresh token, the old one is kept.
    pub(crate) fn renew(&mut self, token: &Token, refresh_token: Option<&str>, now: SystemTime) {
        self.0.insert("access_token".to_owned(), token.value.expose().into());
        self.0.insert("token_type".to_owned(), token.token_type.clone().into());
        if let Some(refresh_token) = refresh_token.filter(|text| !text.is_empty()) {
            self.0.insert("refresh_token".to_owned(), refresh_token.into());
        }
        // A relative expiry of an earlier response would contradict the new one.
        self.0.remove("expires_in");
        match token.expires_in.and_then(|life| timestamps::stamp(life, now)) {
            Some(expiry) => self.0.insert("expiry".to_owned(), expiry.into()),
            None => self.0.remove("expiry"),
        };
    }
}
