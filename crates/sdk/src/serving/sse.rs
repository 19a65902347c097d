//! Server-sent events, as the HTML standard describes them.

use databricks_core::{Error, ErrorKind, Result};

/// The most bytes of one event; beyond, the server does not send events.
const LARGEST: usize = 16 << 20;

/// A server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The type, empty if the server named none.
    pub event: String,
    /// The lines of data, joined by line feeds.
    pub data: String,
    /// The last id that the server named, empty if none.
    pub id: String,
}

/// Reads events from bytes, wherever these are cut.
///
/// ```
/// use databricks_sdk::serving::EventParser;
///
/// let mut parser = EventParser::new();
/// assert!(parser.push(b"data: hel").unwrap().is_empty());
/// let events = parser.push(b"lo\r\n\r\n").unwrap();
/// assert_eq!(events[0].data, "hello");
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventParser {
    line: Vec<u8>,
    /// Whether the last byte was a carriage return: a line feed after it belongs to it.
    after_return: bool,
    started: bool,
    event: Event,
    has_data: bool,
}

impl EventParser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and returns the events that they complete. What the stream ends with is no event unless an
    /// empty line follows it.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when an event is larger than 16 MiB.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_return = std::mem::take(&mut self.after_return);
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    events.extend(self.end_line());
                }
                other => self.line.push(*other),
            }
            if self.line.len() + self.event.data.len() > LARGEST {
                let message = "the server sent an event of more than 16 MiB";
                return Err(Error::new(ErrorKind::Decode, message).with_permanent());
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = bytes.as_slice();
        if !std::mem::replace(&mut self.started, true) {
            // A byte order mark at the start of the stream is not part of it.
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            let id = self.event.id.clone();
            let event = std::mem::replace(&mut self.event, Event { id, ..Event::default() });
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let text = String::from_utf8_lossy(line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.event.event),
            "id" if !value.contains('\0') => value.clone_into(&mut self.event.id),
            // A comment begins with a colon; `retry` and what is unknown do not matter here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<Event> {
        let mut parser = EventParser::new();
        pieces.iter().flat_map(|piece| parser.push(piece).unwrap()).collect()
    }

    fn data(text: &str) -> Vec<String> {
        parse(&[text.as_bytes()]).into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        assert_eq!(data("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
        assert_eq!(
            data(": comment\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n"),
            ["first", "second", " third"]
        );
        assert_eq!(data("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
        assert_eq!(data("\u{feff}data: x\r\rdata: y\r\n\r\n"), ["x", "y"]);
        let events = parse(&[b"event: error\nid: 7\nretry: 5\ndata: x\n\ndata: y\n\n"]);
        assert_eq!((events[0].event.as_str(), events[0].id.as_str()), ("error", "7"));
        assert_eq!((events[1].event.as_str(), events[1].id.as_str()), ("", "7"));
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = EventParser::new();
        let piece = vec![b'x'; LARGEST / 2];
        parser.push(&piece).unwrap();
        assert!(parser.push(&piece).and_then(|_| parser.push(&piece)).is_err());
    }

    proptest! {
        /// Wherever the stream is cut, the events are the same.
        #[test]
        fn cuts_do_not_matter(text in "((data|event|id|:|x):? ?[a-zäé]{0,4}(\n|\r|\r\n)|\n|\r\n|\r){0,20}") {
            let bytes = text.as_bytes();
            let whole = parse(&[bytes]);
            for at in 0..=bytes.len() {
                let (head, tail) = bytes.split_at(at);
                prop_assert_eq!(&parse(&[head, tail]), &whole);
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&parse(&single), &whole);
        }
    }
}
