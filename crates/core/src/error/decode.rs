//! Why a response could not be decoded, without what stood in it.

/// What a decoder states, without values of the response.
///
/// Decoders quote what they found, in forms of their own (`invalid type: string "…", expected u8`), and types of the
/// caller in others. Of the known forms the kind of value and what was expected are kept; of others everything that is
/// quoted goes.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = match (error.line(), error.column()) {
        (0, _) => String::new(),
        (line, column) => format!(" at line {line} column {column}"),
    };
    let what = text.strip_suffix(&place).unwrap_or(&text);
    format!("{}{place}", safe(what))
}

fn safe(what: &str) -> String {
    for form in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some(rest) = what.strip_prefix(form) {
            // What was expected is a type's own wording and comes last.
            let (found, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, ""));
            let kind = found.split(['"', '`', '\'']).next().unwrap_or_default().trim();
            let kind = if form == "invalid length " { found.to_owned() } else { kind.to_owned() };
            let expected =
                if expected.is_empty() { String::new() } else { format!("expected {}, ", without_quoted(expected)) };
            return format!("{expected}found {}", if kind.is_empty() { "something else" } else { &kind });
        }
    }
    for (form, thing) in [("unknown variant ", "value"), ("unknown field ", "member")] {
        if let Some(rest) = what.strip_prefix(form) {
            let expected = rest.rsplit_once(", expected ").map(|(_, expected)| format!(", expected {expected}"));
            return format!(
                "unknown {thing}{}",
                expected.or_else(|| rest.ends_with("there are no fields").then(String::new)).unwrap_or_default()
            );
        }
    }
    if what.starts_with("missing field ") || what.starts_with("duplicate field ") {
        return what.to_owned();
    }
    without_quoted(what)
}

/// The string without what stands in quotes.
fn without_quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['"', '`', '\'']) {
        let quote = rest.as_bytes()[open] as char;
        shown.push_str(&rest[..open]);
        // In doubt, to the last such quote: what was found may hold some.
        match rest[open + 1..].rfind(quote) {
            Some(close) => {
                shown.push('…');
                rest = &rest[open + 1 + close + 1..];
            }
            // An apostrophe.
            None => {
                shown.push(quote);
                rest = &rest[open + 1..];
            }
        }
    }
    shown.push_str(rest);
    crate::redact::message(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn of<'a, T: Deserialize<'a>>(json: &'a str) -> String {
        serde_json::from_str::<T>(json).map(drop).map_err(|error| reason(&error)).unwrap_err()
    }

    #[test]
    fn values_do_not_show() {
        assert_eq!(of::<u8>(r#""dapi\", expected secret""#), "expected u8, found string at line 1 column 25");
        assert_eq!(of::<bool>("41111111"), "expected a boolean, found integer at line 1 column 8");
        assert_eq!(of::<std::net::Ipv4Addr>(r#""hunter2""#), "invalid IPv4 address syntax at line 1 column 9");
        assert_eq!(of::<(u8, u8)>("[1]"), "expected a tuple of size 2, found 1 at line 1 column 3");
        assert_eq!(of::<u8>("{\"a\": dapi"), "expected u8, found map at line 1 column 0");
        assert_eq!(
            safe("unknown variant `dapi123`, expected one of `a`, `b`"),
            "unknown value, expected one of `a`, `b`"
        );
        assert_eq!(safe("cannot read \"a \"b\" c\" here"), "cannot read … here");
        assert_eq!(safe("missing field `name`"), "missing field `name`");
    }
}
