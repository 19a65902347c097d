//! Nothing of a result goes missing without an error, in whichever way it is read.

use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use databricks_arrow::ArrowExt as _;
use databricks_sdk::sql::{Disposition, Format, Query};
use databricks_sdk::{Config, Error, ErrorKind, Result, WorkspaceClient};
use httpmock::{Method::GET, Method::POST, MockServer};
use proptest::prelude::*;
use serde_json::{Value, json};

fn client(server: &MockServer) -> WorkspaceClient {
    let config = Config::hermetic().host(server.base_url()).token("tok");
    WorkspaceClient::new(config).unwrap()
}

/// What a service sends for a statement of one column `a`.
#[derive(Clone, Debug)]
struct Service {
    /// Members of the manifest besides format and schema.
    manifest: Value,
    /// The result that comes along; null for none.
    result: Value,
    /// Responses for further chunks, by index.
    chunks: Vec<(i64, Value)>,
    /// What the storage has, by name. `@` in links stands for the address of the storage.
    storage: Vec<(&'static str, Vec<u8>)>,
}

impl Service {
    fn inline(manifest: Value, result: Value) -> Self {
        Self { manifest, result, chunks: Vec::new(), storage: Vec::new() }
    }

    fn chunk(mut self, index: i64, response: Value) -> Self {
        self.chunks.push((index, response));
        self
    }

    fn stored(mut self, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.storage.push((name, bytes.into()));
        self
    }

    async fn start(&self, format: &str) -> MockServer {
        let server = MockServer::start_async().await;
        let place = |value: &Value| -> Value {
            let text = value.to_string().replace("\"@", &format!("\"{}/storage/", server.base_url()));
            serde_json::from_str(&text).unwrap()
        };
        let mut manifest = json!({"format": format, "schema": {"columns": [{"name": "a", "position": 0, "type_name": "INT", "type_text": "INT"}]}});
        manifest.as_object_mut().unwrap().extend(self.manifest.as_object().cloned().unwrap_or_default());
        let mut body = json!({"statement_id": "s-1", "status": {"state": "SUCCEEDED"}, "manifest": manifest});
        if !self.result.is_null() {
            body["result"] = place(&self.result);
        }
        server.mock(|when, then| {
            when.method(POST).path("/api/2.0/sql/statements");
            then.status(200).json_body(body);
        });
        for (index, response) in &self.chunks {
            let (path, body) = (format!("/api/2.0/sql/statements/s-1/result/chunks/{index}"), place(response));
            server.mock(|when, then| {
                when.method(GET).path(path);
                then.status(200).json_body(body);
            });
        }
        for (name, bytes) in &self.storage {
            server.mock(|when, then| {
                when.method(GET).path(format!("/storage/{name}"));
                then.status(200).body(bytes);
            });
        }
        server
    }
}

fn rows(numbers: std::ops::Range<i32>) -> Value {
    numbers.map(|n| json!([n.to_string()])).collect()
}

fn arrow(numbers: std::ops::Range<i32>) -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true)]));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    let column = Arc::new(Int32Array::from_iter_values(numbers));
    writer.write(&RecordBatch::try_new(schema.clone(), vec![column]).unwrap()).unwrap();
    writer.into_inner().unwrap()
}

fn csv(heading: &str, numbers: std::ops::Range<i32>) -> Vec<u8> {
    numbers.fold(heading.to_owned(), |text, n| format!("{text}{n}\n")).into_bytes()
}

/// The number of rows that each way of reading JSON finds.
async fn read_json(query: impl Fn() -> Query) -> Vec<(&'static str, Result<usize>)> {
    let bytes = async {
        let mut rows = 0;
        for chunk in query().json().try_collect().await? {
            rows += serde_json::from_slice::<Vec<Value>>(&chunk).unwrap().len();
        }
        Ok::<_, Error>(rows)
    };
    vec![
        ("await", query().await.map(|result| result.rows.len())),
        ("rows", query().rows::<i32>().await.map(|rows| rows.len())),
        ("row_stream", query().row_stream().result_set().await.map(|result| result.rows.len())),
        ("collect_json", query().collect_json().await.map(|rows| rows.len())),
        ("json", bytes.await),
    ]
}

async fn read_arrow(query: Query) -> Result<usize> {
    Ok(query.batches().try_collect().await?.iter().map(RecordBatch::num_rows).sum())
}

