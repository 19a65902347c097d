//! One range of a file, fetched through whichever endpoint serves it, over breaks of the connection.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use databricks_core::{ByteStream, Error, ErrorKind, Result};
use databricks_models::files as models;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::progress::Tracker;
use super::settings::TransferSettings;
use super::storage::{self, ATTEMPTS, Link};
use crate::client::Client;

/// Resumes in a row that bring no byte.
const IDLE_RESUMES: u32 = 1;

/// A file that is being fetched: what all its ranges share.
pub(super) struct Remote {
    pub(super) client: Client,
    pub(super) path: String,
    pub(super) settings: TransferSettings,
    pub(super) tracker: Tracker,
    link: Mutex<Option<Link>>,
    /// The endpoint that has served a byte: the others are not asked any more.
    committed: Mutex<Option<Endpoint>>,
}

/// Where the bytes come from, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Cloud storage, through a link.
    Storage,
    /// The workspace.
    Workspace,
}

/// The head of a response with content.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) content_length: Option<u64>,
    pub(super) content_type: Option<String>,
    pub(super) last_modified: Option<String>,
}

impl Remote {
    pub(super) fn new(client: Client, path: String, settings: TransferSettings, tracker: Tracker) -> Arc<Self> {
        Arc::new(Self { client, path, settings, tracker, link: Mutex::default(), committed: Mutex::default() })
    }

    fn committed(&self) -> Option<Endpoint> {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self, endpoint: Endpoint) {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(endpoint);
    }

    /// The link that all ranges share.
    async fn link(&self, committed: bool) -> Result<Link> {
        let known = || self.link.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(link) = known() {
            return Ok(link);
        }
        let operation = models::files::CreateDownloadUrl::new(self.path.as_str(), storage::expiry(&self.client));
        let mut call = self.client.call(operation);
        if !committed {
            call = call.with_max_attempts(1);
        }
        let made = call.await?;
        let headers = made.headers.unwrap_or_default().into_iter().map(|header| (header.name, header.value));
        let link = Link::new(&made.url, headers)?;
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link.clone());
        Ok(link)
    }

    /// Forgets a link that has expired.
    fn forget(&self) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn request(
        &self,
        endpoint: Endpoint,
        span: &Span,
        guard: Option<&str>,
    ) -> Result<(StatusCode, HeaderMap, ByteStream)> {
        let range = span.header();
        match endpoint {
            Endpoint::Storage => self.request_storage(range.as_deref(), guard).await,
            Endpoint::Workspace => {
                let mut operation = models::files::Download::new(self.path.as_str());
                operation.range = range;
                operation.if_unmodified_since = guard.map(str::to_owned);
                let call = self.client.call(operation).with_header("accept-encoding", "identity");
                let response = call.send_full().await?;
                Ok((response.status, response.headers, response.output.contents))
            }
        }
    }

    async fn request_storage(
        &self,
        range: Option<&str>,
        guard: Option<&str>,
    ) -> Result<(StatusCode, HeaderMap, ByteStream)> {
        let committed = self.committed().is_some();
        let attempts = if committed { ATTEMPTS } else { 1 };
        let mut headers = HeaderMap::new();
        let mut put = |name: HeaderName, value: Option<&str>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        };
        put(header::ACCEPT, Some("application/octet-stream"));
        put(header::RANGE, range);
        put(header::IF_UNMODIFIED_SINCE, guard);
        let mut renewals = 0;
        loop {
            let link = self.link(committed).await?;
            match link.get(&self.client, headers.clone(), attempts).await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    return Ok((head.status, head.headers, body.into_stream()));
                }
                Err(error) if storage::is_expired(&error) => {
                    self.forget();
                    if renewals == self.settings.link_renewals {
                        return Err(storage::expired_too_often("the file", renewals));
                    }
                    renewals += 1;
                    self.tracker.note(|progress| progress.renewals += 1);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The bytes that a request is for.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    /// The position after the last byte, if it is not the file's end.
    end: Option<u64>,
}

impl Span {
    fn header(&self) -> Option<String> {
        match (self.start, self.end) {
            (0, None) => None,
            (start, None) => Some(format!("bytes={start}-")),
            (start, Some(end)) => Some(format!("bytes={start}-{}", end.saturating_sub(1))),
        }
    }

    /// Whether a response holds these bytes and no others: a whole file must never be taken for a range.
    fn check(&self, status: StatusCode, headers: &HeaderMap, expected: Option<u64>) -> Result<()> {
        let Some(asked) = self.header() else { return Ok(()) };
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let refused = |what: String| {
            Err(Error::new(ErrorKind::Decode, format!("asked for {asked}, and the response {what}"))
                .with_status(status))
        };
        if status == StatusCode::PARTIAL_CONTENT {
            // `bytes 5-9/10`; a server that leaves it out is taken at its word.
            let first = text(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes ")?.split('-').next());
            return match first {
                Some(first) if first.trim().parse() != Ok(self.start) => refused(format!("begins at {first}")),
                _ => Ok(()),
            };
        }
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        if expected.is_some() && length == expected { Ok(()) } else { refused("is not that range".into()) }
    }
}

/// A range that is read piece by piece.
pub(super) struct Fetch {
    remote: Arc<Remote>,
    endpoint: Endpoint,
    span: Span,
    position: u64,
    /// The position after the last byte, once known.
    end: Option<u64>,
    /// When the file must not have changed since, so that what comes fits to what came.
    guard: Option<String>,
    body: ByteStream,
    idle: u32,
    head: Head,
}

impl Fetch {
    /// Opens a range of positions, to the end of the file if that is left open.
    pub(super) async fn open(
        remote: &Arc<Remote>,
        start: u64,
        end: Option<u64>,
        guard: Option<String>,
    ) -> Result<Self> {
        let endpoint = remote.committed().unwrap_or(Endpoint::Storage);
        match Self::open_at(remote, endpoint, start, end, guard.clone()).await {
            Err(error) if endpoint == Endpoint::Storage && remote.committed().is_none() && !is_final(&error) => {
                tracing::info!(%error, "the file is fetched from the workspace, since storage does not serve it");
                Self::open_at(remote, Endpoint::Workspace, start, end, guard).await
            }
            other => other,
        }
    }

