//! What the statement API sends, with the rows left as JSON text until a chunk is read.
//!
//! The generated response type holds every cell as a string of its own; here the rows are read once, into one buffer
//! per chunk.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use databricks_core::ResponseParts;
use databricks_core::model::{self, At, Message, Mode, Place, Wire, from_json};
use databricks_core::operation::Content;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use super::cells::{Cells, Known};

/// Declares messages that are read and never sent: as `model!` of the models, but what is not declared is skipped in place
/// of being kept.
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $wire:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq)]
        pub(crate) struct $name {
            $($(#[$doc])* pub(crate) $field: Option<$type>,)*
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut s = f.debug_struct(stringify!($name));
                $(if let Some(value) = &self.$field {
                    model::debug_field(&mut s, stringify!($field), &[], value);
                })*
                s.finish_non_exhaustive()
            }
        }

        impl Message for $name {
            fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, mode: Mode) -> Result<(), A::Error> {
                match name {
                    $($wire => {
                        let place = &Place { message: stringify!($name), member: $wire, marks: &[] };
                        model::member_into(map, At::new(place, mode), &mut self.$field)?;
                    })*
                    _ => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(())
            }
        }

        databricks_core::__wire!($name, message);
    )*};
}

messages! {
    /// Response to execute and to get.
    StatementResponse {
        /// Id.
        statement_id: String = "statement_id",
        /// State and error.
        status: Status = "status",
        /// The shape of the result.
        manifest: Manifest = "manifest",
        /// The first chunk.
        result: ResultData = "result",
    }

    /// State and error.
    Status {
        /// `SUCCEEDED` and so on.
        state: String = "state",
        /// Why it failed.
        error: Failure = "error",
        /// SQLSTATE.
        sql_state: String = "sql_state",
    }

    /// Why a statement failed.
    Failure {
        /// Code.
        error_code: String = "error_code",
        /// Message.
        message: String = "message",
    }

    /// The shape of a result.
    Manifest {
        /// Format.
        format: String = "format",
        /// Columns.
        schema: Schema = "schema",
        /// Number of chunks.
        total_chunk_count: i64 = "total_chunk_count",
        /// Number of rows.
        total_row_count: i64 = "total_row_count",
        /// Number of bytes.
        total_byte_count: i64 = "total_byte_count",
        /// Whether a limit cut the result.
        truncated: bool = "truncated",
        /// Sizes of the chunks.
        chunks: Vec<ChunkInfo> = "chunks",
    }

    /// Columns of a result.
    Schema {
        /// Columns.
        columns: Vec<ColumnInfo> = "columns",
    }

    /// A column.
    ColumnInfo {
        /// Name.
        name: String = "name",
        /// Type in short.
        type_name: String = "type_name",
        /// Type in full.
        type_text: String = "type_text",
    }

    /// Size of a chunk.
    ChunkInfo {
        /// Index of the chunk.
        chunk_index: i64 = "chunk_index",
        /// Rows of the result before the chunk.
        row_offset: i64 = "row_offset",
        /// Rows.
        row_count: i64 = "row_count",
        /// Bytes.
        byte_count: i64 = "byte_count",
    }

    /// One chunk: rows, or links to them.
    ResultData {
        /// Rows.
        data_array: RawJson = "data_array",
        /// Links.
        external_links: Vec<Link> = "external_links",
        /// Index of this chunk.
        chunk_index: i64 = "chunk_index",
        /// Rows of the result before this chunk.
        row_offset: i64 = "row_offset",
        /// Rows in this chunk.
        row_count: i64 = "row_count",
        /// Index of the chunk after this one.
        next_chunk_index: i64 = "next_chunk_index",
        /// Where the chunk after this one is described: a path with a query, to be sent as it is.
        next_chunk_internal_link: String = "next_chunk_internal_link",
    }

    /// A link to a chunk on cloud storage.
    Link {
        /// Index of the chunk.
        chunk_index: i64 = "chunk_index",
        /// The URL, which is all it takes to read the data.
        external_link: String = "external_link",
        /// When the URL ends.
        expiration: databricks_core::Timestamp = "expiration",
        /// Headers that the storage wants.
        http_headers: BTreeMap<String, String> = "http_headers",
        /// Rows of the result before the chunk.
        row_offset: i64 = "row_offset",
        /// Rows in the chunk.
        row_count: i64 = "row_count",
        /// Bytes in the chunk.
        byte_count: i64 = "byte_count",
        /// Index of the chunk after this one.
        next_chunk_index: i64 = "next_chunk_index",
        /// Where the chunk after this one is described: a path with a query, to be sent as it is.
        next_chunk_internal_link: String = "next_chunk_internal_link",
    }
}

