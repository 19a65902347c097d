//! COPY INTO: files that were put into a volume over HTTP, each loaded once.

use serde_json::json;

use crate::client::{fast, send};
use crate::statements::{fails, rows};

#[tokio::test]
async fn files_of_volumes_are_loaded_once() {
    let w = fast().await;
    let token = format!("Bearer {}", w.token());
    let put = async |name: &str, content: &str| {
        let target = format!("/api/2.0/fs/files/Volumes/main/default/v/{name}?overwrite=true");
        let headers = [("authorization", token.as_str()), ("content-type", "application/octet-stream")];
        assert_eq!(send(&w, "PUT", &target, &headers, content.as_bytes()).await.unwrap().status, 204);
    };
    put("in/a.csv", "id,name\n1,\"x, y\"\n2,\n").await;
    put("in/b.csv", "name,id\n\"it \\\"is\\\"\",3\n").await;
    put("j.json", "{\"id\": 4, \"name\": \"j\", \"more\": 1}\n\n{\"id\": 5}\n").await;
    rows(&w, "CREATE TABLE t (id INT, name STRING)", json!({})).await;
    let csv = "COPY INTO t FROM '/Volumes/main/default/v/in' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')";
    assert_eq!(rows(&w, csv, json!({})).await, json!([["3", "3", "0"]]));
    assert_eq!(rows(&w, csv, json!({})).await, json!([["0", "0", "0"]]));
    let forced = format!("{csv} COPY_OPTIONS ('force' = 'true')");
    assert_eq!(rows(&w, &forced, json!({})).await, json!([["3", "3", "0"]]));
    let read = "SELECT DISTINCT * FROM t ORDER BY id";
    assert_eq!(rows(&w, read, json!({})).await, json!([["1", "x, y"], ["2", null], ["3", "it \"is\""]]));
    let one = "COPY INTO t FROM '/Volumes/main/default/v' FILEFORMAT = JSON FILES = ('j.json')";
    assert_eq!(rows(&w, one, json!({})).await, json!([["2", "2", "0"]]));
    assert_eq!(rows(&w, "SELECT * FROM t WHERE id > 3 ORDER BY id", json!({})).await, json!([["4", "j"], ["5", null]]));
    // With the usual escape Spark keeps such a value as it is written, quotes and all.
    put("doubled.csv", "id,name\n6,\"a \"\"b\"\"\"\n").await;
    let doubled =
        "COPY INTO t FROM '/Volumes/main/default/v/doubled.csv' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true'";
    assert!(fails(&w, &format!("{doubled})"), json!({})).await.0.contains("set the option `escape`"));
    assert_eq!(rows(&w, &format!("{doubled}, 'escape' = '\"')"), json!({})).await, json!([["1", "1", "0"]]));
    assert_eq!(rows(&w, "SELECT name FROM t WHERE id = 6", json!({})).await, json!([["a \"b\""]]));
    rows(&w, "DELETE FROM t WHERE id = 6", json!({})).await;
    put("bad.csv", "id\nseven\n").await;
    let bad = "COPY INTO t FROM '/Volumes/main/default/v/bad.csv' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')";
    assert!(fails(&w, bad, json!({})).await.0.starts_with("[CAST_INVALID_INPUT]"));
    assert_eq!(rows(&w, "SELECT count(*) FROM t", json!({})).await, json!([["8"]]));
}
