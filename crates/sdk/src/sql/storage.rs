//! Chunks on cloud storage: downloads that go on where they broke off, and never take more memory than a chunk of that
//! size may.

use std::io::Write as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use databricks_core::{Body, Error, ErrorKind, Result};
use databricks_transport::{Backoff, CallOptions};
use flate2::write::MultiGzDecoder;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};

use super::wire::Link;
use crate::client::Client;

/// What has arrived of a chunk so far, over all attempts.
pub(super) struct Download {
    /// The bytes as the storage has them, perhaps compressed.
    bytes: BytesMut,
    /// The most bytes that are taken, both as they come and unpacked.
    limit: usize,
    /// Whether the storage sends them compressed with gzip.
    gzip: bool,
    /// The storage's name for this very content, if it promised that equal names mean equal bytes: a strong entity tag
    /// (RFC 9110, section 8.8.3). Without one, what has arrived cannot be trusted to fit to what is still to come.
    tag: Option<HeaderValue>,
    failures: u32,
    /// The time that pauses between attempts may still take.
    patience: Duration,
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
/// All pauses of a download together, be they those that the storage asks for. As the retries of the API.
const PATIENCE: Duration = Duration::from_secs(300);
const BACKOFF: Backoff = Backoff::Exponential { base: Duration::from_secs(1), cap: Duration::from_secs(8) };
/// No more is set aside at the start of a download, whatever length the storage states.
const LARGEST_RESERVE: u64 = 256 << 20;
/// The largest chunk whose size is not stated.
const LARGEST_UNSTATED: u64 = 1 << 30;

/// The most bytes that a chunk may have.
///
/// The stated size is that of the result as the service keeps it. The same as JSON is several times as long, and a
/// small chunk has headings, schemas and padding.
fn most_bytes(stated: Option<u64>) -> usize {
    let most = stated.map_or(LARGEST_UNSTATED, |bytes| bytes.saturating_mul(16).saturating_add(64 << 20).min(4 << 30));
    usize::try_from(most).unwrap_or(usize::MAX)
}

impl Download {
    /// * `stated`: the bytes of the chunk, if the service states them.
    pub(super) fn new(stated: Option<u64>) -> Self {
        let limit = most_bytes(stated);
        Self { bytes: BytesMut::new(), limit, gzip: false, tag: None, failures: 0, patience: PATIENCE }
    }

    pub(super) fn is_packed(&self) -> bool {
        self.gzip
    }

    /// The bytes of the chunk, unpacked.
    pub(super) fn finish(self) -> Result<Bytes> {
        if !self.gzip {
            return Ok(self.bytes.freeze());
        }
        let mut decoder = MultiGzDecoder::new(Unpacked { bytes: Vec::new(), limit: self.limit });
        let unpacked = decoder.write_all(&self.bytes).and_then(|()| decoder.finish());
        let broken = |e| Error::new(ErrorKind::Decode, format!("what the storage sent cannot be unpacked: {e}"));
        unpacked.map(|unpacked| unpacked.bytes.into()).map_err(|error| match error.get_ref() {
            Some(inner) if inner.is::<TooLong>() => too_long(self.limit),
            _ => broken(error),
        })
    }

