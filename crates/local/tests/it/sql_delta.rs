//! Managed tables as Delta tables: over restarts, by version, and read from outside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, get, send};
use crate::data::{again, builder};
use crate::statements::{execute, fails, rows};

pub(crate) async fn run(w: &LocalWorkspace, statement: &str) -> Value {
    match rows(w, statement, json!({})).await {
        // No rows are no member.
        Value::Null => json!([]),
        found => found,
    }
}

async fn refused(w: &LocalWorkspace, statement: &str) -> String {
    fails(w, statement, json!({})).await.0
}

const MADE: &[&str] = &[
    "CREATE CATALOG kept COMMENT 'a catalog'",
    "CREATE SCHEMA kept.s COMMENT 'a schema' WITH DBPROPERTIES ('a' = 'b')",
    "CREATE TABLE kept.s.Parent (name VARCHAR(5) COMMENT 'most five' PRIMARY KEY, at TIMESTAMP_NTZ) CLUSTER BY (name)",
    "CREATE TABLE kept.s.Child (Id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5), \
     Name VARCHAR(5) NOT NULL COMMENT 'it''s', `odd name` STRING DEFAULT concat('x', 'y'), code CHAR(3), day DATE, \
     year INT GENERATED ALWAYS AS (year(day)), Part STRING, v VARIANT, \
     CONSTRAINT known FOREIGN KEY (Name) REFERENCES kept.s.Parent (name), CONSTRAINT long CHECK (length(Name) > 1)) \
     PARTITIONED BY (Part) COMMENT 'a table' TBLPROPERTIES ('k' = 'v', 'delta.appendOnly' = 'false', \
     'delta.columnMapping.mode' = 'name', 'delta.enableInCommitTimestamps' = 'true')",
    "ALTER TABLE kept.s.Child SET TAGS ('t' = '1')",
    "ALTER TABLE kept.s.Child ALTER COLUMN Name SET TAGS ('pii' = 'yes')",
    "INSERT INTO kept.s.Child (Name, code, day, Part, v) VALUES ('one', 'a', DATE '2024-02-29', 'p', parse_json('{\"a\": [1, null]}'))",
    "INSERT INTO kept.s.Child (Name, `odd name`, day, Part) VALUES ('two', NULL, NULL, NULL), ('three', 'z', DATE '0001-01-01', 'q r/%')",
    "CREATE VIEW kept.s.seen (a COMMENT 'first') COMMENT 'a view' TBLPROPERTIES ('x' = 'y') AS SELECT Name FROM kept.s.Child",
    "CREATE FUNCTION kept.s.twice(x INT COMMENT 'n', y INT DEFAULT 2) RETURNS INT COMMENT 'doubles' RETURN x * y",
    "CREATE TABLE kept.s.gone (a INT)",
    "DROP TABLE kept.s.gone",
    "CREATE TABLE kept.s.moved (a INT)",
    "ALTER TABLE kept.s.moved RENAME TO kept.s.here",
    "INSERT INTO main.samples.zones VALUES (1, 'Nowhere')",
    "DROP TABLE main.samples.trips",
];

const ASKED: &[&str] = &[
    "SHOW CATALOGS",
    "SHOW TABLES IN kept.s",
    "SHOW TABLES IN main.samples",
    "DESCRIBE CATALOG EXTENDED kept",
    "DESCRIBE SCHEMA EXTENDED kept.s",
    "DESCRIBE TABLE EXTENDED kept.s.child",
    "DESCRIBE TABLE EXTENDED kept.s.parent",
    "DESCRIBE TABLE EXTENDED kept.s.seen",
    "SHOW CREATE TABLE kept.s.child",
    "SHOW CREATE TABLE kept.s.parent",
    "SHOW CREATE TABLE kept.s.seen",
    "SHOW TBLPROPERTIES kept.s.child",
    "DESCRIBE DETAIL kept.s.child",
    "DESCRIBE HISTORY kept.s.child",
    "DESCRIBE FUNCTION EXTENDED kept.s.twice",
    "SELECT *, typeof(v), length(code) FROM kept.s.child ORDER BY 1",
    "SELECT * FROM kept.s.child VERSION AS OF 3 ORDER BY 1",
    "SELECT * FROM kept.s.seen ORDER BY 1",
    "SELECT kept.s.twice(4), kept.s.twice(4, 5)",
    "SELECT * FROM kept.information_schema.columns ORDER BY table_name, ordinal_position",
    "SELECT * FROM kept.information_schema.table_tags",
    "SELECT * FROM kept.information_schema.column_tags",
    "SELECT count(*), max(borough) FROM main.samples.zones WHERE zip = 1",
    "SELECT count(*) FROM samples.nyctaxi.trips",
];