async fn read_csv(query: Query) -> Result<usize> {
    let text: Vec<u8> = query.csv().try_collect().await?.concat();
    Ok(String::from_utf8(text).unwrap().lines().count().saturating_sub(1))
}

/// Reads a service's JSON in every way: all must fail, with an error of one line that has these parts.
async fn all_fail(what: &str, service: Service, parts: &[&str]) {
    let server = service.start("JSON_ARRAY").await;
    let w = client(&server);
    for (way, outcome) in read_json(|| w.sql("SELECT a").warehouse("w")).await {
        let error = outcome.expect_err(&format!("{what} by {way}"));
        assert_eq!(error.kind(), ErrorKind::Decode, "{what} by {way}: {error}");
        let text = error.to_string();
        assert!(parts.iter().all(|part| text.contains(part)) && !text.contains('\n'), "{what} by {way}: {text}");
        assert!(text.contains("s-1"), "{what} by {way} names the statement: {text}");
    }
}

#[tokio::test]
async fn inline_rows_that_do_not_agree_with_the_manifest_are_errors() {
    let one = json!({"chunk_index": 0, "row_offset": 0, "row_count": 1, "data_array": [["1"]]});
    let two = |chunks: Value| json!({"total_chunk_count": 2, "total_row_count": 2, "chunks": chunks});
    let listed = json!([{"chunk_index": 0, "row_offset": 0, "row_count": 1}, {"chunk_index": 1, "row_offset": 1, "row_count": 1}]);
    let three = json!({"chunk_index": 0, "row_count": 3, "data_array": rows(0..3)});
    let next = |at: i64| json!({"chunk_index": 0, "row_count": 1, "data_array": [["1"]], "next_chunk_index": at});
    let cases = [
        (
            "fewer in all",
            Service::inline(json!({"total_row_count": 5, "total_chunk_count": 1}), three.clone()),
            vec!["3 rows", "states 5"],
        ),
        (
            "more in all",
            Service::inline(json!({"total_row_count": 2, "total_chunk_count": 1}), three.clone()),
            vec!["3 rows", "states 2"],
        ),
        (
            "rows though none are stated",
            Service::inline(json!({"total_row_count": 0}), three.clone()),
            vec!["states 0"],
        ),
        (
            "fewer in the chunk, as the chunk has it",
            Service::inline(json!({}), json!({"row_count": 4, "data_array": rows(0..3)})),
            vec!["chunk 0", "3 rows", "states 4"],
        ),
        (
            "fewer in the chunk, as the manifest has it",
            Service::inline(json!({"chunks": [{"chunk_index": 0, "row_count": 4}]}), json!({"data_array": rows(0..3)})),
            vec!["chunk 0", "3 rows", "states 4"],
        ),
        (
            "two statements that contradict each other",
            Service::inline(json!({"chunks": [{"chunk_index": 0, "row_count": 4}]}), three.clone()),
            vec!["chunk 0", "4 and as 3"],
        ),
        (
            "an empty second chunk",
            Service::inline(two(listed.clone()), one.clone()).chunk(1, json!({})),
            vec!["chunk 1", "1 rows"],
        ),
        (
            "an empty second chunk of unknown size",
            Service::inline(two(json!([])), one.clone()).chunk(1, json!({})),
            vec!["chunk 1", "its rows"],
        ),
        (
            "no links",
            Service::inline(two(json!([])), one.clone()).chunk(1, json!({"external_links": []})),
            vec!["chunk 1"],
        ),
        (
            "rows of none",
            Service::inline(two(json!([])), one.clone()).chunk(1, json!({"data_array": null})),
            vec!["chunk 1"],
        ),
        (
            "a second chunk that is the first",
            Service::inline(two(json!([])), one.clone()).chunk(1, one.clone()),
            vec!["chunk 1", "sent chunk 0"],
        ),
        (
            "a second chunk at another place",
            Service::inline(two(json!([])), one.clone()).chunk(1, json!({"row_offset": 0, "data_array": [["2"]]})),
            vec!["chunk 1", "after 1 rows", "states 0"],
        ),
        (
            "a chunk too few",
            Service::inline(json!({"total_chunk_count": 3}), one.clone())
                .chunk(1, json!({"data_array": [["2"]]}))
                .chunk(2, json!({})),
            vec!["chunk 2"],
        ),
        (
            "a listed chunk that never comes",
            Service::inline(json!({"total_chunk_count": 1, "chunks": listed}), one.clone()),
            vec!["lists chunk 1"],
        ),
        ("a chunk that names itself", Service::inline(json!({}), next(0)), vec!["chunk 0 names chunk 0"]),
        ("a chunk left out", Service::inline(json!({}), next(2)), vec!["chunk 0 names chunk 2"]),
        (
            "a circle",
            Service::inline(json!({}), next(1))
                .chunk(1, json!({"chunk_index": 1, "data_array": [["2"]], "next_chunk_index": 0})),
            vec!["chunk 1 names chunk 0"],
        ),
        (
            "a chain longer than stated",
            Service::inline(json!({"total_chunk_count": 1}), next(1)),
            vec!["chunk 0 names chunk 1", "1 chunks are stated"],
        ),
        (
            "a chain with more rows than stated",
            Service::inline(json!({"total_row_count": 1}), next(1))
                .chunk(1, json!({"data_array": [["2"]], "next_chunk_index": 2})),
            vec!["2 rows", "states 1"],
        ),
        (
            "a chain that ends early",
            Service::inline(json!({"total_row_count": 3}), next(1)).chunk(1, json!({"data_array": [["2"]]})),
            vec!["2 rows", "states 3"],
        ),
        (
            "no result, and none to be had",
            Service::inline(json!({"total_row_count": 3, "total_chunk_count": 1}), Value::Null).chunk(0, json!({})),
            vec!["chunk 0"],
        ),
        (
            "a result of nothing, and none to be had",
            Service::inline(json!({"total_row_count": 3}), json!({})).chunk(0, json!({})),
            vec!["chunk 0"],
        ),
        (
            "a result of no stated size, and none to be had",
            Service::inline(json!({}), Value::Null).chunk(0, json!({})),
            vec!["chunk 0"],
        ),
        (
            "numbers that count nothing",
            Service::inline(json!({"total_row_count": -1}), one.clone()),
            vec!["total_row_count is -1"],
        ),
        (
            "one chunk twice",
            Service::inline(json!({"chunks": [{"chunk_index": 0}, {"chunk_index": 0}]}), one),
            vec!["chunk 0 twice"],
        ),
    ];
    for (what, service, parts) in cases {
        all_fail(what, service, &parts).await;
    }
}