    /// One attempt to fetch the rest. Storage sees no credentials and no header of ours, only those that came with the
    /// link.
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
            _ if error.is_permanent() => false,
            Some(status) => status.is_server_error() || matches!(status.as_u16(), 200 | 206 | 408 | 429),
            None => matches!(error.kind(), ErrorKind::Connect | ErrorKind::ConnectionLost | ErrorKind::Timeout),
        };
        if changed {
            self.restart();
        }
        Err(match self.failures {
            n if n > MOST_FAILURES || !(refused || changed || passing) => Next::Fail(error),
            _ if refused => Next::Renew,
            // The storage may ask for more than the usual pause, but not for none.
            n => self.pause(BACKOFF.delay(n).max(error.retry_after().unwrap_or_default()), error),
        })
    }

    /// A pause, while there is patience for it.
    fn pause(&mut self, pause: Duration, error: Error) -> Next {
        match self.patience.checked_sub(pause) {
            Some(left) => {
                self.patience = left;
                Next::Pause(pause)
            }
            None => {
                let hint = format!(
                    "the storage asks to wait {pause:?}, which is longer than a chunk of a result is waited for"
                );
                Next::Fail(error.with_hint(hint))
            }
        }
    }

    fn restart(&mut self) {
        self.bytes.clear();
        self.tag = None;
        self.gzip = false;
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
            self.gzip = is_gzip(&head.headers)?;
            self.tag = strong_tag(&head.headers);
            let length = body.content_length().unwrap_or(0);
            if length > self.limit as u64 {
                return Err(too_long(self.limit));
            }
            self.bytes.reserve(usize::try_from(length.min(LARGEST_RESERVE)).unwrap_or(0));
        }
        let mut pieces = body.into_stream();
        while let Some(piece) = pieces.try_next().await? {
            if self.bytes.len().saturating_add(piece.len()) > self.limit {
                return Err(too_long(self.limit));
            }
            self.bytes.extend_from_slice(&piece);
        }
        Ok(())
    }

    fn request(&self, link: &Link) -> Result<Request<Body>> {
        // The link is as good as a credential: no message may hold it.
        let broken = |what| Error::new(ErrorKind::Decode, format!("the link to it has {what}"));
        let uri: Uri = link
            .external_link
            .as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|_| broken("a URL that cannot be sent"))?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        for (name, value) in link.http_headers.iter().flatten() {
            let name: HeaderName = name.parse().map_err(|_| broken("the name of a header that cannot be sent"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| broken("a header that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        // Set here, so that the transport leaves the response as it is: its compressed bytes can be bounded and
        // continued.
        headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        if let Some(tag) = &self.tag
            && !self.bytes.is_empty()
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.bytes.len()))
        {
            headers.insert(header::RANGE, range);
            headers.insert(header::IF_MATCH, tag.clone());
        }
        let options =
            CallOptions::new().operation("statement_execution.download").max_attempts(1).stream_response(true);
        request.extensions_mut().insert(options);
        Ok(request)
    }

    /// Whether an response holds what is missing, and nothing else.
    fn goes_on(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let start = headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok()).and_then(first_byte);
        status == StatusCode::PARTIAL_CONTENT
            && self.tag.is_some()
            && headers.get(header::ETAG) == self.tag.as_ref()
            && start == Some(self.bytes.len() as u64)
    }
}

/// A sink for what is unpacked that takes no more than its limit.
struct Unpacked {
    bytes: Vec<u8>,
    limit: usize,
}

impl std::io::Write for Unpacked {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len().saturating_add(piece.len()) > self.limit {
            return Err(std::io::Error::other(TooLong));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too long")
    }
}

impl std::error::Error for TooLong {}

fn too_long(limit: usize) -> Error {
    let message =
        format!("the storage sends more than {limit} bytes, the most that a chunk of the stated size may have");
    Error::new(ErrorKind::Decode, message).with_permanent()
}

/// Whether a response is compressed with gzip.
fn is_gzip(headers: &HeaderMap) -> Result<bool> {
    let mut gzip = false;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for coding in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            match coding.to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" if !gzip => gzip = true,
                other => {
                    let message = format!("the storage sends a chunk in the coding {other:?}, which was not asked for");
                    return Err(Error::new(ErrorKind::Decode, message).with_permanent());
                }
            }
        }
    }
    Ok(gzip)
}

