//! Directories with all they hold.

use std::collections::VecDeque;

use databricks_core::Result;
use databricks_models::files as models;
use futures_util::stream;

use crate::ResultStream;
use crate::client::Client;
use crate::pages::Items;

/// What is left of a walk.
struct Walk {
    client: Client,
    waiting: VecDeque<String>,
    open: Option<Items<models::files::ListDirectoryContents>>,
    first: bool,
}

/// All files below a directory, breadth first.
pub(crate) fn walk(client: Client, directory: String) -> ResultStream<models::DirectoryEntry> {
    let walk = Walk { client, waiting: VecDeque::from([directory]), open: None, first: true };
    ResultStream::new(stream::try_unfold(walk, |mut walk| async move {
        loop {
            let Some(open) = &mut walk.open else {
                let Some(next) = walk.waiting.pop_front() else { return Ok(None) };
                walk.open = Some(walk.client.call(models::files::ListDirectoryContents::new(next)).items());
                continue;
            };
            match open.try_next().await {
                Ok(Some(entry)) => {
                    walk.first = false;
                    if entry.is_directory == Some(true) {
                        walk.waiting.extend(entry.path);
                        continue;
                    }
                    return Ok(Some((entry, walk)));
                }
                Ok(None) => {}
                // The directory that was asked for must be there; one that was listed may be gone by now.
                Err(error) if error.is_not_found() && !walk.first => {}
                Err(error) => return Err(error),
            }
            walk.first = false;
            walk.open = None;
        }
    }))
}

pub(crate) async fn is_file(client: &Client, path: &str) -> Result<bool> {
    found(client.call(models::files::GetMetadata::new(path)).await.map(drop))
}

pub(crate) async fn is_directory(client: &Client, path: &str) -> Result<bool> {
    found(client.call(models::files::GetDirectoryMetadata::new(path)).await)
}

/// A response that states that there is no such thing is what was asked for.
fn found(asked: Result<()>) -> Result<bool> {
    match asked {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) async fn delete_all(client: &Client, path: String) -> Result<()> {
    if !is_directory(client, &path).await? {
        return client.call(models::files::Delete::new(path)).await;
    }
    // Directories by depth: what is inside goes first.
    let mut directories = vec![path];
    let mut next = 0;
    while let Some(directory) = directories.get(next).cloned() {
        next += 1;
        let mut entries = client.call(models::files::ListDirectoryContents::new(directory)).items();
        let mut files = Vec::new();
        while let Some(entry) = entries.try_next().await? {
            let Some(path) = entry.path else { continue };
            if entry.is_directory == Some(true) { directories.push(path) } else { files.push(path) }
        }
        for file in files {
            found(client.call(models::files::Delete::new(file)).await)?;
        }
    }
    for directory in directories.into_iter().rev() {
        found(client.call(models::files::DeleteDirectory::new(directory)).await)?;
    }
    Ok(())
}
