//! How results come: by links, ahead of their reader, in spite of storage; and statements that are not wanted any more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use databricks_arrow::ArrowExt as _;
use databricks_local::faults::Rule;
use databricks_sdk::ErrorKind;
use databricks_sdk::models::sql::StatementState;
use databricks_sdk::sql::{Disposition, Format};
use databricks_tests::Fixture;

const STORAGE: &str = "/local/storage/*";
/// Hours of work in little memory.
const SLOW: &str = "SELECT sum(id % 7) FROM range(0, 1000000000000000)";

/// How often a path that contains `part` was asked for.
fn asked(f: &Fixture, part: &str) -> usize {
    f.local.requests().iter().filter(|request| request.path.contains(part)).count()
}

async fn eventually(what: &str, happened: impl Fn() -> bool) {
    let wait = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), wait).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn batches_come_in_order_and_ahead_of_their_reader() {
    let f = Fixture::start_with(|builder| builder.chunk_rows(1000)).await;
    let mut batches = f.w.sql("SELECT id FROM range(0, 10000)").warehouse(f.local.warehouse_id()).prefetch(3).batches();
    let mut rows = 0;
    let first = batches.try_next().await.unwrap().unwrap();
    rows += first.num_rows();
    // The chunk that was delivered and three more, though the reader does not ask for them.
    eventually("three chunks are fetched ahead", || asked(&f, "/local/storage/") == 4).await;
    let mut delivered = 1;
    loop {
        // A round trip in between, in which a fetch too many would show.
        f.w.current_user().me().await.unwrap();
        assert!(asked(&f, "/local/storage/") <= delivered + 3, "no more than three are fetched ahead");
        let Some(batch) = batches.try_next().await.unwrap() else { break };
        rows += batch.num_rows();
        delivered += 1;
    }
    assert_eq!(rows, 10_000);
    assert_eq!(batches.schema().unwrap().field(0).name(), "id");
}

#[tokio::test]
async fn the_window_is_bounded_by_bytes_too() {
    let f = Fixture::start_with(|builder| builder.chunk_rows(1000)).await;
    // A chunk has about 8 KiB: no two of them fit.
    let query =
        f.w.sql("SELECT id FROM range(0, 10000)").warehouse(f.local.warehouse_id()).prefetch(8).prefetch_bytes(10_000);
    let mut chunks = query.chunks(Format::ArrowStream);
    chunks.try_next().await.unwrap().unwrap();
    eventually("one chunk is fetched ahead", || asked(&f, "/local/storage/") == 2).await;
    for delivered in 1..10 {
        f.w.current_user().me().await.unwrap();
        assert!(asked(&f, "/local/storage/") <= delivered + 1, "no more than one is fetched ahead");
        chunks.try_next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn links_that_end_soon_are_renewed_before_they_are_used() {
    // Under the half minute that a download is given at least.
    let f = Fixture::start_with(|builder| builder.chunk_rows(1000).link_lifetime(Duration::from_secs(20))).await;
    let rows: Vec<i64> =
        f.w.sql("SELECT id FROM range(0, 3000)")
            .disposition(Disposition::ExternalLinks)
            .warehouse(f.local.warehouse_id())
            .rows()
            .await
            .unwrap();
    assert_eq!(rows.len(), 3000);
    assert!(asked(&f, "/result/chunks/0") > 0, "the link that came with the response was renewed");
    assert_eq!(asked(&f, "/local/storage/"), 3);
}

#[tokio::test]
async fn a_link_that_has_ended_is_renewed() {
    let f = Fixture::start_with(|builder| builder.chunk_rows(1000)).await;
    let expired = Rule::new("GET", STORAGE).skip(1).times(1).status(403).header("content-type", "application/xml");
    f.local
        .faults()
        .add(expired.body("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"));
    let mut batches = f.w.sql("SELECT id FROM range(0, 3000)").warehouse(f.local.warehouse_id()).batches();
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await.unwrap() {
        rows += batch.num_rows();
    }
    assert_eq!(rows, 3000);
    assert_eq!(asked(&f, "/local/storage/"), 4);
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let f = Fixture::start().await;
    f.local.faults().add(Rule::new("GET", STORAGE).times(2).cut_after(200_000).after_handler());
    let rows: Vec<(i64, String)> =
        f.w.sql("SELECT id, repeat('x', 100) AS text FROM range(0, 20000)")
            .disposition(Disposition::ExternalLinks)
            .warehouse(f.local.warehouse_id())
            .rows()
            .await
            .unwrap();
    assert!(rows.iter().enumerate().all(|(i, (id, text))| *id == i as i64 && text.len() == 100));
    assert_eq!(rows.len(), 20_000);
    let downloads: Vec<_> =
        f.local.requests().into_iter().filter(|request| request.path.starts_with("/local/storage/")).collect();
    let ranges: Vec<_> = downloads.iter().map(|request| request.headers.get("range").is_some()).collect();
    assert_eq!(ranges, [false, true, true], "{downloads:?}");
    assert!(downloads.iter().all(|request| request.headers.get("authorization").is_none()));
}

#[tokio::test]
async fn storage_that_is_down_for_a_moment_is_asked_again_and_for_good_is_an_error_without_the_link() {
    let f = Fixture::start().await;
    let query = || f.w.sql("SELECT 1 AS n").disposition(Disposition::ExternalLinks).warehouse(f.local.warehouse_id());
    f.local.faults().add(Rule::new("GET", STORAGE).times(1).status(503).header("retry-after", "0"));
    assert_eq!(query().fetch_one::<i64>().await.unwrap(), 1);
    f.local.faults().add(Rule::new("GET", STORAGE).status(500).header("retry-after", "0"));
    let error = query().fetch_one::<i64>().await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500));
    let shown = format!("{} {error:?}", error.report());
    assert!(!shown.contains("signature"), "the link alone gives access to the data: {shown}");
}

