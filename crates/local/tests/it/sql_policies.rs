//! Row filters and column masks: for whoever reads, in every statement that reads.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, get, post};
use crate::data::{again, builder};
use crate::sql_catalog::{as_principal, principal};
use crate::statements::{fails, rows};

const UC: &str = "/api/2.1/unity-catalog";

async fn run(w: &LocalWorkspace, statement: &str) -> Value {
    match rows(w, statement, json!({})).await {
        // No rows are no member.
        Value::Null => json!([]),
        found => found,
    }
}

async fn refused(w: &LocalWorkspace, statement: &str, class: &str) {
    let message = fails(w, statement, json!({})).await.0;
    assert!(message.starts_with(&format!("[{class}]")), "{statement}: {message}");
}

/// A table whose rows and values the administrator sees some of, and the service principal others.
async fn made(w: &LocalWorkspace) {
    let who = w.client_id();
    for statement in [
        "CREATE TABLE regions (who STRING, region STRING)",
        &format!("INSERT INTO regions VALUES ('{who}', 'EU')"),
        "CREATE FUNCTION own(place STRING) RETURN current_user() LIKE 'local.user%' AND place <> 'XX' \
         OR EXISTS (SELECT 1 FROM regions r WHERE r.who = current_user() AND r.region = place)",
        "CREATE FUNCTION hide(v STRING, sign STRING) RETURN CASE WHEN current_user() LIKE 'local.user%' THEN v ELSE repeat(sign, 3) END",
        "CREATE FUNCTION round_off(v INT, region STRING, step INT) RETURNS INT RETURN CASE WHEN region = 'EU' THEN v ELSE v DIV step * step END",
        "CREATE TABLE people (id INT, name STRING MASK hide USING COLUMNS ('*'), region STRING, pay INT) \
         WITH ROW FILTER own ON (region)",
        "ALTER TABLE people ALTER COLUMN pay SET MASK round_off USING COLUMNS (region, 100)",
        "INSERT INTO people VALUES (1, 'Ann', 'EU', 123), (2, 'Bob', 'US', 456), (3, 'Cay', 'XX', 789), (4, 'Dee', NULL, 5)",
    ] {
        run(w, statement).await;
    }
}

#[tokio::test]
async fn readers_see_what_the_functions_leave() {
    let w = fast().await;
    made(&w).await;
    let bearer = principal(&w).await;
    let all = "SELECT * FROM people ORDER BY id";
    let mine = json!([["1", "Ann", "EU", "123"], ["2", "Bob", "US", "400"]]);
    let theirs = json!([["1", "***", "EU", "123"]]);
    assert_eq!(run(&w, all).await, mine);
    assert_eq!(as_principal(&w, &bearer, all).await.unwrap(), theirs);
    // Everything works on what they leave: conditions, joins, aggregates.
    let statement =
        "SELECT count(*), max(p.name), sum(pay) FROM people p JOIN (SELECT '***' AS name) x ON p.name = x.name";
    assert_eq!(as_principal(&w, &bearer, statement).await.unwrap(), json!([["1", "***", "123"]]));
    assert_eq!(run(&w, "SELECT id FROM people WHERE pay = 456").await, json!([]));
    assert_eq!(run(&w, "SELECT id FROM people WHERE pay = 400").await, json!([["2"]]));
    // A view reads for who runs the query.
    run(&w, "CREATE VIEW seen AS SELECT name, pay FROM people WHERE id = 1").await;
    assert_eq!(as_principal(&w, &bearer, "SELECT * FROM seen").await.unwrap(), json!([["***", "123"]]));
    assert_eq!(run(&w, "SELECT * FROM seen").await, json!([["Ann", "123"]]));
    run(&w, "CREATE TABLE copied AS SELECT * FROM people").await;
    assert_eq!(run(&w, "SELECT * FROM copied ORDER BY id").await, mine);
    assert_eq!(
        run(&w, "SELECT p.region, (SELECT max(name) FROM people) FROM people AS p WHERE p.id = 2").await,
        json!([["US", "Bob"]])
    );
    run(&w, "ALTER TABLE people ALTER COLUMN name DROP MASK").await;
    run(&w, "ALTER TABLE people DROP ROW FILTER").await;
    run(&w, "ALTER TABLE people DROP ROW FILTER").await;
    let open = json!([["1", "Ann", "123"], ["2", "Bob", "400"], ["3", "Cay", "700"], ["4", "Dee", "0"]]);
    assert_eq!(as_principal(&w, &bearer, "SELECT id, name, pay FROM people ORDER BY id").await.unwrap(), open);
}

