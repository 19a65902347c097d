//! Headers that authenticate.

use databricks_core::{AuthHeaders, Credentials as _, Error, Origin, Result, SharedCredentials};
use http::{StatusCode, Uri};

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};

/// Asks [`Credentials`](databricks_core::Credentials) for headers before every attempt and adds them.
///
/// The headers go to one origin only: that which they name, else the client's own, else that of the request. A request
/// elsewhere travels without, unless [`CallOptions::foreign_credentials`](crate::CallOptions::foreign_credentials) is set.
///
/// A request that has a header `Authorization` of its own, or is marked with [`CallOptions::anonymous`](crate::CallOptions::anonymous), travels
/// without the client's credentials. An own header stays with the URL it was given for: a redirect to another origin
/// does not get it.
///
/// When the service responds with 401 and the credentials can get a fresh token, the request is sent once more, if its
/// body can be.
#[derive(Clone, Debug, Default)]
pub struct AuthLayer {
    credentials: Option<SharedCredentials>,
    origin: Option<Origin>,
}

impl AuthLayer {
    /// * `credentials`: those of the client; `None` authenticates only calls that bring their own.
    /// * `origin`: the only place that gets headers which name none themselves; `None` for wherever the request goes.
    pub fn new(credentials: Option<SharedCredentials>, origin: Option<Origin>) -> Self {
        Self { credentials, origin }
    }

    /// The headers for a request, or `None` if it goes to a place that must not see them.
    async fn headers(
        &self,
        credentials: &SharedCredentials,
        target: &Uri,
        foreign: bool,
    ) -> Result<Option<AuthHeaders>> {
        // Without asking where even the client's own host is not the target, so that no token is fetched in vain.
        if !foreign && self.origin.as_ref().is_some_and(|own| !own.matches(target)) {
            return Ok(None);
        }
        // The credentials' own requests were repeated by their own client: to repeat them once more would multiply the
        // attempts.
        let headers = credentials.headers().await.map_err(Error::with_permanent)?;
        let bound = headers.origin.as_ref();
        Ok((foreign || bound.is_none_or(|bound| bound.matches(target))).then_some(headers))
    }
}

impl Middleware for AuthLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        let foreign = exchange.options.foreign_credentials;
        if exchange.options.anonymous {
            return next.send(exchange).await;
        }
        let Some(credentials) = exchange.options.credentials.clone().or_else(|| self.credentials.clone()) else {
            return next.send(exchange).await;
        };
        if exchange.mark_own_authorization() {
            return next.send(exchange).await.map_err(explain_own);
        }
        let Some(headers) = self.headers(&credentials, exchange.own_uri(), foreign).await? else {
            return next.send(exchange).await;
        };
        let (mark, generation) = (exchange.mark(), headers.generation);
        add(exchange, headers, &credentials);
        let error = match next.send(exchange).await {
            Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => error,
            response => return response.map_err(|error| explain(error, exchange.own_uri(), &credentials)),
        };

        if !exchange.is_replayable() || !credentials.invalidate(generation) {
            return Err(explain(error, exchange.own_uri(), &credentials));
        }
        tracing::debug!(target: "databricks_transport::auth", auth_type = credentials.auth_type(), "The token was refused; sending again with a fresh one");
        exchange.rewind(mark);
        let Some(headers) = self.headers(&credentials, exchange.own_uri(), foreign).await? else { return Err(error) };
        add(exchange, headers, &credentials);
        next.send(exchange).await.map_err(|error| explain(error, exchange.own_uri(), &credentials))
    }
}

fn add(exchange: &mut Exchange, headers: AuthHeaders, credentials: &SharedCredentials) {
    exchange.state.signed_in = Some(credentials.clone());
    let mut last = None;
    for (name, mut value) in headers.headers {
        value.set_sensitive(true);
        // Further values of the same name come without it; the last one counts.
        last = name.or(last);
        if let Some(name) = &last {
            exchange.set(name.clone(), value);
        }
    }
}

/// Names host and auth type where the service refused the caller.
fn explain(error: Error, target: &Uri, credentials: &SharedCredentials) -> Error {
    if !matches!(error.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) || error.hint().is_some() {
        return error;
    }
    let host = Origin::of(target).map(|origin| origin.to_string()).unwrap_or_default();
    error.with_hint(format!("config: host={host}, auth_type={}", credentials.auth_type()))
}

/// As [`explain`], for a request that brought its own header.
fn explain_own(error: Error) -> Error {
    if !matches!(error.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) || error.hint().is_some() {
        return error;
    }
    error.with_hint(
        "the request has a header Authorization of its own, which was sent in place of the client's credentials",
    )
}

tower_layer!(AuthLayer);

#[cfg(test)]
mod tests;
