//! Statements on an attached engine, which a script of a few lines plays.

use std::sync::Arc;

use arrow_array::builder::{Int32Builder, StringBuilder};
use arrow_array::types::IntervalYearMonthType;
use arrow_array::{ArrayRef, PrimitiveArray, RecordBatch, TimestampMicrosecondArray};
use arrow_ipc::writer::StreamWriter;
use base64::Engine as _;
use bytes::Bytes;
use databricks_local::LocalWorkspace;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::client::{call, get, post, until};
use crate::grpc::{attached, engine, head};
use crate::statements::{execute, fails};
use crate::{thrift, thrift_client};

/// A field of a message whose content is bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    [&out, content].concat()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true))).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let stream = writer.into_inner().unwrap();
    field(2, &field(2, &stream))
}

fn rows(ids: &[Option<i32>]) -> Vec<u8> {
    let (mut numbers, mut texts) = (Int32Builder::new(), StringBuilder::new());
    for id in ids {
        numbers.append_option(*id);
        texts.append_option(id.map(|id| format!("row {id}")));
    }
    // 2026-11-29 12:00:00 in UTC, which the engine shows in its own zone.
    let at = TimestampMicrosecondArray::from(vec![1_795_953_600_000_000; ids.len()]).with_timezone("+01:00");
    batch(vec![("Id", Arc::new(numbers.finish())), ("text", Arc::new(texts.finish())), ("at", Arc::new(at))])
}

/// Responds as Spark does: a statement is a command, whose plan is executed then. What a statement has in it decides.
async fn serve(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    seen: UnboundedSender<(String, String)>,
) {
    let method = request.uri().path().rsplit_once('/').unwrap().1.to_owned();
    assert!(!request.headers().contains_key("authorization"));
    let (mut body, mut all) = (request.into_body(), Vec::new());
    while let Some(data) = body.data().await {
        all.extend_from_slice(&data.unwrap());
    }
    let text = String::from_utf8_lossy(&all).into_owned();
    seen.send((method.clone(), text.clone())).unwrap();
    let has = |word: &str| text.contains(word);
    let mut trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), 0.into())]);
    let messages = match () {
        () if method == "ReleaseSession" => vec![Vec::new()],
        () if has("FROM missing") => {
            let entry =
                |key: &str, value: &str| field(3, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
            let info = [entry("errorClass", "TABLE_OR_VIEW_NOT_FOUND"), entry("sqlState", "42P01")].concat();
            let any = [field(1, b"type.googleapis.com/google.rpc.ErrorInfo"), field(2, &info)].concat();
            trailers.insert("grpc-status", 13.into());
            trailers.insert("grpc-message", "no table%0Aat all".parse().unwrap());
            let details = base64::engine::general_purpose::STANDARD_NO_PAD.encode(field(3, &any));
            trailers.insert("grpc-status-details-bin", details.parse().unwrap());
            Vec::new()
        }
        () if has("PLAN SELECT rows") => vec![rows(&[Some(1), None]), rows(&[]), rows(&[Some(3)])],
        () if has("PLAN SELECT interval") => {
            let months: PrimitiveArray<IntervalYearMonthType> = vec![14].into();
            vec![batch(vec![("span", Arc::new(months))])]
        }
        () if has("PLAN SELECT nothing") => Vec::new(),
        () if has("PLAN SELECT forever") => {
            let mut out = respond.send_response(head(), false).unwrap();
            std::future::poll_fn(|cx| out.poll_reset(cx)).await.unwrap();
            seen.send(("reset".to_owned(), String::new())).unwrap();
            return;
        }
        () => {
            let at = text.find("SELECT").unwrap_or(0);
            let words: String = text[at..].chars().take_while(|c| c.is_alphabetic() || *c == ' ').collect();
            vec![field(5, &field(1, format!("PLAN {words}").as_bytes()))]
        }
    };
    let mut out = respond.send_response(head(), false).unwrap();
    for message in messages {
        let framed = [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), &message].concat();
        // Frames of HTTP/2 are not messages.
        let (first, rest) = framed.split_at(framed.len().min(3));
        out.send_data(Bytes::copy_from_slice(first), false).unwrap();
        out.send_data(Bytes::copy_from_slice(rest), false).unwrap();
    }
    out.send_trailers(trailers).unwrap();
}

async fn start() -> (LocalWorkspace, UnboundedReceiver<(String, String)>) {
    let (seen, calls) = mpsc::unbounded_channel();
    let url = engine(move |request, respond| serve(request, respond, seen.clone())).await;
    (attached(&url).await, calls)
}