#[tokio::test]
async fn statements_change_what_they_see_and_keep_the_rest() {
    let w = fast().await;
    made(&w).await;
    let bearer = principal(&w).await;
    let counts = as_principal(&w, &bearer, "UPDATE people SET pay = pay + 1").await.unwrap();
    assert_eq!(counts, json!([["1"]]), "one row is seen");
    assert_eq!(as_principal(&w, &bearer, "DELETE FROM people WHERE name = 'Ann'").await.unwrap(), json!([["0"]]));
    let merge = "MERGE INTO people USING (SELECT 1 AS id, 'new' AS name UNION ALL SELECT 2, 'other') s ON people.id = s.id \
                 WHEN MATCHED THEN UPDATE SET region = concat(people.name, s.name) \
                 WHEN NOT MATCHED THEN INSERT (id, name, region, pay) VALUES (20 + s.id, s.name, 'US', 7) \
                 WHEN NOT MATCHED BY SOURCE THEN DELETE";
    assert_eq!(as_principal(&w, &bearer, merge).await.unwrap(), json!([["2", "1", "0", "1"]]));
    // Rows that were not seen are there; values that were not set are those behind the masks.
    for statement in [
        "ALTER TABLE people DROP ROW FILTER",
        "ALTER TABLE people ALTER COLUMN pay DROP MASK",
        "ALTER TABLE people ALTER COLUMN name DROP MASK",
    ] {
        run(&w, statement).await;
    }
    let expected = json!([
        ["1", "Ann", "***new", "124"],
        ["2", "Bob", "US", "456"],
        ["3", "Cay", "XX", "789"],
        ["4", "Dee", null, "5"],
        ["22", "other", "US", "7"],
    ]);
    assert_eq!(run(&w, "SELECT * FROM people ORDER BY id").await, expected);
    run(&w, "ALTER TABLE people SET ROW FILTER own ON (region)").await;
    assert_eq!(run(&w, "DELETE FROM people").await, json!([["3"]]));
    run(&w, "ALTER TABLE people DROP ROW FILTER").await;
    assert_eq!(run(&w, "SELECT id FROM people ORDER BY id").await, json!([["3"], ["4"]]));
}

