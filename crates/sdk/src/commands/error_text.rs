//! Why a command failed, out of what the cluster reports.
//!
//! The report has a summary in HTML and a cause with the stack, in colours for terminals. The rules below, tried in
//! this order, are those that the official SDKs follow. Each holds only if the report has exactly one place that fits
//! it.

/// The string of a failure: from the exception's line, the block of an execution error, its message, or else the
/// summary.
pub(super) fn extract(summary: &str, cause: &str) -> String {
    let summary = without_markup(summary);
    let cause = without_colours(cause);
    exception_line(&summary).or_else(|| execution_error(&cause)).or_else(|| error_message(&cause)).unwrap_or(summary)
}

/// What follows the last `…Exception: ` of a line of the summary.
fn exception_line(summary: &str) -> Option<String> {
    let mut found = None;
    let mut rest = summary;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let goes_on = |m: &str| m.starts_with(char::is_whitespace) || (m.is_empty() && !after.is_empty());
        let Some((_, message)) = line.rsplit_once("Exception:").filter(|(_, message)| goes_on(message)) else {
            rest = after;
            continue;
        };
        // White space may end the line: then the message is the next one.
        let (message, after) = if message.trim().is_empty() {
            let next = after.trim_start();
            next.split_once('\n').unwrap_or((next, ""))
        } else {
            (message.trim_start(), after)
        };
        if found.replace(message.replace("; nested exception is:", "").trim_end_matches(' ').to_owned()).is_some() {
            return None;
        }
        rest = after;
    }
    found
}

/// The block `ExecutionError: …` of the cause up to its status lines, and these.
fn execution_error(cause: &str) -> Option<String> {
    let (_, block) = cause.split_once("ExecutionError: ")?;
    let lines: Vec<&str> = block.split('\n').collect();
    // The last line is not a line of its own unless something ends it.
    let complete = &lines[..lines.len() - 1];
    let is_code =
        |line: &str| line.strip_prefix("StatusCode=").is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit()));
    let at = (1..complete.len().saturating_sub(1))
        .rev()
        .find(|i| is_code(complete[*i]) && complete[*i + 1].starts_with("StatusDescription="))?;
    Some(lines[..at + 2].join("\n"))
}

/// The rest of the line after `ErrorMessage=`.
fn error_message(cause: &str) -> Option<String> {
    let mut found = cause.split_inclusive('\n').filter_map(|line| {
        let (_, message) = line.strip_suffix('\n')?.split_once("ErrorMessage=")?;
        (!message.is_empty()).then(|| message.to_owned())
    });
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

/// Takes tags out of HTML and resolves entities.
fn without_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        match tag.split_once('>') {
            Some((_, after)) => rest = after,
            // A lone `<` is part of the text.
            None => {
                text.push('<');
                rest = tag;
            }
        }
    }
    text.push_str(rest);
    without_entities(&text)
}

/// Resolves the entities that reports have: those for marks of HTML itself, a few names, and numbers.
fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match after.split_once(';').and_then(|(name, after)| Some((entity(name)?, after))) {
            Some((mark, after)) => {
                plain.push(mark);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        _ => return None,
    })
}

/// Takes out the control sequences of terminals (ECMA-48: `CSI`, parameters, intermediate bytes, final byte).
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\u{1b}', '\u{9b}']) {
        plain.push_str(&rest[..at]);
        let sequence = &rest[at..];
        let parameters = sequence.strip_prefix('\u{9b}').or_else(|| sequence.strip_prefix("\u{1b}["));
        let end = parameters.map(|p| {
            p.trim_start_matches(|c: char| ('0'..='?').contains(&c))
                .trim_start_matches(|c: char| (' '..='/').contains(&c))
        });
        match end.and_then(|end| end.strip_prefix(|c: char| ('@'..='~').contains(&c))) {
            Some(after) => rest = after,
            None => {
                let mut letters = sequence.chars();
                plain.extend(letters.next());
                rest = letters.as_str();
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exception_of_the_summary_comes_first() {
        assert_eq!(
            extract("<span class='e'>java.lang.Exception: a &lt;b&gt;; nested exception is: </span>", ""),
            "a <b>"
        );
        assert_eq!(extract("org.A Exception: java.BException: real\nat line 2", ""), "real");
        assert_eq!(extract("AException:\n  next line", ""), "next line");
        // Two of them, and none is taken.
        assert_eq!(extract("AException: a\nBException: b", ""), "AException: a\nBException: b");
    }

    #[test]
    fn then_the_cause() {
        let cause = "\u{1b}[0;31mExecutionError\u{1b}[0m: one\ntwo\nStatusCode=403\nStatusDescription=Forbidden\nErrorMessage=no\n";
        assert_eq!(extract("ExecutionError", cause), "one\ntwo\nStatusCode=403\nStatusDescription=Forbidden");
        assert_eq!(extract("failed", "x\nErrorMessage=not allowed\ny"), "not allowed");
        assert_eq!(extract("failed", "ErrorMessage=a\nErrorMessage=b\n"), "failed");
        assert_eq!(extract("failed", "ExecutionError: a\nStatusCode=4x\nStatusDescription=b\n"), "failed");
    }

    #[test]
    fn then_the_summary_without_markup() {
        assert_eq!(
            extract("<b>NameError</b>: name &#39;x&#x27; &amp; 1 &unknown; 2 < 3", "trace"),
            "NameError: name 'x' & 1 &unknown; 2 < 3"
        );
        assert_eq!(extract("a & b", "\u{1b}[31"), "a & b");
        assert_eq!(without_colours("\u{1b}[1;31mred\u{1b}[0m \u{9b}2Kx \u{1b}"), "red x \u{1b}");
    }
}
