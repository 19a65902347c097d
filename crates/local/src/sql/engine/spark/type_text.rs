//! Types and schemas as statements write them.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;

use super::fail;
use super::spans::{field, interval};
use super::types::{calendar, decimal, list, map, ntz, structure, time, timestamp, variant};

/// The type that a text names.
pub(crate) fn parse(text: &str) -> Result<DataType> {
    let mut p = Parser { rest: text.trim() };
    let kind = p.kind().ok_or_else(|| unknown(text))?;
    if p.rest.trim().is_empty() { Ok(kind) } else { Err(unknown(text)) }
}

/// The columns that a schema text names, `a INT, b STRING` or the text of a structure.
pub(crate) fn parse_schema(text: &str) -> Result<DataType> {
    let trimmed = text.trim();
    if let Ok(kind) = parse(trimmed) {
        return Ok(kind);
    }
    let mut p = Parser { rest: trimmed };
    let fields = p.fields(None).ok_or_else(|| unknown(text))?;
    if p.rest.trim().is_empty() { Ok(structure(fields)) } else { Err(unknown(text)) }
}

fn unknown(text: &str) -> datafusion::error::DataFusionError {
    fail("UNSUPPORTED_DATATYPE", "0A000", &format!("Unsupported data type \"{}\".", text.to_uppercase()))
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn word(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        if let Some(after) = self.rest.strip_prefix('`') {
            let end = after.find('`')?;
            self.rest = &after[end + 1..];
            return Some(&after[..end]);
        }
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn eat(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        let before = self.rest;
        if self.word().is_some_and(|w| w.eq_ignore_ascii_case(word)) {
            return true;
        }
        self.rest = before;
        false
    }

    fn numbers(&mut self) -> Option<Vec<i32>> {
        let mut out = Vec::new();
        if self.eat('(') {
            loop {
                out.push(self.word()?.parse().ok()?);
                if self.eat(')') {
                    break;
                }
                if !self.eat(',') {
                    return None;
                }
            }
        }
        Some(out)
    }

    fn kind(&mut self) -> Option<DataType> {
        Some(match self.word()?.to_ascii_uppercase().as_str() {
            "BOOLEAN" => DataType::Boolean,
            "TINYINT" | "BYTE" => DataType::Int8,
            "SMALLINT" | "SHORT" => DataType::Int16,
            "INT" | "INTEGER" => DataType::Int32,
            "BIGINT" | "LONG" => DataType::Int64,
            "FLOAT" | "REAL" => DataType::Float32,
            "DOUBLE" => DataType::Float64,
            "STRING" => {
                if self.keyword("COLLATE") {
                    self.word()?;
                }
                DataType::Utf8
            }
            "CHAR" | "VARCHAR" | "CHARACTER" => {
                self.numbers()?;
                DataType::Utf8
            }
            "BINARY" => DataType::Binary,
            "DATE" => DataType::Date32,
            // Only the default precision: values have six digits behind the point.
            "TIME" => match self.numbers()?.as_slice() {
                [] | [6] => time(),
                _ => return None,
            },
            "TIMESTAMP" | "TIMESTAMP_LTZ" => timestamp(),
            "TIMESTAMP_NTZ" => ntz(),
            "VOID" | "NULL" => DataType::Null,
            "VARIANT" => variant(),
            "DECIMAL" | "DEC" | "NUMERIC" => {
                let n = self.numbers()?;
                let (p, s) = (n.first().copied().unwrap_or(10), n.get(1).copied().unwrap_or(0));
                if !(1..=38).contains(&p) || s < 0 || s > p {
                    return None;
                }
                decimal(p, s)
            }
            "INTERVAL" => {
                let before = self.rest;
                match self.word().and_then(field) {
                    Some(first) => {
                        let last = if self.keyword("TO") { field(self.word()?)? } else { first };
                        interval(first, last)?
                    }
                    None => {
                        self.rest = before;
                        calendar()
                    }
                }
            }
            "ARRAY" => {
                if !self.eat('<') {
                    return None;
                }
                let item = self.kind()?;
                self.not_null();
                self.eat('>').then(|| list(item))?
            }
            "MAP" => {
                // The parser of statements writes it with round brackets.
                let round = self.eat('(');
                if !round && !self.eat('<') {
                    return None;
                }
                let key = self.kind()?;
                if !self.eat(',') {
                    return None;
                }
                let value = self.kind()?;
                self.not_null();
                self.eat(if round { ')' } else { '>' }).then(|| map(key, value))?
            }
            "STRUCT" => {
                if !self.eat('<') {
                    return None;
                }
                let fields = self.fields(Some('>'))?;
                self.eat('>').then(|| structure(fields))?
            }
            _ => return None,
        })
    }

    fn not_null(&mut self) {
        if self.keyword("NOT") {
            self.keyword("NULL");
        }
        if self.keyword("COMMENT") {
            self.rest = self.rest.trim_start();
            if let Some(after) = self.rest.strip_prefix('\'')
                && let Some(end) = after.find('\'')
            {
                self.rest = &after[end + 1..];
            }
        }
    }

    fn fields(&mut self, end: Option<char>) -> Option<Vec<(String, DataType)>> {
        let mut fields = Vec::new();
        self.rest = self.rest.trim_start();
        if end.is_some_and(|c| self.rest.starts_with(c)) {
            return Some(fields);
        }
        loop {
            let name = self.word()?.to_owned();
            self.eat(':');
            let kind = self.kind()?;
            self.not_null();
            fields.push((name, kind));
            if !self.eat(',') {
                return Some(fields);
            }
        }
    }
}
