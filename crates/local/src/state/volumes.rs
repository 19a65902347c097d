//! Volumes: their files, and the uploads in parts that are not complete.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use http::StatusCode;

use super::content::{Content, Segment};
use super::kept::Staged;
use super::lock;
use super::tree::{Entry, Tree};
use crate::reply::ApiError;

/// How long an upload is kept that is neither completed nor given up.
const UPLOAD_LIFE_MS: i64 = 7 * 24 * 3600 * 1000;

/// How uploads in parts are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Links {
    /// A link for each part, as on AWS and Azure.
    #[default]
    Parts,
    /// One link for all parts in order, as on Google Cloud.
    Resumable,
    /// No links: files go through the workspace alone.
    Disabled,
}

/// All volumes. A volume is there as soon as it is used.
#[derive(Debug, Default)]
pub(crate) struct Volumes {
    pub(crate) tree: Mutex<Tree>,
    uploads: Mutex<HashMap<String, Upload>>,
    /// The origin of links, once it is known.
    pub(crate) storage: OnceLock<String>,
}

/// An upload that has begun.
#[derive(Debug)]
struct Upload {
    path: String,
    overwrite: bool,
    begun_ms: i64,
    parts: BTreeMap<u64, Part>,
    /// Of the resumable protocol: what has arrived, in order.
    arrived: Content,
}

#[derive(Clone, Debug)]
struct Part {
    segment: Arc<Segment>,
    tag: String,
}

impl Volumes {
    /// The files of a tree.
    pub(crate) fn new(tree: Tree) -> Self {
        Self { tree: Mutex::new(tree), ..Self::default() }
    }

    /// Moves directories with all that they hold, and the uploads into them. `commit` keeps what that changes on disk,
    /// with whatever else is part of the change.
    pub(crate) fn rename(
        &self,
        directories: &[(String, String)],
        commit: impl FnOnce(Staged) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut uploads = lock(&self.uploads);
        let mut tree = lock(&self.tree);
        if let Some((_, there)) = directories.iter().find(|(_, to)| tree.is_directory(to)) {
            let message = format!("{there} holds files already; move or delete them before something gets that name");
            return Err(ApiError::new(StatusCode::CONFLICT, "ALREADY_EXISTS", message));
        }
        let moves: Vec<_> = directories.iter().flat_map(|(from, to)| tree.moves(from, to)).collect();
        commit(tree.stage(&moves))?;
        tree.apply(moves);
        for upload in uploads.values_mut() {
            for (from, to) in directories {
                if let Some(rest) = upload.path.strip_prefix(from.as_str()).filter(|rest| rest.starts_with('/')) {
                    upload.path = format!("{to}{rest}");
                    break;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn begin(&self, token: &str, path: &str, overwrite: bool, now: i64) -> Result<(), ApiError> {
        lock(&self.tree).check(path, overwrite)?;
        let (parts, arrived) = (BTreeMap::new(), Content::default());
        let upload = Upload { path: path.to_owned(), overwrite, begun_ms: now, parts, arrived };
        let mut uploads = lock(&self.uploads);
        uploads.retain(|_, upload| now - upload.begun_ms < UPLOAD_LIFE_MS);
        uploads.insert(token.to_owned(), upload);
        Ok(())
    }

    /// The path that an upload goes to.
    pub(crate) fn path_of(&self, token: &str) -> Result<String, ApiError> {
        lock(&self.uploads).get(token).map(|upload| upload.path.clone()).ok_or_else(no_upload)
    }

    pub(crate) fn add_part(&self, token: &str, number: u64, segment: Segment, tag: &str) -> Result<(), ApiError> {
        let mut uploads = lock(&self.uploads);
        let upload = uploads.get_mut(token).ok_or_else(no_upload)?;
        upload.parts.insert(number, Part { segment: Arc::new(segment), tag: tag.to_owned() });
        Ok(())
    }

    /// Joins the parts, which must be those that arrived, in ascending order.
    pub(crate) fn complete(&self, token: &str, path: &str, parts: &[(u64, String)], now: i64) -> Result<(), ApiError> {
        let mut uploads = lock(&self.uploads);
        let upload = uploads.get(token).filter(|upload| upload.path == path).ok_or_else(no_upload)?;
        let wrong = |why: String| ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", why);
        if parts.is_empty() || parts.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(wrong("The parts must be stated in ascending order".into()));
        }
        let mut segments = Vec::new();
        for (number, tag) in parts {
            match upload.parts.get(number).filter(|part| part.tag == *tag) {
                Some(part) => segments.push(Arc::clone(&part.segment)),
                None => return Err(wrong(format!("Part {number} has not arrived with this ETag"))),
            }
        }
        let entry = Entry { content: Content::of(segments), modified_ms: now };
        lock(&self.tree).put(path, entry, upload.overwrite)?;
        uploads.remove(token);
        Ok(())
    }

    pub(crate) fn abort(&self, token: &str, path: Option<&str>) -> Result<(), ApiError> {
        let mut uploads = lock(&self.uploads);
        if uploads.get(token).is_none_or(|upload| path.is_some_and(|path| upload.path != path)) {
            return Err(no_upload());
        }
        uploads.remove(token);
        Ok(())
    }

    /// How many bytes of a resumable upload have arrived.
    pub(crate) fn arrived(&self, token: &str) -> Result<u64, ApiError> {
        lock(&self.uploads).get(token).map(|upload| upload.arrived.length()).ok_or_else(no_upload)
    }

    /// Adds to a resumable upload, and makes the file if that was the last of it.
    pub(crate) fn append(&self, token: &str, segment: Segment, last: bool, now: i64) -> Result<(), ApiError> {
        let mut uploads = lock(&self.uploads);
        let upload = uploads.get_mut(token).ok_or_else(no_upload)?;
        upload.arrived.push(segment);
        if last {
            let entry = Entry { content: upload.arrived.clone(), modified_ms: now };
            lock(&self.tree).put(&upload.path, entry, upload.overwrite)?;
            uploads.remove(token);
        }
        Ok(())
    }

    /// How many uploads have begun and are neither complete nor given up, and how many parts they hold.
    pub(crate) fn open_uploads(&self) -> (usize, usize) {
        let uploads = lock(&self.uploads);
        (uploads.len(), uploads.values().map(|upload| upload.parts.len()).sum())
    }
}

fn no_upload() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such upload; it is complete or was given up")
}
