//! Uploads whose parts come one after the other.

use bytes::Bytes;
use databricks_sdk::files::{UploadSource, UploadSummary, Volume};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::convert;

/// An upload of a stream that is fed part by part. Dropping it gives the upload up.
///
/// The parts here are those of the caller; the volume is sent parts of a size of its own, several at the same time.
#[derive(Debug)]
pub(crate) struct VolumeUpload {
    path: String,
    /// `None` once the last part was put.
    parts: Option<mpsc::UnboundedSender<Part>>,
    upload: Option<JoinHandle<databricks_sdk::Result<UploadSummary>>>,
}

/// A part, and where to report that it was taken.
type Part = (PutPayload, oneshot::Sender<()>);

impl VolumeUpload {
    pub(crate) fn start(volume: &Volume, path: &str) -> Self {
        // Unbounded, since the order of parts is that of the calls; the caller waits until its parts are taken.
        let (parts, taken) = mpsc::unbounded_channel::<Part>();
        let pieces = stream::unfold(taken, |mut taken| async move {
            let (payload, report) = taken.recv().await?;
            // The caller may have stopped waiting.
            let _ = report.send(());
            let pieces: Vec<Bytes> = payload.into_iter().collect();
            Some((stream::iter(pieces.into_iter().map(Ok)), taken))
        });
        let source = UploadSource::stream(None, pieces.flatten().boxed());
        let upload = volume.upload(path, source).overwrite(true);
        Self { path: path.to_owned(), parts: Some(parts), upload: Some(tokio::spawn(upload.send())) }
    }
}

#[async_trait::async_trait]
impl MultipartUpload for VolumeUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (report, taken) = oneshot::channel();
        let sent = self.parts.as_ref().is_some_and(|parts| parts.send((data, report)).is_ok());
        async move {
            if sent && taken.await.is_ok() {
                return Ok(());
            }
            Err(convert::generic("the upload has ended before this part; completing it states why"))
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.parts = None;
        let upload = self.upload.take().ok_or_else(|| convert::generic("the upload is complete or was given up"))?;
        match upload.await {
            Ok(Ok(_)) => Ok(PutResult { e_tag: None, version: None }),
            Ok(Err(error)) => Err(convert::error(self.path.as_str(), error)),
            Err(error) => Err(convert::generic(format!("the upload was ended: {error}"))),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts = None;
        if let Some(upload) = self.upload.take() {
            upload.abort();
            // Its parts are discarded in the background once it has ended.
            let _ = upload.await;
        }
        Ok(())
    }
}

impl Drop for VolumeUpload {
    fn drop(&mut self) {
        if let Some(upload) = &self.upload {
            upload.abort();
        }
    }
}