/// The entity tag of a response, if it is strong.
fn strong_tag(headers: &HeaderMap) -> Option<HeaderValue> {
    let as_stored = headers.contains_key(header::CONTENT_LENGTH);
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

    fn gzip(parts: &[&[u8]]) -> Vec<u8> {
        let mut all = Vec::new();
        for part in parts {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part).unwrap();
            all.extend(encoder.finish().unwrap());
        }
        all
    }

    fn unpack(packed: &[u8], limit: usize) -> Result<Bytes> {
        Download { gzip: true, limit, bytes: packed.into(), ..Download::new(None) }.finish()
    }

    #[test]
    fn unpacks_up_to_the_limit() {
        let packed = gzip(&[b"[[\"1\"]", b",[\"2\"]]"]);
        assert_eq!(unpack(&packed, 100).unwrap(), "[[\"1\"],[\"2\"]]");
        assert_eq!(unpack(&packed, 4).unwrap_err().kind(), ErrorKind::Decode);
        let bomb = gzip(&[&vec![b' '; 10 << 20]]);
        assert!(bomb.len() < 1 << 20);
        assert!(unpack(&bomb, 1 << 20).unwrap_err().to_string().contains("more than 1048576 bytes"));
        assert!(unpack(&packed[..packed.len() - 3], 100).is_err(), "what is cut off is not complete");
        assert!(unpack(b"plain", 100).is_err());
    }

    #[test]
    fn limits_leave_room_for_what_real_chunks_need() {
        assert_eq!(most_bytes(Some(3)), 48 + (64 << 20));
        assert_eq!(most_bytes(Some(20 << 20)), (16 * 20 + 64) << 20);
        assert_eq!(most_bytes(Some(u64::MAX)) as u64, 4 << 30);
        assert_eq!(most_bytes(None), 1 << 30);
    }

    #[test]
    fn codings_that_were_not_asked_for_are_refused() {
        let coding = |value| is_gzip(&headers(&[(header::CONTENT_ENCODING, value)]));
        assert!(coding("GZIP").unwrap() && coding("x-gzip").unwrap() && coding("identity, gzip").unwrap());
        assert!(!coding("identity").unwrap() && !is_gzip(&HeaderMap::new()).unwrap());
        assert!(coding("br").is_err() && coding("gzip, gzip").is_err());
    }

    #[test]
    fn pauses_end_with_the_patience() {
        let mut download = Download::new(None);
        let error = || Error::new(ErrorKind::Api, "503");
        assert!(matches!(download.pause(Duration::from_secs(200), error()), Next::Pause(_)));
        assert!(matches!(download.pause(Duration::from_secs(101), error()), Next::Fail(_)));
        assert!(matches!(download.pause(Duration::from_secs(100), error()), Next::Pause(_)));
    }

    #[test]
    fn only_strong_tags_of_stored_bytes_count() {
        let length = (header::CONTENT_LENGTH, "10");
        assert!(strong_tag(&headers(&[length.clone(), (header::ETAG, "\"a\"")])).is_some());
        assert!(strong_tag(&headers(&[length.clone(), (header::ETAG, "W/\"a\"")])).is_none());
        assert!(strong_tag(&headers(&[(header::ETAG, "\"a\"")])).is_none());
    }

    #[test]
    fn only_the_missing_rest_is_appended() {
        let mut download = Download { tag: Some(HeaderValue::from_static("\"a\"")), ..Download::new(None) };
        download.bytes.extend_from_slice(b"12345");
        let response = |range, tag| headers(&[(header::CONTENT_RANGE, range), (header::ETAG, tag)]);
        assert!(download.goes_on(StatusCode::PARTIAL_CONTENT, &response("bytes 5-9/10", "\"a\"")));
        assert!(!download.goes_on(StatusCode::PARTIAL_CONTENT, &response("bytes 4-9/10", "\"a\"")));
        assert!(!download.goes_on(StatusCode::PARTIAL_CONTENT, &response("bytes 5-9/10", "\"b\"")));
        assert!(!download.goes_on(StatusCode::OK, &response("bytes 5-9/10", "\"a\"")));
    }
}
