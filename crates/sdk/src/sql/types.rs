//! SQL types as columns state them.

/// The type of a column, or of what is nested in one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqlType {
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`, 8 bits
    TinyInt,
    /// `SMALLINT`, 16 bits
    SmallInt,
    /// `INT`, 32 bits
    Int,
    /// `BIGINT`, 64 bits
    BigInt,
    /// `FLOAT`, 32 bits
    Float,
    /// `DOUBLE`, 64 bits
    Double,
    /// `DECIMAL(precision, scale)`
    #[non_exhaustive]
    Decimal {
        /// The number of digits, at most 38.
        precision: u8,
        /// How many of them stand after the decimal point.
        scale: i8,
    },
    /// `STRING`, `CHAR(n)`, `VARCHAR(n)`
    String,
    /// `BINARY`
    Binary,
    /// `DATE`
    Date,
    /// `TIMESTAMP`, a moment
    Timestamp,
    /// `TIMESTAMP_NTZ`, a date and time of no time zone
    TimestampNtz,
    /// `INTERVAL YEAR`, `INTERVAL MONTH`, `INTERVAL YEAR TO MONTH`
    YearMonthInterval,
    /// `INTERVAL DAY`, `INTERVAL DAY TO SECOND` and all between
    DayTimeInterval,
    /// `VARIANT` and `OBJECT`: JSON that states its own types
    Variant,
    /// `VOID`, the type of a bare NULL
    Void,
    /// `ARRAY<..>`
    Array(Box<SqlType>),
    /// `MAP<.., ..>`: keys, then values
    Map(Box<(SqlType, SqlType)>),
    /// `STRUCT<..>`: the fields, in order
    Struct(Vec<(String, SqlType)>),
    /// A type that this version does not know, by its name; its values are strings
    Other(String),
}

/// Types nested deeper than this are read as JSON that states by itself what it is.
const DEEPEST: usize = 64;

impl SqlType {
    /// Reads the type of a column.
    ///
    /// * `name`: the short name, such as `DECIMAL`; decides where the string states nothing.
    /// * `text`: the type in full, such as `MAP<STRING, ARRAY<INT>>`.
    pub(crate) fn of_column(name: &str, text: &str) -> Self {
        let text = if text.trim().is_empty() { name } else { text };
        if let Some(simple) = Self::simple(text) {
            return simple;
        }
        let mut parser = Parser { rest: text };
        match parser.parse(0) {
            // A newer type shows in the string alone, an older service may state no more than the short name.
            Self::Other(text) => match (Parser { rest: name }).parse(0) {
                Self::Other(_) => Self::Other(text),
                known => known,
            },
            found => found,
        }
    }

    /// Most columns: types without parameters, as the service writes them.
    fn simple(text: &str) -> Option<Self> {
        Some(match text {
            "BIGINT" => Self::BigInt,
            "BINARY" => Self::Binary,
            "BOOLEAN" => Self::Boolean,
            "DATE" => Self::Date,
            "DOUBLE" => Self::Double,
            "FLOAT" => Self::Float,
            "INT" => Self::Int,
            "STRING" => Self::String,
            "TIMESTAMP" => Self::Timestamp,
            _ => return None,
        })
    }

    /// Whether values are whole numbers.
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// Whether values are floating-point numbers.
    pub(crate) fn is_float(&self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// Whether a cell of this type holds JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self, Self::Variant | Self::Array(_) | Self::Map(_) | Self::Struct(_))
    }

    /// The type of the items of a list.
    pub(crate) fn item(&self) -> &Self {
        if let Self::Array(item) = self { item } else { &Self::Variant }
    }

    /// The types of the keys and of the member `name` of an object.
    pub(crate) fn member(&self, name: &str) -> (&Self, &Self) {
        match self {
            Self::Map(pair) => (&pair.0, &pair.1),
            Self::Struct(fields) => {
                let found = fields.iter().find(|(field, _)| field == name).map(|(_, kind)| kind);
                (&Self::String, found.unwrap_or(&Self::Variant))
            }
            _ => (&Self::String, &Self::Variant),
        }
    }
}

/// Reads types as `DESCRIBE` and the manifest write them.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn parse(&mut self, depth: usize) -> SqlType {
        if depth > DEEPEST {
            self.skip();
            return SqlType::Variant;
        }
        let word = self.word();
        let mut kind = match word.as_str() {
            "BOOLEAN" => SqlType::Boolean,
            "BYTE" | "TINYINT" => SqlType::TinyInt,
            "SHORT" | "SMALLINT" => SqlType::SmallInt,
            "INT" | "INTEGER" => SqlType::Int,
            "LONG" | "BIGINT" => SqlType::BigInt,
            "FLOAT" | "REAL" => SqlType::Float,
            "DOUBLE" => SqlType::Double,
            "DECIMAL" | "DEC" | "NUMERIC" => SqlType::Decimal { precision: 10, scale: 0 },
            "STRING" | "CHAR" | "VARCHAR" => SqlType::String,
            "BINARY" => SqlType::Binary,
            "DATE" => SqlType::Date,
            "TIMESTAMP" | "TIMESTAMP_LTZ" => SqlType::Timestamp,
            "TIMESTAMP_NTZ" => SqlType::TimestampNtz,
            "INTERVAL" => SqlType::DayTimeInterval,
            "VARIANT" | "OBJECT" => SqlType::Variant,
            "VOID" | "NULL" => SqlType::Void,
            "ARRAY" if self.eat('<') => {
                let item = self.parse(depth + 1);
                self.eat('>');
                SqlType::Array(Box::new(item))
            }
            "MAP" if self.eat('<') => {
                let key = self.parse(depth + 1);
                self.eat(',');
                let value = self.parse(depth + 1);
                self.eat('>');
                SqlType::Map(Box::new((key, value)))
            }
            "STRUCT" if self.eat('<') => self.fields(depth),
            "ARRAY" | "MAP" | "STRUCT" => SqlType::Variant,
            _ => SqlType::Other(word),
        };
        // What follows a type: precision, units of an interval, `NOT NULL`, a comment.
        let rest = self.skip();
        match &mut kind {
            SqlType::Decimal { precision, scale } => {
                let digits = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'));
                if let Some((digits, _)) = digits {
                    let (p, s) = digits.split_once(',').unwrap_or((digits, "0"));
                    if let (Ok(p), Ok(s)) = (p.trim().parse(), s.trim().parse()) {
                        (*precision, *scale) = (p, s);
                    }
                }
            }
            SqlType::DayTimeInterval => {
                let unit = rest.split_whitespace().next().unwrap_or_default();
                if unit.eq_ignore_ascii_case("YEAR") || unit.eq_ignore_ascii_case("MONTH") {
                    kind = SqlType::YearMonthInterval;
                }
            }
            _ => {}
        }
        kind
    }

    fn fields(&mut self, depth: usize) -> SqlType {
        let mut fields = Vec::new();
        while !self.rest.is_empty() && !self.eat('>') {
            let name = self.name();
            self.eat(':');
            fields.push((name, self.parse(depth + 1)));
            self.eat(',');
        }
        SqlType::Struct(fields)
    }

    fn word(&mut self) -> String {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_ascii_uppercase()
    }

    /// The name of a field, plain up to the colon or in backticks, where two of them stand for one.
    fn name(&mut self) -> String {
        self.rest = self.rest.trim_start();
        let Some(mut quoted) = self.rest.strip_prefix('`') else {
            let end = self.rest.find([':', ',', '>']).unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest;
            return name.trim().to_owned();
        };
        let mut name = String::new();
        while let Some((part, rest)) = quoted.split_once('`') {
            name.push_str(part);
            quoted = rest;
            match rest.strip_prefix('`') {
                Some(rest) => {
                    name.push('`');
                    quoted = rest;
                }
                None => break,
            }
        }
        self.rest = quoted;
        name
    }

    fn eat(&mut self, mark: char) -> bool {
        self.rest = self.rest.trim_start();
        let found = self.rest.strip_prefix(mark);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// Goes to the next comma or closing bracket of this level, and returns what stands before it.
    fn skip(&mut self) -> &'a str {
        let (mut open, mut quote) = (0_usize, None);
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                (Some(_), _) if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(mark), _) if c == mark => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"' | '`') => quote = Some(c),
                (None, '(' | '<') => open += 1,
                (None, ')') => open = open.saturating_sub(1),
                (None, '>') if open > 0 => open -= 1,
                (None, ',' | '>') if open == 0 => {
                    let (skipped, rest) = self.rest.split_at(at);
                    self.rest = rest;
                    return skipped;
                }
                _ => {}
            }
        }
        std::mem::take(&mut self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_type() {
        let read = |text| SqlType::of_column("", text);
        assert_eq!(read("DECIMAL(10,2)"), SqlType::Decimal { precision: 10, scale: 2 });
        assert_eq!(read("numeric"), SqlType::Decimal { precision: 10, scale: 0 });
        assert_eq!(read("INTERVAL DAY TO SECOND"), SqlType::DayTimeInterval);
        assert_eq!(read("interval month"), SqlType::YearMonthInterval);
        assert_eq!(read("timestamp_ntz"), SqlType::TimestampNtz);
        let decimal = SqlType::Decimal { precision: 38, scale: 0 };
        assert_eq!(read("ARRAY<ARRAY<decimal(38, 0)>>"), SqlType::Array(Box::new(SqlType::Array(Box::new(decimal)))));
        let map = SqlType::Map(Box::new((SqlType::Int, SqlType::Struct(vec![("a".into(), SqlType::Double)]))));
        assert_eq!(read("MAP<INT, STRUCT<a: DOUBLE NOT NULL COMMENT 'x, \\'>y'>>"), map);
        let odd = SqlType::Struct(vec![
            ("a:b`".into(), SqlType::String),
            ("c".into(), SqlType::Array(Box::new(SqlType::Binary))),
            ("d".into(), SqlType::Variant),
        ]);
        assert_eq!(read("STRUCT<`a:b```: STRING COLLATE UTF8_BINARY, c:ARRAY<BINARY>, d: VARIANT>"), odd);
    }

    #[test]
    fn the_short_name_decides_where_the_text_says_nothing() {
        assert_eq!(SqlType::of_column("LONG", ""), SqlType::BigInt);
        assert_eq!(SqlType::of_column("ARRAY", "ARRAY"), SqlType::Variant);
        assert_eq!(SqlType::of_column("STRING", "VARIANT"), SqlType::Variant);
        assert_eq!(SqlType::of_column("USER_DEFINED_TYPE", "GEOMETRY(4326)"), SqlType::Other("GEOMETRY".into()));
    }

    #[test]
    fn broken_and_bottomless_types_end() {
        for text in ["ARRAY<", "MAP<INT", "STRUCT<a", "STRUCT<,", "STRUCT<>", "ARRAY<>", "<", "STRUCT<`a", "STRUCT<:>"]
        {
            SqlType::of_column("", text);
        }
        SqlType::of_column("", &"ARRAY<".repeat(10_000));
        SqlType::of_column("", &"STRUCT<a:".repeat(10_000));
    }
}
