//! Chunks on cloud storage: downloads that go on where they broke off.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use databricks_core::{Body, Error, ErrorKind, Result};
use databricks_transport::CallOptions;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};

use super::wire::Link;
use crate::client::Client;

/// What has arrived of a chunk so far, over all attempts.
#[derive(Default)]
pub(super) struct Download {
    bytes: BytesMut,
    /// The storage's name for this very content, if it promised that equal names mean equal bytes: a strong entity tag (RFC 9110, section
    /// 8.8.3). Without one, what has arrived cannot be trusted to fit to what is still to come.
    tag: Option<HeaderValue>,
    failures: u32,
}

/// What to do about a failure.
pub(super) enum Next {
    /// Ask for a fresh link, then go on.
    Renew,
    /// Go on after this pause.
    Pause(Duration),
    Fail(Error),
}

/// Failures in a row, none of which brought a byte, after which a download fails.
const MOST_FAILURES: u32 = 3;
/// No more is set aside at the start of a download, whatever length the storage states.
const LARGEST_RESERVE: u64 = 256 << 20;

impl Download {
    pub(super) fn finish(self) -> Bytes {
        self.bytes.freeze()
    }

    /// One attempt to fetch the rest. Storage sees no credentials and no header of ours, only those that came with the link.
    pub(super) async fn attempt(&mut self, client: &Client, link: &Link) -> Result<(), Next> {
        let before = self.bytes.len();
        let Err(error) = self.fetch(client, link).await else { return Ok(()) };
        if self.bytes.len() > before {
            self.failures = 0;
        }
        self.failures += 1;
        let status = error.status();
        let refused = matches!(status, Some(StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND));
        let changed = matches!(status, Some(StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE));
        let passing = match status {
            Some(status) => status.is_server_error() || matches!(status.as_u16(), 200 | 206 | 408 | 429),
            None => matches!(error.kind(), ErrorKind::Connect | ErrorKind::ConnectionLost | ErrorKind::Timeout) && !error.is_permanent(),
        };
        if changed {
            self.restart();
        }
        Err(match self.failures {
            n if n > MOST_FAILURES || !(refused || changed || passing) => Next::Fail(error),
            _ if refused => Next::Renew,
            n => Next::Pause(error.retry_after().unwrap_or(Duration::from_secs(1 << n))),
        })
    }

    fn restart(&mut self) {
        self.bytes.clear();
        self.tag = None;
    }

    async fn fetch(&mut self, client: &Client, link: &Link) -> Result<()> {
        if self.tag.is_none() {
            self.bytes.clear();
        }
        let request = self.request(link)?;
        let response = client.send_to_storage(request).await?;
        let (head, body) = response.into_parts();
        if !self.goes_on(head.status, &head.headers) {
            self.restart();
            self.tag = strong_tag(&head.headers);
            let length = body.len().unwrap_or(0).min(LARGEST_RESERVE);
            self.bytes.reserve(usize::try_from(length).unwrap_or(0));
        }
        let mut pieces = body.into_stream();
        while let Some(piece) = pieces.try_next().await? {
            self.bytes.extend_from_slice(&piece);
        }
        Ok(())
    }

    fn request(&self, link: &Link) -> Result<Request<Body>> {
        // The link is as good as a credential: no message may hold it.
        let broken = |what| Error::new(ErrorKind::Decode, format!("the service gave a link to a chunk of the result with {what}"));
        let uri: Uri = link.external_link.as_deref().unwrap_or_default().parse().map_err(|_| broken("a URL that cannot be sent"))?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        for (name, value) in link.http_headers.iter().flatten() {
            let name: HeaderName = name.parse().map_err(|_| broken("the name of a header that cannot be sent"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| broken("a header that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if let Some(tag) = &self.tag
            && !self.bytes.is_empty()
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.bytes.len()))
        {
            headers.insert(header::RANGE, range);
            headers.insert(header::IF_MATCH, tag.clone());
        }
        let options = CallOptions::new().operation("statement_execution.download").max_attempts(1).stream_response(true);
        request.extensions_mut().insert(options);
        Ok(request)
    }

    /// Whether an answer holds what is missing, and nothing else.
    fn goes_on(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let start = headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok()).and_then(first_byte);
        status == StatusCode::PARTIAL_CONTENT
            && self.tag.is_some()
            && headers.get(header::ETAG) == self.tag.as_ref()
            && start == Some(self.bytes.len() as u64)
    }
}

/// The entity tag of an answer, if it is strong and names the bytes as they were read.
fn strong_tag(headers: &HeaderMap) -> Option<HeaderValue> {
    // What was unpacked on the way has lost its length, and ranges would count packed bytes.
    let as_stored = headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::CONTENT_ENCODING);
    headers.get(header::ETAG).filter(|tag| as_stored && tag.as_bytes().starts_with(b"\"")).cloned()
}

/// The position that `bytes 5-9/10` begins at.
fn first_byte(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(HeaderName, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_strong_tags_of_stored_bytes_count() {
        let length = (header::CONTENT_LENGTH, "10");
        assert!(strong_tag(&headers(&[length.clone(), (header::ETAG, "\"a\"")])).is_some());
        assert!(strong_tag(&headers(&[length.clone(), (header::ETAG, "W/\"a\"")])).is_none());
        assert!(strong_tag(&headers(&[(header::ETAG, "\"a\"")])).is_none());
        assert!(strong_tag(&headers(&[length, (header::ETAG, "\"a\""), (header::CONTENT_ENCODING, "gzip")])).is_none());
    }

    #[test]
    fn only_the_missing_rest_is_appended() {
        let mut download = Download { tag: Some(HeaderValue::from_static("\"a\"")), ..Download::default() };
        download.bytes.extend_from_slice(b"12345");
        let answer = |range, tag| headers(&[(header::CONTENT_RANGE, range), (header::ETAG, tag)]);
        assert!(download.goes_on(StatusCode::PARTIAL_CONTENT, &answer("bytes 5-9/10", "\"a\"")));
        assert!(!download.goes_on(StatusCode::PARTIAL_CONTENT, &answer("bytes 4-9/10", "\"a\"")));
        assert!(!download.goes_on(StatusCode::PARTIAL_CONTENT, &answer("bytes 5-9/10", "\"b\"")));
        assert!(!download.goes_on(StatusCode::OK, &answer("bytes 5-9/10", "\"a\"")));
    }
}
