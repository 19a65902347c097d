//! Types: how they are written, and which one holds the values of two others.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use datafusion::error::Result;

use super::fail;

/// The only member of the structure that stands for a VARIANT: its JSON text.
const VARIANT: &str = "\u{2}variant";

pub(crate) fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

pub(crate) fn map(key: DataType, value: DataType) -> DataType {
    let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
}

pub(crate) fn structure<S: Into<String>>(fields: impl IntoIterator<Item = (S, DataType)>) -> DataType {
    DataType::Struct(fields.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
}

pub(crate) fn variant() -> DataType {
    structure([(VARIANT, DataType::Utf8)])
}

pub(crate) fn is_variant(kind: &DataType) -> bool {
    matches!(kind, DataType::Struct(f) if f.len() == 1 && f[0].name() == VARIANT)
}

pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub(crate) fn ntz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

pub(crate) fn time() -> DataType {
    DataType::Time64(TimeUnit::Microsecond)
}

pub(crate) fn day_time() -> DataType {
    DataType::Duration(TimeUnit::Microsecond)
}

pub(crate) fn year_month() -> DataType {
    DataType::Interval(IntervalUnit::YearMonth)
}

pub(crate) fn calendar() -> DataType {
    DataType::Interval(IntervalUnit::MonthDayNano)
}

pub(crate) fn decimal(precision: i32, scale: i32) -> DataType {
    DataType::Decimal128(precision.clamp(1, 38) as u8, scale.clamp(0, 38) as i8)
}

pub(crate) fn element(kind: &DataType) -> DataType {
    match kind {
        DataType::List(f) => f.data_type().clone(),
        _ => DataType::Null,
    }
}

pub(crate) fn key_value(kind: &DataType) -> (DataType, DataType) {
    match kind {
        DataType::Map(f, _) => match f.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => (pair[0].data_type().clone(), pair[1].data_type().clone()),
            _ => (DataType::Null, DataType::Null),
        },
        _ => (DataType::Null, DataType::Null),
    }
}

pub(crate) fn is_text(kind: &DataType) -> bool {
    kind == &DataType::Utf8
}

pub(crate) fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Timestamp(_, _))
}

pub(crate) fn is_interval(kind: &DataType) -> bool {
    matches!(kind, DataType::Interval(_) | DataType::Duration(_))
}

pub(crate) fn is_nested(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_) | DataType::Map(_, _) | DataType::Struct(_))
}

/// As SQL writes it, in capital letters.
pub(crate) fn name(kind: &DataType) -> String {
    match kind {
        DataType::Null => "VOID".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BINARY".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP_NTZ".to_owned(),
        DataType::Timestamp(_, _) => "TIMESTAMP".to_owned(),
        DataType::Time64(_) => "TIME(6)".to_owned(),
        DataType::Decimal128(p, s) => format!("DECIMAL({p},{s})"),
        DataType::Interval(IntervalUnit::YearMonth) => "INTERVAL YEAR TO MONTH".to_owned(),
        DataType::Duration(_) => "INTERVAL DAY TO SECOND".to_owned(),
        DataType::Interval(_) => "INTERVAL".to_owned(),
        DataType::List(f) => format!("ARRAY<{}>", name(f.data_type())),
        DataType::Map(_, _) => {
            let (k, v) = key_value(kind);
            format!("MAP<{}, {}>", name(&k), name(&v))
        }
        kind if is_variant(kind) => "VARIANT".to_owned(),
        DataType::Struct(fields) => {
            let parts: Vec<_> =
                fields.iter().map(|f| format!("{}: {}", quoted(f.name()), name(f.data_type()))).collect();
            format!("STRUCT<{}>", parts.join(", "))
        }
        other => other.to_string(),
    }
}

