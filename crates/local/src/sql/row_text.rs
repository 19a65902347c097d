//! Rows of strings as lines of a result, in JSON or CSV.

use super::request::Format;

/// Encodes a row of strings in the format of the result.
pub(crate) fn encode_row<'a>(out: &mut Vec<u8>, format: Format, cells: impl Iterator<Item = Option<&'a str>>) {
    out.clear();
    let json = format == Format::JsonArray;
    if json {
        out.push(b'[');
    }
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        match cell {
            // In CSV a NULL cannot be distinguished from the word.
            None => out.extend_from_slice(b"null"),
            Some(text) if json => json_text(out, text),
            Some(text) => csv_cell(out, text),
        }
    }
    out.extend_from_slice(if json { b"]" } else { b"\r\n" });
}

/// A JSON string.
pub(crate) fn json_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = 0;
    for (i, b) in text.bytes().enumerate() {
        if b >= 0x20 && b != b'"' && b != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[rest..i]);
        rest = i + 1;
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]),
        }
    }
    out.extend_from_slice(&text.as_bytes()[rest..]);
    out.push(b'"');
}

/// RFC 4180: quotes only where they are needed.
pub(super) fn csv_cell(out: &mut Vec<u8>, text: &str) {
    if !text.contains([',', '"', '\n', '\r']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}