#[tokio::test]
async fn everything_that_sql_made_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    for statement in MADE {
        run(&w, statement).await;
    }
    let mut before = Vec::new();
    for statement in ASKED {
        before.push(run(&w, statement).await);
    }
    let rest = [
        "/api/2.1/unity-catalog/catalogs/kept",
        "/api/2.1/unity-catalog/schemas/kept.s",
        "/api/2.1/unity-catalog/tables/kept.s.child",
        "/api/2.1/unity-catalog/tables/kept.s.seen",
        "/api/2.1/unity-catalog/tables?catalog_name=kept&schema_name=s",
        "/api/2.1/unity-catalog/functions/kept.s.twice",
    ];
    let mut by_rest = Vec::new();
    for target in rest {
        by_rest.push(get(&w, target).await.ok());
    }
    assert_eq!(before[15].as_array().unwrap().len(), 3, "{}", before[15]);
    assert_eq!(before[16].as_array().unwrap().len(), 1, "{}", before[16]);
    let w = again(w, directory.path()).await;
    for (statement, before) in ASKED.iter().zip(before) {
        assert_eq!(run(&w, statement).await, before, "{statement}");
    }
    for (target, before) in rest.iter().zip(by_rest) {
        assert_eq!(get(&w, target).await.ok(), before, "{target}");
    }
    let kept = std::fs::read_dir(directory.path().join("tables")).unwrap().count();
    assert_eq!(kept, 4, "parent, child, here, zones");
    for (statement, class) in [
        ("INSERT INTO kept.s.child (Name) VALUES ('x')", "[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES]"),
        ("INSERT INTO kept.s.child (Name) VALUES (NULL)", "[DELTA_NOT_NULL_CONSTRAINT_VIOLATED]"),
        ("INSERT INTO kept.s.child (Name) VALUES ('toolong')", "[DELTA_EXCEED_CHAR_VARCHAR_LIMIT]"),
    ] {
        let message = refused(&w, statement).await;
        assert!(message.starts_with(class), "{statement}: {message}");
    }
    run(&w, "INSERT INTO kept.s.child (Name, Part) VALUES ('four', 'p')").await;
    let last = run(&w, "SELECT Id, `odd name` FROM kept.s.child WHERE Name = 'four'").await;
    assert_eq!(last, json!([["25", "xy"]]), "identity goes on, the default is computed");
    assert!(refused(&w, "SELECT * FROM kept.s.gone").await.starts_with("[TABLE_OR_VIEW_NOT_FOUND]"));
    run(&w, "DROP CATALOG kept CASCADE").await;
    let w = again(w, directory.path()).await;
    assert!(refused(&w, "SELECT * FROM kept.s.child").await.starts_with("[TABLE_OR_VIEW_NOT_FOUND]"));
    assert_eq!(std::fs::read_dir(directory.path().join("tables")).unwrap().count(), 1, "zones alone");
    w.shutdown().await;
}

