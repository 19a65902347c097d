//! Where the chunks of a result come from: responses of the API, or storage behind links.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use databricks_core::operation::OperationInfo;
use databricks_core::{Error, ErrorKind, Operation, Result, StatementFailure, Timestamp};
use databricks_models::sql::statement_execution as operations;

use super::cells::Known as KnownCells;
use super::storage::{Download, Next};
use super::tally::Size;
use super::wire::{Link, RawJson, ResultData};
use crate::client::Client;
use crate::options::Options;

/// A chunk that has arrived.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) index: i64,
    pub(super) bytes: Bytes,
    /// The cells of rows, if they were found on the way.
    pub(super) cells: Option<KnownCells>,
    pub(super) size: Size,
    /// The index of the chunk after it, as the service named it.
    pub(super) next: Option<i64>,
    /// Whether the service sent nothing for it, since it has no rows.
    pub(super) absent: bool,
}

/// What the service sent for a chunk.
#[derive(Debug)]
pub(super) enum Described {
    Link(Box<Link>),
    Here(Here),
}

/// A chunk that needs no further request: its size, and the index of the one after it.
#[derive(Debug)]
pub(super) enum Here {
    Rows(RawJson, Size, Option<i64>),
    /// Neither rows nor a link.
    Nothing(Size, Option<i64>),
}

/// When the caller's timeout ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) timeout: Duration,
}

/// Where the chunks of a statement come from.
pub(super) struct Source {
    client: Client,
    statement: Arc<str>,
    deadline: Option<Deadline>,
    known: Mutex<Known>,
}

/// What responses stated about chunks other than the one asked for.
#[derive(Default)]
struct Known {
    links: BTreeMap<i64, Link>,
    /// Paths that describe chunks.
    paths: BTreeMap<i64, String>,
}

impl Source {
    pub(super) fn new(client: Client, statement: Arc<str>, deadline: Option<Deadline>) -> Self {
        Self { client, statement, deadline, known: Mutex::default() }
    }

