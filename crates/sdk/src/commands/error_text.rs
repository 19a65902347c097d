//! The line that tells why a command failed, out of what the cluster reports.
//!
//! The report has a summary in HTML and a cause with the stack, in colours for terminals. The rules below, tried in this order, are
//! those that the official SDKs follow.

/// The text of a failure: from the exception's line, the block of an execution error, its message, or else the summary.
pub(super) fn extract(summary: &str, cause: &str) -> String {
    let summary = without_markup(summary);
    let cause = without_colours(cause);
    exception_line(&summary).or_else(|| execution_error(&cause)).or_else(|| line_after(&cause, "ErrorMessage=")).unwrap_or(summary)
}

/// What follows `…Exception: ` in the summary.
fn exception_line(summary: &str) -> Option<String> {
    let (_, message) = summary.split_once("Exception: ")?;
    let message = message.split("; nested exception is:").next()?.trim_end();
    (!message.is_empty()).then(|| message.to_owned())
}

/// The block `ExecutionError: …` of the cause with its status lines.
fn execution_error(cause: &str) -> Option<String> {
    let (_, block) = cause.split_once("ExecutionError: ")?;
    let first = block.lines().next().unwrap_or_default().trim();
    let details =
        ["StatusCode=", "StatusDescription="].into_iter().filter_map(|key| line_after(cause, key).map(|value| format!("{key}{value}")));
    let lines: Vec<_> = std::iter::once(first.to_owned()).filter(|line| !line.is_empty()).chain(details).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The rest of the line after a key.
fn line_after(text: &str, key: &str) -> Option<String> {
    let (_, rest) = text.split_once(key)?;
    let line = rest.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Takes tags out of HTML and resolves the entities that stand for marks of HTML itself.
fn without_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        match tag.split_once('>') {
            // A lone `<` is part of the text.
            Some((name, after)) if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') => rest = after,
            _ => {
                text.push('<');
                rest = tag;
            }
        }
    }
    text.push_str(rest);
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, mark)| text.replace(entity, mark)).trim().to_owned()
}

/// Takes out the sequences that colour a terminal (ECMA-48, `ESC [ … m`).
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, sequence)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = sequence.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_in_its_turn() {
        assert_eq!(extract("<span class='e'>java.lang.Exception: a &lt;b&gt; ; nested exception is: c</span>", ""), "a <b>");
        let cause = "\u{1b}[0;31mExecutionError\u{1b}[0m: An error occurred.\nStatusCode=403\nStatusDescription=Forbidden\nErrorMessage=no";
        assert_eq!(extract("ExecutionError", cause), "An error occurred.\nStatusCode=403\nStatusDescription=Forbidden");
        assert_eq!(extract("failed", "x\nErrorMessage=not allowed\ny"), "not allowed");
        assert_eq!(extract("<b>NameError</b>: name 'x' &amp; 1 < 2", "trace"), "NameError: name 'x' & 1 < 2");
    }
}
