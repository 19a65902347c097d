//! Texts that come from outside: errors of the service, and what is shown of anything.

use std::time::Duration;

use databricks_core::api_error::ApiError;
use databricks_core::{Error, redact};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::engine::fuzz;

/// What is in the seeds where a secret is, and must not be shown.
pub(crate) const SECRET: &str = "dapi5ec7e75ec7e75ec7e75ec7e75ec7e75e";

/// An error is a line that drives no terminal, and its report has no other control characters than line feeds.
pub(crate) fn check_error(error: &Error, secret: &str) {
    let (line, report, debug) = (error.to_string(), error.report(), format!("{error:?}"));
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(!report.chars().any(|c| c.is_control() && c != '\n'), "{report:?}");
    for shown in [line, report, debug] {
        assert!(!is_shown(&shown, secret), "{shown}");
    }
}

/// Whether the secret stands in the text, and not as the end of a longer word, which may be anything.
pub(crate) fn is_shown(text: &str, secret: &str) -> bool {
    text.match_indices(secret)
        .any(|(start, _)| !text[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-')))
}

#[test]
fn errors_of_the_service() {
    let tokens = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u001b",
        "null",
        "1e400",
        "error",
        "error_code",
        "message",
        "details",
        "detail",
        "status",
        "@type",
        "scimType",
        "error_description",
        "type.googleapis.com/google.rpc.RetryInfo",
        "retry_delay",
        "99999999999999999999s",
        "-1s",
        "metadata",
        "<html>",
        "<pre>",
        "</pre>",
        "<title>",
        "&lt;",
        "\u{1b}[2J",
        "\u{202e}",
        "İ",
        "\n",
    ];
    fuzz("errors_of_the_service", tokens, |bytes| {
        // The first line is the header that asks for a pause, the rest is the body.
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (pause, body) = bytes.split_at(line);
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(pause) {
            headers.insert("retry-after", value);
        }
        for status in [400, 403, 404, 429, 500, 503, 600] {
            let status = StatusCode::from_u16(status).unwrap();
            let error = ApiError::read(status, &headers, body, &Method::POST, "/api/2.2/jobs/create");
            if let Some(pause) = error.retry_after() {
                // It can be counted with.
                assert!(pause.checked_add(Duration::from_secs(60)).is_some(), "{pause:?}");
            }
            check_error(&Error::from_api(error), SECRET);
        }
    });
}

#[test]
fn redaction() {
    let tokens = &[
        SECRET,
        "token",
        "=",
        ":",
        "\"",
        "'",
        "\\",
        " ",
        "Bearer ",
        "Basic ",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "password",
        "&",
        "?",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "%",
        "%22",
        "%C3",
        "\n",
        "sig=",
        "X-Amz-Signature=",
        "{",
        "}",
        "https://",
        "@",
        "/",
        "#",
        "-",
        "_",
        ".",
        "client_secret",
        "é",
        "\u{1f600}",
    ];
    fuzz("redaction", tokens, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let once = redact::text(&text).into_owned();
        assert!(!is_shown(&once, SECRET), "{once}");
        // What was hidden stays hidden.
        let twice = redact::text(&once);
        assert!(!is_shown(&twice, SECRET), "{twice}");
        for shown in [redact::url(&text), redact::message(&text), redact::report(&text)] {
            assert!(!is_shown(&shown, SECRET), "{shown}");
        }
        let _ = redact::query(&text);
        if let Ok(mut value) = serde_json::from_slice(bytes) {
            redact::json(&mut value);
            // Names of members stay; where one is a secret, the look of it tells.
            let shown = redact::text(&value.to_string()).into_owned();
            assert!(!is_shown(&shown, SECRET), "{shown}");
        }
    });
}
