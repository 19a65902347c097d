//! Parquet files of volumes, which Spark and Arrow have written: `xtask/oracle/parquet_files.py` made them and what Spark
//! reads from them.

use std::path::Path;

use databricks_local::LocalWorkspace;
use serde_json::json;

use crate::client::{fast, send};
use crate::sql_sessions::{check_on, facts};
use crate::statements::{fails, rows};

async fn put(w: &LocalWorkspace, name: &str, content: &[u8]) {
    let token = format!("Bearer {}", w.token());
    let target = format!("/api/2.0/fs/files/Volumes/main/default/v/{name}?overwrite=true");
    let headers = [("authorization", token.as_str()), ("content-type", "application/octet-stream")];
    assert_eq!(send(w, "PUT", &target, &headers, content).await.unwrap().status, 204);
}

/// A workspace whose volume has all files.
async fn with_files() -> LocalWorkspace {
    let w = fast().await;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts/parquet");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        put(&w, path.file_name().unwrap().to_str().unwrap(), &std::fs::read(&path).unwrap()).await;
    }
    w
}

#[tokio::test]
async fn files_are_read_as_spark_reads_them() {
    let (agreed, wrong) = check_on(&with_files().await, &facts("parquet_files.txt")).await;
    assert!(wrong.is_empty(), "{wrong}");
    assert!(agreed > 11, "{agreed}");
}

#[tokio::test]
async fn files_are_tables_of_functions_and_feed_tables() {
    let w = with_files().await;
    let file = "/Volumes/main/default/v/spark.parquet";
    let read = format!("SELECT id, text, _rescued_data FROM read_files('{file}', format => 'parquet') WHERE id > 1");
    assert_eq!(rows(&w, &read, json!({})).await, json!([["2", "n2", null]]));
    let by_ending = format!("SELECT count(*) FROM read_files('{file}', schema => 'id BIGINT, text STRING')");
    assert_eq!(rows(&w, &by_ending, json!({})).await, json!([["3"]]));
    let two =
        "SELECT count(*), count(u8), count(id) FROM read_files('/Volumes/main/default/v/{arrow_zstd,spark}.parquet')";
    fails(&w, two, json!({})).await;
    put(&w, "both/a.parquet", &std::fs::read(fact("spark_millis.parquet")).unwrap()).await;
    put(&w, "both/b.parquet", &std::fs::read(fact("spark_empty.parquet")).unwrap()).await;
    let union = "SELECT at, a, b FROM read_files('/Volumes/main/default/v/both', format => 'parquet')";
    assert_eq!(rows(&w, union, json!({})).await, json!([["2024-02-29T10:11:12.345Z", null, null]]));
    let named = "SELECT * FROM parquet.`/Volumes/main/default/v/both`";
    assert!(fails(&w, named, json!({})).await.0.contains("read_files"));
    rows(&w, "CREATE TABLE t (text STRING, id BIGINT, day DATE)", json!({})).await;
    let copy = format!("COPY INTO t FROM '{file}' FILEFORMAT = PARQUET");
    assert!(fails(&w, &copy, json!({})).await.0.starts_with("[COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE]"));
    rows(&w, &format!("CREATE TABLE all AS SELECT * FROM parquet.`{file}`"), json!({})).await;
    let again = format!("COPY INTO all FROM '{file}' FILEFORMAT = PARQUET");
    assert_eq!(rows(&w, &again, json!({})).await, json!([["3", "3", "0"]]));
    assert_eq!(rows(&w, &again, json!({})).await, json!([["0", "0", "0"]]));
    let doubled = "SELECT count(*), sum(large), count(DISTINCT day) FROM all";
    assert_eq!(rows(&w, doubled, json!({})).await, json!([["6", "74074073407407407.3400", "3"]]));
}

fn fact(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts/parquet").join(name)
}