#[tokio::test]
async fn linked_rows_that_do_not_agree_with_the_manifest_are_errors() {
    let link =
        |index: i64, name: &str, count: i64| json!({"chunk_index": index, "row_count": count, "external_link": name});
    let links = |links: Value| json!({"external_links": links});
    let whole = json!({"total_chunk_count": 1, "total_row_count": 2});
    let two = json!({"total_chunk_count": 2, "total_row_count": 2});
    let body = rows(0..2).to_string();
    let cases = [
        (
            "fewer rows",
            Service::inline(whole.clone(), links(json!([link(0, "@x", 2)]))).stored("x", "[[\"1\"]]"),
            vec!["chunk 0", "1 rows", "states 2"],
        ),
        (
            "an empty body",
            Service::inline(json!({}), links(json!([{"external_link": "@x"}]))).stored("x", ""),
            vec!["s-1"],
        ),
        (
            "half a body",
            Service::inline(json!({}), links(json!([{"external_link": "@x"}])))
                .stored("x", &body.as_bytes()[..body.len() - 1]),
            vec!["s-1"],
        ),
        (
            "a link to another chunk",
            Service::inline(whole.clone(), links(json!([link(1, "@x", 2)]))).stored("x", body.clone()),
            vec!["chunk 0", "link to chunk 1"],
        ),
        (
            "two links to one chunk",
            Service::inline(whole.clone(), links(json!([link(0, "@x", 1), link(0, "@y", 1)])))
                .stored("x", "[[\"1\"]]")
                .stored("y", "[[\"2\"]]"),
            vec!["chunk 0", "2 links"],
        ),
        (
            "rows and a link",
            Service::inline(whole, json!({"data_array": [], "external_links": [link(0, "@x", 2)]})).stored("x", body),
            vec!["chunk 0", "both"],
        ),
        (
            "a later link to another chunk",
            Service::inline(two.clone(), links(json!([link(0, "@x", 1)])))
                .chunk(1, links(json!([link(0, "@x", 1)])))
                .stored("x", "[[\"1\"]]"),
            vec!["chunk 1", "link to chunk 0"],
        ),
        (
            "a later chunk without a link",
            Service::inline(two, links(json!([link(0, "@x", 1)])))
                .chunk(1, json!({"external_links": []}))
                .stored("x", "[[\"1\"]]"),
            vec!["chunk 1"],
        ),
    ];
    for (what, service, parts) in cases {
        all_fail(what, service, &parts).await;
    }
}