#[tokio::test]
async fn what_is_not_defined_is_refused() {
    let w = fast().await;
    made(&w).await;
    for (statement, class) in [
        ("SELECT * FROM people VERSION AS OF 0", "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.TIME_TRAVEL"),
        ("DESCRIBE HISTORY people", "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.DESCRIBE_HISTORY"),
        ("RESTORE people TO VERSION AS OF 0", "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.TIME_TRAVEL"),
        ("CREATE TABLE two DEEP CLONE people", "ROW_LEVEL_SECURITY_TABLE_CLONE_SOURCE_NOT_SUPPORTED"),
        ("CREATE OR REPLACE TABLE people CLONE regions", "ROW_LEVEL_SECURITY_TABLE_CLONE_TARGET_NOT_SUPPORTED"),
        ("CREATE TABLE two LIKE people", "UNSUPPORTED_FEATURE"),
        ("TRUNCATE TABLE people", "UNSUPPORTED_FEATURE"),
        ("INSERT OVERWRITE people VALUES (1, 'a', 'b', 2)", "UNSUPPORTED_FEATURE"),
        ("INSERT INTO people REPLACE WHERE id = 1 VALUES (1, 'a', 'b', 2)", "UNSUPPORTED_FEATURE"),
        ("ALTER TABLE people ADD CONSTRAINT c CHECK (pay > 0)", "ROW_LEVEL_SECURITY_CHECK_CONSTRAINT_UNSUPPORTED"),
        ("SHOW PARTITIONS people", "ROW_LEVEL_SECURITY_SHOW_PARTITIONS_UNSUPPORTED"),
    ] {
        refused(&w, statement, class).await;
    }
    run(&w, "ALTER TABLE people SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')").await;
    refused(&w, "ALTER TABLE people RENAME COLUMN region TO place", "ROW_LEVEL_SECURITY_INCOMPATIBLE_SCHEMA_CHANGE")
        .await;
    refused(&w, "ALTER TABLE people DROP COLUMN name", "COLUMN_MASKS_INCOMPATIBLE_SCHEMA_CHANGE").await;
    run(&w, "CREATE TABLE c (a INT, b STRING, CONSTRAINT p CHECK (a > 0))").await;
    refused(&w, "ALTER TABLE c SET ROW FILTER own ON (b)", "ROW_LEVEL_SECURITY_CHECK_CONSTRAINT_UNSUPPORTED").await;
    refused(
        &w,
        "ALTER TABLE c ALTER COLUMN b SET MASK hide USING COLUMNS ('x')",
        "COLUMN_MASKS_CHECK_CONSTRAINT_UNSUPPORTED",
    )
    .await;
    run(&w, "CREATE TABLE m (a INT, b STRING, d STRING)").await;
    run(&w, "CREATE FUNCTION several() RETURNS TABLE RETURN SELECT 1 AS a").await;
    for (statement, class) in [
        ("ALTER TABLE m SET ROW FILTER nope ON (b)", "ROW_COLUMN_ACCESS.ASSIGNED_ROW_FILTER_FUNCTION_NOT_FOUND"),
        ("ALTER TABLE m SET ROW FILTER own ON (b, d)", "ROW_COLUMN_ACCESS.ASSIGNED_ROW_FILTER_WRONG_NUMBER_OF_COLUMNS"),
        ("ALTER TABLE m SET ROW FILTER own ON ()", "ROW_COLUMN_ACCESS.ASSIGNED_ROW_FILTER_WRONG_NUMBER_OF_COLUMNS"),
        ("ALTER TABLE m SET ROW FILTER own ON (b, B)", "ROW_COLUMN_ACCESS.ASSIGNED_ROW_FILTER_DUPLICATE_COLUMN_NAME"),
        ("ALTER TABLE m SET ROW FILTER own ON (m.b)", "ROW_COLUMN_ACCESS.ASSIGNED_ROW_FILTER_MULTI_PART_COLUMN_NAME"),
        ("ALTER TABLE m SET ROW FILTER own ON (z)", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        ("ALTER TABLE m SET ROW FILTER hide ON (b, d)", "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN"),
        ("ALTER TABLE m SET ROW FILTER several ON ()", "NOT_A_SCALAR_FUNCTION"),
        ("ALTER TABLE m ALTER COLUMN b SET MASK nope", "ROW_COLUMN_ACCESS.ASSIGNED_COLUMN_MASK_FUNCTION_NOT_FOUND"),
        (
            "ALTER TABLE m ALTER COLUMN b SET MASK hide",
            "ROW_COLUMN_ACCESS.ASSIGNED_COLUMN_MASK_WRONG_NUMBER_OF_COLUMNS",
        ),
        (
            "ALTER TABLE m ALTER COLUMN b SET MASK hide USING COLUMNS (b)",
            "ROW_COLUMN_ACCESS.ASSIGNED_COLUMN_MASK_USING_COLUMN_NAME_SAME_AS_TARGET_COLUMN",
        ),
        ("CREATE TABLE n (a STRING MASK nope)", "ROW_COLUMN_ACCESS.ASSIGNED_COLUMN_MASK_FUNCTION_NOT_FOUND"),
    ] {
        refused(&w, statement, class).await;
    }
    assert_eq!(run(&w, "SHOW TABLES LIKE 'n'").await, json!([]));
    // A function that is gone closes the table, until the policy is gone too.
    run(&w, "CREATE FUNCTION all_of(a INT) RETURN a > 0").await;
    run(&w, "INSERT INTO m VALUES (1, 'b', 'd'), (-1, 'c', 'e')").await;
    run(&w, "ALTER TABLE m SET ROW FILTER all_of ON (a)").await;
    run(&w, "DROP FUNCTION all_of").await;
    refused(&w, "SELECT * FROM m", "ROUTINE_NOT_FOUND").await;
    refused(&w, "DELETE FROM m", "ROUTINE_NOT_FOUND").await;
    run(&w, "CREATE FUNCTION all_of(a INT, b INT) RETURN a > b").await;
    refused(
        &w,
        "SELECT * FROM m",
        "QUERIED_TABLE_INCOMPATIBLE_WITH_ROW_LEVEL_SECURITY_POLICY.INCOMPATIBLE_COLUMN_TYPES",
    )
    .await;
    run(&w, "ALTER TABLE m DROP ROW FILTER").await;
    assert_eq!(run(&w, "SELECT count(*) FROM m").await, json!([["2"]]));
    // A filter that reads its own table has no end.
    run(&w, "CREATE FUNCTION circle(a INT) RETURNS BOOLEAN RETURN EXISTS (SELECT 1 FROM m x WHERE x.b = 'b')").await;
    run(&w, "ALTER TABLE m SET ROW FILTER circle ON (a)").await;
    refused(&w, "SELECT * FROM m", "VIEW_EXCEED_MAX_NESTED_DEPTH").await;
    run(&w, "ALTER TABLE m DROP ROW FILTER").await;
}

#[tokio::test]
async fn they_are_shown_and_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    made(&w).await;
    let asked = [
        "SELECT * FROM people ORDER BY id",
        "SELECT * FROM information_schema.row_filters",
        "SELECT * FROM system.information_schema.column_masks ORDER BY column_name",
        "DESCRIBE TABLE EXTENDED people",
        "SHOW CREATE TABLE people",
    ];
    let mut before = Vec::new();
    for statement in asked {
        before.push(run(&w, statement).await);
    }
    assert_eq!(
        before[1],
        json!([["main", "default", "people", "main", "default", "own", "region", "main", "default", "region"]])
    );
    assert_eq!(
        before[2],
        json!([
            ["main", "default", "people", "name", "main", "default", "hide", null, "main", "default", null],
            ["main", "default", "people", "pay", "main", "default", "round_off", "region", "main", "default", "region"],
        ])
    );
    let described = before[3].to_string();
    assert!(
        described.contains("# Row Filter") && described.contains("main.default.round_off USING COLUMNS"),
        "{described}"
    );
    let rest = get(&w, &format!("{UC}/tables/main.default.people")).await.ok();
    assert_eq!(
        rest["row_filter"],
        json!({"function_name": "main.default.own", "input_column_names": ["region"], "input_arguments": [{"column": "region"}]})
    );
    assert_eq!(
        rest["columns"][3]["mask"],
        json!({"function_name": "main.default.round_off", "using_column_names": ["region"],
            "using_arguments": [{"column": "region"}, {"constant": "100"}]})
    );
    assert_eq!((&rest["columns"][0]["mask"], rest["columns"].as_array().unwrap().len()), (&Value::Null, 4));
    let w = again(w, directory.path()).await;
    for (statement, before) in asked.iter().zip(&before) {
        assert_eq!(run(&w, statement).await, *before, "{statement}");
    }
    // What SHOW CREATE TABLE gives makes the same table.
    let made = before[4][0][0].as_str().unwrap().replace("main.default.people", "main.default.again");
    run(&w, &made).await;
    run(&w, "INSERT INTO again VALUES (3, 'Cay', 'XX', 789), (5, 'Eve', 'US', 250)").await;
    assert_eq!(run(&w, "SELECT * FROM again").await, json!([["5", "Eve", "US", "200"]]));
    // A table that is replaced keeps its filter, and masks of columns that are there.
    run(&w, "CREATE OR REPLACE TABLE people (region STRING, pay INT, more INT)").await;
    run(&w, "INSERT INTO people VALUES ('XX', 1, 1), ('US', 250, 2)").await;
    assert_eq!(run(&w, "SELECT * FROM people").await, json!([["US", "200", "2"]]));
    run(&w, "CREATE OR REPLACE TABLE people AS SELECT 1 AS only").await;
    refused(
        &w,
        "SELECT * FROM people",
        "QUERIED_TABLE_INCOMPATIBLE_WITH_ROW_LEVEL_SECURITY_POLICY.ARGUMENT_NOT_FOUND_IN_TARGET_TABLE",
    )
    .await;
    let body = json!({"name": "by_rest", "catalog_name": "main", "schema_name": "default", "table_type": "MANAGED",
        "storage_location": "s3://bucket/t",
    "data_source_format": "DELTA", "columns": [
        {"name": "v", "type_text": "string", "type_name": "STRING", "position": 0,
            "mask": {"function_name": "main.default.hide", "using_column_names": ["w"]}},
        {"name": "w", "type_text": "string", "type_name": "STRING", "position": 1},
    ]});
    let created = post(&w, &format!("{UC}/tables"), body).await.ok();
    assert_eq!(created["columns"][0]["mask"]["using_column_names"], json!(["w"]));
    run(&w, "INSERT INTO by_rest VALUES ('a', 'b')").await;
    let bearer = principal(&w).await;
    assert_eq!(as_principal(&w, &bearer, "SELECT * FROM by_rest").await.unwrap(), json!([["bbb", "b"]]));
}

