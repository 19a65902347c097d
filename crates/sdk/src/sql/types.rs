//! SQL types as columns state them, for reading what is nested inside of a cell.

/// How the text of a value is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum SqlType {
    Boolean,
    Integer,
    Float,
    /// Exact: handed out as text.
    Decimal,
    /// Dates, times, intervals and texts.
    #[default]
    Text,
    Binary,
    /// JSON that says by itself what it is.
    Variant,
    Array(Box<SqlType>),
    Map(Box<(SqlType, SqlType)>),
    Struct(Vec<(String, SqlType)>),
}

/// Types nested deeper than this are read as JSON that says by itself what it is.
const DEEPEST: usize = 64;

impl SqlType {
    /// Reads the type of a column.
    ///
    /// * `name`: the short name, such as `DECIMAL`; decides where the text says nothing.
    /// * `text`: the type in full, such as `MAP<STRING, ARRAY<INT>>`.
    pub(crate) fn of_column(name: &str, text: &str) -> Self {
        let text = if text.trim().is_empty() { name } else { text };
        let mut parser = Parser { rest: text };
        match parser.parse(0) {
            // A newer type shows in the text alone, an older service may say no more than the short name.
            Self::Text => Parser { rest: name }.parse(0),
            found => found,
        }
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
                (&Self::Text, found.unwrap_or(&Self::Variant))
            }
            _ => (&Self::Text, &Self::Variant),
        }
    }
}

/// Reads types as `DESCRIBE` and the manifest write them.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn parse(&mut self, depth: usize) -> SqlType {
        if depth > DEEPEST {
            self.skip();
            return SqlType::Variant;
        }
        let word = self.word();
        let kind = match word.as_str() {
            "BOOLEAN" => SqlType::Boolean,
            "BYTE" | "TINYINT" | "SHORT" | "SMALLINT" | "INT" | "INTEGER" | "LONG" | "BIGINT" => SqlType::Integer,
            "FLOAT" | "REAL" | "DOUBLE" => SqlType::Float,
            "DECIMAL" | "DEC" | "NUMERIC" => SqlType::Decimal,
            "BINARY" => SqlType::Binary,
            "VARIANT" | "OBJECT" => SqlType::Variant,
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
            _ => SqlType::Text,
        };
        // What follows a type: precision, `NOT NULL`, a comment, units of an interval.
        self.skip();
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

    /// Goes to the next comma or closing bracket of this level.
    fn skip(&mut self) {
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
                    self.rest = &self.rest[at..];
                    return;
                }
                _ => {}
            }
        }
        self.rest = "";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_type() {
        let read = |text| SqlType::of_column("", text);
        assert_eq!(read("DECIMAL(10,2)"), SqlType::Decimal);
        assert_eq!(read("INTERVAL DAY TO SECOND"), SqlType::Text);
        assert_eq!(read("timestamp_ntz"), SqlType::Text);
        assert_eq!(read("ARRAY<ARRAY<decimal(38, 0)>>"), SqlType::Array(Box::new(SqlType::Array(Box::new(SqlType::Decimal)))));
        let map = SqlType::Map(Box::new((SqlType::Integer, SqlType::Struct(vec![("a".into(), SqlType::Float)]))));
        assert_eq!(read("MAP<INT, STRUCT<a: DOUBLE NOT NULL COMMENT 'x, \\'>y'>>"), map);
        let odd = SqlType::Struct(vec![
            ("a:b`".into(), SqlType::Text),
            ("c".into(), SqlType::Array(Box::new(SqlType::Binary))),
            ("d".into(), SqlType::Variant),
        ]);
        assert_eq!(read("STRUCT<`a:b```: STRING COLLATE UTF8_BINARY, c:ARRAY<BINARY>, d: VARIANT>"), odd);
    }

    #[test]
    fn the_short_name_decides_where_the_text_says_nothing() {
        assert_eq!(SqlType::of_column("LONG", ""), SqlType::Integer);
        assert_eq!(SqlType::of_column("ARRAY", "ARRAY"), SqlType::Variant);
        assert_eq!(SqlType::of_column("STRING", "VARIANT"), SqlType::Variant);
        assert_eq!(SqlType::of_column("USER_DEFINED_TYPE", "GEOMETRY(4326)"), SqlType::Text);
    }

    #[test]
    fn broken_and_bottomless_types_end() {
        for text in ["ARRAY<", "MAP<INT", "STRUCT<a", "STRUCT<,", "STRUCT<>", "ARRAY<>", "<", "STRUCT<`a", "STRUCT<:>"] {
            SqlType::of_column("", text);
        }
        SqlType::of_column("", &"ARRAY<".repeat(10_000));
        SqlType::of_column("", &"STRUCT<a:".repeat(10_000));
    }
}
