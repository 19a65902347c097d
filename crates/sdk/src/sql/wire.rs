//! What the statement API sends, with the rows left as JSON text until a chunk is read.
//!
//! The generated response type holds every cell as a string of its own; here the rows are read once, into one buffer
//! per chunk.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use databricks_core::ResponseParts;
use databricks_core::model::{At, Wire, from_json};
use databricks_core::operation::Content;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::cells::Cells;

databricks_core::model! {
    /// Response to execute and to get.
    StatementResponse {
        required {}
        optional {
            /// Id.
            statement_id: String = "statement_id",
            /// State and error.
            status: Status = "status",
            /// The shape of the result.
            manifest: Manifest = "manifest",
            /// The first chunk.
            result: ResultData = "result",
        }
    }
}

databricks_core::model! {
    /// State and error.
    Status {
        required {}
        optional {
            /// `SUCCEEDED` and so on.
            state: String = "state",
            /// Why it failed.
            error: Failure = "error",
            /// SQLSTATE.
            sql_state: String = "sql_state",
        }
    }
}

databricks_core::model! {
    /// Why a statement failed.
    Failure {
        required {}
        optional {
            /// Code.
            error_code: String = "error_code",
            /// Message.
            message: String = "message",
        }
    }
}

databricks_core::model! {
    /// The shape of a result.
    Manifest {
        required {}
        optional {
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
    }
}

databricks_core::model! {
    /// Columns of a result.
    Schema {
        required {}
        optional {
            /// Columns.
            columns: Vec<ColumnInfo> = "columns",
        }
    }
}

databricks_core::model! {
    /// A column.
    ColumnInfo {
        required {}
        optional {
            /// Name.
            name: String = "name",
            /// Type in short.
            type_name: String = "type_name",
            /// Type in full.
            type_text: String = "type_text",
        }
    }
}

databricks_core::model! {
    /// Size of a chunk.
    ChunkInfo {
        required {}
        optional {
            /// Index of the chunk.
            chunk_index: i64 = "chunk_index",
            /// Rows of the result before the chunk.
            row_offset: i64 = "row_offset",
            /// Rows.
            row_count: i64 = "row_count",
            /// Bytes.
            byte_count: i64 = "byte_count",
        }
    }
}

databricks_core::model! {
    /// One chunk: rows, or links to them.
    ResultData {
        required {}
        optional {
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
    }
}

databricks_core::model! {
    /// A link to a chunk on cloud storage.
    Link {
        required {}
        optional {
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
}

/// JSON that is not read yet.
#[derive(Clone)]
pub(crate) struct RawJson {
    text: Bytes,
    /// The cells, if the text is a list of rows and they were found on the way to it.
    cells: Option<Cells>,
}

impl RawJson {
    /// The text without a copy, and its cells if they are known.
    pub(crate) fn into_parts(self) -> (Bytes, Option<Cells>) {
        (self.text, self.cells)
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

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        serde_json::from_slice::<&RawValue>(&self.text).map_err(serde::ser::Error::custom)?.serialize(s)
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
pub(crate) fn read(parts: ResponseParts) -> databricks_core::Result<StatementResponse> {
    match cut(&parts) {
        Some(response) => Ok(response),
        None => parts.json(),
    }
}

/// Reads a large response around its rows, if they have their usual form and the rest can be read.
fn cut(parts: &ResponseParts) -> Option<StatementResponse> {
    let Content::Bytes(bytes) = &parts.content else { return None };
    if bytes.len() < LARGE {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (cells, rows) = Cells::in_response(text)?;
    let rest = [&text[..rows.start], "null", &text[rows.end..]].concat();
    let mut response: StatementResponse = from_json(rest.as_bytes()).ok()?;
    response.result.as_mut()?.data_array = Some(RawJson { text: bytes.slice(rows), cells: Some(cells) });
    Some(response)
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
            let content = Content::Bytes(text.to_string().into());
            ResponseParts::new(INFO, StatusCode::OK, HeaderMap::new(), content)
        };
        let long = json!([["x".repeat(LARGE)], [null], ["\"\n"]]);
        let read_around = cut(&response(long.clone())).unwrap();
        assert_eq!(read_around, response(long.clone()).json().unwrap());
        assert_eq!(serde_json::to_value(&read_around).unwrap()["result"]["data_array"], long);
        // What is unusual goes the general way, and a small response does too.
        for other in [json!([["x".repeat(LARGE)], [7]]), json!(null), json!([["x"]])] {
            assert!(cut(&response(other.clone())).is_none());
            assert_eq!(read(response(other.clone())).unwrap(), response(other).json().unwrap());
        }
    }
}
