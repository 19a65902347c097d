//! What was asked of the workspace.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

const KEPT: usize = 10_000;
const BODY_KEPT: usize = 64 * 1024;
/// How many bytes of bodies are kept in all.
const BODIES_KEPT: usize = 64 * 1024 * 1024;

/// One request that the workspace took, and the status of its response.
#[derive(Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The path, as it was sent.
    pub path: String,
    /// The query without the question mark, empty if there was none.
    pub query: String,
    /// The headers; values that hold credentials read `**REDACTED**` behind their scheme.
    pub headers: HeaderMap,
    /// The body, cut after 64 KiB.
    pub body: Bytes,
    /// The status of the response; `None` while it is being made, or when a fault took the connection down.
    pub status: Option<StatusCode>,
    /// Whether a handler ran, so that the request can have had an effect. Requests that were refused at the door or
    /// failed by a fault before the handler have not.
    pub handled: bool,
}

/// Leaves out headers and body, which can hold what the caller's program keeps to itself.
impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("status", &self.status)
            .field("handled", &self.handled)
            .finish_non_exhaustive()
    }
}

/// The last requests, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// Number of the first entry that is still kept.
    first: u64,
    list: VecDeque<RecordedRequest>,
    /// Bytes of the bodies in the list.
    bytes: usize,
}

impl Entries {
    /// Adds an entry, and lets go of the oldest where there are too many or their bodies are too large.
    fn push(&mut self, entry: RecordedRequest) {
        self.bytes += entry.body.len();
        self.list.push_back(entry);
        while self.list.len() > KEPT || self.bytes > BODIES_KEPT {
            let Some(oldest) = self.list.pop_front() else { return };
            self.bytes -= oldest.body.len();
            self.first += 1;
        }
    }
}

impl Record {
    /// Notes a request and gives its number.
    pub(crate) fn begin(&self, parts: &http::request::Parts, body: &Bytes) -> u64 {
        let mut headers = parts.headers.clone();
        hide_credentials(&mut headers);
        let entry = RecordedRequest {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            // A copy: a slice would hold on to the whole.
            body: Bytes::copy_from_slice(&body[..body.len().min(BODY_KEPT)]),
            status: None,
            handled: false,
        };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(entry);
        entries.first + entries.list.len() as u64 - 1
    }

    /// Changes the entry of that number, if it is still kept.
    fn edit(&self, number: u64, change: impl FnOnce(&mut RecordedRequest)) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = number.checked_sub(entries.first).and_then(|i| usize::try_from(i).ok());
        if let Some(entry) = index.and_then(|i| entries.list.get_mut(i)) {
            change(entry);
        }
    }

    pub(crate) fn handled(&self, number: u64) {
        self.edit(number, |e| e.handled = true);
    }

    pub(crate) fn responded(&self, number: u64, status: StatusCode) {
        self.edit(number, |e| e.status = Some(status));
    }

    pub(crate) fn snapshot(&self) -> Vec<RecordedRequest> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.list.iter().cloned().collect()
    }
}

fn hide_credentials(headers: &mut HeaderMap) {
    if let Some(value) = headers.get_mut(header::AUTHORIZATION) {
        let scheme = value.to_str().ok().and_then(|v| v.split(' ').next());
        let hidden = match scheme {
            Some(scheme @ ("Bearer" | "Basic")) => format!("{scheme} **REDACTED**"),
            _ => "**REDACTED**".to_owned(),
        };
        if let Ok(hidden) = HeaderValue::from_str(&hidden) {
            *value = hidden;
        }
    }
    for name in
        ["cookie", "proxy-authorization", "x-databricks-azure-sp-management-token", "x-databricks-gcp-sa-access-token"]
    {
        if let Some(value) = headers.get_mut(name) {
            *value = HeaderValue::from_static("**REDACTED**");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(record: &Record, body: usize) -> u64 {
        let (parts, ()) = http::Request::new(()).into_parts();
        record.begin(&parts, &Bytes::from(vec![b'x'; body]))
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let record = Record::default();
        for n in 0..=KEPT as u64 {
            assert_eq!(begin(&record, 1), n);
        }
        assert_eq!(record.snapshot().len(), KEPT);
        let many = BODIES_KEPT / BODY_KEPT;
        for _ in 0..many + 10 {
            begin(&record, 2 * BODY_KEPT);
        }
        assert_eq!(record.snapshot().len(), many);
        let last = begin(&record, 0);
        record.responded(last, StatusCode::OK);
        assert_eq!(record.snapshot().last().unwrap().status, Some(StatusCode::OK));
    }
}
