//! Notebooks and files of the workspace tree.

use std::collections::VecDeque;
use std::pin::Pin;

use databricks_core::{Body, Result};
use databricks_models::workspace::workspace::Upload as UploadOperation;
use databricks_models::workspace::{ImportFormat, Language, ObjectInfo, ObjectType, workspace as operations};
use futures_util::stream;

use crate::ResultStream;
use crate::client::Client;
use crate::services::workspace::Workspace;

impl Workspace {
    /// Uploads a notebook or file; the language of a notebook is taken from its path if it is not stated.
    ///
    /// * `path`: absolute path in the workspace; `.py`, `.sql`, `.scala` and `.R` name languages.
    /// * `content`: bytes, a string, or a stream.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// w.workspace().upload_from("/Users/me@example.com/hello.py", "print(1)").overwrite(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn upload_from(&self, path: impl Into<String>, content: impl Into<Body>) -> WorkspaceUpload {
        WorkspaceUpload { client: self.client.clone(), operation: UploadOperation::new(path.into(), content) }
    }

    /// All objects below a directory but the directories, breadth first. Directories that vanish meanwhile are passed
    /// over.
    pub fn walk(&self, directory: impl Into<String>) -> ResultStream<ObjectInfo> {
        let start = (self.client.clone(), VecDeque::from([directory.into()]), VecDeque::new(), true);
        ResultStream::new(stream::try_unfold(start, |(client, mut waiting, mut ready, mut first)| async move {
            loop {
                if let Some(object) = ready.pop_front() {
                    return Ok(Some((object, (client, waiting, ready, first))));
                }
                let Some(directory) = waiting.pop_front() else { return Ok(None) };
                let listed = client.call(operations::List::new(directory)).items().try_collect().await;
                let objects: Vec<ObjectInfo> = match listed {
                    Err(error) if error.is_not_found() && !first => continue,
                    other => other?,
                };
                first = false;
                for object in objects {
                    match (&object.object_type, &object.path) {
                        (Some(ObjectType::Directory | ObjectType::Repo), Some(path)) => waiting.push_back(path.clone()),
                        _ => ready.push_back(object),
                    }
                }
            }
        }))
    }
}

/// An upload to the workspace, to be awaited; see [`Workspace::upload_from`].
#[derive(Debug)]
#[must_use = "an upload does nothing until it is awaited"]
pub struct WorkspaceUpload {
    client: Client,
    operation: UploadOperation,
}

impl WorkspaceUpload {
    /// Sets how the content is read. Default: the service's, `SOURCE`. `AUTO` takes notebooks for notebooks and all
    /// else for files.
    pub fn format(mut self, format: ImportFormat) -> Self {
        self.operation.format = Some(format);
        self
    }

    /// Sets the language of the notebook. Default: that of the path's suffix, if the content is read as source.
    pub fn language(mut self, language: Language) -> Self {
        self.operation.language = Some(language);
        self
    }

    /// Sets whether an existing object is replaced. Default: `false`.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.operation.overwrite = Some(overwrite);
        self
    }

    async fn run(mut self) -> Result<()> {
        let is_source = matches!(self.operation.format, None | Some(ImportFormat::Source));
        if is_source && self.operation.language.is_none() {
            self.operation.language = language_of(&self.operation.path);
        }
        self.client.call(self.operation).await.map_err(|error| {
            if error.api().and_then(|api| api.code()) == Some("INVALID_PARAMETER_VALUE") && is_source {
                return error.with_hint("if this is not the source of a notebook, state `ImportFormat::Auto`");
            }
            error
        })
    }
}

impl IntoFuture for WorkspaceUpload {
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The language that the suffix of a path names.
fn language_of(path: &str) -> Option<Language> {
    let suffixes =
        [(".py", Language::Python), (".sql", Language::Sql), (".scala", Language::Scala), (".R", Language::R)];
    suffixes.into_iter().find(|(suffix, _)| path.ends_with(suffix)).map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_name_languages() {
        assert_eq!(language_of("/a/n.py"), Some(Language::Python));
        assert_eq!(language_of("/a/n.R"), Some(Language::R));
        assert_eq!(language_of("/a/n.scala"), Some(Language::Scala));
        assert_eq!((language_of("/a/n.r"), language_of("/a/py"), language_of("/a/n.PY")), (None, None, None));
    }
}