#[tokio::test]
async fn a_result_that_did_not_come_along_is_asked_for() {
    let three = json!({"chunk_index": 0, "row_count": 3, "data_array": rows(0..3)});
    for result in [Value::Null, json!({}), json!({"external_links": []})] {
        let manifest = json!({"total_row_count": 3, "total_chunk_count": 1});
        let server = Service::inline(manifest, result).chunk(0, three.clone()).start("JSON_ARRAY").await;
        let w = client(&server);
        for (way, found) in read_json(|| w.sql("SELECT a").warehouse("w")).await {
            assert_eq!(found.unwrap(), 3, "{way}");
        }
    }
}

#[tokio::test]
async fn results_of_no_rows_are_empty_in_every_way() {
    for (manifest, result) in [
        (json!({"total_row_count": 0, "total_chunk_count": 0}), Value::Null),
        (json!({"total_row_count": 0}), json!({})),
        (json!({"total_row_count": 0, "total_chunk_count": 0}), json!({"row_count": 0, "data_array": []})),
        (json!({"total_chunk_count": 0}), Value::Null),
        (json!({"total_row_count": 0, "total_chunk_count": 1}), json!({"row_count": 0, "data_array": []})),
        (
            json!({"total_row_count": 0, "total_chunk_count": 1, "chunks": [{"chunk_index": 0, "row_count": 0}]}),
            json!({"external_links": []}),
        ),
    ] {
        let server = Service::inline(manifest.clone(), result).start("JSON_ARRAY").await;
        let w = client(&server);
        for (way, found) in read_json(|| w.sql("SELECT a").warehouse("w")).await {
            assert_eq!(found.unwrap(), 0, "{manifest} by {way}");
        }
        assert_eq!(w.sql("SELECT a").warehouse("w").fetch_optional::<i32>().await.unwrap(), None);
        let error = w.sql("SELECT a").warehouse("w").fetch_one::<i32>().await.unwrap_err().to_string();
        assert_eq!(
            error,
            "expected one row, but the result of statement s-1 has none; use fetch_optional if there may be none"
        );
    }
}

#[tokio::test]
async fn csv_and_arrow_are_counted_too() {
    let manifest = json!({"total_chunk_count": 2, "total_row_count": 5});
    let result = json!({"external_links": [{"chunk_index": 0, "row_offset": 0, "external_link": "@0"}, {"chunk_index": 1, "row_offset": 3, "external_link": "@1"}]});
    let service = |first: Vec<u8>, second: Vec<u8>| {
        Service::inline(manifest.clone(), result.clone()).stored("0", first).stored("1", second)
    };
    let csv_of = async |first, second| {
        let server = service(first, second).start("CSV").await;
        read_csv(client(&server).sql("SELECT a").warehouse("w")).await
    };
    let arrow_of = async |first, second| {
        let server = service(first, second).start("ARROW_STREAM").await;
        let w = client(&server);
        let raw =
            w.sql("SELECT a").warehouse("w").chunks(Format::ArrowStream).try_collect().await.map(|chunks| chunks.len());
        (read_arrow(w.sql("SELECT a").warehouse("w")).await, raw)
    };
    assert_eq!(csv_of(csv("a\n", 0..3), csv("", 3..5)).await.unwrap(), 5);
    for (first, second) in [
        (csv("a\n", 0..2), csv("", 3..5)),
        (csv("a\n", 0..3), csv("", 3..4)),
        (csv("a\n", 0..3), Vec::new()),
        (Vec::new(), csv("", 3..5)),
    ] {
        assert_eq!(csv_of(first, second).await.unwrap_err().kind(), ErrorKind::Decode);
    }
    assert_eq!(arrow_of(arrow(0..3), arrow(3..5)).await.0.unwrap(), 5);
    let cut = |bytes: Vec<u8>, by: usize| bytes[..bytes.len() - by].to_vec();
    for (first, second, says) in [
        (arrow(0..2), arrow(3..5), "chunk 1"),
        (arrow(0..3), arrow(3..4), "ends after 4 rows"),
        (arrow(0..3), arrow(3..6), "6 rows"),
        (arrow(0..3), Vec::new(), "chunk 1"),
        (b"no stream".to_vec(), arrow(3..5), "chunk 0"),
    ] {
        let text = arrow_of(first, second).await.0.unwrap_err().to_string();
        assert!(text.contains(says) && text.contains("s-1"), "{text}");
    }
    for by in [8, 16, 100] {
        let (batches, raw) = arrow_of(cut(arrow(0..3), by), arrow(3..5)).await;
        assert!(batches.unwrap_err().to_string().contains("chunk 0"), "{by}");
        assert!(raw.unwrap_err().to_string().contains("without its end mark"), "{by}");
    }
}