#[tokio::test]
async fn functions_read_with_the_rights_of_their_owner_and_in_their_schema() {
    let w = fast().await;
    for statement in ["CREATE SCHEMA kept", "USE SCHEMA kept"] {
        run(&w, statement).await;
    }
    let schema = json!({"schema": "kept"});
    for statement in [
        "CREATE TABLE allowed (what STRING)",
        "INSERT INTO allowed VALUES ('a')",
        "CREATE FUNCTION may(v STRING) RETURN v IN (SELECT what FROM allowed)",
        "CREATE FUNCTION member(v STRING) RETURN is_account_group_member(v)",
    ] {
        rows(&w, statement, schema.clone()).await;
    }
    for statement in [
        "CREATE TABLE allowed (what STRING)",
        "INSERT INTO allowed VALUES ('b')",
        "CREATE TABLE t (what STRING) WITH ROW FILTER kept.may ON (what)",
        "INSERT INTO t VALUES ('a'), ('b'), ('admins'), ('no one'), (NULL)",
    ] {
        run(&w, statement).await;
    }
    assert_eq!(run(&w, "SELECT * FROM t").await, json!([["a"]]));
    assert_eq!(run(&w, "SELECT kept.may('a'), kept.may('b')").await, json!([["true", "false"]]));
    run(&w, "ALTER TABLE t SET ROW FILTER kept.member ON (what)").await;
    assert_eq!(run(&w, "SELECT * FROM t").await, json!([["admins"]]));
    // Values that are cast to the column's type, and members of structures.
    for statement in [
        "CREATE TABLE pairs (k STRING)",
        "INSERT INTO pairs VALUES ('q')",
        "CREATE FUNCTION seven(a INT) RETURNS STRING RETURN '7'",
        "CREATE FUNCTION kept.upper_half(s STRUCT<x: INT, y: STRUCT<z: STRING>>) RETURNS STRUCT<x: BIGINT, y: STRUCT<z: STRING>> \
         RETURN named_struct('x', upper_half.s.x * 10, 'y', named_struct('z', upper(s.y.z)))",
        "CREATE FUNCTION kept.known(s STRUCT<x: INT, y: STRUCT<z: STRING>>) RETURNS BOOLEAN \
         RETURN EXISTS (SELECT 1 FROM main.default.pairs AS p WHERE p.k = s.y.z)",
        "CREATE TABLE n (a INT MASK seven, s STRUCT<x: INT, y: STRUCT<z: STRING>> MASK kept.upper_half) WITH ROW FILTER kept.known ON (s)",
        "INSERT INTO n VALUES (1, named_struct('x', 1, 'y', named_struct('z', 'q'))), (2, named_struct('x', 2, 'y', named_struct('z', 'r')))",
        "UPDATE n SET a = a + 1",
    ] {
        run(&w, statement).await;
    }
    let seen = "SELECT a, typeof(a), to_json(s), typeof(s) FROM n";
    let expected = json!([["7", "int", "{\"x\":10,\"y\":{\"z\":\"Q\"}}", "struct<x:int,y:struct<z:string>>"]]);
    assert_eq!(run(&w, seen).await, expected);
    run(&w, "ALTER TABLE n ALTER COLUMN a DROP MASK").await;
    run(&w, "ALTER TABLE n DROP ROW FILTER").await;
    assert_eq!(run(&w, "SELECT a FROM n ORDER BY a").await, json!([["2"], ["8"]]));
}
