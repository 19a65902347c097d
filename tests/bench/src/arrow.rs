//! A result as Arrow behind links: what the server sends, and how the contenders other than ours read it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use serde_json::{Value, json};

/// The rows of a chunk, which then has 7.5 MB.
pub(crate) const ROWS: usize = 190_000;
/// The chunks of the result.
pub(crate) const CHUNKS: usize = 16;
/// How many of them are fetched at the same time.
pub(crate) const PARALLELISM: usize = 4;

/// A chunk, the same for every index, in Arrow's IPC stream format.
pub(crate) fn chunk() -> Result<Bytes> {
    let field = |name, kind| Field::new(name, kind, true);
    let schema = Schema::new(vec![
        field("id", DataType::Int64),
        field("amount", DataType::Float64),
        field("name", DataType::Utf8),
    ]);
    let schema = Arc::new(schema);
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    // The service sends several batches a chunk.
    for first in (0..ROWS).step_by(ROWS / 10) {
        let rows = first..first + ROWS / 10;
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(rows.clone().map(|i| Some(i as i64)).collect::<Int64Array>()),
                Arc::new(rows.clone().map(|i| Some(i as f64 * 0.25)).collect::<Float64Array>()),
                Arc::new(rows.map(|i| Some(format!("customer number {i:04}"))).collect::<StringArray>()),
            ],
        )?;
        writer.write(&batch)?;
    }
    Ok(writer.into_inner()?.into())
}

/// The response to the statement.
///
/// * `url`: of the server.
pub(crate) fn statement(url: &str, bytes: usize) -> Value {
    let chunks: Vec<Value> = (0..CHUNKS)
        .map(|i| json!({"chunk_index": i, "row_offset": i * ROWS, "row_count": ROWS, "byte_count": bytes}))
        .collect();
    let columns = [("id", "LONG", "BIGINT"), ("amount", "DOUBLE", "DOUBLE"), ("name", "STRING", "STRING")];
    let columns: Vec<Value> = columns
        .into_iter()
        .enumerate()
        .map(|(position, (name, short, long))| {
            json!({"name": name, "position": position, "type_name": short, "type_text": long})
        })
        .collect();
    json!({
        "statement_id": "01ef1234-5678-1abc-9def-0123456789ab",
        "status": {"state": "SUCCEEDED"},
        "manifest": {
            "format": "ARROW_STREAM", "schema": {"column_count": 3, "columns": columns}, "total_chunk_count": CHUNKS,
            "chunks": chunks, "total_row_count": ROWS * CHUNKS, "total_byte_count": bytes * CHUNKS, "truncated": false,
        },
        "result": links(url, 0, bytes),
    })
}

/// The link to a chunk.
pub(crate) fn links(url: &str, index: usize, bytes: usize) -> Value {
    let mut link = json!({
        "chunk_index": index, "row_offset": index * ROWS, "row_count": ROWS, "byte_count": bytes,
        "external_link": format!("{url}/chunks/{index}"), "expiration": "2100-01-01T00:00:00Z",
    });
    if index + 1 < CHUNKS {
        link["next_chunk_index"] = json!(index + 1);
        link["next_chunk_internal_link"] = json!(path(index + 1));
    }
    json!({"external_links": [link]})
}

/// Where the link to a chunk is asked for.
pub(crate) fn path(index: usize) -> String {
    format!("/api/2.0/sql/statements/01ef1234-5678-1abc-9def-0123456789ab/result/chunks/{index}")
}

/// The body of a request for the statement.
pub(crate) fn request() -> Value {
    json!({
        "statement": "SELECT arrow", "warehouse_id": "abc", "wait_timeout": "10s", "on_wait_timeout": "CONTINUE",
        "disposition": "EXTERNAL_LINKS", "format": "ARROW_STREAM",
    })
}

/// The link in a response.
pub(crate) fn link(response: &Value) -> Result<String> {
    let link = response
        .pointer("/external_links/0/external_link")
        .or(response.pointer("/result/external_links/0/external_link"));
    Ok(link.and_then(Value::as_str).context("the response has no link")?.to_owned())
}

/// The rows of a chunk, all of its columns decoded.
pub(crate) fn rows(chunk: &[u8]) -> Result<usize> {
    let mut rows = 0;
    for batch in StreamReader::try_new(chunk, None)? {
        rows += batch?.num_rows();
    }
    Ok(rows)
}