/// Times of commits, in their order.
async fn times(w: &LocalWorkspace, table: &str) -> Vec<String> {
    let all = run(w, &format!("DESCRIBE HISTORY {table}")).await;
    all.as_array().unwrap().iter().rev().map(|row| row[1].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn versions_are_read_by_number_and_time() {
    let w = fast().await;
    run(&w, "CREATE TABLE t (id INT, s STRING)").await;
    run(&w, "INSERT INTO t VALUES (1, 'a')").await;
    run(&w, "ALTER TABLE t ADD COLUMN n INT").await;
    run(&w, "UPDATE t SET s = 'b', n = 7").await;
    run(&w, "DELETE FROM t WHERE id = 5").await;
    let times = times(&w, "t").await;
    assert_eq!(times.len(), 4, "a DELETE of no rows is no version: {times:?}");
    let older = times[1].clone();
    for (query, expected) in [
        ("SELECT * FROM t VERSION AS OF 0".to_owned(), json!([])),
        ("SELECT * FROM t VERSION AS OF 1".to_owned(), json!([["1", "a"]])),
        ("SELECT * FROM t@v1".to_owned(), json!([["1", "a"]])),
        (
            "SELECT t.s, x.s FROM t JOIN main.default.t FOR VERSION AS OF 2 AS x USING (id)".to_owned(),
            json!([["b", "a"]]),
        ),
        (format!("SELECT * FROM t TIMESTAMP AS OF '{older}'"), json!([["1", "a"]])),
        (format!("SELECT n FROM t TIMESTAMP AS OF TIMESTAMP '{}'", times[3]), json!([["7"]])),
        (
            format!("SELECT s FROM t TIMESTAMP AS OF (CAST('{older}' AS TIMESTAMP) + INTERVAL 0 SECONDS) x"),
            json!([["a"]]),
        ),
        ("SELECT count(*) FROM samples.nyctaxi.zones VERSION AS OF 0".to_owned(), json!([["12"]])),
    ] {
        assert_eq!(run(&w, &query).await, expected, "{query}");
    }
    run(&w, "CREATE VIEW old AS SELECT s FROM t VERSION AS OF 1").await;
    assert_eq!(run(&w, "SELECT * FROM old").await, json!([["a"]]));
    let cloned = run(&w, "CREATE TABLE copied CLONE t VERSION AS OF 1").await;
    // Size, number of files, removed and copied ones, and the bytes of these.
    assert_eq!(cloned, json!([[cloned[0][0], "1", "0", "1", "0", cloned[0][0]]]));
    assert_ne!(cloned[0][0], "0");
    assert_eq!(run(&w, "SELECT * FROM copied").await, json!([["1", "a"]]));
    let again = run(&w, "CREATE OR REPLACE TABLE copied SHALLOW CLONE t VERSION AS OF 1").await;
    assert_eq!(again, json!([[cloned[0][0], "1", "1", "0", again[0][4], "0"]]));
    assert_eq!(run(&w, "CREATE TABLE IF NOT EXISTS copied CLONE t").await, json!([]));
    for (query, class) in [
        (
            "SELECT * FROM t VERSION AS OF 4",
            "[DELTA_VERSION_NOT_FOUND] Cannot time travel Delta table to version 4. Available versions: [0, 3].",
        ),
        ("SELECT * FROM t TIMESTAMP AS OF '1999-01-01'", "[DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION]"),
        ("SELECT * FROM t TIMESTAMP AS OF '2999-01-01'", "[DELTA_TIMESTAMP_GREATER_THAN_COMMIT]"),
        ("SELECT * FROM t TIMESTAMP AS OF 'soon'", "[CAST_INVALID_INPUT]"),
        ("SELECT * FROM old VERSION AS OF 0", "[EXPECT_TABLE_NOT_VIEW"),
        ("SELECT * FROM nowhere VERSION AS OF 0", "[TABLE_OR_VIEW_NOT_FOUND]"),
        ("WITH c AS (SELECT 1) SELECT * FROM c VERSION AS OF 0", "[UNSUPPORTED_FEATURE]"),
        ("RESTORE t TO VERSION AS OF 9", "[DELTA_CANNOT_RESTORE_TABLE_VERSION]"),
        ("SELECT * FROM samples.nyctaxi.zones VERSION AS OF 1", "[DELTA_VERSION_NOT_FOUND]"),
    ] {
        let message = refused(&w, query).await;
        assert!(message.starts_with(class), "{query}: {message}");
    }
}

#[tokio::test]
async fn history_tells_every_change_and_restore_undoes_them() {
    let w = fast().await;
    run(&w, "CREATE OR REPLACE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY, s STRING) TBLPROPERTIES ('a' = '1')")
        .await;
    run(&w, "INSERT INTO t (s) VALUES ('x'), ('y')").await;
    run(&w, "ALTER TABLE t ADD CONSTRAINT short CHECK (length(s) < 3)").await;
    run(&w, "MERGE INTO t USING (SELECT 'x' AS s) n ON t.s = n.s WHEN MATCHED THEN UPDATE SET s = 'xx'").await;
    run(&w, "ALTER TABLE t SET TBLPROPERTIES ('a' = '2')").await;
    run(&w, "INSERT OVERWRITE t (s) VALUES ('z')").await;
    let restored = run(&w, "RESTORE TABLE t TO VERSION AS OF 1").await;
    assert_eq!(restored[0][1], "1", "{restored}");
    run(&w, "TRUNCATE TABLE t").await;
    let history = run(&w, "DESCRIBE HISTORY t").await;
    let shown: Vec<(&str, &str)> =
        history.as_array().unwrap().iter().map(|r| (r[0].as_str().unwrap(), r[4].as_str().unwrap())).collect();
    let expected = [
        ("7", "TRUNCATE"),
        ("6", "RESTORE"),
        ("5", "WRITE"),
        ("4", "SET TBLPROPERTIES"),
        ("3", "MERGE"),
        ("2", "ADD CONSTRAINT"),
        ("1", "WRITE"),
        ("0", "CREATE OR REPLACE TABLE"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(run(&w, "DESCRIBE HISTORY t LIMIT 2").await.as_array().unwrap().len(), 2);
    let insert = &history[6];
    let (parameters, metrics) = (insert[5].as_str().unwrap(), insert[12].as_str().unwrap());
    assert!(parameters.contains("Append") && metrics.contains("numOutputRows"), "{insert}");
    assert_eq!((&insert[9], &insert[11]), (&json!("0"), &json!("true")));
    assert_eq!(history[4][11], "false", "MERGE reads the table");
    let columns = execute(&w, "DESCRIBE HISTORY t", json!({})).await.ok();
    let columns = columns["manifest"]["schema"]["columns"].as_array().unwrap().clone();
    let names: Vec<&str> = columns.iter().map(|c| c["name"].as_str().unwrap()).collect();
    let expected = [
        "version",
        "timestamp",
        "userId",
        "userName",
        "operation",
        "operationParameters",
        "job",
        "notebook",
        "clusterId",
        "readVersion",
        "isolationLevel",
        "isBlindAppend",
        "operationMetrics",
        "userMetadata",
        "engineInfo",
    ];
    assert_eq!(names, expected);
    run(&w, "RESTORE t TO VERSION AS OF 1").await;
    assert_eq!(run(&w, "SELECT * FROM t ORDER BY id").await, json!([["1", "x"], ["2", "y"]]));
    assert_eq!(run(&w, "SHOW TBLPROPERTIES t ('a')").await, json!([["a", "1"]]));
    // The constraint came later; numbers that were given since are not given again.
    run(&w, "INSERT INTO t (s) VALUES ('longer')").await;
    assert_eq!(run(&w, "SELECT max(id) FROM t").await, json!([["4"]]));
    let detail = run(&w, "DESCRIBE DETAIL t").await;
    let location = detail[0][4].as_str().unwrap().strip_prefix("file:").unwrap().to_owned();
    assert!(Path::new(&location).join("_delta_log/00000000000000000000.json").exists(), "{location}");
    assert_eq!(detail[0][9], "2", "files: {detail}");
    run(&w, "DROP TABLE t").await;
    assert!(!Path::new(&location).exists(), "a table's files go with it");
}

#[tokio::test]
async fn a_table_that_is_replaced_keeps_its_history() {
    let w = fast().await;
    run(&w, "CREATE TABLE t AS SELECT 1 AS a").await;
    run(&w, "CREATE OR REPLACE TABLE t AS SELECT 'x' AS b, 2 AS c").await;
    assert_eq!(run(&w, "SELECT * FROM t VERSION AS OF 0").await, json!([["1"]]));
    assert_eq!(run(&w, "SELECT * FROM t").await, json!([["x", "2"]]));
}

/// Every type, alone and inside of others; NULL is added to each.
const VALUES: &[(&str, &[&str])] = &[
    ("BOOLEAN", &["true", "false"]),
    ("TINYINT", &["-128", "127"]),
    ("SMALLINT", &["-32768", "32767"]),
    ("INT", &["-2147483648", "2147483647"]),
    ("BIGINT", &["-9223372036854775808", "9223372036854775807"]),
    ("FLOAT", &["float('NaN')", "float('-Infinity')", "1.17549435E-38F", "-0.0F"]),
    ("DOUBLE", &["double('NaN')", "double('Infinity')", "4.9E-324D", "-0.0D", "1.7976931348623157E308D"]),
    ("DECIMAL(1,0)", &["9", "-9"]),
    ("DECIMAL(9,2)", &["1234567.89", "-0.01"]),
    ("DECIMAL(18,18)", &["0.123456789012345678"]),
    ("DECIMAL(38,0)", &["99999999999999999999999999999999999999BD", "-99999999999999999999999999999999999999BD"]),
    ("DECIMAL(38,38)", &["0.00000000000000000000000000000000000001BD"]),
    ("STRING", &["''", "'\\u0000 \\U0001F600 \\'quoted\\' NULL'", "repeat('x', 100000)"]),
    ("BINARY", &["X''", "X'00FF7F80'", "X'C3'"]),
    ("DATE", &["DATE '0001-01-01'", "DATE '1582-10-10'", "DATE '9999-12-31'"]),
    (
        "TIMESTAMP",
        &[
            "TIMESTAMP '0001-01-01 00:00:00'",
            "TIMESTAMP '9999-12-31 23:59:59.999999'",
            "TIMESTAMP '1969-12-31 23:59:59.999999'",
        ],
    ),
    ("TIMESTAMP_NTZ", &["TIMESTAMP_NTZ '0001-01-01 00:00:00'", "TIMESTAMP_NTZ '9999-12-31 23:59:59.999999'"]),
    ("ARRAY<INT>", &["array()", "array(1, NULL, 3)"]),
    ("ARRAY<ARRAY<STRING>>", &["array(array('a', NULL), NULL, array())"]),
    ("MAP<STRING, DECIMAL(5,2)>", &["map()", "map('a', 1.25, 'b', NULL)"]),
    ("MAP<INT, MAP<DATE, BINARY>>", &["map(1, map(DATE '2024-01-01', X'00'), 2, NULL)"]),
    (
        "STRUCT<A: INT, `b c`: STRUCT<d: TIMESTAMP_NTZ, e: ARRAY<BOOLEAN>>>",
        &[
            "named_struct('A', 1, 'b c', named_struct('d', TIMESTAMP_NTZ '2024-01-01 00:00:00', 'e', array(true, NULL)))",
            "named_struct('A', NULL, 'b c', NULL)",
        ],
    ),
    ("VARIANT", &["parse_json('{\"a\": [1, null, \"x\"]}')", "parse_json('null')", "parse_json('1.50')"]),
    ("ARRAY<VARIANT>", &["array(parse_json('1'), NULL)"]),
    ("CHAR(4)", &["'ab'"]),
    ("VARCHAR(4)", &["'ab '"]),
];

#[tokio::test]
async fn values_of_every_type_are_read_as_they_were_written() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    let mut shown = Vec::new();
    for (at, (kind, values)) in VALUES.iter().enumerate() {
        let mapped = "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')";
        run(&w, &format!("CREATE TABLE t{at} (n INT, v {kind}) {mapped}")).await;
        let values: Vec<String> =
            values.iter().chain(&["NULL"]).enumerate().map(|(n, v)| format!("({n}, {v})")).collect();
        run(&w, &format!("INSERT INTO t{at} VALUES {}", values.join(", "))).await;
        let query = format!("SELECT *, typeof(v), to_json(struct(v)) FROM t{at} ORDER BY n");
        let result = run(&w, &query).await;
        assert_eq!(result.as_array().unwrap().len(), values.len(), "{kind}");
        shown.push((*kind, query, result));
    }
    let w = again(w, directory.path()).await;
    for (kind, query, before) in &shown {
        assert_eq!(run(&w, query).await, *before, "{kind}");
    }
    for kind in ["INTERVAL DAY TO SECOND", "INTERVAL YEAR", "ARRAY<INTERVAL HOUR>"] {
        let message = refused(&w, &format!("CREATE TABLE no (a INT, b {kind})")).await;
        assert!(
            message.starts_with("[DELTA_UNSUPPORTED_DATA_TYPES] Found columns using unsupported data types: [b: "),
            "{message}"
        );
    }
    assert!(refused(&w, "SELECT * FROM no").await.starts_with("[TABLE_OR_VIEW_NOT_FOUND]"));
    w.shutdown().await;
}

#[tokio::test]
async fn partitions_have_files_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    let kinds = [
        ("s STRING", "'a b/ü%'"),
        ("i TINYINT", "-5"),
        ("d DECIMAL(10,3)", "1.500"),
        ("y DATE", "DATE '0099-01-02'"),
        ("t TIMESTAMP", "TIMESTAMP '2024-03-31 01:30:00.123456'"),
        ("b BOOLEAN", "false"),
        ("f DOUBLE", "0.1D"),
    ];
    for (at, (column, value)) in kinds.iter().enumerate() {
        let name = column.split(' ').next().unwrap();
        run(&w, &format!("CREATE TABLE p{at} ({column}, n INT) PARTITIONED BY ({name})")).await;
        run(&w, &format!("INSERT INTO p{at} VALUES ({value}, 1), (NULL, 2), ({value}, 3)")).await;
        assert_eq!(run(&w, &format!("DESCRIBE DETAIL p{at}")).await[0][9], "2", "{column}");
    }
    let query = |at: usize| format!("SELECT * FROM p{at} ORDER BY n");
    let mut before = Vec::new();
    for at in 0..kinds.len() {
        before.push(run(&w, &query(at)).await);
    }
    let w = again(w, directory.path()).await;
    for (at, before) in before.iter().enumerate() {
        assert_eq!(run(&w, &query(at)).await, *before, "{}", kinds[at].0);
    }
    // What a log would give back as another value is not written.
    assert!(refused(&w, "INSERT INTO p0 VALUES ('', 1)").await.starts_with("[UNSUPPORTED_FEATURE]"));
    run(&w, "CREATE TABLE pb (x BINARY, n INT) PARTITIONED BY (x)").await;
    assert!(refused(&w, "INSERT INTO pb VALUES (X'00', 1)").await.starts_with("[UNSUPPORTED_FEATURE]"));
    assert_eq!(run(&w, "SELECT count(*) FROM p0").await, json!([["3"]]));
    let all = refused(&w, "CREATE TABLE only (x INT) PARTITIONED BY (x)").await;
    assert!(all.starts_with("[DELTA_CANNOT_USE_ALL_COLUMNS_FOR_PARTITION]"), "{all}");
    w.shutdown().await;
}

async fn put(w: &LocalWorkspace, path: &str, content: &[u8]) {
    let token = format!("Bearer {}", w.token());
    let target = format!("/api/2.0/fs/files/Volumes/main/default/v/{path}?overwrite=true");
    let headers = [("authorization", token.as_str()), ("content-type", "application/octet-stream")];
    assert_eq!(send(w, "PUT", &target, &headers, content).await.unwrap().status, 204);
}

/// The files of a table by their path in it.
async fn files(w: &LocalWorkspace, table: &str) -> Vec<(String, Vec<u8>)> {
    let detail = run(w, &format!("DESCRIBE DETAIL {table}")).await;
    let root = PathBuf::from(detail[0][4].as_str().unwrap().strip_prefix("file:").unwrap());
    let mut found = Vec::new();
    for directory in [root.clone(), root.join("_delta_log")] {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found
}

#[tokio::test]
async fn tables_on_volumes_are_read_and_unknown_features_refused() {
    let w = fast().await;
    run(&w, "CREATE TABLE t (id INT, s STRING) PARTITIONED BY (s)").await;
    for n in 0..103 {
        run(&w, &format!("INSERT INTO t VALUES ({n}, 'p{}')", n % 2)).await;
    }
    run(&w, "DELETE FROM t WHERE id < 100").await;
    let all = files(&w, "t").await;
    assert!(all.iter().any(|(name, _)| name.ends_with("00100.checkpoint.parquet")), "a checkpoint was written");
    let root = "/Volumes/main/default/v";
    for (name, content) in &all {
        // Readers begin at the checkpoint: what came before it may be gone.
        let number = name.strip_prefix("_delta_log/").and_then(|n| n.get(..20)?.parse::<u64>().ok());
        if number.is_none_or(|n| n >= 100) {
            put(&w, &format!("t/{name}"), content).await;
        }
    }
    let query = format!("SELECT * FROM delta.`{root}/t` ORDER BY id");
    assert_eq!(run(&w, &query).await, json!([["100", "p0"], ["101", "p1"], ["102", "p0"]]));
    let older = format!("SELECT count(*) FROM delta.`{root}/t` VERSION AS OF 101");
    assert_eq!(run(&w, &older).await, json!([["101"]]));
    let message = refused(&w, &format!("SELECT * FROM delta.`{root}/t` VERSION AS OF 7")).await;
    assert!(message.contains("Available versions: [100, 104]"), "{message}");
    assert!(refused(&w, &format!("SELECT * FROM delta.`{root}/none`")).await.starts_with("[PATH_NOT_FOUND]"));
    put(&w, "empty/a.txt", b"x").await;
    assert!(
        refused(&w, &format!("SELECT * FROM delta.`{root}/empty`")).await.starts_with("[DELTA_MISSING_DELTA_TABLE]")
    );
    let first = |protocol: Value, mode: &str| {
        let schema =
            json!({"type": "struct", "fields": [{"name": "a", "type": "integer", "nullable": true, "metadata": {}}]});
        let metadata = json!({"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": schema.to_string(),
            "partitionColumns": [], "configuration": {"delta.columnMapping.mode": mode}}});
        format!("{}\n{metadata}\n", json!({"protocol": protocol})).into_bytes()
    };
    let known = json!({"minReaderVersion": 1, "minWriterVersion": 2});
    for (name, protocol, mode, class) in [
        ("a", known.clone(), "none", ""),
        (
            "b",
            json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["timestampNtz", "brandNew"], "writerFeatures": []}),
            "none",
            "brandNew",
        ),
        ("c", json!({"minReaderVersion": 4, "minWriterVersion": 7}), "none", "reader version 4"),
        ("d", json!({"minReaderVersion": 2, "minWriterVersion": 5}), "name", "columnMapping"),
    ] {
        put(&w, &format!("{name}/_delta_log/00000000000000000000.json"), &first(protocol, mode)).await;
        let query = format!("SELECT * FROM delta.`{root}/{name}`");
        if class.is_empty() {
            assert_eq!(run(&w, &query).await, json!([]));
            continue;
        }
        let message = refused(&w, &query).await;
        assert!(message.starts_with("[DELTA_UNSUPPORTED_FEATURES_FOR_READ]") && message.contains(class), "{message}");
    }
    let vector = json!({"add": {"path": "f.parquet", "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": true,
        "deletionVector": {"storageType": "i", "pathOrInlineDv": "x", "sizeInBytes": 1, "cardinality": 1}}});
    let log = [first(known, "none"), vector.to_string().into_bytes()].concat();
    put(&w, "e/_delta_log/00000000000000000000.json", &log).await;
    let message = refused(&w, &format!("SELECT * FROM delta.`{root}/e`")).await;
    assert!(message.contains("deletionVectors"), "{message}");
    put(&w, "f/_delta_log/00000000000000000000.json", b"not json\n").await;
    assert!(refused(&w, &format!("SELECT * FROM delta.`{root}/f`")).await.starts_with("[DELTA_STATE_RECOVER_ERROR]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_statements_at_once_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let w = Arc::new(builder(directory.path()).start().await.unwrap());
    run(&w, "CREATE TABLE counts (k INT, n BIGINT)").await;
    run(&w, "INSERT INTO counts SELECT id, 0 FROM range(10)").await;
    run(&w, "CREATE TABLE added (id INT)").await;
    let tasks = (0..32).map(|task| {
        let w = Arc::clone(&w);
        tokio::spawn(async move {
            for n in (task..1000).step_by(32) {
                let statement = if n % 2 == 0 {
                    format!(
                        "MERGE INTO counts USING (SELECT {} AS k) s ON counts.k = s.k WHEN MATCHED THEN UPDATE SET n = counts.n + 1",
                        n / 2 % 10
                    )
                } else {
                    format!("INSERT INTO added VALUES ({n})")
                };
                run(&w, &statement).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let w = again(Arc::into_inner(w).unwrap(), directory.path()).await;
    assert_eq!(
        run(&w, "SELECT count(*), min(n), max(n), sum(n) FROM counts").await,
        json!([["10", "50", "50", "500"]])
    );
    assert_eq!(
        run(&w, "SELECT count(*), count(DISTINCT id), min(id % 2) FROM added").await,
        json!([["500", "500", "1"]])
    );
    let versions = run(&w, "DESCRIBE HISTORY added").await;
    assert_eq!(versions.as_array().unwrap().len(), 501);
    w.shutdown().await;
}
