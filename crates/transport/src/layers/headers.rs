//! Headers of the configuration.

use databricks_core::Origin;
use http::HeaderMap;

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};

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
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        if !self.headers.is_empty() && self.origin.as_ref().is_none_or(|origin| origin.matches(exchange.own_uri())) {
            for name in self.headers.keys() {
                if exchange.header(name).is_none() {
                    for value in self.headers.get_all(name) {
                        exchange.append(name.clone(), value.clone());
                    }
                }
            }
        }
        next.send(exchange).await
    }
}

tower_layer!(HeadersLayer);
