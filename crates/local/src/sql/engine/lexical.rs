//! Literals of the platform in the form that the parser reads: strings with escapes, raw strings, numbers with a suffix,
//! intervals.

/// The statement with its literals in plain form.
pub(super) fn plain(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut rest = sql;
    let mut questions = 0;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if rest.starts_with("--") {
            let end = rest.find('\n').unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if rest.starts_with("/*") {
            let end = comment(rest);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if c == '`' {
            let end = after.find('`').map_or(rest.len(), |at| at + 2);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if c == '\'' || c == '"' {
            rest = string(rest, c, false, &mut out);
        } else if c.is_ascii_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            if word.eq_ignore_ascii_case("r")
                && let Some(quote) = tail.chars().next().filter(|c| matches!(c, '\'' | '"'))
            {
                rest = string(tail, quote, true, &mut out);
            } else if word.eq_ignore_ascii_case("x")
                && let Some((digits, after)) = tail.trim_start().strip_prefix('\'').and_then(|t| t.split_once('\''))
            {
                // Bytes in hexadecimal; an odd digit is the lower half of the first.
                out.push_str(if digits.len() % 2 == 1 { "X'0" } else { "X'" });
                out.push_str(digits);
                out.push('\'');
                rest = after;
            } else if word.eq_ignore_ascii_case("for")
                && let Some((version, after)) = versioned(tail)
            {
                out.push_str(version);
                rest = after;
            } else if word.eq_ignore_ascii_case("timestamp_ltz") && tail.trim_start().starts_with(['\'', '"']) {
                out.push_str("TIMESTAMP");
                rest = tail;
            } else if word.eq_ignore_ascii_case("interval")
                && !out.ends_with('.')
                && let Some((call, after)) = interval(tail)
            {
                out.push_str(&call);
                rest = after;
            } else {
                out.push_str(word);
                rest = tail;
            }
        } else if c.is_ascii_digit()
            || (c == '.' && after.starts_with(|c: char| c.is_ascii_digit()) && !ends_in_name(&out))
        {
            rest = number(rest, &mut out);
        } else if c == '@'
            && ends_in_name(&out)
            && let Some((version, after)) = at_version(after)
        {
            out.push_str(&version);
            rest = after;
        } else if c == '?' {
            // The values of question marks have numbers for names.
            questions += 1;
            out.push_str(&format!(":{questions}"));
            rest = after;
        } else if rest.starts_with("==") && !rest.starts_with("===") {
            out.push('=');
            rest = &rest[2..];
        } else {
            out.push(c);
            rest = after;
        }
    }
    out
}

/// Whether what was written last is a name, of which a point takes a member.
fn ends_in_name(out: &str) -> bool {
    out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '`' | ')' | ']'))
}

/// `FOR VERSION AS OF` and the like, which say no more than without `FOR`.
fn versioned(text: &str) -> Option<(&'static str, &str)> {
    let (kind, rest) = word(text);
    let (first, rest) = word(rest);
    let (second, after) = word(rest);
    if !(first.eq_ignore_ascii_case("as") && second.eq_ignore_ascii_case("of")) {
        return None;
    }
    match kind.to_ascii_uppercase().as_str() {
        "VERSION" | "SYSTEM_VERSION" => Some(("VERSION AS OF", after)),
        "TIMESTAMP" | "SYSTEM_TIME" => Some(("TIMESTAMP AS OF", after)),
        _ => None,
    }
}

/// `t@v3` and `t@20240131093000000`: what follows the sign, as a clause.
fn at_version(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (at, after) = text.split_at(end);
    if let Some(version) =
        at.strip_prefix(['v', 'V']).filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
    {
        return Some((format!(" VERSION AS OF {version}"), after));
    }
    if at.len() != 17 || !at.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (date, time) = at.split_at(8);
    let (day, clock) = ((&date[..4], &date[4..6], &date[6..]), (&time[..2], &time[2..4], &time[4..6], &time[6..]));
    let text = format!("{}-{}-{} {}:{}:{}.{}", day.0, day.1, day.2, clock.0, clock.1, clock.2, clock.3);
    Some((format!(" TIMESTAMP AS OF '{text}'"), after))
}

fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Reads a string with its quotes; gives its value and what follows.
fn value(text: &str, quote: char, raw: bool) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = rest.next() {
        if c == quote {
            if rest.next_if(|(_, c)| *c == quote).is_some() {
                value.push(quote);
                continue;
            }
            return Some((value, &text[at + 1..]));
        }
        if c != '\\' || raw {
            value.push(c);
            continue;
        }
        let (_, escaped) = rest.next()?;
        match escaped {
            '0'..='3'
                if {
                    let mut ahead = rest.clone();
                    ahead.by_ref().take(2).filter(|(_, c)| ('0'..='7').contains(c)).count() == 2
                } =>
            {
                let mut n = escaped.to_digit(8)?;
                for _ in 0..2 {
                    n = n * 8 + rest.next()?.1.to_digit(8)?;
                }
                value.extend(char::from_u32(n));
            }
            '0' => value.push('\0'),
            'b' => value.push('\u{8}'),
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            'Z' => value.push('\u{1a}'),
            '%' | '_' => {
                value.push('\\');
                value.push(escaped);
            }
            'u' | 'U' => {
                let digits = if escaped == 'u' { 4 } else { 8 };
                let hex: String = rest.clone().take(digits).map(|(_, c)| c).collect();
                match u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits).and_then(char::from_u32) {
                    Some(c) => {
                        value.push(c);
                        for _ in 0..digits {
                            rest.next();
                        }
                    }
                    None => value.push(escaped),
                }
            }
            other => value.push(other),
        }
    }
    None
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn string<'a>(text: &'a str, quote: char, raw: bool, out: &mut String) -> &'a str {
    match value(text, quote, raw) {
        Some((value, rest)) => {
            out.push_str(&quoted(&value));
            rest
        }
        None => {
            // The parser refuses what does not end.
            out.push_str(text);
            ""
        }
    }
}

/// The digits of a number, `12`, `1.5`, `.5e-3`.
fn digits(text: &str) -> usize {
    let bytes = text.as_bytes();
    let count = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = count(0);
    if bytes.get(end) == Some(&b'.') && !text[end..].starts_with("..") {
        end += 1 + count(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let n = if end + 1 + sign <= bytes.len() { count(end + 1 + sign) } else { 0 };
        if n > 0 {
            end += 1 + sign + n;
        }
    }
    end
}

fn number<'a>(text: &'a str, out: &mut String) -> &'a str {
    let end = digits(text);
    let (number, rest) = text.split_at(end);
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (suffix, after) = rest.split_at(word);
    let whole = number.bytes().all(|b| b.is_ascii_digit());
    let kind = match suffix.to_ascii_uppercase().as_str() {
        "L" if whole => "BIGINT".to_owned(),
        "S" if whole => "SMALLINT".to_owned(),
        "Y" if whole => "TINYINT".to_owned(),
        "D" => "DOUBLE".to_owned(),
        "F" => "FLOAT".to_owned(),
        "BD" => {
            let (mantissa, exponent) =
                number.split_once(['e', 'E']).map_or((number, 0), |(m, e)| (m, e.parse::<i64>().unwrap_or(0)));
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let scale = (fraction.len() as i64 - exponent).max(0);
            let before = (whole.trim_start_matches('0').len() as i64 + exponent).max(0);
            format!("DECIMAL({},{scale})", (before + scale).max(1))
        }
        "" => {
            out.push_str(number);
            // The parser needs digits behind the point.
            if number.ends_with('.') && rest.starts_with(|c: char| c.is_whitespace() || matches!(c, ')' | ',')) {
                out.push('0');
            }
            return rest;
        }
        _ => {
            // A name that begins with digits.
            out.push_str(number);
            out.push_str(suffix);
            return after;
        }
    };
    // A form that no statement of the platform's has, since a literal has another precision than a cast.
    out.push_str(&format!("SAFE_CAST('{number}' AS {kind})"));
    after
}