#[tokio::test]
async fn more_than_25_mib_come_by_links_without_being_asked_for() {
    let f = Fixture::start().await;
    let query = || {
        f.w.sql("SELECT id, repeat('0123456789', 30) AS text FROM range(0, 100000)").warehouse(f.local.warehouse_id())
    };
    let error = query().disposition(Disposition::Inline).row_stream().result_set().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StatementFailed);
    let result = query().await.unwrap();
    assert_eq!((result.rows.len(), result.disposition), (100_000, Disposition::ExternalLinks));
    let small = f.w.sql("SELECT 1").warehouse(f.local.warehouse_id()).await.unwrap();
    assert_eq!(small.disposition, Disposition::Inline);
}

#[tokio::test]
async fn a_statement_that_is_dropped_is_cancelled() {
    let f = Fixture::start().await;
    let statement = f.w.sql(SLOW).warehouse(f.local.warehouse_id()).execute().await.unwrap();
    let id = statement.id().to_owned();
    drop(statement);
    f.w.client().shutdown().await;
    let error = f.w.sql_statement(&id).wait().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StatementCanceled);
    assert_eq!(error.statement().unwrap().statement_id(), id);
}

#[tokio::test]
async fn a_query_that_is_dropped_before_its_id_is_known_is_cancelled_too() {
    let f = Fixture::start().await;
    let query = f.w.sql(SLOW).warehouse(f.local.warehouse_id());
    // The service holds its response back for ten seconds.
    tokio::select! {
        row = async { query.row_stream().try_next().await } => panic!("the statement takes hours: {row:?}"),
        () = eventually("the statement has arrived", || asked(&f, "/api/2.0/sql/statements") == 1) => {}
    }
    f.w.client().shutdown().await;
    assert_eq!(asked(&f, "/cancel"), 1);
}

#[tokio::test]
async fn a_timeout_cancels_before_it_reports() {
    let f = Fixture::start().await;
    // The pauses between polls take no time, so that the timeout passes after some polls.
    let w = f.jumping();
    let statement = w.sql(SLOW).warehouse(f.local.warehouse_id()).timeout(Duration::from_secs(60)).execute().await;
    let error = statement.unwrap().wait().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    let id = error.statement().unwrap().statement_id().to_owned();
    assert_eq!(asked(&f, "/cancel"), 1);
    assert_eq!(f.w.sql_statement(id).status().await.unwrap(), StatementState::Canceled);
}

