//! Schema evolution: columns and types that come with rows.

use serde_json::json;

use crate::client::{fast, send};
use crate::data::{again, builder};
use crate::statements::{refused, rows_or_none, run_all};

#[tokio::test]
async fn insert_adds_columns() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    run_all(
        &w,
        &[
            "CREATE TABLE t (a INT, b STRING)",
            "INSERT INTO t VALUES (1, 'x')",
            "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 2 AS a, date'2024-01-02' AS C, 'y' AS b",
            "INSERT WITH SCHEMA EVOLUTION INTO TABLE t SELECT 3, 'z', date'2024-01-03', 0.5D AS more",
            "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 'w' AS b",
        ],
    )
    .await;
    let expected = json!([
        [null, "w", null, null],
        ["1", "x", null, null],
        ["2", "y", "2024-01-02", null],
        ["3", "z", "2024-01-03", "0.5"]
    ]);
    assert_eq!(rows_or_none(&w, "SELECT a, b, C, more FROM t ORDER BY a").await, expected);
    for (statement, class) in [
        ("INSERT INTO t BY NAME SELECT 1 AS a, 2 AS new", "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS"),
        (
            "INSERT INTO t SELECT 1, 'a', current_date(), 0D, 5 AS new",
            "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS",
        ),
        ("INSERT WITH SCHEMA EVOLUTION INTO t SELECT 1", "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"),
        ("INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT NULL AS nothing", "DELTA_MERGE_ADD_VOID_COLUMN"),
        ("INSERT WITH SCHEMA EVOLUTION INTO t SELECT 1, 'a', current_date(), 0D, 5 AS A", "COLUMN_ALREADY_EXISTS"),
        ("INSERT WITH SCHEMA EVOLUTION INTO t (a, new) SELECT 1, 2", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
    ] {
        refused(&w, statement, class).await;
    }
    // A number that does not fit stays an error, unless the table lets types become wider.
    refused(&w, "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 3000000000 AS a", "CAST_OVERFLOW_IN_TABLE_INSERT")
        .await;
    run_all(
        &w,
        &[
            "ALTER TABLE t SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')",
            "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 3000000000 AS a",
            "INSERT WITH SCHEMA EVOLUTION OVERWRITE t BY NAME SELECT a, b, C, more, 7 AS last FROM t WHERE a > 2",
        ],
    )
    .await;
    let expected = json!([["3", "z", "2024-01-03", "0.5", "7"], ["3000000000", null, null, null, "7"]]);
    assert_eq!(rows_or_none(&w, "SELECT * FROM t ORDER BY a").await, expected);
    let w = again(w, directory.path()).await;
    assert_eq!(rows_or_none(&w, "SELECT * FROM t ORDER BY a").await, expected);
    assert_eq!(rows_or_none(&w, "SELECT * FROM t VERSION AS OF 1").await, json!([["1", "x"]]));
}

#[tokio::test]
async fn merge_adds_columns_that_it_writes() {
    let w = fast().await;
    run_all(
        &w,
        &[
            "CREATE TABLE t (id INT, v STRING, own INT)",
            "INSERT INTO t VALUES (1, 'a', 10), (2, 'b', 20)",
            "CREATE TABLE s (id INT, v STRING, extra DOUBLE, other INT)",
            "INSERT INTO s VALUES (2, 'B', 0.5, 1), (3, 'C', 1.5, 2)",
        ],
    )
    .await;
    let stars = "INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *";
    refused(&w, &format!("MERGE {stars}"), "DELTA_MERGE_UNRESOLVED_EXPRESSION").await;
    let named = "MERGE WITH SCHEMA EVOLUTION INTO t USING s ON t.id = s.id \
                 WHEN MATCHED THEN UPDATE SET v = s.v, extra = s.extra * 2";
    assert_eq!(rows_or_none(&w, named).await, json!([["1", "1", "0", "0"]]));
    let first = json!([["1", "a", "10", null], ["2", "B", "20", "1.0"]]);
    assert_eq!(
        rows_or_none(&w, "SELECT * FROM t ORDER BY id").await,
        first,
        "only the column that is written is added"
    );
    assert_eq!(rows_or_none(&w, &format!("MERGE WITH SCHEMA EVOLUTION {stars}")).await, json!([["2", "1", "0", "1"]]));
    let second = json!([["1", "a", "10", null, null], ["2", "B", "20", "0.5", "1"], ["3", "C", null, "1.5", "2"]]);
    assert_eq!(rows_or_none(&w, "SELECT id, v, own, extra, other FROM t ORDER BY id").await, second);
    refused(
        &w,
        "MERGE WITH SCHEMA EVOLUTION INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET nowhere = s.v",
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
    )
    .await;
    // Types become wider where the table allows it.
    run_all(&w, &["CREATE TABLE wide (id BIGINT, extra DOUBLE)", "INSERT INTO wide VALUES (5000000000, 2D)"]).await;
    let wide = "MERGE WITH SCHEMA EVOLUTION INTO t USING wide AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT *";
    refused(&w, wide, "CAST_OVERFLOW_IN_TABLE_INSERT").await;
    run_all(&w, &["ALTER TABLE t SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')", wide]).await;
    assert_eq!(
        rows_or_none(&w, "SELECT id, typeof(id), v FROM t WHERE id > 3").await,
        json!([["5000000000", "bigint", null]])
    );
}

