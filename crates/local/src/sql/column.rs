//! Columns of a result, in the platform's type names.

use serde_json::{Value, json};

/// One column of the manifest's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnType {
    /// `type_name`: one word of a fixed list.
    pub(crate) name: &'static str,
    /// `type_text`: as SQL writes it.
    pub(crate) text: String,
    /// Of decimals.
    pub(crate) precision: Option<(u8, i8)>,
}

impl ColumnType {
    pub(crate) fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, text: text.into(), precision: None }
    }

    pub(crate) fn decimal(precision: u8, scale: i8) -> Self {
        Self { name: "DECIMAL", text: format!("DECIMAL({precision},{scale})"), precision: Some((precision, scale)) }
    }

    /// Reads the SQL text of a type, such as `BIGINT` or `DECIMAL(10,2)`. What it does not know is a string.
    pub(crate) fn from_sql(text: &str) -> Self {
        let upper = text.trim().to_ascii_uppercase();
        let (word, arguments) = match upper.split_once('(') {
            Some((word, rest)) => (word.trim(), rest.trim_end_matches(')')),
            None => (upper.as_str(), ""),
        };
        let name = match word {
            "BOOLEAN" => "BOOLEAN",
            "TINYINT" | "BYTE" => "BYTE",
            "SMALLINT" | "SHORT" => "SHORT",
            "INT" | "INTEGER" => "INT",
            "BIGINT" | "LONG" => "LONG",
            "FLOAT" | "REAL" => "FLOAT",
            "DOUBLE" => "DOUBLE",
            "DATE" => "DATE",
            "TIMESTAMP" | "TIMESTAMP_NTZ" => "TIMESTAMP",
            "BINARY" => "BINARY",
            "DECIMAL" | "DEC" | "NUMERIC" => {
                let mut numbers = arguments.split(',').map(|n| n.trim().parse().ok());
                let precision = numbers.next().flatten().unwrap_or(10);
                let scale = numbers.next().flatten().unwrap_or(0);
                return Self::decimal(precision, i8::try_from(scale).unwrap_or(0));
            }
            _ if word.starts_with("ARRAY") => "ARRAY",
            _ if word.starts_with("MAP") => "MAP",
            _ if word.starts_with("STRUCT") => "STRUCT",
            _ if word.starts_with("INTERVAL") => "INTERVAL",
            _ => return Self::new("STRING", "STRING"),
        };
        let text = match name {
            "BYTE" => "TINYINT".to_owned(),
            "SHORT" => "SMALLINT".to_owned(),
            "LONG" => "BIGINT".to_owned(),
            "INT" => "INT".to_owned(),
            _ => upper.clone(),
        };
        Self::new(name, text)
    }
}

/// The `schema` member of a manifest.
pub(crate) fn schema(columns: &[Column]) -> Value {
    let list: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            let mut out = json!({
                "name": column.name,
                "position": position,
                "type_name": column.kind.name,
                "type_text": column.kind.text,
            });
            if let Some((precision, scale)) = column.kind.precision {
                out["type_precision"] = json!(precision);
                out["type_scale"] = json!(scale);
            }
            out
        })
        .collect();
    let mut out = json!({"column_count": columns.len()});
    if !list.is_empty() {
        out["columns"] = Value::Array(list);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_names_become_both_names() {
        for (sql, name, text) in [
            ("bigint", "LONG", "BIGINT"),
            ("SHORT", "SHORT", "SMALLINT"),
            ("decimal(12, 2)", "DECIMAL", "DECIMAL(12,2)"),
            ("DECIMAL", "DECIMAL", "DECIMAL(10,0)"),
            ("varchar(10)", "STRING", "STRING"),
            ("ARRAY<INT>", "ARRAY", "ARRAY<INT>"),
        ] {
            let kind = ColumnType::from_sql(sql);
            assert_eq!((kind.name, kind.text.as_str()), (name, text), "{sql}");
        }
    }
}
