//! Directories of files, which become files of volumes, and notebooks and files of the workspace.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use serde_saphyr::Spanned;

use super::SeedError;
use super::desk::{Desk, failed, segment};
use super::document::Import;
use crate::reply::ApiError;
use crate::state::notebooks::without_ending;

/// The files of a directory and of those in it, by their paths from there with slashes, in order.
fn files(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut all = Vec::new();
    let mut open = vec![(String::new(), directory.to_owned())];
    while let Some((prefix, directory)) = open.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| io::Error::other(format!("{name:?} is not a name in UTF-8")))?;
            let path = format!("{prefix}{name}");
            // A link to a directory could lead in a circle.
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push((format!("{path}/"), entry.path()));
            } else if std::fs::metadata(entry.path())?.is_file() {
                all.push((path, entry.path()));
            } else {
                return Err(io::Error::other(format!("{path} is neither a file nor a directory")));
            }
        }
    }
    all.sort();
    Ok(all)
}

/// The files of a directory that the description names, and their content.
fn read(directory: &Path, named: &str, line: u64) -> Result<Vec<(String, PathBuf)>, SeedError> {
    let directory = directory.join(named);
    files(&directory)
        .map_err(|error| SeedError::at(line, format!("cannot read the directory {}: {error}", directory.display())))
}

fn content(path: &Path, line: u64) -> Result<Vec<u8>, SeedError> {
    std::fs::read(path).map_err(|error| SeedError::at(line, format!("cannot read {}: {error}", path.display())))
}

/// Puts the files that are not there yet into a volume.
pub(super) async fn volume(
    desk: &Desk,
    volume: [&str; 3],
    directory: &Path,
    named: &str,
    line: u64,
) -> Result<(), SeedError> {
    let root = volume.map(segment).join("/");
    for (name, path) in read(directory, named, line)? {
        let below: Vec<_> = name.split('/').map(segment).collect();
        let target = format!("/api/2.0/fs/files/Volumes/{root}/{}", below.join("/"));
        let what = format!("the file {name}");
        if !desk.has(&target).await.map_err(failed(line, &what))? {
            desk.put_file(&target, content(&path, line)?).await.map_err(failed(line, &what))?;
        }
    }
    Ok(())
}

/// Imports files as notebooks where their first line states that they are, and as files otherwise.
pub(super) async fn workspace(desk: &Desk, imports: &[Spanned<Import>], directory: &Path) -> Result<(), SeedError> {
    for import in imports {
        let line = import.referenced.line();
        for (name, file) in read(directory, &import.value.files, line)? {
            let path = format!("{}/{name}", import.value.path.trim_end_matches('/'));
            let what = format!("the workspace object {path}");
            if is_there(desk, &path).await.map_err(failed(line, &what))? {
                continue;
            }
            let body = json!({"path": path, "format": "AUTO", "content": STANDARD.encode(content(&file, line)?)});
            desk.post("/api/2.0/workspace/import", &body).await.map_err(failed(line, &what))?;
        }
    }
    Ok(())
}

/// Whether there is a file of that path, or the notebook that it becomes.
async fn is_there(desk: &Desk, path: &str) -> Result<bool, ApiError> {
    for path in [path, without_ending(path).as_str()] {
        if desk.has(&format!("/api/2.0/workspace/get-status?path={}", segment(path))).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
