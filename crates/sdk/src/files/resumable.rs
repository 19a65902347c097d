//! The resumable protocol of Google Cloud: one link, chunks in order, and a server that states how far it got.

use databricks_core::{Body, Error, ErrorKind, Result};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::content::Content;
use super::part::Part;
use super::progress::Tracker;
use super::storage::{ATTEMPTS, Link};
use super::wire;
use crate::client::Client;

/// Chunks but the last must be a multiple of this.
const GRANULE: u64 = 256 << 10;

/// An upload that has begun. Dropping it before it is finished cancels it in the background.
pub(super) struct Session {
    client: Client,
    tracker: Tracker,
    link: Link,
    open: bool,
}

impl Session {
    /// Asks for the link.
    pub(super) async fn open(client: Client, tracker: Tracker, path: &str, token: &str) -> Result<Self> {
        let call = client.call(wire::CreateResumableUploadUrl::new(path, token)).with_max_attempts(2);
        let made = call.await?.resumable_upload_url.unwrap_or_default();
        let url = made.url.ok_or_else(|| {
            Error::new(ErrorKind::Decode, "the response is missing `resumable_upload_url.url`")
                .with_operation("files.create_resumable_upload_url")
        })?;
        let headers = made.headers.unwrap_or_default().into_iter();
        let headers = headers.map(|header| (header.name.unwrap_or_default(), header.value.unwrap_or_default()));
        let link = Link::new(&url, headers)?;
        Ok(Self { client, tracker, link, open: true })
    }

    /// Sends all of it. Returns whether a first chunk has arrived, with the error, if it fails.
    pub(super) async fn send(&mut self, content: &mut Content, part_size: u64) -> Result<(), (bool, Error)> {
        // Sizes below are for tests of the protocol alone.
        let size = if part_size >= GRANULE { part_size - part_size % GRANULE } else { part_size };
        let (mut number, mut committed) = (1, false);
        loop {
            let part = match content.next_part(number, size).await {
                Ok(Some(part)) => part,
                Ok(None) => {
                    let error = Error::new(ErrorKind::Body, "the stream ended before its last chunk");
                    return Err((committed, error));
                }
                Err(error) => return Err((committed, error)),
            };
            let last = content.is_at_end().await.map_err(|error| (committed, error))?;
            self.tracker.running().await;
            self.send_chunk(&part, last).await.map_err(|error| (committed, error))?;
            if !committed {
                content.commit();
            }
            committed = true;
            self.tracker.report(|progress| {
                progress.bytes = part.range.end;
                progress.parts += 1;
            });
            if last {
                self.open = false;
                return Ok(());
            }
            number += 1;
        }
    }

    /// Sends a chunk until the server has all of it.
    async fn send_chunk(&self, part: &Part, last: bool) -> Result<()> {
        let (mut position, mut failures) = (part.range.start, 0);
        loop {
            let total = if last { part.range.end.to_string() } else { "*".to_owned() };
            let span = format!("bytes {position}-{}/{total}", part.range.end - 1);
            let sent = self.put(&span, part.body_from(position)).await;
            let reached = match sent {
                Ok(reached) => reached,
                Err(error) if failures + 1 < ATTEMPTS && may_pass(&error) => {
                    failures += 1;
                    self.tracker.note(|progress| progress.renewals += 1);
                    let pause = error.retry_after().unwrap_or(std::time::Duration::from_secs(u64::from(failures)));
                    self.client.clock().sleep(pause).await;
                    // Not known how much has arrived, so the server is asked.
                    match self.put("bytes */*", Body::empty()).await {
                        Ok(reached) => reached,
                        Err(error) if may_pass(&error) => Reached::Up(position),
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            };
            match reached {
                Reached::Done if last => return Ok(()),
                Reached::Done => {
                    return Err(Error::new(ErrorKind::Decode, "the storage completed the file before its last chunk"));
                }
                Reached::Up(to) if to == part.range.end && !last => return Ok(()),
                Reached::Up(to) if (part.range.start..part.range.end).contains(&to) => {
                    if to > position {
                        failures = 0;
                    } else if to == position {
                        failures += 1;
                    }
                    if failures >= ATTEMPTS {
                        return Err(Error::new(ErrorKind::ConnectionLost, "the storage takes no byte of a chunk"));
                    }
                    position = to;
                }
                Reached::Up(to) => {
                    let range = &part.range;
                    let message = format!(
                        "the storage states that it has {to} bytes, and bytes {} to {} were sent",
                        range.start, range.end
                    );
                    return Err(Error::new(ErrorKind::Decode, message));
                }
            }
        }
    }

    async fn put(&self, span: &str, body: Body) -> Result<Reached> {
        let mut headers = span_headers(span)?;
        if body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let (status, headers) = self.link.exchange(&self.client, Method::PUT, headers, body).await?;
        if status != StatusCode::PERMANENT_REDIRECT {
            return Ok(Reached::Done);
        }
        let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
        Ok(Reached::Up(range.map_or(Ok(0), stored)?))
    }

    /// Cancels after a failure; a failure to do so is only logged.
    pub(super) async fn abort(mut self) {
        if std::mem::take(&mut self.open) {
            cancel(self.client.clone(), self.link.clone()).await;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.open {
            self.client.background().spawn(cancel(self.client.clone(), self.link.clone()));
        }
    }
}

/// How far the server got.
enum Reached {
    Done,
    /// It has the bytes before this position.
    Up(u64),
}

async fn cancel(client: Client, link: Link) {
    match link.exchange(&client, Method::DELETE, HeaderMap::new(), Body::empty()).await {
        Ok(_) => {}
        // 499 is how the service confirms it.
        Err(error) if error.status().is_some_and(|status| status.as_u16() == 499) => {}
        Err(error) => tracing::warn!(%error, "an upload that was given up could not be cancelled"),
    }
}

fn may_pass(error: &Error) -> bool {
    match error.status() {
        Some(status) => matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504),
        None => matches!(error.kind(), ErrorKind::Connect | ErrorKind::ConnectionLost | ErrorKind::Timeout),
    }
}

fn span_headers(span: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let span = HeaderValue::from_str(span)
        .map_err(|e| Error::new(ErrorKind::Other, "a range cannot stand in a header").with_source(e))?;
    headers.insert(header::CONTENT_RANGE, span);
    Ok(headers)
}

/// How many bytes `bytes=0-99` states.
fn stored(range: &str) -> Result<u64> {
    let last = range.strip_prefix("bytes=0-").and_then(|last| last.trim().parse::<u64>().ok());
    last.and_then(|last| last.checked_add(1)).ok_or_else(|| {
        Error::new(ErrorKind::Decode, "the storage states how much it has in a form that is not `bytes=0-N`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read() {
        assert_eq!(stored("bytes=0-99").unwrap(), 100);
        for wrong in ["bytes=5-99", "0-99", "bytes=0-", "bytes=0-x", "bytes=0-18446744073709551615"] {
            assert!(stored(wrong).is_err(), "{wrong}");
        }
    }
}
