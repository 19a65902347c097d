//! Counting the records of CSV, which is handed out unread.

/// Counts the records, a heading included, after RFC 4180: a line break within quotes ends none.
pub(super) fn records(csv: &[u8]) -> u64 {
    let (mut quoted, mut records, mut open) = (false, 0, false);
    for byte in csv {
        match byte {
            b'"' => {
                quoted = !quoted;
                open = true;
            }
            b'\n' if !quoted => {
                records += 1;
                open = false;
            }
            _ => open = true,
        }
    }
    // The last record may do without a line break.
    records + u64::from(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_at_line_breaks_outside_of_quotes() {
        for (csv, count) in [
            ("", 0),
            ("a", 1),
            ("a\n", 1),
            ("a,b\r\n1,2\r\n", 2),
            ("a\n1", 2),
            ("a\n\n\n", 3),
            ("a\n\"x\ny\"\n", 2),
            ("a\n\"x\"\"\ny\"\n\"\"\n", 3),
            ("a\n\"x\n1\n2\n", 2),
        ] {
            assert_eq!(records(csv.as_bytes()), count, "{csv:?}");
        }
    }
}