/// A name as it stands in a type, in backticks where it has to.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// As `typeof` and `DESCRIBE` write it.
pub(crate) fn simple(kind: &DataType) -> String {
    match kind {
        DataType::List(f) => format!("array<{}>", simple(f.data_type())),
        DataType::Map(_, _) => {
            let (k, v) = key_value(kind);
            format!("map<{},{}>", simple(&k), simple(&v))
        }
        kind if is_variant(kind) => "variant".to_owned(),
        DataType::Struct(fields) => {
            let parts: Vec<_> = fields.iter().map(|f| format!("{}:{}", f.name(), simple(f.data_type()))).collect();
            format!("struct<{}>", parts.join(","))
        }
        other => name(other).to_lowercase(),
    }
}

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
                match self.word().map(str::to_ascii_uppercase).as_deref() {
                    Some("YEAR" | "MONTH") => {
                        if self.keyword("TO") {
                            self.word()?;
                        }
                        year_month()
                    }
                    Some("DAY" | "HOUR" | "MINUTE" | "SECOND") => {
                        if self.keyword("TO") {
                            self.word()?;
                        }
                        day_time()
                    }
                    _ => {
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
                if !self.eat('<') {
                    return None;
                }
                let key = self.kind()?;
                if !self.eat(',') {
                    return None;
                }
                let value = self.kind()?;
                self.not_null();
                self.eat('>').then(|| map(key, value))?
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

fn digits(kind: &DataType) -> Option<(i32, i32)> {
    Some(match kind {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(p, s) => (i32::from(*p), i32::from(*s)),
        _ => return None,
    })
}

/// The decimal that an exact number is.
pub(crate) fn as_decimal(kind: &DataType) -> Option<(i32, i32)> {
    digits(kind)
}

/// The type that both are read as where they meet, if there is one.
pub(crate) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Binary, Boolean, Date32, Decimal128, Float32, Float64, Int64, List, Map, Null, Struct, Utf8};
    if a == b {
        return Some(a.clone());
    }
    Some(match (a, b) {
        (Null, other) | (other, Null) => other.clone(),
        (List(x), List(y)) => list(common(x.data_type(), y.data_type())?),
        (Map(_, _), Map(_, _)) => {
            let ((k, v), (l, w)) = (key_value(a), key_value(b));
            map(common(&k, &l)?, common(&v, &w)?)
        }
        (Struct(x), Struct(y)) if x.len() == y.len() => {
            let fields =
                x.iter().zip(y.iter()).map(|(f, g)| Some((f.name().clone(), common(f.data_type(), g.data_type())?)));
            structure(fields.collect::<Option<Vec<_>>>()?)
        }
        (Utf8, other) | (other, Utf8) => match other {
            kind if kind.is_integer() => Int64,
            Float32 | Float64 | Decimal128(_, _) => Float64,
            Boolean | Binary | Date32 | DataType::Timestamp(_, _) | DataType::Time64(_) => other.clone(),
            kind if is_interval(kind) => other.clone(),
            _ => return None,
        },
        (x, y) if x.is_numeric() && y.is_numeric() => {
            if x.is_integer() && y.is_integer() {
                return Some(if x.primitive_width() >= y.primitive_width() { x.clone() } else { y.clone() });
            }
            if x == &Float64 || y == &Float64 {
                return Some(Float64);
            }
            if x == &Float32 || y == &Float32 {
                return Some(Float64);
            }
            let ((p, s), (q, t)) = (digits(x)?, digits(y)?);
            let scale = s.max(t);
            let whole = (p - s).max(q - t);
            if whole + scale > 38 { decimal(38, (38 - whole).max(0)) } else { decimal(whole + scale, scale) }
        }
        (Date32, DataType::Timestamp(_, _)) => b.clone(),
        (DataType::Timestamp(_, _), Date32) => a.clone(),
        (DataType::Timestamp(_, x), DataType::Timestamp(_, _)) => {
            if x.is_some() {
                a.clone()
            } else {
                b.clone()
            }
        }
        _ => return None,
    })
}
