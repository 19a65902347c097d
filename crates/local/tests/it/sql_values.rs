//! Values and types that are those of the platform, or an error: never something else without a word.

use serde_json::{Value, json};

use crate::client::fast;
use crate::statements::{execute, fails, rows};

#[tokio::test]
async fn numbers_that_do_not_fit_are_errors() {
    let w = fast().await;
    for statement in [
        "SELECT sum(a) FROM (VALUES (9223372036854775807), (1)) AS t(a)",
        "SELECT a % 2, sum(a) FROM (VALUES (9223372036854775807), (1)) AS t(a) GROUP BY a % 2",
        "SELECT sum(a) OVER (ORDER BY a) FROM (VALUES (9223372036854775807), (1)) AS t(a)",
        "SELECT sum(DISTINCT a) FROM (VALUES (9223372036854775807), (1)) AS t(a)",
        "SELECT sum(a) FROM (VALUES (99999999999999999999999999999999999999), (1)) AS t(a)",
        "SELECT -a FROM (VALUES (CAST(-9223372036854775808 AS BIGINT))) AS t(a)",
        "SELECT -CAST(-128 AS TINYINT)",
        "SELECT abs(CAST(-2147483648 AS INT))",
        "SELECT ceil(CAST(1e300 AS DOUBLE))",
    ] {
        let (message, state) = fails(&w, statement, json!({})).await;
        assert!(message.starts_with("[ARITHMETIC_OVERFLOW]") && state == "22003", "{statement}: {message}");
        assert!(!message.contains("Arrow") && !message.contains("Int64"), "{statement}: {message}");
    }
    for (statement, class) in [
        ("SELECT 99999999999999999999999999999999999999 + 1", "[NUMERIC_VALUE_OUT_OF_RANGE"),
        ("SELECT CAST(DATE '2024-01-01' AS INT)", "[DATATYPE_MISMATCH"),
        ("SELECT CAST(3000000000 AS INT)", "[CAST_OVERFLOW]"),
        ("SELECT CAST(CAST('NaN' AS DOUBLE) AS INT)", "[CAST_OVERFLOW]"),
        ("SELECT CAST('1.9' AS INT)", "[CAST_INVALID_INPUT]"),
        ("SELECT CAST(12345 AS DECIMAL(4,1))", "[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION]"),
        ("SELECT 5 % 0", "[REMAINDER_BY_ZERO]"),
        ("SELECT 1.5 / 0", "[DIVIDE_BY_ZERO]"),
        ("SELECT CAST(1 AS DOUBLE) / 0", "[DIVIDE_BY_ZERO]"),
        ("SELECT 'a' = 5", "[CAST_INVALID_INPUT]"),
        ("SELECT ln('x')", "[CAST_INVALID_INPUT]"),
    ] {
        let (message, _) = fails(&w, statement, json!({})).await;
        assert!(message.starts_with(class), "{statement}: {message}");
    }
}

#[tokio::test]
async fn numbers_have_the_platforms_values_and_types() {
    let w = fast().await;
    for (expression, value, kind) in [
        ("ceil(1.5)", json!("2"), "DECIMAL(2,0)"),
        ("floor(-1.5)", json!("-2"), "DECIMAL(2,0)"),
        ("ceil(CAST(1.2 AS DOUBLE))", json!("2"), "BIGINT"),
        ("floor(3)", json!("3"), "BIGINT"),
        ("ln(0)", Value::Null, "DOUBLE"),
        ("log2(-1)", Value::Null, "DOUBLE"),
        ("log10(1000)", json!("3.0"), "DOUBLE"),
        ("log(0, 10)", Value::Null, "DOUBLE"),
        ("log(2, 8)", json!("3.0"), "DOUBLE"),
        ("sqrt(-1)", json!("NaN"), "DOUBLE"),
        ("power(CAST(2 AS BIGINT), 3)", json!("8.0"), "DOUBLE"),
        ("round(CAST(1.005 AS DOUBLE), 2)", json!("1.01"), "DOUBLE"),
        ("round(2.567, 1)", json!("2.6"), "DECIMAL(3,1)"),
        ("1.0 / 3", json!("0.333333"), "DECIMAL(7,6)"),
        ("2 / 3.0", json!("0.666667"), "DECIMAL(8,6)"),
        ("1.0 / CAST(4 AS DOUBLE)", json!("0.25"), "DOUBLE"),
        ("1e2", json!("100.0"), "DOUBLE"),
        ("-id", json!("0"), "BIGINT"),
        ("-5 % 3", json!("-2"), "INT"),
        ("' 12 ' = 12", json!("true"), "BOOLEAN"),
        ("'5' > 10", json!("false"), "BOOLEAN"),
        ("row_number() OVER (ORDER BY id)", json!("1"), "INT"),
        ("sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", json!("0"), "BIGINT"),
        ("regexp_count('aaa', 'a')", json!("3"), "INT"),
    ] {
        let response = execute(&w, &format!("SELECT {expression} AS x FROM range(1)"), json!({})).await.ok();
        assert_eq!(response["result"]["data_array"], json!([[value]]), "{expression}: {response}");
        assert_eq!(response["manifest"]["schema"]["columns"][0]["type_text"], kind, "{expression}");
    }
    for (statement, expected) in [
        ("SELECT avg(a), sum(a) FROM (VALUES (1.0), (1.0), (0.0)) AS t(a)", json!([["0.66667", "2.0"]])),
        (
            "SELECT id % 3, sum(id), sum(DISTINCT id % 2) FROM range(10) GROUP BY 1 ORDER BY 1",
            json!([["0", "18", "1"], ["1", "12", "1"], ["2", "15", "1"]]),
        ),
        ("SELECT sum(a) FROM (SELECT 1 AS a WHERE false)", json!([[null]])),
    ] {
        assert_eq!(rows(&w, statement, json!({})).await, expected, "{statement}");
    }
}