/// JSON that is not read yet.
#[derive(Clone)]
pub(crate) struct RawJson {
    text: Bytes,
    /// The cells, if the text is a list of rows and they were found on the way to it.
    cells: Option<Known>,
}

impl RawJson {
    /// The text without a copy, and its cells if they are known.
    pub(crate) fn into_parts(self) -> (Bytes, Option<Known>) {
        (self.text, self.cells)
    }

    /// Rows whose cells are known, as a part of a response.
    fn of_response(response: String, rows: Range<usize>, cells: Cells) -> Self {
        let response = Arc::new(response);
        let text = Bytes::from_owner(Response(Arc::clone(&response))).slice(rows);
        Self { text, cells: Some((response, cells)) }
    }
}

/// A response that is shared between its rows as bytes and as cells.
struct Response(Arc<String>);

impl AsRef<[u8]> for Response {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of JSON", self.text.len())
    }
}

impl<'de> Wire<'de> for RawJson {
    fn read<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text: Box<RawValue> = Box::deserialize(d)?;
        Ok(Self { text: Bytes::from(Box::<str>::from(text).into_string()), cells: None })
    }

    /// `null` stands for nothing, as everywhere.
    fn read_at<D: Deserializer<'de>>(d: D, _at: At) -> Result<Option<Self>, D::Error> {
        Ok(Some(Self::read(d)?).filter(|json| json.text != "null"))
    }
}

/// Responses from this size on are mostly rows, which are cut out before the rest is read.
const LARGE: usize = 8 << 10;

/// Reads the response of a statement.
///
/// # Errors
/// [`ErrorKind::Decode`](databricks_core::ErrorKind::Decode) with what was expected.
pub(crate) fn read(mut parts: ResponseParts) -> databricks_core::Result<StatementResponse> {
    if let Content::Bytes(bytes) = &mut parts.content
        && bytes.len() >= LARGE
    {
        match cut(std::mem::take(bytes)) {
            Ok(response) => return Ok(response),
            Err(whole) => *bytes = whole,
        }
    }
    parts.json()
}

/// Reads a large response around its rows, if they have their usual form and the rest can be read; else hands it back.
fn cut(bytes: Bytes) -> Result<StatementResponse, Bytes> {
    // Without a copy, as long as nothing else holds the bytes.
    let text = String::from_utf8(Vec::from(bytes)).map_err(|error| Bytes::from(error.into_bytes()))?;
    let Some((mut response, cells, rows)) = around(&text) else { return Err(Bytes::from(text)) };
    match &mut response.result {
        Some(result) => result.data_array = Some(RawJson::of_response(text, rows, cells)),
        None => return Err(Bytes::from(text)),
    }
    Ok(response)
}

/// A response without its rows, and where they are.
fn around(text: &str) -> Option<(StatementResponse, Cells, Range<usize>)> {
    let (cells, rows) = Cells::in_response(text)?;
    let rest = [&text[..rows.start], "null", &text[rows.end..]].concat();
    Some((from_json(rest.as_bytes()).ok()?, cells, rows))
}

#[cfg(test)]
mod tests {
    use databricks_core::operation::{OperationInfo, Scope};
    use http::{HeaderMap, Method, StatusCode};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_large_response_reads_as_a_small_one() {
        const INFO: &OperationInfo = &OperationInfo::new("x.y", Method::POST, "/x", Scope::Workspace);
        let response = |rows: serde_json::Value| {
            let text = json!({
                "statement_id": "s", "status": {"state": "SUCCEEDED"},
                "manifest": {"total_row_count": 3, "schema": {"columns": [{"name": "data_array"}]}},
                "result": {"chunk_index": 0, "data_array": rows, "row_count": "3"},
            });
            Bytes::from(text.to_string())
        };
        let parts = |bytes| ResponseParts::new(INFO, StatusCode::OK, HeaderMap::new(), Content::Bytes(bytes));
        let long = json!([["x".repeat(LARGE)], [null], ["\"\n"]]);
        let read_around = cut(response(long.clone())).unwrap();
        assert_eq!(read_around, parts(response(long.clone())).json().unwrap());
        assert_eq!(read(parts(response(long.clone()))).unwrap(), read_around);
        let (text, cells) = read_around.result.unwrap().data_array.unwrap().into_parts();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), long);
        assert!(cells.is_some());
        // What is unusual goes the general way.
        for other in [json!([["x".repeat(LARGE)], [7]]), json!(null)] {
            assert_eq!(cut(response(other.clone())).unwrap_err(), response(other.clone()));
            assert_eq!(read(parts(response(other.clone()))).unwrap(), parts(response(other)).json().unwrap());
        }
        // So does a small response.
        let small = read(parts(response(json!([["x"]])))).unwrap().result.unwrap().data_array.unwrap();
        assert!(small.into_parts().1.is_none());
    }
}