#[tokio::test]
async fn rows_have_the_types_of_the_platform() {
    let (w, mut calls) = start().await;
    let done = execute(&w, "SELECT rows", json!({})).await.ok();
    let columns = done["manifest"]["schema"]["columns"].as_array().unwrap();
    let columns: Vec<_> =
        columns.iter().map(|c| (c["name"].as_str().unwrap(), c["type_text"].as_str().unwrap())).collect();
    assert_eq!(columns, [("Id", "INT"), ("text", "STRING"), ("at", "TIMESTAMP")]);
    let at = "2026-11-29T12:00:00.000Z";
    assert_eq!(done["result"]["data_array"], json!([["1", "row 1", at], [null, null, at], ["3", "row 3", at]]));
    // A statement without a session has one of its own, which is released.
    let (first, second, third) =
        (calls.recv().await.unwrap(), calls.recv().await.unwrap(), calls.recv().await.unwrap());
    assert_eq!(
        (first.0.as_str(), second.0.as_str(), third.0.as_str()),
        ("ExecutePlan", "ExecutePlan", "ReleaseSession")
    );
    let session = |text: &str| text.find('$').map(|at| text[at + 1..at + 37].to_owned()).unwrap();
    assert_eq!((session(&first.1), session(&second.1)), (session(&third.1), session(&third.1)));
}

#[tokio::test]
async fn errors_have_class_and_state() {
    let (w, _calls) = start().await;
    let (message, state) = fails(&w, "SELECT * FROM missing", json!({})).await;
    assert_eq!((message.as_str(), state.as_str()), ("[TABLE_OR_VIEW_NOT_FOUND] no table\nat all", "42P01"));
    let (message, _) = fails(&w, "SELECT interval", json!({})).await;
    assert!(message.contains("The column span has the type") && message.contains("cast it to STRING"), "{message}");
    let (message, _) = fails(&w, "SELECT nothing", json!({})).await;
    assert!(message.contains("without columns or rows"), "{message}");
}

#[tokio::test]
async fn sessions_are_the_engines() {
    let (w, mut calls) = start().await;
    let body = json!({"warehouse_id": w.warehouse_id(), "catalog": "c", "schema": "s`x"});
    let session = post(&w, "/api/2.0/sql/sessions", body).await.ok()["session_id"].as_str().unwrap().to_owned();
    let parameters = json!([{"name": "limit", "type": "INT", "value": "5"}]);
    let done =
        execute(&w, "SELECT rows", json!({"session_id": session, "parameters": parameters, "row_limit": 2})).await;
    assert_eq!(done.ok()["manifest"]["total_row_count"], 2);
    for contained in ["USE `c`.`s``x`", "limit", "PLAN SELECT rows"] {
        let (method, text) = calls.recv().await.unwrap();
        assert_eq!(method, "ExecutePlan");
        assert!(text.contains(contained) && text.contains(&session), "{text}");
    }
    call(&w, "DELETE", &format!("/api/2.0/sql/sessions/{session}"), None).await.ok();
    let (method, text) = calls.recv().await.unwrap();
    assert_eq!(method, "ReleaseSession");
    assert!(text.contains(&session), "{text}");
}

#[tokio::test]
async fn a_canceled_statement_ends_at_the_engine() {
    let (w, mut calls) = start().await;
    let begun = execute(&w, "SELECT forever", json!({"wait_timeout": "0s"})).await.ok();
    let statement = format!("/api/2.0/sql/statements/{}", begun["statement_id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(calls.recv().await.unwrap().0, "ExecutePlan");
    }
    post(&w, &format!("{statement}/cancel"), json!({})).await.ok();
    let mut ends = [calls.recv().await.unwrap().0, calls.recv().await.unwrap().0];
    ends.sort();
    assert_eq!(ends, ["ReleaseSession", "reset"]);
    assert_eq!(get(&w, &statement).await.ok()["status"]["state"], "CANCELED");
}

#[tokio::test]
async fn thrift_runs_there_and_lists_nothing_that_is_elsewhere() {
    let (w, _calls) = start().await;
    let session = thrift_client::open(&w).await;
    let run = thrift_client::execute(&w, &session, "SELECT rows", []).await;
    assert_eq!(thrift::column(run.at(&[1281, 3, 3]), 1).1, [1]);
    let listed = thrift_client::call(&w, "GetCatalogs", thrift_client::st([(1, session)])).await;
    let (code, _, message) = thrift::status(&listed);
    assert_eq!(code, 3);
    assert!(message.contains("SHOW and DESCRIBE"), "{message}");
}

#[tokio::test]
async fn an_engine_that_ends_is_stated() {
    let w = attached("sc://127.0.0.1:1").await;
    let begun = execute(&w, "SELECT 1", json!({"wait_timeout": "0s"})).await.ok();
    let statement = format!("/api/2.0/sql/statements/{}", begun["statement_id"].as_str().unwrap());
    let failed = until(&w, &statement, |s| s["status"]["state"] == "FAILED").await;
    assert_eq!(failed["status"]["error"]["error_code"], "TEMPORARILY_UNAVAILABLE");
    assert!(failed["status"]["error"]["message"].as_str().unwrap().contains("--spark-connect"), "{failed}");
}
