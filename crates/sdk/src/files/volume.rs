//! A volume and the paths within it.

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;

use super::{Download, TransferSettings, Upload, UploadSource, tree};
use crate::client::Client;
use crate::services::files::Files;
use crate::{ResultStream, WorkspaceClient};

impl WorkspaceClient {
    /// The files of a volume, by paths within it.
    ///
    /// * `path`: `/Volumes/<catalog>/<schema>/<volume>`, or a directory below.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the path does not lead into a volume.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// let data = w.volume("/Volumes/main/default/data")?;
    /// data.upload("2026/notes.txt", "hello").await?;
    /// assert_eq!(data.download("2026/notes.txt").bytes().await?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn volume(&self, path: impl Into<String>) -> Result<Volume> {
        let root = path.into();
        let root = root.trim_end_matches('/');
        let mut segments = root.strip_prefix("/Volumes/").unwrap_or_default().split('/');
        let whole = (0..3).all(|_| segments.next().is_some_and(is_name)) && segments.all(is_name);
        if !whole {
            return Err(Error::new(ErrorKind::InvalidInput, format!("{root:?} is not a path of a volume"))
                .with_hint("state /Volumes/<catalog>/<schema>/<volume>"));
        }
        Ok(Volume { client: self.client.clone(), root: root.to_owned(), settings: TransferSettings::default() })
    }
}

/// Whether a segment of a path stands for itself.
fn is_name(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
}

/// A volume, or a directory in one; see [`WorkspaceClient::volume`]. Paths are relative to it; an empty one is the
/// directory itself.
#[derive(Clone, Debug)]
pub struct Volume {
    client: Client,
    root: String,
    settings: TransferSettings,
}

impl Volume {
    /// Sets sizes and numbers of all transfers. Default: those of the official SDKs.
    #[must_use]
    pub fn settings(mut self, settings: TransferSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The absolute path, without a slash at its end.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The absolute path of something in it.
    ///
    /// * `path`: relative path, with `/` between its segments.
    pub fn path(&self, path: &str) -> String {
        let path = path.trim_matches('/');
        if path.is_empty() { self.root.clone() } else { format!("{}/{path}", self.root) }
    }

    /// Uploads to a file; see [`Files::upload_from`].
    pub fn upload(&self, path: &str, source: impl Into<UploadSource>) -> Upload {
        Upload::new(self.client.clone(), self.path(path), source.into(), self.settings.clone())
    }

    /// Downloads a file; see [`Files::download_from`].
    pub fn download(&self, path: &str) -> Download {
        Download::new(self.client.clone(), self.path(path), self.settings.clone())
    }

    /// What lies directly in a directory.
    pub fn list(&self, directory: &str) -> crate::Items<models::files::ListDirectoryContents> {
        self.client.call(models::files::ListDirectoryContents::new(self.path(directory))).items()
    }

    /// All files below a directory; see [`Files::walk`].
    pub fn walk(&self, directory: &str) -> ResultStream<models::DirectoryEntry> {
        tree::walk(self.client.clone(), self.path(directory))
    }

    /// Size, media type and time of the last change of a file.
    ///
    /// # Errors
    /// [`is_not_found`](Error::is_not_found) when there is no such file; else as any call.
    pub async fn metadata(&self, path: &str) -> Result<models::GetMetadataResponse> {
        self.client.call(models::files::GetMetadata::new(self.path(path))).await
    }

    /// Whether there is a file or directory; see [`Files::exists`].
    ///
    /// # Errors
    /// As there.
    pub async fn exists(&self, path: &str) -> Result<bool> {
        Files { client: self.client.clone() }.exists(self.path(path)).await
    }

    /// Makes a directory and those above it; one that is there is no error.
    ///
    /// # Errors
    /// As any call.
    pub async fn create_directory(&self, directory: &str) -> Result<()> {
        self.client.call(models::files::CreateDirectory::new(self.path(directory))).await
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// As any call.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.client.call(models::files::Delete::new(self.path(path))).await
    }

    /// Deletes a file, or a directory with all it holds; see [`Files::delete_all`].
    ///
    /// # Errors
    /// As there.
    pub async fn delete_all(&self, path: &str) -> Result<()> {
        tree::delete_all(&self.client, self.path(path)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn only_paths_of_volumes_are_taken() {
        let w = WorkspaceClient::new(Config::hermetic().host("https://h.example").token("t")).unwrap();
        let volume = w.volume("/Volumes/c/s/v/").unwrap();
        assert_eq!(
            (volume.root(), volume.path("a/b"), volume.path("/")),
            ("/Volumes/c/s/v", "/Volumes/c/s/v/a/b".into(), "/Volumes/c/s/v".into())
        );
        for wrong in ["", "/Volumes/c/s", "/Volumes/c//v", "Volumes/c/s/v", "/Volumes/c/s/../x", "dbfs:/Volumes/c/s/v"]
        {
            assert_eq!(w.volume(wrong).unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong}");
        }
    }
}
