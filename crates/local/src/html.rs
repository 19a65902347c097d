//! Pages for people.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1f24}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}pre{background:#f3f4f6;padding:.75rem;\
    overflow:auto}table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;\
    border-bottom:1px solid #e5e7eb}code{font-size:.9em}.columns{columns:2;padding:0;list-style:none}button{font:inherit;padding:.4rem 1rem}";

/// Text as HTML shows it.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A page that no other page may frame.
pub(crate) fn page_response(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>{STYLE}</style>\
         </head><body>{body}</body></html>",
        escape(title)
    );
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