const UNITS: [&str; 10] =
    ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"];

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.split_at(end)
}

fn is_unit(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    UNITS.contains(&upper.strip_suffix('S').unwrap_or(&upper)) || UNITS.contains(&upper.as_str())
}

/// What follows `INTERVAL` as a call, if it is a literal; and what is left.
fn interval(text: &str) -> Option<(String, &str)> {
    let call = |text: &str, from: &str, to: &str| format!("interval_literal({}, '{from}', '{to}')", quoted(text));
    let mut rest = text.trim_start();
    let mut sign = "";
    if let Some(after) = rest.strip_prefix(['-', '+']) {
        sign = if rest.starts_with('-') { "-" } else { "" };
        rest = after.trim_start();
    }
    let mut parts = Vec::new();
    loop {
        let (mut amount, after, is_string) = match rest.chars().next()? {
            q @ ('\'' | '"') => {
                let (v, after) = value(rest, q, false)?;
                (v, after, true)
            }
            c if c.is_ascii_digit() || c == '.' => {
                let end = digits(rest);
                (rest[..end].to_owned(), &rest[end..], false)
            }
            _ if parts.is_empty() => return None,
            _ => break,
        };
        if sign == "-" {
            amount = match amount.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{amount}"),
            };
        }
        let (unit, tail) = word(after);
        if !is_unit(unit) {
            // `INTERVAL '1 year 2 months'`.
            if is_string && parts.is_empty() {
                return Some((call(&amount, "", ""), after));
            }
            break;
        }
        let (to, tail_to) = word(tail);
        if to.eq_ignore_ascii_case("to") && parts.is_empty() {
            let (end, tail_end) = word(tail_to);
            if is_unit(end) {
                return Some((call(&amount, &unit.to_ascii_uppercase(), &end.to_ascii_uppercase()), tail_end));
            }
        }
        parts.push(format!("{} {unit}", amount.trim()));
        rest = tail;
        let next = rest.trim_start();
        let negative = next.strip_prefix('-').map(str::trim_start);
        // Another amount only counts with its unit; otherwise a sign is an operator.
        let ahead = negative.unwrap_or(next);
        let n = digits(ahead);
        if n == 0 || negative.is_some() || !is_unit(word(&ahead[n..]).0) {
            break;
        }
        rest = next;
    }
    if parts.is_empty() {
        return None;
    }
    let joined = parts.join(" ");
    Some((call(&joined, "", ""), rest))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn literals_are_made_plain() {
        for (from, to) in [
            (r"'it\'s' r'\d' 'a\tb'", "'it''s' '\\d' 'a\tb'"),
            (r#""x" `a"b`"#, r#"'x' `a"b`"#),
            (
                "1L + 2.5BD - 1e3D",
                "SAFE_CAST('1' AS BIGINT) + SAFE_CAST('2.5' AS DECIMAL(2,1)) - SAFE_CAST('1e3' AS DOUBLE)",
            ),
            ("t.1st_col -- 1L\n/* 2L */", "t.1st_col -- 1L\n/* 2L */"),
            ("INTERVAL 5 days 3 hours - 1", "interval_literal('5 days 3 hours', '', '') - 1"),
            ("INTERVAL '1-2' YEAR TO MONTH)", "interval_literal('1-2', 'YEAR', 'MONTH'))"),
            ("INTERVAL -2 DAYS", "interval_literal('-2 DAYS', '', '')"),
            ("a == b", "a = b"),
            ("FROM t@v12 x", "FROM t VERSION AS OF 12 x"),
            ("`t`@20240131093001250", "`t` TIMESTAMP AS OF '2024-01-31 09:30:01.250'"),
            ("t@v t@2024 '@v1' FOR x", "t@v t@2024 '@v1' FOR x"),
            ("t for system_time as of now()", "t TIMESTAMP AS OF now()"),
        ] {
            assert_eq!(plain(from).replace("  ", " "), to, "{from}");
        }
    }
}
