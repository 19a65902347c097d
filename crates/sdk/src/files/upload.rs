//! Uploads to a volume.

use std::pin::Pin;

use databricks_core::{ApiError, Error, ErrorKind, Result};
use databricks_models::files as models;

use super::content::Content;
use super::control::TransferControl;
use super::progress::{Tracker, TransferProgress};
use super::settings::{LARGEST_SINGLE, TransferSettings};
use super::source::UploadSource;
use super::state::{Checkpoints, UploadState};
use super::{multipart, resumable, wire};
use crate::client::Client;
use crate::runtime;

/// An upload to a volume, to be awaited.
///
/// Small files go in one request. Larger ones go in parts to cloud storage through links that the workspace makes,
/// several at the same time; where the workspace makes no links, they go in one request too, if that can hold them.
/// Dropping the future cancels the upload and discards its parts in the background, unless it has
/// [`on_checkpoint`](Self::on_checkpoint).
///
/// ```no_run
/// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// use std::path::Path;
///
/// let uploaded = w
///     .files()
///     .upload_from("/Volumes/main/default/data/trips.parquet", Path::new("trips.parquet"))
///     .overwrite(false)
///     .on_progress(|progress| println!("{} of {:?} bytes", progress.bytes, progress.total_bytes))
///     .await?;
/// println!("{} parts", uploaded.parts);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an upload does nothing until it is awaited"]
pub struct Upload {
    source: UploadSource,
    state: Option<UploadState>,
    job: Job,
}

/// All of an upload but its source.
#[derive(Debug)]
struct Job {
    client: Client,
    path: String,
    settings: TransferSettings,
    overwrite: Option<bool>,
    tracker: Tracker,
    checkpoints: Checkpoints,
}

impl Upload {
    pub(super) fn new(client: Client, path: String, source: UploadSource, settings: TransferSettings) -> Self {
        let job = Job {
            client,
            path,
            settings,
            overwrite: None,
            tracker: Tracker::default(),
            checkpoints: Checkpoints::default(),
        };
        Self { source, state: None, job }
    }

    /// Sets whether an existing file is replaced. Default: the service's, which is to replace it.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.job.overwrite = Some(overwrite);
        self
    }

    /// Sets sizes and numbers.
    pub fn settings(mut self, settings: TransferSettings) -> Self {
        self.job.settings = settings;
        self
    }

    /// Sets the size of each part in bytes. Default: by the size of the file.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.job.settings = self.job.settings.part_size(bytes);
        self
    }

    /// Sets how many parts are sent at the same time, 1 to 64. Default: 10.
    pub fn parallelism(mut self, transfers: usize) -> Self {
        self.job.settings = self.job.settings.parallelism(transfers);
        self
    }

    /// Calls `report` after every part. It runs within the upload and holds it up.
    pub fn on_progress(self, report: impl FnMut(TransferProgress) + Send + 'static) -> Self {
        self.job.tracker.set_callback(report);
        self
    }

    /// Calls `save` with what is needed to go on later, once the upload in parts has begun and after each part. The
    /// parts are then kept when the upload fails or is dropped; they are yours to [`resume`](Self::resume).
    ///
    /// Works for content with positions: bytes, files and [`UploadSource::ranges`]. Files that go in one request have
    /// nothing to save.
    pub fn on_checkpoint(mut self, save: impl FnMut(&UploadState) + Send + 'static) -> Self {
        self.job.checkpoints = Checkpoints::new(save);
        self
    }

    /// Sets what holds up this upload and lets it go on. Default: nothing does.
    pub fn control(self, control: &TransferControl) -> Self {
        self.job.tracker.set_control(control.clone());
        self
    }

    /// Goes on with an upload that was not completed. The source must have the same content; its length is compared.
    pub fn resume(mut self, state: UploadState) -> Self {
        self.state = Some(state);
        self
    }

    /// Makes the upload.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a setting makes no sense, [`ErrorKind::Io`] when the file cannot be read,
    /// [`ErrorKind::Body`] when the source fails; [`is_already_exists`](Error::is_already_exists) when the file is
    /// there and must not be replaced. Else as any call.
    pub async fn send(self) -> Result<UploadSummary> {
        runtime::check()?;
        let Self { source, state, job } = self;
        job.settings.check()?;
        let (tracker, only_new) = (job.tracker.clone(), job.overwrite == Some(false));
        Box::pin(job.run(source, state)).await.map_err(|error| if only_new { as_existing(error) } else { error })?;
        let progress = tracker.get();
        Ok(UploadSummary { bytes: progress.bytes, parts: progress.parts, renewals: progress.renewals })
    }
}

