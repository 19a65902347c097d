//! Statements on the embedded engine.

use std::time::Duration;

use databricks_sdk::models::sql::StatementState;
use databricks_sdk::sql::{Disposition, Format, Parameter};
use databricks_sdk::{ErrorKind, WorkspaceClient};
use databricks_tests::Fixture;
use serde::Deserialize;

async fn warehouse(w: &WorkspaceClient) -> String {
    let create = w.warehouses().create().name("w").cluster_size("2X-Small").max_num_clusters(1);
    create.wait().poll_interval(Duration::from_millis(5)).await.unwrap().id.unwrap()
}

#[derive(Debug, PartialEq, Deserialize)]
struct Pair {
    n: i64,
    label: Option<String>,
}

#[tokio::test]
async fn rows_with_parameters_and_nulls() {
    let f = Fixture::start().await;
    let id = warehouse(&f.w).await;
    let query = f.w.sql("SELECT CAST(:n AS BIGINT) + 1 AS n, :label AS label").bind("n", 41_i64).warehouse(&id);
    let rows: Vec<Pair> = query.bind("label", None::<&str>).rows().await.unwrap();
    assert_eq!(rows, [Pair { n: 42, label: None }]);
    let query = f.w.sql("SELECT :n AS n, :label AS label").bind("n", 1_i64).bind("label", "").warehouse(&id);
    assert_eq!(query.fetch_one::<Pair>().await.unwrap(), Pair { n: 1, label: Some(String::new()) });
    let typed = f.w.sql("SELECT :d AS d").bind("d", Parameter::new("12.50", "DECIMAL(10,2)")).warehouse(&id);
    assert_eq!(typed.fetch_one::<String>().await.unwrap(), "12.50");
    let none = f.w.sql("SELECT 1 WHERE false").warehouse(&id).fetch_optional::<i64>().await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn inline_and_linked_results_are_the_same() {
    let f = Fixture::start().await;
    let id = warehouse(&f.w).await;
    let statement = "SELECT id, id * 2 AS twice FROM range(0, 5000) ORDER BY id";
    let inline: Vec<(i64, i64)> =
        f.w.sql(statement).disposition(Disposition::Inline).warehouse(&id).rows().await.unwrap();
    let linked: Vec<(i64, i64)> =
        f.w.sql(statement).disposition(Disposition::ExternalLinks).warehouse(&id).rows().await.unwrap();
    assert_eq!(inline.len(), 5000);
    assert_eq!(inline, linked);
    assert_eq!(inline[4999], (4999, 9998));
    let links: Vec<_> =
        f.local.requests().into_iter().filter(|request| request.headers.get("authorization").is_none()).collect();
    assert!(!links.is_empty(), "storage is asked without credentials");
    let mut csv = f.w.sql(statement).warehouse(&id).chunks(Format::Csv);
    let first = csv.try_next().await.unwrap().unwrap();
    assert!(first.starts_with(b"id,twice"));
}

#[tokio::test]
async fn a_failed_statement_is_an_error_with_its_sqlstate() {
    let f = Fixture::start().await;
    let id = warehouse(&f.w).await;
    let error = f.w.sql("SELECT nothing FROM nowhere").warehouse(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StatementFailed, "{error}");
    let failure = error.statement().unwrap();
    assert!(!failure.statement_id().is_empty());
    assert!(failure.sql_state().is_some_and(|state| state.len() == 5), "{failure:?}");
}

#[tokio::test]
async fn a_statement_by_its_id() {
    let f = Fixture::start().await;
    let id = warehouse(&f.w).await;
    let statement = f.w.sql("SELECT 1 AS n, 'x' AS label").warehouse(&id).execute().await.unwrap().detach();
    let found = f.w.sql_statement(statement.id()).wait().await.unwrap();
    assert_eq!(found.state(), Some(StatementState::Succeeded));
    assert_eq!(found.rows::<Pair>().await.unwrap(), [Pair { n: 1, label: Some("x".into()) }]);
}

#[tokio::test]
async fn tables_can_be_made_and_filled() {
    let f = Fixture::start().await;
    let id = warehouse(&f.w).await;
    f.w.sql("CREATE TABLE t AS SELECT 1 AS n").warehouse(&id).await.unwrap();
    f.w.sql("INSERT INTO t VALUES (2), (3)").warehouse(&id).await.unwrap();
    let table = f.w.sql("SELECT count(*) AS rows, sum(n) AS total FROM t").warehouse(&id).await.unwrap();
    assert_eq!(table.to_string(), "rows  total\n----  -----\n3     6\n");
}

#[tokio::test]
async fn without_a_warehouse_the_error_says_what_to_set() {
    let f = Fixture::start().await;
    let error = f.w.sql("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("DATABRICKS_WAREHOUSE_ID"));
}