#[tokio::test]
async fn every_way_tells_that_a_result_was_truncated() {
    let manifest = json!({"total_row_count": 1, "total_chunk_count": 1, "truncated": true});
    let server =
        Service::inline(manifest.clone(), json!({"row_count": 1, "data_array": [["1"]]})).start("JSON_ARRAY").await;
    let w = client(&server);
    let query = || w.sql("SELECT a").warehouse("w");
    // With a limit, a part is what was asked for.
    for (way, outcome) in read_json(|| query().row_limit(1)).await {
        assert_eq!(outcome.unwrap(), 1, "{way}");
    }
    // Without one, what can only return rows refuses to pass them off as all.
    for (way, outcome) in read_json(query).await {
        match outcome {
            Ok(_) => assert!(["await", "row_stream"].contains(&way), "{way} has a place to tell it"),
            Err(error) => assert!(error.to_string().contains("was truncated after 1 rows"), "{way}: {error}"),
        }
    }
    assert!(query().fetch_one::<i32>().await.is_err());
    assert!(query().await.unwrap().truncated);
    let (mut rows, mut row_stream, mut chunks) = (query().rows::<i32>(), query().row_stream(), query().json());
    while rows.try_next().await.unwrap().is_some() {}
    while row_stream.try_next().await.unwrap().is_some() {}
    while chunks.try_next().await.unwrap().is_some() {}
    assert!(rows.truncated() && row_stream.truncated() && chunks.truncated());

    let linked = Service::inline(manifest, json!({"external_links": [{"row_count": 1, "external_link": "@x"}]}))
        .stored("x", arrow(0..1));
    let server = linked.start("ARROW_STREAM").await;
    let w = client(&server);
    let mut batches = w.sql("SELECT a").warehouse("w").batches();
    while batches.try_next().await.unwrap().is_some() {}
    assert!(batches.truncated());
    assert!(read_arrow(w.sql("SELECT a").warehouse("w")).await.is_err());
    assert_eq!(read_arrow(w.sql("SELECT a").warehouse("w").byte_limit(10)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_result_of_no_rows_has_an_arrow_schema() {
    let without = Service::inline(json!({"total_row_count": 0, "total_chunk_count": 0}), Value::Null);
    let schema_only = {
        let schema = Schema::new(vec![Field::new("a", DataType::Int32, true)]);
        StreamWriter::try_new(Vec::new(), &schema).unwrap().into_inner().unwrap()
    };
    let manifest = json!({"total_row_count": 0, "total_chunk_count": 1});
    let with = Service::inline(
        manifest,
        json!({"external_links": [{"chunk_index": 0, "row_count": 0, "external_link": "@x"}]}),
    )
    .stored("x", schema_only);
    for service in [without, with] {
        let server = service.start("ARROW_STREAM").await;
        let mut batches = client(&server).sql("SELECT a").warehouse("w").batches();
        assert!(batches.try_next().await.unwrap().is_none());
        let schema = batches.schema().unwrap();
        assert_eq!((schema.field(0).name().as_str(), schema.field(0).data_type()), ("a", &DataType::Int32));
    }
}

/// A chunk as a service might send it: how many rows there are, and what is stated about them.
#[derive(Clone, Debug)]
struct Piece {
    rows: i32,
    stated: Option<i32>,
    listed: Option<i32>,
    offset: bool,
    linked: bool,
}

fn piece() -> impl Strategy<Value = Piece> {
    let near = |rows: i32| prop_oneof![2 => Just(None), 6 => Just(Some(rows)), 1 => (0..5).prop_map(Some)];
    (0..4, any::<bool>(), prop::bool::weighted(0.3))
        .prop_flat_map(move |(rows, offset, linked)| (Just(rows), near(rows), near(rows), Just(offset), Just(linked)))
        .prop_map(|(rows, stated, listed, offset, linked)| Piece { rows, stated, listed, offset, linked })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever chunks come and whatever is stated about them: what is a success has every row that was stated.
    #[test]
    fn no_success_has_fewer_rows_than_stated(
        pieces in prop::collection::vec(piece(), 0..4),
        total in prop::option::weighted(0.7, -1..2_i32),
        chunks in prop::option::weighted(0.7, -1..2_i64),
        lists in any::<bool>(),
        names_next in any::<bool>(),
        lost in prop::option::weighted(0.2, 0..4_usize),
        truncated in any::<bool>(),
        format in 0..3_usize,
    ) {
        let there: i32 = pieces.iter().map(|piece| piece.rows).sum();
        let mut manifest = json!({"truncated": truncated});
        if let Some(by) = total {
            manifest["total_row_count"] = (there + by).into();
        }
        if let Some(by) = chunks {
            manifest["total_chunk_count"] = (pieces.len() as i64 + by).into();
        }
        let listed = |index: usize| pieces[index].listed.filter(|_| lists);
        if lists {
            let entry = |index: usize| match listed(index) {
                Some(rows) => json!({"chunk_index": index, "row_count": rows}),
                None => json!({"chunk_index": index}),
            };
            manifest["chunks"] = (0..pieces.len()).map(entry).collect();
        }
        const NAMES: [&str; 4] = ["0", "1", "2", "3"];
        let mut service = Service::inline(manifest.clone(), Value::Null);
        let mut at = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let mut said = json!({"chunk_index": index});
            if let Some(rows) = piece.stated {
                said["row_count"] = rows.into();
            }
            if piece.offset {
                said["row_offset"] = at.into();
            }
            if names_next && index + 1 < pieces.len() {
                said["next_chunk_index"] = (index + 1).into();
            }
            let linked = piece.linked || format > 0;
            let range = at..at + piece.rows;
            let response = match linked {
                _ if lost == Some(index) => json!({}),
                true => {
                    let bytes = match format {
                        0 => rows(range).to_string().into_bytes(),
                        1 => csv(if index == 0 { "a\n" } else { "" }, range),
                        _ => arrow(range),
                    };
                    service = service.stored(NAMES[index], bytes);
                    said["external_link"] = format!("@{index}").into();
                    json!({"external_links": [said]})
                }
                false => {
                    said["data_array"] = rows(range);
                    said
                }
            };
            if index == 0 {
                service.result = response.clone();
            }
            service = service.chunk(index as i64, response);
            at += piece.rows;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found: Vec<(&str, Result<usize>)> = runtime.block_on(async {
            let server = service.start(["JSON_ARRAY", "CSV", "ARROW_STREAM"][format]).await;
            let w = client(&server);
            let query = || w.sql("SELECT a").warehouse("w").row_limit(100);
            match format {
                0 => read_json(|| query().disposition(Disposition::Inline)).await,
                1 => vec![("csv", read_csv(query()).await)],
                _ => vec![("batches", read_arrow(query()).await)],
            }
        });
        let stated = manifest["total_row_count"].as_i64().unwrap_or_default();
        for (way, outcome) in found {
            let Ok(found) = outcome else { continue };
            prop_assert!(found as i64 >= stated, "{way}: {found} of {stated}");
            // Each chunk that is named anywhere is there, with the rows that are named anywhere.
            let known = manifest["total_chunk_count"].as_i64().unwrap_or_default().max(if lists { pieces.len() as i64 } else { 0 });
            prop_assert!(known <= pieces.len() as i64 || stated == 0, "{way}: {known} chunks");
            // What a lost chunk would have stated was never sent.
            let sent = |index: usize| pieces[index].stated.filter(|_| lost != Some(index));
            let each: i32 = (0..pieces.len().min(known as usize)).map(|index| sent(index).max(listed(index)).unwrap_or_default()).sum();
            prop_assert!(found as i32 >= each, "{way}: {found} of {each}");
        }
    }
}