#[tokio::test]
async fn progress_tells_of_states_and_chunks() {
    let f = Fixture::start_with(|builder| builder.chunk_rows(1000)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let query = f.w.sql("SELECT id FROM range(0, 2500)").warehouse(f.local.warehouse_id());
    query
        .on_progress(move |look| {
            told.lock().unwrap().push((look.state.to_owned(), look.chunks, look.rows, look.total_rows));
        })
        .await
        .unwrap();
    let seen = seen.lock().unwrap();
    let done: Vec<_> = seen.iter().filter(|look| look.1 > 0).map(|look| (look.1, look.2, look.3)).collect();
    assert_eq!(done, [(1, 1000, Some(2500)), (2, 2000, Some(2500)), (3, 2500, Some(2500))]);
    assert_eq!(seen.iter().find(|look| look.1 == 0).map(|look| look.0.as_str()), Some("SUCCEEDED"));
}

#[tokio::test]
async fn states_are_a_stream() {
    let f = Fixture::start().await;
    let mut statement = f.w.sql("SELECT 1").warehouse(f.local.warehouse_id()).execute().await.unwrap();
    let states = statement.updates().try_collect().await.unwrap();
    assert_eq!(states.last(), Some(&StatementState::Succeeded));
    assert_eq!(statement.rows::<i64>().await.unwrap(), [1]);
}

#[tokio::test]
async fn a_result_as_csv_and_as_json() {
    let f = Fixture::start_with(|builder| builder.chunk_rows(2)).await;
    let query = || {
        f.w.sql("SELECT id, CASE WHEN id > 0 THEN 'a,b' END AS text FROM range(0, 3)").warehouse(f.local.warehouse_id())
    };
    let mut csv = query().csv();
    let mut text = String::new();
    while let Some(chunk) = csv.try_next().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(text.lines().collect::<Vec<_>>(), ["id,text", "0,null", "1,\"a,b\"", "2,\"a,b\""]);
    let mut json = query().json();
    assert_eq!(&*json.try_next().await.unwrap().unwrap(), br#"[["0",null],["1","a,b"]]"#);
    let rows = query().collect_json().await.unwrap();
    assert_eq!(rows[2], serde_json::json!({"id": 2, "text": "a,b"}));
}

#[tokio::test]
async fn a_warehouse_by_its_name() {
    let f = Fixture::start().await;
    let name = f.w.warehouses().get(f.local.warehouse_id()).await.unwrap().name.unwrap();
    assert_eq!(f.w.warehouses().by_name(&name).await.unwrap().id.as_deref(), Some(f.local.warehouse_id()));
    let error = f.w.warehouses().by_name("no such").await.unwrap_err();
    assert!(error.to_string().contains("no SQL warehouse is named \"no such\""), "{error}");
}

#[tokio::test]
async fn a_row_prints_and_reads_wherever_it_stands_in_the_result() {
    let f = Fixture::start_with(|builder| builder.chunk_rows(2)).await;
    let query = || {
        f.w.sql("SELECT CASE WHEN id < 4 THEN id END AS n FROM range(0, 5) ORDER BY id")
            .warehouse(f.local.warehouse_id())
    };
    let paths: Vec<String> = {
        query().disposition(Disposition::Inline).row_stream().result_set().await.unwrap();
        f.local
            .requests()
            .into_iter()
            .filter(|request| request.path.contains("/result/chunks/"))
            .map(|request| request.query)
            .collect()
    };
    assert_eq!(paths, ["row_offset=2", "row_offset=4"], "chunks are asked for as the service names them");
    let error = query().rows::<i64>().await.unwrap_err();
    assert!(error.to_string().contains("column n (BIGINT), row 4: the value is NULL"), "{error}");
    assert_eq!(query().await.unwrap().to_string(), "n\n----\n0\n1\n2\n3\nNULL\n");
}
