//! The messages of an Arrow IPC stream: where each begins and ends.
//!
//! <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>

use std::fmt;
use std::ops::Range;

use arrow_ipc::{Message, MessageHeader, root_as_message};

/// Why bytes are not a valid Arrow stream.
#[derive(Debug)]
pub(crate) struct Invalid(pub(crate) String);

impl<T: Into<String>> From<T> for Invalid {
    fn from(why: T) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What went wrong in a library, whose strings may have several lines.
pub(crate) fn one_line(what: &str, error: &impl fmt::Display) -> Invalid {
    let text = error.to_string();
    Invalid(format!("{what}: {}", text.lines().next().unwrap_or_default().trim_end_matches(['.', ' '])))
}

/// A message within its stream.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) message: Range<usize>,
    pub(crate) body: Range<usize>,
}

impl Frame {
    /// The message, verified anew: a matter of microseconds, and there is no safe way around it.
    pub(crate) fn message<'a>(&self, stream: &'a [u8]) -> Result<Message<'a>, Invalid> {
        let bytes = stream.get(self.message.clone()).ok_or("a message is outside of it")?;
        // The first line states what is wrong, the others state where in the description of messages that is.
        root_as_message(bytes).map_err(|error| one_line("a message cannot be read", &error))
    }
}

/// The messages of a stream: first its schema, then dictionaries and batches. Nothing is missing, nothing is left.
pub(crate) fn frames(stream: &[u8]) -> Result<Vec<Frame>, Invalid> {
    let mut frames = Vec::new();
    let mut at = 0;
    loop {
        let mut word = || -> Result<u32, Invalid> {
            let bytes = stream.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).ok_or("it has no end mark")?;
            at += 4;
            Ok(u32::from_le_bytes(bytes))
        };
        let size = match word()? {
            // What older writers leave out.
            u32::MAX => word()?,
            size => size,
        };
        if size == 0 {
            break;
        }
        let message = at..at.saturating_add(size as usize);
        let mut frame = Frame { body: message.end..message.end, message };
        if frame.message.end > stream.len() {
            return Err("it ends within a message".into());
        }
        let body = usize::try_from(frame.message(stream)?.bodyLength())
            .map_err(|_| "the body of a message has an impossible length")?;
        frame.body.end = frame.body.start.saturating_add(body);
        if frame.body.end > stream.len() {
            return Err("it ends within the body of a message".into());
        }
        at = frame.body.end;
        let kind = frame.message(stream)?.header_type();
        match (kind, frames.is_empty()) {
            (MessageHeader::Schema, true) | (MessageHeader::DictionaryBatch | MessageHeader::RecordBatch, false) => {}
            (_, true) => return Err("it does not begin with a schema".into()),
            (MessageHeader::Schema, false) => return Err("it has a second schema".into()),
            _ => return Err("it has a message of a kind that no stream has".into()),
        }
        frames.push(frame);
    }
    if at != stream.len() {
        return Err(format!("it goes on for {} bytes after its end mark", stream.len() - at).into());
    }
    if frames.is_empty() {
        return Err("it has no schema".into());
    }
    Ok(frames)
}