#[tokio::test]
async fn collected_values_skip_null_and_are_bounded() {
    let w = fast().await;
    for (statement, expected) in [
        ("SELECT array_agg(a), collect_list(a) FROM (VALUES (1), (NULL), (2)) AS t(a)", json!([["[1,2]", "[1,2]"]])),
        ("SELECT array_agg(a) FROM (SELECT 1 AS a WHERE false)", json!([["[]"]])),
        (
            "SELECT a, collect_list(b) FROM (VALUES (1, 'x'), (1, NULL), (2, NULL)) AS t(a, b) GROUP BY a ORDER BY a",
            json!([["1", "[\"x\"]"], ["2", "[]"]]),
        ),
    ] {
        assert_eq!(rows(&w, statement, json!({})).await, expected, "{statement}");
    }
    // The platform's grammar has an order behind WITHIN GROUP alone.
    let ordered = execute(&w, "SELECT array_agg(id ORDER BY id DESC) FROM range(4)", json!({})).await.ok();
    assert!(ordered["status"]["error"]["message"].as_str().unwrap().contains("PARSE_SYNTAX_ERROR"), "{ordered}");
    for function in ["array_agg(x)", "string_agg(x, ',')"] {
        let statement = format!("SELECT {function} FROM (SELECT repeat('x', 1000000) AS x FROM range(200))");
        let response = execute(&w, &statement, json!({})).await.ok();
        assert_eq!(response["status"]["error"]["error_code"], "RESOURCE_EXHAUSTED", "{response}");
    }
}

#[tokio::test]
async fn columns_are_spelled_as_they_were_written() {
    let w = fast().await;
    rows(&w, "CREATE TABLE People (PersonId BIGINT, fullName STRING)", json!({})).await;
    rows(&w, "CREATE VIEW Named AS SELECT PERSONID AS TheId FROM people", json!({})).await;
    for (statement, expected) in [
        ("SELECT Id AS MyCol, ID FROM (SELECT 1 AS id)", ["MyCol", "ID"].as_slice()),
        ("SELECT * FROM (SELECT 1 AS MyCol, 2 AS `Other Col`)", &["MyCol", "Other Col"]),
        ("SELECT * FROM people WHERE personid = 1", &["PersonId", "fullName"]),
        ("SELECT * FROM named", &["TheId"]),
        ("SELECT 1 AS A, 2 AS a", &["A", "a"]),
        ("SELECT max(Id) AS HIGH FROM range(3) ORDER BY high", &["HIGH"]),
    ] {
        let response = execute(&w, statement, json!({})).await.ok();
        let columns = response["manifest"]["schema"]["columns"].as_array().unwrap();
        let names: Vec<_> = columns.iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{statement}");
    }
    assert_eq!(rows(&w, "DESCRIBE TABLE people", json!({})).await[0][0], "PersonId");
}

#[tokio::test]
async fn the_information_schema_is_that_of_the_platform() {
    let w = fast().await;
    for (statement, class) in [
        ("SELECT * FROM information_schema.table_privileges", "[UNSUPPORTED_FEATURE]"),
        ("SELECT * FROM main.information_schema.df_settings", "[TABLE_OR_VIEW_NOT_FOUND]"),
    ] {
        let (message, _) = fails(&w, statement, json!({})).await;
        assert!(message.starts_with(class), "{statement}: {message}");
    }
    for (statement, expected) in [
        (
            "SELECT DISTINCT table_type FROM samples.information_schema.tables WHERE table_schema = 'nyctaxi'",
            json!([["MANAGED"]]),
        ),
        ("SELECT DISTINCT table_catalog FROM main.information_schema.tables", json!([["main"]])),
        (
            "SELECT column_name, ordinal_position, full_data_type, is_nullable FROM samples.information_schema.columns \
             WHERE table_name = 'zones' ORDER BY 2",
            json!([["zip", "0", "int", "YES"], ["borough", "1", "string", "YES"]]),
        ),
        ("SELECT catalog_name FROM system.information_schema.catalogs ORDER BY 1", json!([["main"], ["samples"]])),
    ] {
        assert_eq!(rows(&w, statement, json!({})).await, expected, "{statement}");
    }
}