#[tokio::test]
async fn copy_into_merges_the_columns_of_files() {
    let w = fast().await;
    let token = format!("Bearer {}", w.token());
    let put = async |name: &str, content: &str| {
        let target = format!("/api/2.0/fs/files/Volumes/main/default/v/{name}?overwrite=true");
        let headers = [("authorization", token.as_str()), ("content-type", "application/octet-stream")];
        assert_eq!(send(&w, "PUT", &target, &headers, content.as_bytes()).await.unwrap().status, 204);
    };
    put("in/a.csv", "id,name\n1,x\n").await;
    put("in/b.csv", "id,Day\n2,2024-02-29\n").await;
    put("c.json", "{\"id\": 3, \"inside\": {\"a\": [1, 2]}, \"n\": 5}\n").await;
    rows_or_none(&w, "CREATE TABLE t").await;
    let csv = "COPY INTO t FROM '/Volumes/main/default/v/in' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true'";
    refused(&w, &format!("{csv})"), "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE").await;
    let merging = "COPY_OPTIONS ('mergeSchema' = 'true')";
    let loaded = rows_or_none(&w, &format!("{csv}, 'inferSchema' = 'true') {merging}")).await;
    assert_eq!(loaded, json!([["2", "2", "0"]]));
    let json = format!("COPY INTO t FROM '/Volumes/main/default/v' FILEFORMAT = JSON FILES = ('c.json') {merging}");
    assert_eq!(rows_or_none(&w, &json).await, json!([["1", "1", "0"]]));
    assert_eq!(rows_or_none(&w, &json).await, json!([["0", "0", "0"]]));
    let types = "SELECT column_name, full_data_type FROM information_schema.columns WHERE table_name = 't' ORDER BY ordinal_position";
    let expected = json!([
        ["id", "int"],
        ["name", "string"],
        ["Day", "date"],
        ["inside", "struct<a:array<bigint>>"],
        ["n", "bigint"]
    ]);
    assert_eq!(rows_or_none(&w, types).await, expected);
    let expected =
        json!([["1", "x", null, null, null], ["2", null, "2024-02-29", null, null], ["3", null, null, "[1,2]", "5"]]);
    assert_eq!(rows_or_none(&w, "SELECT id, name, Day, to_json(inside.a), n FROM t ORDER BY id").await, expected);
    rows_or_none(&w, "CREATE TABLE strings").await;
    rows_or_none(&w, &format!("{} {merging}", csv.replace("INTO t", "INTO strings") + ")")).await;
    assert_eq!(
        rows_or_none(&w, "SELECT typeof(id), typeof(Day) FROM strings LIMIT 1").await,
        json!([["string", "string"]])
    );
}

#[tokio::test]
async fn columns_change_where_the_table_allows_it() {
    let w = fast().await;
    run_all(
        &w,
        &[
            "CREATE TABLE t (a SMALLINT, f FLOAT, d DECIMAL(5, 2), s VARCHAR(3), day DATE)",
            "INSERT INTO t VALUES (1, 0.5, 1.25, 'abc', '2024-02-29')",
        ],
    )
    .await;
    refused(&w, "ALTER TABLE t ALTER COLUMN a TYPE BIGINT", "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP").await;
    refused(&w, "ALTER TABLE t RENAME COLUMN a TO b", "DELTA_UNSUPPORTED_RENAME_COLUMN").await;
    refused(&w, "ALTER TABLE t DROP COLUMN a", "DELTA_UNSUPPORTED_DROP_COLUMN").await;
    run_all(
        &w,
        &[
            // More characters need no feature.
            "ALTER TABLE t ALTER COLUMN s TYPE VARCHAR(9)",
            "ALTER TABLE t SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.columnMapping.mode' = 'name')",
            "ALTER TABLE t ALTER COLUMN a TYPE BIGINT",
            "ALTER TABLE t ALTER COLUMN f TYPE DOUBLE, d TYPE DECIMAL(10, 4)",
            "ALTER TABLE t ALTER COLUMN day TYPE TIMESTAMP_NTZ",
            "ALTER TABLE t RENAME COLUMN a TO b",
            "ALTER TABLE t DROP COLUMN s",
            "ALTER TABLE t ALTER COLUMN day FIRST",
        ],
    )
    .await;
    for narrower in ["b TYPE INT", "f TYPE FLOAT", "d TYPE DECIMAL(10, 5)", "b TYPE STRING", "day TYPE DATE"] {
        refused(&w, &format!("ALTER TABLE t ALTER COLUMN {narrower}"), "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP")
            .await;
    }
    assert_eq!(rows_or_none(&w, "SELECT * FROM t").await, json!([["2024-02-29T00:00:00.000", "1", "0.5", "1.2500"]]));
    assert_eq!(rows_or_none(&w, "SELECT a, s FROM t VERSION AS OF 1").await, json!([["1", "abc"]]));
}
