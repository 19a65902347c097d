//! The change data feed: what each version of a table has changed.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::fast;
use crate::data::{again, builder};
use crate::statements::{refused, rows, rows_or_none, run_all};

/// The changes of some versions in an order of their own.
async fn changes(w: &LocalWorkspace, range: &str) -> Value {
    let columns = "id, v, _change_type, _commit_version";
    let from = format!("table_changes('main.default.t', {range})");
    rows_or_none(w, &format!("SELECT {columns} FROM {from} ORDER BY _commit_version, id, _change_type DESC")).await
}

#[tokio::test]
async fn every_statement_states_what_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    run_all(
        &w,
        &[
            "CREATE TABLE t (id INT, v STRING) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')", // 0
            "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",                                       // 1
            "UPDATE t SET v = upper(v) WHERE id < 3",                                                  // 2
            "DELETE FROM t WHERE id = 2",                                                              // 3
            "MERGE INTO t USING (SELECT 1 AS id, 'x' AS v UNION ALL SELECT 9, 'y') s ON t.id = s.id \
             WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT * WHEN NOT MATCHED BY SOURCE THEN DELETE", // 4
            "INSERT OVERWRITE t VALUES (5, 'e'), (6, 'f')",                                            // 5
            "INSERT INTO t REPLACE WHERE id = 6 VALUES (6, 'F')",                                      // 6
            "ALTER TABLE t ADD COLUMN more INT",                                                       // 7
            "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 7 AS id, 8 AS other",                  // 8
            "TRUNCATE TABLE t",                                                                        // 9
        ],
    )
    .await;
    let expected = json!([
        ["1", "a", "insert", "1"],
        ["2", "b", "insert", "1"],
        ["3", "c", "insert", "1"],
        ["1", "a", "update_preimage", "2"],
        ["1", "A", "update_postimage", "2"],
        ["2", "b", "update_preimage", "2"],
        ["2", "B", "update_postimage", "2"],
        ["2", "B", "delete", "3"],
        ["1", "A", "update_preimage", "4"],
        ["1", "x", "update_postimage", "4"],
        ["3", "c", "delete", "4"],
        ["9", "y", "insert", "4"],
        ["1", "x", "delete", "5"],
        ["5", "e", "insert", "5"],
        ["6", "f", "insert", "5"],
        ["9", "y", "delete", "5"],
        ["6", "F", "insert", "6"],
        ["6", "f", "delete", "6"],
        ["7", null, "insert", "8"],
        ["5", "e", "delete", "9"],
        ["6", "F", "delete", "9"],
        ["7", null, "delete", "9"],
    ]);
    let mut found = changes(&w, "0").await;
    // Of one row and version both kinds come in any order.
    found.as_array_mut().unwrap()[16..18].sort_by_key(|row| row[1].as_str().map(str::to_owned));
    assert_eq!(found, expected);
    assert_eq!(changes(&w, "3, 3").await, json!([["2", "B", "delete", "3"]]));
    assert_eq!(changes(&w, "7, 7").await, json!([]), "a column changes no row");
    assert_eq!(changes(&w, "9, 99").await.as_array().unwrap().len(), 3, "an end that is not there yet");
    let kinds = "SELECT DISTINCT typeof(_change_type), typeof(_commit_version), typeof(_commit_timestamp), \
                 typeof(other) FROM table_changes('t', 8)";
    assert_eq!(rows_or_none(&w, kinds).await, json!([["string", "bigint", "timestamp", "int"]]));
    let w = again(w, directory.path()).await;
    assert_eq!(changes(&w, "3, 3").await, json!([["2", "B", "delete", "3"]]));
    assert_eq!(changes(&w, "1, 4").await.as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn versions_may_be_times() {
    let w = fast().await;
    run_all(
        &w,
        &[
            "CREATE TABLE t (id INT, v STRING) TBLPROPERTIES (delta.enableChangeDataFeed = true)",
            "INSERT INTO t VALUES (1, 'a')",
            "INSERT INTO t VALUES (2, 'b')",
        ],
    )
    .await;
    let history = rows_or_none(&w, "DESCRIBE HISTORY t").await;
    let at = |version: usize| history[2 - version][1].as_str().unwrap().to_owned();
    let both = json!([["1", "a", "insert", "1"], ["2", "b", "insert", "2"]]);
    assert_eq!(changes(&w, &format!("'{}'", at(0))).await, both);
    assert_eq!(changes(&w, &format!("'{}', '{}'", at(1), at(2))).await, both);
    assert_eq!(changes(&w, &format!("TIMESTAMP '{}', 1", at(1))).await, json!([both[0]]));
    assert_eq!(changes(&w, &format!("'{}' :: TIMESTAMP + INTERVAL 1 MICROSECOND", at(1))).await, json!([both[1]]));
    assert_eq!(changes(&w, "1 + 1").await, json!([both[1]]));
    let parameters = json!([{"name": "from", "value": "2", "type": "INT"}, {"name": "name", "value": "t"}]);
    let marked = "SELECT id FROM table_changes(:name, :from)";
    assert_eq!(rows(&w, marked, json!({"parameters": parameters})).await, json!([["2"]]));
    let time = "SELECT count(*) FROM table_changes('t', 0) AS c WHERE c._commit_timestamp = TIMESTAMP";
    assert_eq!(rows_or_none(&w, &format!("{time} '{}'", at(2))).await, json!([["1"]]));
    for (range, class) in [
        ("'2999-01-01'", "DELTA_TIMESTAMP_GREATER_THAN_COMMIT"),
        ("0, '1970-01-01'", "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION"),
        ("0, '2999-01-01'", "DELTA_TIMESTAMP_GREATER_THAN_COMMIT"),
        ("3", "DELTA_CDC_START_VERSION_AFTER_LATEST"),
        ("2, 1", "DELTA_INVALID_CDC_RANGE"),
        ("-1", "DELTA_VERSION_INVALID"),
        ("NULL", "DELTA_CDC_READ_NULL_RANGE_BOUNDARY"),
        ("0, NULL", "DELTA_CDC_READ_NULL_RANGE_BOUNDARY"),
        ("0, 1, 2", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ("'no time'", "DELTA_TIMESTAMP_INVALID"),
    ] {
        refused(&w, &format!("SELECT * FROM table_changes('t', {range})"), class).await;
    }
    refused(&w, "SELECT * FROM table_changes('nope', 0)", "TABLE_OR_VIEW_NOT_FOUND").await;
    refused(&w, "SELECT * FROM table_changes(t, 0)", "UNSUPPORTED_FEATURE").await;
    rows_or_none(&w, "CREATE VIEW news AS SELECT id FROM table_changes('t', 2)").await;
    rows_or_none(&w, "INSERT INTO t VALUES (3, 'c')").await;
    assert_eq!(rows_or_none(&w, "SELECT * FROM news ORDER BY 1").await, json!([["2"], ["3"]]));
    refused(&w, "CREATE VIEW bad AS SELECT id FROM table_changes('news', 0)", "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE")
        .await;
}

#[tokio::test]
async fn what_was_not_recorded_is_refused() {
    let w = fast().await;
    run_all(
        &w,
        &[
            "CREATE TABLE t (id INT, v STRING)", // 0
            "INSERT INTO t VALUES (1, 'a')",     // 1
            "ALTER TABLE t SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'delta.columnMapping.mode' = 'name')", // 2
            "DELETE FROM t WHERE id = 1", // 3
        ],
    )
    .await;
    refused(&w, "SELECT * FROM table_changes('t', 0)", "DELTA_MISSING_CHANGE_DATA").await;
    refused(&w, "SELECT * FROM table_changes('main.samples.zones', 0)", "DELTA_MISSING_CHANGE_DATA").await;
    assert_eq!(changes(&w, "2").await, json!([["1", "a", "delete", "3"]]));
    run_all(
        &w,
        &[
            "INSERT INTO t VALUES (2, 'b')",      // 4
            "ALTER TABLE t RENAME COLUMN v TO w", // 5
            "UPDATE t SET w = 'B'",               // 6
        ],
    )
    .await;
    let before = "SELECT id, v FROM table_changes('t', 4, 4)";
    assert_eq!(rows_or_none(&w, before).await, json!([["2", "b"]]), "columns are those of the last version");
    // Values of the column under its old name would be left out.
    refused(&w, "SELECT * FROM table_changes('t', 4)", "DELTA_CHANGE_DATA_FEED_INCOMPATIBLE_DATA_SCHEMA").await;
    let after = "SELECT id, w, _change_type FROM table_changes('t', 5) ORDER BY 2";
    assert_eq!(rows_or_none(&w, after).await, json!([["2", "B", "update_postimage"], ["2", "b", "update_preimage"]]));
    run_all(
        &w,
        &[
            "ALTER TABLE t UNSET TBLPROPERTIES ('delta.enableChangeDataFeed')", // 7
            "DELETE FROM t",                                                    // 8
        ],
    )
    .await;
    refused(&w, "SELECT * FROM table_changes('t', 6)", "DELTA_MISSING_CHANGE_DATA").await;
    assert_eq!(rows_or_none(&w, "SELECT count(*) FROM table_changes('t', 6, 6)").await, json!([["2"]]));
    rows_or_none(&w, "CREATE TABLE own (_change_type INT)").await;
    let on = "ALTER TABLE own SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')";
    refused(&w, on, "DELTA_TABLE_ALREADY_CONTAINS_CDC_COLUMNS").await;
    run_all(
        &w,
        &[
            "CREATE FUNCTION f(v INT) RETURN v > 0",
            "CREATE TABLE seen (a INT) WITH ROW FILTER f ON (a) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')",
        ],
    )
    .await;
    refused(&w, "SELECT * FROM table_changes('seen', 0)", "UNSUPPORTED_FEATURE").await;
}

#[tokio::test]
async fn partitions_and_unusual_types_are_in_the_feed() {
    let w = fast().await;
    run_all(
        &w,
        &[
            "CREATE TABLE t (id INT, v STRING, json VARIANT, day DATE GENERATED ALWAYS AS (DATE '2024-01-01' + id)) \
             PARTITIONED BY (v) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')",
            "INSERT INTO t (id, v, json) VALUES (1, 'p', parse_json('{\"a\": 1}')), (2, 'q', NULL), (3, NULL, NULL)",
            "UPDATE t SET v = 'r', id = id + 10 WHERE id <> 2",
        ],
    )
    .await;
    let found = "SELECT id, v, to_json(json), day, _change_type FROM table_changes('t', 2) ORDER BY id";
    let expected = json!([
        ["1", "p", "{\"a\":1}", "2024-01-02", "update_preimage"],
        ["3", null, null, "2024-01-04", "update_preimage"],
        ["11", "r", "{\"a\":1}", "2024-01-12", "update_postimage"],
        ["13", "r", null, "2024-01-14", "update_postimage"],
    ]);
    assert_eq!(rows_or_none(&w, found).await, expected);
}
