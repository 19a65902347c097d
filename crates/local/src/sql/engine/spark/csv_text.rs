//! Lines of CSV as structures.

use datafusion::arrow::datatypes::DataType;

use super::function::{Def, f, n, t};
use super::types;
use super::value::V;
use super::{cast, fail, text};

pub(crate) const FUNCTIONS: &[Def] = &[
    n("to_csv", "(a) a? -> s", |e, a| {
        let DataType::Struct(fields) = &e.kinds[0] else { return Ok(V::Null) };
        if a[0].is_null() {
            return Ok(V::Null);
        }
        let option = |name: &str| {
            a.get(1).and_then(|o| {
                o.entries().iter().find(|(k, _)| k.text().eq_ignore_ascii_case(name)).map(|(_, v)| v.text().to_owned())
            })
        };
        let by = option("sep").or_else(|| option("delimiter")).unwrap_or_else(|| ",".to_owned());
        let mut parts = Vec::new();
        for (v, f) in a[0].items().iter().zip(fields) {
            let part = match v {
                V::Null => option("nullValue").unwrap_or_default(),
                V::Ts(us) => {
                    let p = option("timestampFormat").unwrap_or_else(|| "yyyy-MM-dd'T'HH:mm:ss.SSSXXX".to_owned());
                    super::pattern::moment(*us, f.data_type(), &p)?
                }
                V::Date(d) if option("dateFormat").is_some() => super::pattern::format(
                    i64::from(*d) * super::times::DAY,
                    super::zone::Zone::UTC,
                    &option("dateFormat").unwrap_or_default(),
                )?,
                v => text::text(v, f.data_type()),
            };
            let kept = |name: &str| option(name).is_some_and(|value| value.eq_ignore_ascii_case("false"));
            let part = if kept("ignoreLeadingWhiteSpace") { &part } else { part.trim_start_matches(|c| c <= ' ') };
            let part = if kept("ignoreTrailingWhiteSpace") { part } else { part.trim_end_matches(|c| c <= ' ') };
            let quote = part.contains(&by)
                || part.contains(['"', '\n', '\r'])
                || (part.is_empty() && !v.is_null())
                // As a comment would begin.
                || (parts.is_empty() && part.starts_with('#'));
            parts.push(if quote {
                format!("\"{}\"", part.replace('\\', "\\\\").replace('"', "\\\""))
            } else {
                part.to_owned()
            });
        }
        Ok(parts.join(&by).into())
    }),
    t(
        "from_csv",
        |c| super::json::schema_of(c, "from_csv"),
        |e, a| {
            let DataType::Struct(fields) = e.result else { return Ok(V::Null) };
            let options = a
                .get(2)
                .map(|v| {
                    v.entries().iter().map(|(k, v)| (k.text().to_ascii_lowercase(), v.text().to_owned())).collect()
                })
                .unwrap_or_default();
            let by = std::collections::BTreeMap::get(&options, "sep")
                .or_else(|| options.get("delimiter"))
                .and_then(|s| s.chars().next())
                .unwrap_or(',');
            let cells = csv(a[0].text(), by);
            let is_empty = |cell: Option<&String>| cell.is_none_or(String::is_empty);
            let values = fields.iter().enumerate().map(|(i, f)| match cells.get(i) {
                Some(c) if c.is_empty() => V::Null,
                Some(c) if types::is_time(f.data_type()) => super::json::read_time(c, f.data_type(), &options),
                // Blanks are no part of a whole number.
                Some(c) if c.trim() != c && is_strict(f.data_type()) => V::Null,
                Some(c) => cast::attempt(&V::str(c.as_str()), &DataType::Utf8, f.data_type()),
                None => V::Null,
            });
            let values: Vec<V> = values.collect();
            let strict = options.get("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("failfast"));
            let misread = values.iter().enumerate().any(|(i, v)| v.is_null() && !is_empty(cells.get(i)));
            if strict && (misread || cells.len() != fields.len()) {
                return Err(fail(
                    "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                    "22023",
                    &format!(
                        "Malformed records are detected in record parsing: {}. Parse Mode: FAILFAST.",
                        a[0].text()
                    ),
                ));
            }
            Ok(V::Struct(values))
        },
    ),
    f("schema_of_csv", "s a? -> s", |_, a| {
        let by = a
            .get(1)
            .and_then(|o| {
                o.entries()
                    .iter()
                    .find(|(k, _)| matches!(k.text(), "sep" | "delimiter"))
                    .and_then(|(_, v)| v.text().chars().next())
            })
            .unwrap_or(',');
        let parts: Vec<_> = csv(a[0].text(), by)
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let can = |k: &DataType| !cast::attempt(&V::str(c.as_str()), &DataType::Utf8, k).is_null();
                let kind = [DataType::Int32, DataType::Int64, DataType::Float64, DataType::Date32, types::timestamp()]
                    .into_iter()
                    .find(can);
                let kind = kind.unwrap_or_else(|| {
                    if matches!(c.to_ascii_lowercase().as_str(), "true" | "false") {
                        DataType::Boolean
                    } else {
                        DataType::Utf8
                    }
                });
                format!("_c{i}: {}", types::name(&kind))
            })
            .collect();
        Ok(format!("STRUCT<{}>", parts.join(", ")).into())
    }),
];

fn is_strict(kind: &DataType) -> bool {
    kind.is_integer() || matches!(kind, DataType::Boolean | DataType::Decimal128(_, _))
}

/// The cells of one line.
///
/// Quotes that end in front of anything but a separator are no quotes: the cell is as it is written.
pub(crate) fn csv(line: &str, by: char) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let (cell, used) = quoted(rest, by).unwrap_or_else(|| {
            let end = rest.find(by).unwrap_or(rest.len());
            (rest[..end].to_owned(), end)
        });
        cells.push(cell);
        match rest[used..].strip_prefix(by) {
            Some(after) => rest = after,
            None => return cells,
        }
    }
}

/// The cell in quotes at the front, and the bytes that it takes.
fn quoted(text: &str, by: char) -> Option<(String, usize)> {
    let mut signs = text.strip_prefix('"')?.chars();
    let mut cell = String::new();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some(escaped @ ('"' | '\\')) => cell.push(escaped),
                Some(other) => cell.extend(['\\', other]),
                None => cell.push('\\'),
            },
            '"' => {
                let after = signs.as_str();
                let after = after.trim_start_matches(' ');
                return (after.is_empty() || after.starts_with(by)).then(|| (cell, text.len() - after.len()));
            }
            sign => cell.push(sign),
        }
    }
    Some((cell, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_end_at_separators_outside_of_quotes() {
        assert_eq!(csv(r#""a,b",c"#, ','), ["a,b", "c"]);
        assert_eq!(csv(r#""say \"hi\"",,"#, ','), [r#"say "hi""#, "", ""]);
        assert_eq!(csv(r#""a""b",c"#, ','), [r#""a""b""#, "c"]);
        assert_eq!(csv(r#"a "b" c;"open"#, ';'), [r#"a "b" c"#, "open"]);
        assert_eq!(csv("", ','), [""]);
    }
}
