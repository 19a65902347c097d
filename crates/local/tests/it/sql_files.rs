//! Queries on files of volumes, which were put there over HTTP.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, send};
use crate::statements::{execute, fails, rows};

async fn put(w: &LocalWorkspace, name: &str, content: &str) {
    let token = format!("Bearer {}", w.token());
    let target = format!("/api/2.0/fs/files/Volumes/main/default/v/{name}?overwrite=true");
    let headers = [("authorization", token.as_str()), ("content-type", "application/octet-stream")];
    assert_eq!(send(w, "PUT", &target, &headers, content.as_bytes()).await.unwrap().status, 204);
}

/// Names and types of the columns.
async fn columns(w: &LocalWorkspace, statement: &str) -> Value {
    let response = execute(w, statement, json!({})).await.ok();
    assert_eq!(response["status"]["state"], "SUCCEEDED", "{statement}: {response}");
    let columns = response["manifest"]["schema"]["columns"].as_array().unwrap();
    columns.iter().map(|c| format!("{} {}", c["name"].as_str().unwrap(), c["type_text"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn read_files_infers_and_formats_as_names_do_not() {
    let w = fast().await;
    put(&w, "in/a.csv", "Id,name,at\n1,\"x, y\",2024-01-31\n2,,\n").await;
    put(&w, "in/b.csv", "name,Id\n\"\",3\n").await;
    put(&w, "in/_ignored.csv", "x\n1\n").await;
    let all = "SELECT * FROM read_files('/Volumes/main/default/v/in', format => 'csv', header => true) ORDER BY id";
    assert_eq!(columns(&w, all).await, json!(["Id INT", "name STRING", "at DATE", "_rescued_data STRING"]));
    let read = rows(&w, all, json!({})).await;
    assert_eq!(read, json!([["1", "x, y", "2024-01-31", null], ["2", null, null, null], ["3", null, null, null]]));
    let plain = "SELECT _c0, f._c1 FROM csv.`/Volumes/main/default/v/in/b.csv` AS f WHERE _c1 <> 'Id'";
    assert_eq!(columns(&w, plain).await, json!(["_c0 STRING", "_c1 STRING"]));
    assert_eq!(rows(&w, plain, json!({})).await, json!([[null, "3"]]));
    let stated = "SELECT sum(i) FROM read_files('/Volumes/main/default/v/in/a.csv', header => true, \
                  schema => 'id INT, name STRING, at DATE') AS t(i, n, d)";
    assert_eq!(rows(&w, stated, json!({})).await, json!([["3"]]));
    let pattern = "SELECT count(*) FROM read_files('/Volumes/main/default/v/in/*.csv', header => 'true')";
    assert_eq!(rows(&w, pattern, json!({})).await, json!([["3"]]));
}

#[tokio::test]
async fn json_and_text_are_read() {
    let w = fast().await;
    put(&w, "j.json", "{\"b\": {\"y\": [1, 2]}, \"a\": 1}\n\n{\"a\": 2.5, \"c\": null}\n").await;
    put(&w, "t.txt", "one\ntwo\n").await;
    let read = "SELECT * FROM json.`/Volumes/main/default/v/j.json` ORDER BY a";
    assert_eq!(columns(&w, read).await, json!(["a DOUBLE", "b STRUCT<y: ARRAY<BIGINT>>", "c STRING"]));
    assert_eq!(rows(&w, read, json!({})).await, json!([["1.0", "{\"y\":[1,2]}", null], ["2.5", null, null]]));
    let text = "SELECT value FROM text.`dbfs:/Volumes/main/default/v/t.txt` ORDER BY 1";
    assert_eq!(rows(&w, text, json!({})).await, json!([["one"], ["two"]]));
}

#[tokio::test]
async fn files_feed_tables_and_views() {
    let w = fast().await;
    put(&w, "a.csv", "id\n1\n2\n").await;
    let from = "read_files('/Volumes/main/default/v/a.csv', header => true)";
    rows(&w, &format!("CREATE TABLE t AS SELECT id FROM {from}"), json!({})).await;
    rows(&w, &format!("INSERT INTO t SELECT id + 10 FROM {from}"), json!({})).await;
    assert_eq!(rows(&w, "SELECT sum(id) FROM t", json!({})).await, json!([["26"]]));
    rows(&w, &format!("CREATE VIEW v AS SELECT id * 2 AS twice FROM {from}"), json!({})).await;
    assert_eq!(rows(&w, "SELECT sum(twice) FROM v", json!({})).await, json!([["6"]]));
    put(&w, "a.csv", "id\n5\n").await;
    assert_eq!(rows(&w, "SELECT sum(twice) FROM v", json!({})).await, json!([["10"]]));
}

#[tokio::test]
async fn what_is_read_in_another_way_is_refused() {
    let w = fast().await;
    put(&w, "a.csv", "id,name\n1,\"a\"\"b\"\n").await;
    put(&w, "p.orc", "ORC").await;
    for (from, class) in [
        ("csv.`/etc/passwd`", "[UNSUPPORTED_FEATURE"),
        ("read_files('s3://bucket/x')", "[UNSUPPORTED_FEATURE"),
        ("read_files('/Volumes/main/default/v/none')", "[PATH_NOT_FOUND]"),
        ("read_files('/Volumes/main/default/v/a.csv')", "[UNSUPPORTED_FEATURE"),
        ("read_files('/Volumes/main/default/v/a.csv', escape => '\"', nosuch => 1)", "[UNSUPPORTED_FEATURE"),
        ("read_files('/Volumes/main/default/v/p.orc')", "[UNSUPPORTED_FEATURE"),
        ("read_files()", "[REQUIRED_PARAMETER_NOT_FOUND]"),
    ] {
        let (message, _) = fails(&w, &format!("SELECT * FROM {from}"), json!({})).await;
        assert!(message.starts_with(class), "{from}: {message}");
    }
    let right = "SELECT name FROM read_files('/Volumes/main/default/v/a.csv', header => true, escape => '\"')";
    assert_eq!(rows(&w, right, json!({})).await, json!([["a\"b"]]));
}