    /// The time that the caller's timeout leaves; `None` if there is no timeout.
    pub(super) fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.at.saturating_duration_since(self.client.clock().now()))
    }

    /// That a chunk did not come within the caller's timeout.
    pub(super) fn timed_out(&self, index: i64) -> Error {
        let timeout = self.deadline.map_or(Duration::ZERO, |deadline| deadline.timeout);
        let message = format!(
            "chunk {index} of statement {} did not arrive within the query's timeout of {timeout:.1?}",
            self.statement
        );
        Error::new(ErrorKind::WaitTimeout, message)
            .with_hint("raise the timeout of the query")
            .with_statement(StatementFailure::new(&*self.statement, None, None))
    }

    /// Fetches a chunk.
    ///
    /// * `described`: what the service sent for it already.
    /// * `stated`: what the manifest states about it.
    pub(super) async fn chunk(&self, index: i64, described: Option<Described>, stated: Size) -> Result<Fetched> {
        let described = match described {
            Some(described) => described,
            None => match self.known(|known| known.links.remove(&index)) {
                Some(link) => Described::Link(Box::new(link)),
                None => self.describe(index).await?,
            },
        };
        match described {
            Described::Link(link) => {
                let size = Size::of_link(&link).and_then(|size| stated.and(size));
                let size = size.map_err(|error| self.at_fault(index, &error))?;
                let next = link.next_chunk_index;
                Ok(Fetched {
                    index,
                    bytes: self.download(index, *link, size).await?,
                    cells: None,
                    size,
                    next,
                    absent: false,
                })
            }
            Described::Here(here) => self.here(index, here, stated),
        }
    }

    /// A chunk that came with its description.
    pub(super) fn here(&self, index: i64, here: Here, stated: Size) -> Result<Fetched> {
        let agree = |size: Size| stated.and(size).map_err(|error| self.at_fault(index, &error));
        match here {
            Here::Rows(rows, size, next) => {
                let (bytes, cells) = rows.into_parts();
                Ok(Fetched { index, bytes, cells, size: agree(size)?, next, absent: false })
            }
            Here::Nothing(size, next) => {
                let size = agree(size)?;
                match size.rows {
                    Some(0) => Ok(Fetched { index, bytes: Bytes::new(), cells: None, size, next, absent: true }),
                    rows => {
                        let rows = rows.map_or_else(
                            || "its rows".to_owned(),
                            |rows| format!("the {rows} rows that the service states"),
                        );
                        Err(self.broken(index, format!("came without {rows} and without a link to them")))
                    }
                }
            }
        }
    }

    fn broken(&self, index: i64, message: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Decode, format!("chunk {index} of statement {} {message}", self.statement))
    }

    fn at_fault(&self, index: i64, error: &Error) -> Error {
        self.broken(index, format_args!("cannot be read: {}", error.message()))
    }

    fn known<T>(&self, use_it: impl FnOnce(&mut Known) -> T) -> T {
        use_it(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps what a response states about other chunks and returns what it states about this one.
    pub(super) fn take_in(&self, index: i64, data: ResultData) -> Result<Described> {
        let size = Size::of_data(&data).map_err(|error| self.at_fault(index, &error))?;
        if let Some(other) = data.chunk_index.filter(|other| *other != index) {
            return Err(self.broken(index, format_args!("was asked for, but the service sent chunk {other}")));
        }
        let mut own = Vec::new();
        let mut others = Vec::new();
        self.known(|known| {
            let mut path = |next: Option<i64>, path: Option<String>| {
                if let (Some(next), Some(path)) = (next, path) {
                    known.paths.insert(next, path);
                }
            };
            path(data.next_chunk_index, data.next_chunk_internal_link);
            for mut link in data.external_links.unwrap_or_default() {
                path(link.next_chunk_index, link.next_chunk_internal_link.take());
                match link.chunk_index {
                    Some(other) if other != index => {
                        others.push(other);
                        known.links.insert(other, link);
                    }
                    _ => own.push(link),
                }
            }
        });
        let links = own.len();
        match (data.data_array, own.pop()) {
            (Some(_), Some(_)) => Err(self.broken(index, "came both as rows and as a link")),
            (Some(rows), None) => Ok(Described::Here(Here::Rows(rows, size, data.next_chunk_index))),
            // Which of them has the rows, or whether all of them do, is unknown.
            (None, Some(_)) if links > 1 => Err(self.broken(index, format_args!("came with {links} links"))),
            (None, Some(mut link)) => {
                link.next_chunk_index = link.next_chunk_index.or(data.next_chunk_index);
                link.row_count = link.row_count.or(data.row_count);
                link.row_offset = link.row_offset.or(data.row_offset);
                Ok(Described::Link(Box::new(link)))
            }
            (None, None) if !others.is_empty() => {
                Err(self
                    .broken(index, format_args!("was asked for, but the service sent a link to chunk {}", others[0])))
            }
            (None, None) => Ok(Described::Here(Here::Nothing(size, data.next_chunk_index))),
        }
    }

    /// Asks for the rows of a chunk, or for fresh links to it.
    async fn describe(&self, index: i64) -> Result<Described> {
        let operation = operations::GetStatementResultChunkN::new(&*self.statement, index);
        let info: &'static OperationInfo = operations::GetStatementResultChunkN::INFO;
        let data = match self.known(|known| known.paths.get(&index).cloned()) {
            Some(path) => self.client.get_path(info, &path).await?.json()?,
            None => {
                let request = operation.request(self.client.context().await?)?;
                self.client.execute(request, &Options::default()).await?.json()?
            }
        };
        self.take_in(index, data)
    }

    async fn renew(&self, index: i64) -> Result<Link> {
        match self.describe(index).await? {
            Described::Link(link) => Ok(*link),
            _ => Err(self.broken(index, "needs a fresh link, and the service sent none")),
        }
    }

    /// Fetches a chunk from storage, with a fresh link where the old one has run out.
    async fn download(&self, index: i64, mut link: Link, size: Size) -> Result<Bytes> {
        let mut download = Download::new(size.bytes);
        // A link that was just asked for is used, however soon it ends by this machine's clock.
        let mut fresh = false;
        loop {
            if !fresh && self.is_stale(&link) {
                link = self.renewed(index, size).await?;
            }
            fresh = false;
            match download.attempt(&self.client, &link).await {
                Ok(()) => return self.unpack(download).await.map_err(|error| self.at_fault(index, &error)),
                Err(Next::Renew) => {
                    link = self.renewed(index, size).await?;
                    fresh = true;
                }
                Err(Next::Pause(pause)) => {
                    // A pause that the timeout cuts short would have been in vain.
                    if self.left().is_some_and(|left| left <= pause) {
                        return Err(self.timed_out(index));
                    }
                    self.client.clock().sleep(pause).await;
                }
                Err(Next::Fail(error)) if error.kind() == ErrorKind::Decode => return Err(self.at_fault(index, &error)),
                Err(Next::Fail(error)) => return Err(error),
            }
        }
    }

    /// What was downloaded, unpacked on a thread where that may take its time.
    async fn unpack(&self, download: Download) -> Result<Bytes> {
        if !download.is_packed() {
            return download.finish();
        }
        let unpacking = tokio::task::spawn_blocking(move || download.finish());
        unpacking.await.map_err(|e| Error::new(ErrorKind::Other, "unpacking was broken off").with_source(e))?
    }

    /// A fresh link to the same rows.
    async fn renewed(&self, index: i64, size: Size) -> Result<Link> {
        let link = self.renew(index).await?;
        Size::of_link(&link).and_then(|fresh| size.and(fresh)).map_err(|error| self.at_fault(index, &error))?;
        Ok(link)
    }

    /// Whether the link ends within half a minute: too soon to start on it.
    fn is_stale(&self, link: &Link) -> bool {
        let Some(end) = link.expiration else { return false };
        let Ok(now) = Timestamp::try_from(self.client.clock().wall()) else { return false };
        end.as_unix_seconds() - now.as_unix_seconds() < 30
    }
}
