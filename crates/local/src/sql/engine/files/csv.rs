//! Records of CSV files, as the platform reads them: an empty value is NULL, in quotes as well.

use crate::sql::Failure;
use crate::sql::engine::store::missing::feature;

/// What sets records and values apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) separator: char,
    pub(super) quote: char,
    pub(super) escape: char,
    pub(super) comment: Option<char>,
    /// Whether a value in quotes may go over several lines.
    pub(super) lines: bool,
}

/// The records of a text; lines without any letter are none.
pub(super) fn records(text: &str, signs: &Signs) -> Result<Vec<Vec<Option<String>>>, Failure> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let skipped = rest[..line].trim().is_empty() || signs.comment.is_some_and(|sign| rest.starts_with(sign));
        if skipped {
            rest = after_line(&rest[line..]);
            continue;
        }
        let (record, after) = record(rest, signs)?;
        out.push(record);
        rest = after;
    }
    Ok(out)
}

fn after_line(rest: &str) -> &str {
    rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\n', '\r'])).unwrap_or(rest)
}

fn record<'a>(text: &'a str, signs: &Signs) -> Result<(Vec<Option<String>>, &'a str), Failure> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let (value, after) = if rest.starts_with(signs.quote) { quoted(rest, signs)? } else { plain(rest, signs) };
        values.push(value);
        match after.strip_prefix(signs.separator) {
            Some(next) => rest = next,
            None => return Ok((values, after_line(after))),
        }
    }
}

fn plain<'a>(rest: &'a str, signs: &Signs) -> (Option<String>, &'a str) {
    let end = rest.find([signs.separator, '\n', '\r']).unwrap_or(rest.len());
    let value = &rest[..end];
    ((!value.is_empty()).then(|| value.to_owned()), &rest[end..])
}

fn quoted<'a>(text: &'a str, signs: &Signs) -> Result<(Option<String>, &'a str), Failure> {
    let mut value = String::new();
    let mut rest = &text[signs.quote.len_utf8()..];
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if c == signs.escape && after.starts_with([signs.quote, signs.escape]) && signs.escape != signs.quote {
            value.extend(after.chars().next());
            rest = &after[after.chars().next().map_or(0, char::len_utf8)..];
            continue;
        }
        if c == signs.quote {
            if after.starts_with(signs.quote) {
                if signs.escape != signs.quote {
                    return Err(feature(
                        "CSV values with two quotes in a row, where the escape is another sign; set the option `escape` to the quote",
                    ));
                }
                value.push(signs.quote);
                rest = &after[signs.quote.len_utf8()..];
                continue;
            }
            if !(after.is_empty() || after.starts_with([signs.separator, '\n', '\r'])) {
                return Err(feature("CSV values that go on behind their closing quote"));
            }
            return Ok(((!value.is_empty()).then_some(value), after));
        }
        if matches!(c, '\n' | '\r') && !signs.lines {
            return Err(feature("CSV values in quotes over several lines without the option `multiLine`"));
        }
        value.push(c);
        rest = after;
    }
    Err(feature("CSV values whose quote is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Signs = Signs { separator: ',', quote: '"', escape: '\\', comment: None, lines: false };

    fn read(text: &str, signs: &Signs) -> Vec<Vec<Option<String>>> {
        records(text, signs).unwrap()
    }

    fn some(values: &[&str]) -> Vec<Option<String>> {
        values.iter().map(|v| Some((*v).to_owned())).collect()
    }

    #[test]
    fn values_are_plain_or_in_quotes() {
        assert_eq!(read("a,b\r\n\n1,\"x,y\"\n", &PLAIN), [some(&["a", "b"]), some(&["1", "x,y"])]);
        assert_eq!(read(",\"\"", &PLAIN), [vec![None, None]]);
        assert_eq!(read(r#""a\"b","c\\""#, &PLAIN), [some(&["a\"b", "c\\"])]);
        let doubled = Signs { escape: '"', ..PLAIN };
        assert_eq!(read(r#""a""b""#, &doubled), [some(&["a\"b"])]);
        let several = Signs { lines: true, comment: Some('#'), separator: ';', ..PLAIN };
        assert_eq!(read("# no\n\"a\nb\";c", &several), [some(&["a\nb", "c"])]);
    }

    #[test]
    fn what_is_read_in_another_way_is_refused() {
        for text in ["\"a\"\"b\"", "\"a\"b", "\"a\nb\"", "\"a"] {
            assert!(records(text, &PLAIN).is_err(), "{text}");
        }
    }
}
