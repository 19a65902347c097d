//! What is uploaded, cut into parts.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use databricks_core::{Body, ByteStream, Error, ErrorKind, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::part::{Part, Ranges, to_usize};

/// A source whose parts are taken one after the other.
pub(crate) struct Content {
    /// All bytes, if known.
    pub(crate) length: Option<u64>,
    offset: u64,
    from: Supply,
}

enum Supply {
    Ranges(Ranges, Option<Bytes>),
    Once(Once),
}

struct Once {
    stream: ByteStream,
    /// What was read and not taken yet.
    ahead: BytesMut,
    ended: bool,
    /// What was taken, while it may have to be sent from the start again.
    taken: Option<Vec<Bytes>>,
}

impl Content {
    /// Content that can be read from any position.
    ///
    /// * `bytes`: all of it, if it is in memory.
    pub(super) fn ranges(length: u64, ranges: Ranges, bytes: Option<Bytes>) -> Self {
        Self { length: Some(length), offset: 0, from: Supply::Ranges(ranges, bytes) }
    }

    /// Content that can be read once.
    pub(super) fn once(length: Option<u64>, stream: ByteStream) -> Self {
        let once = Once { stream, ahead: BytesMut::new(), ended: false, taken: Some(Vec::new()) };
        Self { length, offset: 0, from: Supply::Once(once) }
    }

    /// Whether the parts are read at their positions as they are sent.
    pub(crate) fn has_positions(&self) -> bool {
        matches!(self.from, Supply::Ranges(..))
    }

    /// Begins at a later position.
    pub(crate) fn part_at(&self, number: u64, range: Range<u64>) -> Option<Part> {
        match &self.from {
            Supply::Ranges(ranges, bytes) => Some(Part::of(number, range, ranges, bytes.as_ref())),
            Supply::Once(_) => None,
        }
    }

    /// Reads a stream of unknown length ahead; if it ends within the limit its length is known.
    pub(crate) async fn read_ahead(&mut self, limit: u64) -> Result<()> {
        if let (None, Supply::Once(once)) = (self.length, &mut self.from) {
            once.fill(limit).await?;
            if once.ended {
                self.length = Some(once.ahead.len() as u64);
            }
        }
        Ok(())
    }

    /// The next part, or `None` at the end.
    pub(crate) async fn next_part(&mut self, number: u64, size: u64) -> Result<Option<Part>> {
        match &mut self.from {
            Supply::Ranges(ranges, bytes) => {
                let end = self.length.unwrap_or(0).min(self.offset.saturating_add(size));
                let range = self.offset..end;
                self.offset = end;
                Ok((!range.is_empty()).then(|| Part::of(number, range, ranges, bytes.as_ref())))
            }
            Supply::Once(once) => {
                once.fill(size).await?;
                let taken = once.ahead.split_to(once.ahead.len().min(to_usize(size))).freeze();
                let range = self.offset..self.offset + taken.len() as u64;
                if once.ended && once.ahead.is_empty() {
                    check_length(self.length, range.end)?;
                }
                self.offset = range.end;
                if let Some(all) = &mut once.taken {
                    all.push(taken.clone());
                }
                Ok((!taken.is_empty()).then(|| Part::of_bytes(number, range, taken)))
            }
        }
    }

    /// Whether the next part is empty, so that the one before was the last.
    pub(crate) async fn is_at_end(&mut self) -> Result<bool> {
        match &mut self.from {
            Supply::Ranges(..) => Ok(self.length.unwrap_or(0) <= self.offset),
            Supply::Once(once) => {
                once.fill(1).await?;
                Ok(once.ahead.is_empty())
            }
        }
    }

    /// States that nothing that was taken has to be sent again.
    pub(crate) fn commit(&mut self) {
        if let Supply::Once(once) = &mut self.from {
            once.taken = None;
        }
    }

    /// All of it from the start, as the body of one request.
    pub(crate) fn whole(self) -> Result<Body> {
        match self.from {
            Supply::Ranges(_, Some(bytes)) => Ok(Body::from(bytes)),
            Supply::Ranges(ranges, None) => {
                let length = self.length.unwrap_or(0);
                if length == 0 {
                    return Ok(Body::empty());
                }
                Ok(Body::from_factory(self.length, move || ranges(0..length)))
            }
            Supply::Once(once) => {
                let mut read: Vec<Bytes> = once.taken.ok_or_else(lost)?;
                read.push(once.ahead.freeze());
                if once.ended {
                    let all: Vec<u8> = read.concat();
                    return Ok(Body::from(all));
                }
                let read = stream::iter(read.into_iter().filter(|piece| !piece.is_empty()).map(Ok));
                Ok(Body::from_stream(self.length, Box::pin(read.chain(once.stream))))
            }
        }
    }
}

impl Once {
    /// Reads until that many bytes wait, or to the end.
    async fn fill(&mut self, size: u64) -> Result<()> {
        while !self.ended && (self.ahead.len() as u64) < size {
            match self.stream.try_next().await? {
                Some(piece) => self.ahead.extend_from_slice(&piece),
                None => self.ended = true,
            }
        }
        Ok(())
    }
}

pub(super) fn lost() -> Error {
    Error::new(ErrorKind::Body, "the stream was read and cannot be sent again")
}

fn check_length(stated: Option<u64>, found: u64) -> Result<()> {
    match stated {
        Some(stated) if stated != found => Err(Error::new(
            ErrorKind::Body,
            format!("the stream has {found} bytes, and its length was stated as {stated}"),
        )),
        _ => Ok(()),
    }
}
