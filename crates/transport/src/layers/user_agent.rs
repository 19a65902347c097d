//! The `User-Agent` header.

use std::sync::Mutex;

use databricks_core::Credentials as _;
use http::HeaderValue;
use http::header::USER_AGENT;

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};
use crate::UserAgent;

/// Sets the [`UserAgent`], once it is known how the request is authenticated. A value that the caller set stays.
#[derive(Debug, Default)]
pub struct UserAgentLayer {
    agent: UserAgent,
    /// The last rendered value and the auth type it was for: nearly every request has the same.
    last: Mutex<Option<(Option<String>, HeaderValue)>>,
}

impl Clone for UserAgentLayer {
    fn clone(&self) -> Self {
        Self::new(self.agent.clone())
    }
}

impl UserAgentLayer {
    /// With this user agent.
    pub fn new(agent: UserAgent) -> Self {
        Self { agent, last: Mutex::default() }
    }

    fn value(&self, auth_type: Option<&str>, extras: &[(String, String)]) -> Option<HeaderValue> {
        if !extras.is_empty() {
            return self.agent.header(auth_type, extras);
        }
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((known, value)) = &*last
            && known.as_deref() == auth_type
        {
            return Some(value.clone());
        }
        let value = self.agent.header(auth_type, &[])?;
        *last = Some((auth_type.map(str::to_owned), value.clone()));
        Some(value)
    }
}

impl Middleware for UserAgentLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        if exchange.header(&USER_AGENT).is_none() {
            let auth_type = exchange.state.signed_in.as_ref().map(|credentials| credentials.auth_type());
            if let Some(value) = self.value(auth_type, &exchange.options.user_agent_extra) {
                exchange.set(USER_AGENT, value);
            }
        }
        next.send(exchange).await
    }
}

tower_layer!(UserAgentLayer);
