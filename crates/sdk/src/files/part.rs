//! A part of what is uploaded.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use databricks_core::{Body, ByteStream};

/// Makes the bytes of a range anew whenever it is called.
pub(crate) type Ranges = Arc<dyn Fn(Range<u64>) -> ByteStream + Send + Sync>;

/// A part of the content; it can be sent as often as needed.
#[derive(Clone)]
pub(crate) struct Part {
    /// From 1 on.
    pub(crate) number: u64,
    pub(crate) range: Range<u64>,
    kind: PartKind,
}

#[derive(Clone)]
enum PartKind {
    Bytes(Bytes),
    Range(Ranges),
}

impl Part {
    pub(super) fn of(number: u64, range: Range<u64>, ranges: &Ranges, bytes: Option<&Bytes>) -> Self {
        let kind = match bytes {
            Some(bytes) => PartKind::Bytes(bytes.slice(to_usize(range.start)..to_usize(range.end))),
            None => PartKind::Range(Arc::clone(ranges)),
        };
        Self { number, range, kind }
    }

    /// A part whose bytes are in memory.
    pub(super) fn of_bytes(number: u64, range: Range<u64>, bytes: Bytes) -> Self {
        Self { number, range, kind: PartKind::Bytes(bytes) }
    }

    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// The bytes as a body, from a position of the whole content on.
    pub(crate) fn body_from(&self, position: u64) -> Body {
        let left = position.clamp(self.range.start, self.range.end)..self.range.end;
        match &self.kind {
            PartKind::Bytes(bytes) => Body::from(bytes.slice(to_usize(left.start - self.range.start)..)),
            PartKind::Range(ranges) => {
                let ranges = Arc::clone(ranges);
                Body::from_factory(Some(left.end - left.start), move || ranges(left.clone()))
            }
        }
    }

    pub(crate) fn body(&self) -> Body {
        self.body_from(self.range.start)
    }
}

/// Positions within bytes in memory fit.
pub(super) fn to_usize(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
