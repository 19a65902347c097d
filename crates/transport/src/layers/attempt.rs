//! A span per attempt, its `traceparent`, and the longest time for it.

use std::time::{Duration, Instant};

use databricks_core::{Error, ErrorKind, Origin};
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Wraps each attempt in a span after OpenTelemetry's conventions for HTTP clients, sends W3C's `traceparent` with a
/// new span id unless the caller set one, and ends an attempt after [`CallOptions::attempt_timeout`](crate::CallOptions::attempt_timeout).
///
/// The span's fields are `http.request.method`, `server.address`, `server.port`, `url.full` (without its query),
/// `url.template`, `http.request.resend_count`, `http.response.status_code`, `network.protocol.version` and
/// `error.type`. For every attempt an event of level `trace` with the target `databricks_transport::metrics` carries
/// `http.client.request.duration` in seconds, the status and the kind of the error.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AttemptLayer;

impl AttemptLayer {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Middleware for AttemptLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        if exchange.header(&TRACEPARENT).is_none() {
            let trace = exchange.state.trace_id.unwrap_or_else(|| fastrand::u128(1..));
            if let Some(value) = traceparent(trace, fastrand::u64(1..)) {
                exchange.set(TRACEPARENT, value);
            }
        }
        if !tracing::enabled!(target: "databricks_transport", tracing::Level::DEBUG)
            && !tracing::enabled!(target: "databricks_transport::metrics", tracing::Level::TRACE)
        {
            return match exchange.options.attempt_timeout {
                Some(limit) => limited(limit, next.send(exchange)).await,
                None => next.send(exchange).await,
            };
        }
        // In an allocation of its own: an attempt that is not traced has no room for its span.
        Box::pin(traced(exchange, next)).await
    }
}

async fn traced<N: Next>(exchange: &mut Exchange, next: &N) -> HttpResult {
    let span = span(exchange);
    let start = Instant::now();
    let response = match exchange.options.attempt_timeout {
        Some(limit) => limited(limit, next.send(exchange)).instrument(span.clone()).await,
        None => next.send(exchange).instrument(span.clone()).await,
    };
    record(&span, &response, start.elapsed());
    response
}

/// The header's value, with the flag that the call is sampled.
fn traceparent(trace: u128, span: u64) -> Option<HeaderValue> {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
    let mut write = |at: usize, number: u32| text[at..at + 8].copy_from_slice(&hexadecimal(number));
    for part in 0..4 {
        write(3 + 8 * part, (trace >> (96 - 32 * part)) as u32);
    }
    write(36, (span >> 32) as u32);
    write(44, span as u32);
    HeaderValue::from_bytes(&text).ok()
}

/// Eight digits, made all at once, since every attempt takes six of these.
fn hexadecimal(number: u32) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A byte for each digit.
    let mut digits = u64::from(number);
    digits = (digits | (digits << 16)) & 0x0000_ffff_0000_ffff;
    digits = (digits | (digits << 8)) & 0x00ff_00ff_00ff_00ff;
    digits = (digits | (digits << 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    // From 10 on the sum with 6 has the fifth bit, and letters stand further on than digits.
    let letters = ((digits + ONES * 6) >> 4) & ONES;
    (digits + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

fn span(exchange: &Exchange) -> tracing::Span {
    let (options, method, uri) = (&exchange.options, exchange.own_method(), exchange.own_uri());
    let span = tracing::debug_span!(
        target: "databricks_transport",
        "http.request",
        "otel.name" = Empty,
        "otel.kind" = "client",
        "http.request.method" = method.as_str(),
        "server.address" = Empty,
        "server.port" = Empty,
        "url.full" = Empty,
        "url.template" = options.path_template,
        "http.request.resend_count" = Empty,
        "http.response.status_code" = Empty,
        "network.protocol.version" = Empty,
        "error.type" = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    match options.path_template {
        Some(template) => span.record("otel.name", format!("{method} {template}")),
        None => span.record("otel.name", method.as_str()),
    };
    if let Some(origin) = Origin::of(uri) {
        span.record("server.address", origin.host());
        span.record("server.port", origin.port());
        // The path of a request for authentication may be a secret by itself.
        let path = if options.raw_response.is_some() { "".into() } else { databricks_core::redact::text(uri.path()) };
        span.record("url.full", format!("{origin}{path}"));
    }
    if exchange.state.attempt > 1 {
        span.record("http.request.resend_count", exchange.state.attempt - 1);
    }
    span
}

async fn limited(limit: Duration, sending: impl Future<Output = HttpResult> + Send) -> HttpResult {
    match tokio::time::timeout(limit, sending).await {
        Ok(response) => response,
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            format!("no complete response within {limit:?}, the timeout of an attempt"),
        )
        .with_hint("set a longer attempt timeout, or none")),
    }
}

fn record(span: &tracing::Span, response: &HttpResult, took: Duration) {
    let (status, failure) = match response {
        Ok(response) => {
            let version = match response.version() {
                http::Version::HTTP_2 => "2",
                http::Version::HTTP_10 => "1.0",
                _ => "1.1",
            };
            span.record("network.protocol.version", version);
            (Some(response.status()), None)
        }
        Err(error) => (error.status(), Some(error.kind())),
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
    if let Some(kind) = failure {
        match status {
            Some(status) => span.record("error.type", status.as_str()),
            None => span.record("error.type", tracing::field::debug(kind)),
        };
    }
    let seconds = took.as_secs_f64();
    let code = status.map(|status| status.as_u16());
    let error = failure.map(tracing::field::debug);
    span.in_scope(|| {
        tracing::event!(
            target: "databricks_transport::metrics",
            tracing::Level::TRACE,
            { http.client.request.duration = seconds, http.response.status_code = code, error.kind = error },
            "Attempt over"
        );
    });
}

tower_layer!(AttemptLayer);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_has_its_digits_in_order() {
        let value = traceparent(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0x00b7_ad6b_7169_2033);
        assert_eq!(value.unwrap(), "00-0af7651916cd43dd8448eb211c80319c-00b7ad6b71692033-01");
        assert_eq!(traceparent(1, u64::MAX).unwrap(), "00-00000000000000000000000000000001-ffffffffffffffff-01");
    }

    #[test]
    fn digits_are_those_of_the_formatter() {
        for number in [0, 1, 9, 10, 0x0123_4567, 0x89ab_cdef, 0xfedc_ba98, u32::MAX] {
            assert_eq!(hexadecimal(number), *format!("{number:08x}").as_bytes());
        }
    }
}
