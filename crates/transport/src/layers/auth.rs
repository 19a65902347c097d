//! Headers that authenticate.

use databricks_core::{AuthHeaders, Body, Credentials as _, Error, Origin, Result, SharedCredentials};
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};

use super::{CallState, HttpResult, Middleware, Next, tower_layer, try_clone};
use crate::CallOptions;

/// Asks [`Credentials`](databricks_core::Credentials) for headers before every attempt and adds them.
///
/// The headers go to one origin only: that which they name, else the client's own, else that of the request. A request
/// elsewhere travels without, unless [`CallOptions::foreign_credentials`] is set.
///
/// A request that has a header `Authorization` of its own, or is marked with [`CallOptions::anonymous`], travels
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
        target: Option<&Origin>,
        foreign: bool,
    ) -> Result<Option<AuthHeaders>> {
        // Without asking where even the client's own host is not the target, so that no token is fetched in vain.
        if !foreign && self.origin.is_some() && target != self.origin.as_ref() {
            return Ok(None);
        }
        // The credentials' own requests were repeated by their own client: to repeat them once more would multiply the
        // attempts.
        let headers = credentials.headers().await.map_err(Error::with_permanent)?;
        let bound = headers.origin.as_ref();
        Ok((foreign || bound.is_none() || bound == target).then_some(headers))
    }
}

impl Middleware for AuthLayer {
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> HttpResult {
        let options = CallOptions::of(request.extensions());
        let foreign = options.foreign_credentials;
        if options.anonymous {
            return next.send(request).await;
        }
        let Some(credentials) = options.credentials.clone().or_else(|| self.credentials.clone()) else {
            return next.send(request).await;
        };
        if let Some(own) = request.headers_mut().get_mut(AUTHORIZATION) {
            own.set_sensitive(true);
            return next.send(request).await.map_err(explain_own);
        }
        let target = Origin::of(request.uri());
        let Some(headers) = self.headers(&credentials, target.as_ref(), foreign).await? else {
            return next.send(request).await;
        };
        let again = try_clone(&request);
        add(&mut request, &headers, &credentials);
        let error = match next.send(request).await {
            Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => error,
            response => return response.map_err(|error| explain(error, target.as_ref(), &credentials)),
        };

        let Some(mut again) = again.filter(|_| credentials.invalidate(headers.generation)) else {
            return Err(explain(error, target.as_ref(), &credentials));
        };
        tracing::debug!(target: "databricks_transport::auth", auth_type = credentials.auth_type(), "The token was refused; sending again with a fresh one");
        let Some(headers) = self.headers(&credentials, target.as_ref(), foreign).await? else { return Err(error) };
        add(&mut again, &headers, &credentials);
        next.send(again).await.map_err(|error| explain(error, target.as_ref(), &credentials))
    }
}

fn add(request: &mut Request<Body>, headers: &AuthHeaders, credentials: &SharedCredentials) {
    CallState::of_mut(request).signed_in = Some(credentials.clone());
    for (name, value) in &headers.headers {
        let mut value = value.clone();
        value.set_sensitive(true);
        request.headers_mut().insert(name.clone(), value);
    }
}

/// Names host and auth type where the service refused the caller.
fn explain(error: Error, target: Option<&Origin>, credentials: &SharedCredentials) -> Error {
    if !matches!(error.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) || error.hint().is_some() {
        return error;
    }
    let host = target.map(ToString::to_string).unwrap_or_default();
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