    async fn open_at(
        remote: &Arc<Remote>,
        endpoint: Endpoint,
        start: u64,
        end: Option<u64>,
        guard: Option<String>,
    ) -> Result<Self> {
        let span = Span { start, end };
        let expected = end.map(|end| end - start);
        let (status, headers, body) = remote.request(endpoint, &span, guard.as_deref()).await?;
        span.check(status, &headers, expected)?;
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        let head = Head {
            content_length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            content_type: text(header::CONTENT_TYPE),
            last_modified: text(header::LAST_MODIFIED),
        };
        let end = end.or_else(|| head.content_length.map(|length| start + length));
        let guard = guard.or_else(|| head.last_modified.clone());
        Ok(Self { remote: Arc::clone(remote), endpoint, span, position: start, end, guard, body, idle: 0, head })
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The next bytes, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let broken = match self.body.try_next().await {
                Ok(Some(piece)) if piece.is_empty() => continue,
                Ok(Some(piece)) => {
                    self.remote.commit(self.endpoint);
                    let position = self.position + piece.len() as u64;
                    if self.end.is_some_and(|end| position > end) {
                        let message = format!("the server sent bytes past {}", self.end.unwrap_or_default());
                        return Err(Error::new(ErrorKind::Decode, message));
                    }
                    self.position = position;
                    self.idle = 0;
                    return Ok(Some(piece));
                }
                Ok(None) => match self.end.filter(|end| self.position < *end) {
                    None => return Ok(None),
                    Some(end) => {
                        let message = format!("the download ended at byte {} of {end}", self.position);
                        Error::new(ErrorKind::ConnectionLost, message)
                    }
                },
                Err(error) => error,
            };
            self.go_on(broken).await?;
        }
    }

    /// Opens the rest after a break.
    async fn go_on(&mut self, broken: Error) -> Result<()> {
        let committed = self.remote.committed().is_some();
        if !committed && self.endpoint == Endpoint::Storage {
            let opened = Self::open_at(&self.remote, Endpoint::Workspace, self.span.start, self.span.end, None);
            *self = opened.await?;
            return Ok(());
        }
        let Some(guard) = self.guard.clone() else {
            let hint = "the server states no time of the last change, so the download cannot go on where it broke off";
            return Err(broken.with_hint(hint));
        };
        if self.idle >= IDLE_RESUMES || broken.is_permanent() {
            return Err(broken);
        }
        self.idle += 1;
        self.remote.tracker.note(|progress| progress.renewals += 1);
        let rest = Span { start: self.position, end: self.span.end };
        let expected = self.end.map(|end| end - self.position);
        let (status, headers, body) = match self.remote.request(self.endpoint, &rest, Some(&guard)).await {
            Ok(response) => response,
            Err(error) if is_final(&error) => {
                return Err(error.with_hint("the file was changed while it was downloaded; download it again"));
            }
            Err(error) => {
                tracing::debug!(%error, "a download could not go on");
                return Err(broken);
            }
        };
        rest.check(status, &headers, expected)?;
        self.body = body;
        Ok(())
    }
}

/// Whether no other endpoint can do better: the file is not the one that was asked for.
fn is_final(error: &Error) -> bool {
    error.status().is_some_and(|status| status.as_u16() == 412)
        || matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Auth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(span: Span, status: u16, headers: &[(HeaderName, &'static str)], expected: Option<u64>) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        span.check(StatusCode::from_u16(status).unwrap(), &headers, expected).is_ok()
    }

    #[test]
    fn only_the_range_that_was_asked_for_is_taken() {
        let range = Span { start: 100, end: Some(200) };
        let (span, length) = (header::CONTENT_RANGE, header::CONTENT_LENGTH);
        assert_eq!(range.header().unwrap(), "bytes=100-199");
        assert!(check(range, 206, &[], Some(100)));
        assert!(check(range, 206, &[(span.clone(), "bytes 100-199/250")], Some(100)));
        assert!(!check(range, 206, &[(span, "bytes 0-99/250")], Some(100)));
        assert!(check(range, 200, &[(length.clone(), "100")], Some(100)));
        assert!(!check(range, 200, &[(length.clone(), "250")], Some(100)));
        assert!(!check(range, 200, &[], Some(100)));
        assert!(check(Span { start: 0, end: None }, 200, &[], None));
        assert!(!check(Span { start: 7, end: None }, 200, &[(length, "250")], None));
    }
}
