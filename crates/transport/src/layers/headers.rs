//! Headers of the configuration.

use databricks_core::{Body, Origin};
use http::{HeaderMap, Request};

use super::{HttpResult, Middleware, Next, tower_layer};

/// Adds headers that the request does not have: those of a call win over those of the configuration.
#[derive(Clone, Debug, Default)]
pub struct HeadersLayer {
    headers: HeaderMap,
    origin: Option<Origin>,
}

impl HeadersLayer {
    /// * `origin`: the only place that gets them; `None` for all.
    pub fn new(headers: HeaderMap, origin: Option<Origin>) -> Self {
        Self { headers, origin }
    }
}

impl Middleware for HeadersLayer {
    async fn handle<N: Next>(&self, mut request: Request<Body>, next: &N) -> HttpResult {
        if !self.headers.is_empty() && (self.origin.is_none() || Origin::of(request.uri()) == self.origin) {
            for name in self.headers.keys() {
                if !request.headers().contains_key(name) {
                    for value in self.headers.get_all(name) {
                        request.headers_mut().append(name.clone(), value.clone());
                    }
                }
            }
        }
        next.send(request).await
    }
}

tower_layer!(HeadersLayer);
