//! Tables and keys that REST makes, as SQL sees them.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, get, post};
use crate::statements::execute;

async fn run(w: &LocalWorkspace, statement: &str) -> Value {
    crate::statements::rows(w, statement, json!({})).await
}

#[tokio::test]
async fn tables_that_rest_makes_are_tables_of_sql() {
    let w = fast().await;
    let column = |name: &str, text: &str, more: Value| {
        let mut column = json!({"name": name, "type_text": text});
        column.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        column
    };
    let columns = json!([
        column("day", "date", json!({"position": 1, "partition_index": 0})),
        column("id", "bigint", json!({"position": 0, "nullable": false, "comment": "it's the key"})),
        {"name": "price", "type_name": "DECIMAL", "type_precision": 12, "type_scale": 2, "position": 2},
        column("tags", "array<string>", json!({"position": 3})),
    ]);
    let table = |name: &str, kind: &str, format: &str| {
        json!({"name": name, "catalog_name": "main", "schema_name": "default", "table_type": kind,
            "data_source_format": format, "storage_location": "s3://bucket/t", "columns": columns,
            "properties": {"a.b": "c"}})
    };
    let target = "/api/2.1/unity-catalog/tables";
    let made = post(&w, target, table("kept", "MANAGED", "DELTA")).await.ok();
    assert_eq!((&made["table_type"], &made["properties"]), (&json!("MANAGED"), &json!({"a.b": "c"})));
    let names: Vec<_> = made["columns"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    assert_eq!(names, ["id", "day", "price", "tags"]);
    assert_eq!(made["columns"][2]["type_text"], "decimal(12,2)");
    assert_eq!(made["columns"][0]["comment"], "it's the key");
    run(&w, "INSERT INTO main.default.kept VALUES (1, DATE'2026-01-02', 1.5, array('x'))").await;
    assert_eq!(run(&w, "SELECT id, price, tags[0] FROM main.default.kept").await, json!([["1", "1.50", "x"]]));
    post(&w, target, table("Kept", "MANAGED", "DELTA")).await.refused(400, "TABLE_ALREADY_EXISTS");

    let made = post(&w, target, table("outside", "EXTERNAL", "DELTA")).await.ok();
    assert_eq!((&made["table_type"], &made["storage_location"]), (&json!("EXTERNAL"), &json!("s3://bucket/t")));
    assert_eq!(made["properties"], json!({"a.b": "c"}));
    let summaries = get(&w, "/api/2.1/unity-catalog/table-summaries?catalog_name=main").await.ok();
    let of =
        |name: &str| summaries["tables"].as_array().unwrap().iter().find(|t| t["full_name"] == name).unwrap().clone();
    assert_eq!(of("main.default.outside")["table_type"], "EXTERNAL");
    let described = execute(&w, "DESCRIBE EXTENDED main.default.outside", json!({})).await.ok();
    let rows = described["result"]["data_array"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row[0] == name).map(|row| row[1].clone());
    assert_eq!(row("Type"), Some(json!("EXTERNAL")));
    assert_eq!(row("Location"), Some(json!("s3://bucket/t")));
    assert_eq!(of("main.default.kept")["table_type"], "MANAGED");
    // What SQL makes in its place is not at that location.
    run(&w, "DROP TABLE main.default.outside").await;
    run(&w, "CREATE TABLE main.default.outside (a INT)").await;
    let other = get(&w, &format!("{target}/main.default.outside")).await.ok();
    assert_eq!((&other["table_type"], other.get("properties")), (&json!("MANAGED"), None));

    for (body, part) in [
        (table("x", "VIEW", "DELTA"), "VIEW"),
        (table("x", "EXTERNAL", "PARQUET"), "PARQUET"),
        (
            json!({"name": "x", "catalog_name": "main", "schema_name": "default", "table_type": "EXTERNAL",
            "data_source_format": "DELTA", "storage_location": "s3://bucket/t"}),
            "columns",
        ),
    ] {
        let message = post(&w, target, body).await.refused(501, "NOT_IMPLEMENTED");
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn keys_that_rest_makes_are_shown_and_dropped() {
    let w = fast().await;
    run(&w, "CREATE TABLE main.default.parent (x INT NOT NULL, y INT)").await;
    run(&w, "CREATE TABLE main.default.child (a INT)").await;
    let target = "/api/2.1/unity-catalog/constraints";
    let primary = json!({"primary_key_constraint": {"name": "pk", "child_columns": ["x"]}});
    let made = post(&w, target, json!({"full_name_arg": "main.default.parent", "constraint": primary})).await.ok();
    assert_eq!(made, primary);
    let foreign = json!({"foreign_key_constraint": {"name": "fk", "child_columns": ["a"],
        "parent_table": "main.default.parent", "parent_columns": ["x"]}});
    post(&w, target, json!({"full_name_arg": "main.default.child", "constraint": foreign})).await.ok();
    let shown = get(&w, "/api/2.1/unity-catalog/tables/main.default.child").await.ok();
    assert_eq!(shown["table_constraints"], json!([foreign]));
    let drop = format!("{target}/main.default.child?constraint_name=fk&cascade=false");
    crate::client::call(&w, "DELETE", &drop, None).await.ok();
    let shown = get(&w, "/api/2.1/unity-catalog/tables/main.default.child").await.ok();
    assert_eq!(shown.get("table_constraints"), None);
    assert_eq!(crate::client::call(&w, "DELETE", &drop, None).await.status, 400);
    let check = json!({"full_name_arg": "main.default.child", "constraint": {"named_table_constraint": {"name": "c"}}});
    post(&w, target, check).await.refused(400, "INVALID_PARAMETER_VALUE");
}
