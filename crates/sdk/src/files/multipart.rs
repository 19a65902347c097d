//! Uploads in parts, each through a link of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;
use futures_util::{StreamExt as _, stream};
use http::header;

use super::content::Content;
use super::part::Part;
use super::progress::Tracker;
use super::settings::TransferSettings;
use super::state::{Checkpoints, UploadState};
use super::storage::{self, ATTEMPTS, Link};
use crate::client::Client;

/// An upload that has begun. Dropping it before it is finished discards its parts in the background.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) settings: TransferSettings,
    pub(super) tracker: Tracker,
    pub(super) state: UploadState,
    pub(super) checkpoints: Checkpoints,
    /// For how many parts links are asked for at once.
    pub(super) batch: u64,
    links: Mutex<HashMap<u64, Link>>,
    /// Whether the parts are to be discarded if nothing else happens.
    open: bool,
}

impl Session {
    pub(super) fn new(
        client: Client,
        settings: TransferSettings,
        tracker: Tracker,
        state: UploadState,
        checkpoints: Checkpoints,
        batch: u64,
    ) -> Self {
        Self { client, settings, tracker, state, checkpoints, batch, links: Mutex::default(), open: true }
    }

    /// Sends the first part alone: until it has arrived, the upload may go another way.
    pub(super) async fn send_first(&mut self, part: &Part) -> Result<()> {
        let tag = self.send(part, false).await?;
        self.arrived(part.number, part.len(), tag);
        Ok(())
    }

    /// Sends all other parts, several at the same time, and completes the upload.
    pub(super) async fn send_rest(&mut self, mut content: Content) -> Result<()> {
        content.commit();
        let (size, done) = (self.state.part_size, self.state.parts.clone());
        let first = if content.has_positions() { 1 } else { done.keys().next_back().map_or(1, |last| last + 1) };
        let length = content.length;
        let parallelism = self.settings.parallelism;
        let parts = stream::unfold((content, first), move |(mut content, mut number)| {
            let done = done.clone();
            async move {
                if let Some(length) = length.filter(|_| content.has_positions()) {
                    while done.contains_key(&number) {
                        number += 1;
                    }
                    let start = (number - 1).checked_mul(size).filter(|start| *start < length)?;
                    let part = content.part_at(number, start..length.min(start + size))?;
                    return Some((Ok(part), (content, number + 1)));
                }
                match content.next_part(number, size).await {
                    Ok(None) => None,
                    Ok(Some(part)) => Some((Ok(part), (content, number + 1))),
                    Err(error) => Some((Err(error), (content, number))),
                }
            }
        });
        let session = &*self;
        let mut sent = Box::pin(
            parts
                .map(|part| async move {
                    let part = part?;
                    let tag = session.send(&part, true).await?;
                    Ok::<_, Error>((part.number, part.len(), tag))
                })
                .buffer_unordered(parallelism),
        );
        let mut arrived = BTreeMap::new();
        let mut state = self.state.clone();
        while let Some(part) = sent.next().await {
            let (number, length, tag) = part?;
            arrived.insert(number, tag.clone());
            state.parts.insert(number, tag);
            self.tracker.report(|progress| {
                progress.bytes += length;
                progress.parts += 1;
            });
            self.checkpoints.save(&state);
        }
        drop(sent);
        self.state = state;
        self.complete().await
    }

    fn arrived(&mut self, number: u64, length: u64, tag: String) {
        self.state.parts.insert(number, tag);
        self.tracker.report(|progress| {
            progress.bytes += length;
            progress.parts += 1;
        });
        self.checkpoints.save(&self.state);
    }

    /// Sends a part and returns its tag.
    ///
    /// * `committed`: whether an earlier part has arrived. Before, only one retry is spent on this way to storage.
    async fn send(&self, part: &Part, committed: bool) -> Result<String> {
        let attempts = if committed { ATTEMPTS } else { 2 };
        let mut renewals = 0;
        loop {
            self.tracker.running().await;
            let link = self.link(part.number, committed).await?;
            let error = match link.put(&self.client, part.body(), attempts).await {
                Ok(response) => {
                    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
                    return Ok(tag.unwrap_or_default().to_owned());
                }
                Err(error) => error,
            };
            if !storage::is_expired(&error) {
                return Err(error);
            }
            self.links.lock().unwrap_or_else(PoisonError::into_inner).remove(&part.number);
            if renewals == self.settings.link_renewals {
                return Err(storage::expired_too_often(&format!("part {}", part.number), renewals));
            }
            renewals += 1;
            self.tracker.note(|progress| progress.renewals += 1);
        }
    }

    async fn link(&self, number: u64, committed: bool) -> Result<Link> {
        let known = || self.links.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned();
        if let Some(link) = known() {
            return Ok(link);
        }
        let operation = models::files::CreateUploadPartUrls::new(
            self.state.path.as_str(),
            self.state.session_token.as_str(),
            to_i64(number),
            to_i64(self.batch),
            storage::expiry(&self.client),
        );
        let mut call = self.client.call(operation);
        if !committed {
            call = call.with_max_attempts(2);
        }
        let made = call.await?.upload_part_urls.unwrap_or_default();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        for part in made {
            let headers = part.headers.unwrap_or_default().into_iter().map(|header| (header.name, header.value));
            if let Ok(number) = u64::try_from(part.part_number) {
                links.insert(number, Link::new(&part.url, headers)?);
            }
        }
        links.get(&number).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Decode, format!("the workspace was asked for a link to part {number} and sent none"))
                .with_operation("files.create_upload_part_urls")
        })
    }

    async fn complete(&mut self) -> Result<()> {
        let parts = self.state.parts.iter();
        let parts = parts.map(|(number, tag)| models::CompleteUploadRequestParts::new(tag.as_str(), to_i64(*number)));
        let operation = models::files::CompleteUpload::new(
            self.state.path.as_str(),
            self.state.session_token.as_str(),
            parts.collect::<Vec<_>>(),
        );
        self.client.call(operation).await?;
        self.open = false;
        Ok(())
    }

    /// Discards the parts after a failure, unless they are kept for later. A failure to do so is only logged: it must
    /// not hide the first.
    pub(super) async fn abort(mut self) {
        if std::mem::take(&mut self.open) && !self.checkpoints.keeps_parts() {
            discard(self.client.clone(), self.state.path.clone(), self.state.session_token.clone()).await;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.open && !self.checkpoints.keeps_parts() {
            let (client, path, token) =
                (self.client.clone(), self.state.path.clone(), self.state.session_token.clone());
            self.client.background().spawn(discard(client, path, token));
        }
    }
}

/// Discards the parts of an upload, asking once.
async fn discard(client: Client, path: String, token: String) {
    let call = client.call(models::files::AbortUpload::new(path, token));
    if let Err(error) = call.with_max_attempts(1).with_timeout(Duration::from_secs(10)).await {
        tracing::warn!(%error, "the parts of an upload that was given up could not be discarded");
    }
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
