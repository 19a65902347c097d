//! Headers that authenticate.

use databricks_core::{Credentials as _, Error, Origin, Result, SharedCredentials};
use http::{HeaderMap, StatusCode, Uri};

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

    /// Adds headers to a request and returns their generation, or `None` if it goes to a place that must not see them.
    async fn authenticate(&self, exchange: &mut Exchange, credentials: &SharedCredentials) -> Result<Option<u64>> {
        let foreign = exchange.options.foreign_credentials;
        // Without asking where even the client's own host is not the target, so that no token is fetched in vain.
        if !foreign && self.origin.as_ref().is_some_and(|own| !own.matches(exchange.own_uri())) {
            return Ok(None);
        }
        let mut generation = None;
        let mut add = |headers: &HeaderMap, bound: Option<&Origin>, number| {
            if foreign || bound.is_none_or(|bound| bound.matches(exchange.own_uri())) {
                set_all(exchange, headers, credentials);
                generation = Some(number);
            }
        };
        if !credentials.lend(&mut add) {
            // The credentials' own requests were repeated by their own client: to repeat them once more would multiply
            // the attempts.
            let own = credentials.headers().await.map_err(Error::with_permanent)?;
            add(&own.headers, own.origin.as_ref(), own.generation);
        }
        Ok(generation)
    }
}

impl Middleware for AuthLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        if exchange.options.anonymous {
            return next.send(exchange).await;
        }
        let Some(credentials) = exchange.options.credentials.clone().or_else(|| self.credentials.clone()) else {
            return next.send(exchange).await;
        };
        if exchange.mark_own_authorization() {
            return next.send(exchange).await.map_err(explain_own);
        }
        let mark = exchange.mark();
        let Some(generation) = self.authenticate(exchange, &credentials).await? else {
            return next.send(exchange).await;
        };
        let error = match next.send(exchange).await {
            Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => error,
            response => return response.map_err(|error| explain(error, exchange.own_uri(), &credentials)),
        };

        if !exchange.is_replayable() || !credentials.invalidate(generation) {
            return Err(explain(error, exchange.own_uri(), &credentials));
        }
        tracing::debug!(target: "databricks_transport::auth", auth_type = credentials.auth_type(), "The token was refused; sending again with a fresh one");
        exchange.rewind(mark);
        if self.authenticate(exchange, &credentials).await?.is_none() {
            return Err(error);
        }
        next.send(exchange).await.map_err(|error| explain(error, exchange.own_uri(), &credentials))
    }
}

fn set_all(exchange: &mut Exchange, headers: &HeaderMap, credentials: &SharedCredentials) {
    exchange.state.signed_in = Some(credentials.clone());
    // Of several values of a name the last one counts.
    for (name, value) in headers {
        let mut value = value.clone();
        value.set_sensitive(true);
        exchange.set(name.clone(), value);
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
