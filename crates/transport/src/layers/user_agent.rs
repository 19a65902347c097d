//! The `User-Agent` header.

use std::sync::Mutex;

use databricks_core::{Body, Credentials as _};
use http::header::USER_AGENT;
use http::{HeaderValue, Request};

use super::{CallState, HttpResult, Middleware, Next, tower_layer};
use crate::{CallOptions, UserAgent};

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
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> HttpResult {
        if !request.headers().contains_key(USER_AGENT) {
            let signed_in = CallState::of(&request).and_then(|state| state.signed_in.clone());
            let auth_type = signed_in.as_ref().map(|credentials| credentials.auth_type());
            let value = self.value(auth_type, &CallOptions::of(request.extensions()).user_agent_extra);
            if let Some(value) = value {
                request.headers_mut().insert(USER_AGENT, value);
            }
        }
        next.send(request).await
    }
}

tower_layer!(UserAgentLayer);