impl Job {
    async fn run(self, source: UploadSource, state: Option<UploadState>) -> Result<()> {
        let mut content = source.open().await?;
        content.read_ahead(self.settings.multipart_from.max(1)).await?;
        self.tracker.note(|progress| progress.total_bytes = content.length);
        if let Some(state) = state {
            return self.resume_with(state, content).await;
        }
        if content.length.is_some_and(|length| self.settings.is_small(length)) {
            return self.send_whole(content).await;
        }
        if self.checkpoints.keeps_parts() && !content.has_positions() {
            let message = "an upload of a stream that is read once cannot go on later, so it has no checkpoints";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        match self.send_in_parts(content).await? {
            None => Ok(()),
            Some((content, error)) => {
                tracing::info!(%error, "the file is sent in one request, since it cannot be sent in parts");
                self.send_whole(content).await.map_err(|failure| failure.with_hint(format!("in parts: {error}")))
            }
        }
    }

    /// One request through the workspace.
    async fn send_whole(&self, content: Content) -> Result<()> {
        let length = content.length;
        if let Some(length) = length.filter(|length| *length > LARGEST_SINGLE) {
            let message = format!("no endpoint takes {length} bytes: one request takes at most 5 GiB");
            return Err(Error::new(ErrorKind::InvalidInput, message)
                .with_hint("ask for links to storage to be enabled in the workspace"));
        }
        let mut operation = models::files::Upload::new(self.path.as_str(), content.whole()?);
        operation.overwrite = self.overwrite;
        let mut call = self.client.call(operation);
        if length == Some(0) {
            // The service refuses an upload that does not state its length.
            call = call.with_header("content-length", "0");
        }
        self.tracker.running().await;
        call.await?;
        self.tracker.report(|progress| progress.bytes = length.unwrap_or(0));
        Ok(())
    }

    /// Parts through links. Returns the content, and why, if the file may still go another way.
    async fn send_in_parts(&self, mut content: Content) -> Result<Option<(Content, Error)>> {
        let mut start = wire::StartUpload::new(self.path.as_str());
        start.overwrite = self.overwrite;
        let started = match self.client.call(start).with_max_attempts(2).await {
            Ok(started) => started,
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => return Ok(Some((content, error))),
        };
        let token = |session: Option<wire::Session>| session.and_then(|session| session.session_token);
        let (size, batch) = self.settings.plan(content.length);
        if let Some(token) = token(started.multipart_upload) {
            let state = UploadState::new(&self.path, size, content.length, token);
            let mut session = self.session(state, batch);
            session.checkpoints.save(&session.state);
            let first = match content.next_part(1, size).await {
                Ok(Some(first)) => first,
                Ok(None) => {
                    session.abort().await;
                    return Err(Error::new(ErrorKind::Body, "the stream is shorter than it was stated"));
                }
                Err(error) => {
                    session.abort().await;
                    return Err(error);
                }
            };
            if let Err(error) = session.send_first(&first).await {
                let last = is_final(&error) || self.checkpoints.keeps_parts();
                session.abort().await;
                return if last { Err(error) } else { Ok(Some((content, error))) };
            }
            return self.finish(session, content).await.map(|()| None);
        }
        if let Some(token) = token(started.resumable_upload) {
            return self.send_resumable(content, &token, size).await;
        }
        let error = Error::new(ErrorKind::Decode, "the response names no upload that this client knows");
        Ok(Some((content, error.with_operation("files.initiate_upload"))))
    }

    async fn send_resumable(&self, mut content: Content, token: &str, size: u64) -> Result<Option<(Content, Error)>> {
        let opened = resumable::Session::open(self.client.clone(), self.tracker.clone(), &self.path, token).await;
        let mut session = match opened {
            Ok(session) => session,
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => return Ok(Some((content, error))),
        };
        let Err((committed, error)) = session.send(&mut content, size).await else { return Ok(None) };
        session.abort().await;
        if committed || is_final(&error) { Err(error) } else { Ok(Some((content, error))) }
    }

    async fn resume_with(&self, state: UploadState, content: Content) -> Result<()> {
        let invalid = |why: String| Err(Error::new(ErrorKind::InvalidInput, why));
        if !content.has_positions() {
            return invalid("an upload goes on only from bytes, a file or ranges, not from a stream".into());
        }
        if !state.is_sound() || state.path != self.path {
            return invalid(format!("the state is not one of an upload to {}", self.path));
        }
        if content.length != Some(state.length) {
            return invalid(format!(
                "the upload began with {} bytes and the source has {}: it has changed",
                state.length,
                content.length.unwrap_or(0)
            ));
        }
        self.tracker.note(|progress| {
            progress.bytes = state.bytes();
            progress.parts = state.parts() as u64;
        });
        self.finish(self.session(state, 1), content).await
    }

    fn session(&self, state: UploadState, batch: u64) -> multipart::Session {
        let (client, settings) = (self.client.clone(), self.settings.clone());
        multipart::Session::new(client, settings, self.tracker.clone(), state, self.checkpoints.clone(), batch)
    }

    async fn finish(&self, mut session: multipart::Session, content: Content) -> Result<()> {
        let sent = session.send_rest(content).await;
        if sent.is_err() {
            session.abort().await;
        }
        sent
    }
}

/// Whether another way to send the file would fail for the same reason.
fn is_final(error: &Error) -> bool {
    // A precondition: with `overwrite` off, that the file is not there.
    error.status().is_some_and(|status| status.as_u16() == 412)
        || matches!(error.kind(), ErrorKind::Body | ErrorKind::Io | ErrorKind::InvalidInput | ErrorKind::Auth)
}

/// A precondition that failed, in the words of the API: the one that uploads have is that the file is not there.
fn as_existing(error: Error) -> Error {
    match error.status() {
        Some(status) if status.as_u16() == 412 => {
            let api = ApiError::new(status, Some("ALREADY_EXISTS".into()), "the file exists already");
            Error::from_api(api).with_source(error)
        }
        _ => error,
    }
}

/// What came of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadSummary {
    /// The bytes that were uploaded.
    pub bytes: u64,
    /// The parts that they were sent in; 0 if they went in one request.
    pub parts: u64,
    /// How often links had to be renewed.
    pub renewals: u64,
}

impl IntoFuture for Upload {
    type Output = Result<UploadSummary>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<UploadSummary>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
