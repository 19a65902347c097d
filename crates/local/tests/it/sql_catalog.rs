//! Unity Catalog by SQL and by REST: what the one makes the other sees, and grants hold for users that are no administrators.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{basic, call, fast, get, post, send};
use crate::statements::{fails, rows};

const UC: &str = "/api/2.1/unity-catalog";

async fn run(w: &LocalWorkspace, statement: &str) -> Value {
    rows(w, statement, json!({})).await
}

async fn patch(w: &LocalWorkspace, target: &str, body: Value) {
    call(w, "PATCH", &format!("{UC}/{target}"), Some(body)).await.ok();
}

#[tokio::test]
async fn volumes_are_the_same_on_both_sides() {
    let w = fast().await;
    run(&w, "CREATE VOLUME by_sql COMMENT 'from SQL'").await;
    let volume = get(&w, &format!("{UC}/volumes/main.default.by_sql")).await.ok();
    assert_eq!((&volume["comment"], &volume["volume_type"]), (&json!("from SQL"), &json!("MANAGED")));
    let body = json!({"catalog_name": "main", "schema_name": "default", "name": "by_rest", "volume_type": "MANAGED"});
    post(&w, &format!("{UC}/volumes"), body).await.ok();
    let shown = run(&w, "SHOW VOLUMES").await.to_string();
    assert!(shown.contains("by_sql") && shown.contains("by_rest"), "{shown}");
    run(&w, "COMMENT ON VOLUME by_rest IS 'now'").await;
    assert_eq!(get(&w, &format!("{UC}/volumes/main.default.by_rest")).await.ok()["comment"], "now");
    run(&w, "DROP VOLUME by_rest").await;
    assert_eq!(get(&w, &format!("{UC}/volumes/main.default.by_rest")).await.status, 404);
    call(&w, "DELETE", &format!("{UC}/volumes/main.default.by_sql"), None).await.ok();
    assert!(fails(&w, "DROP VOLUME by_sql", json!({})).await.0.starts_with("[VOLUME_DOES_NOT_EXIST]"));
}

#[tokio::test]
async fn functions_are_the_same_on_both_sides() {
    let w = fast().await;
    run(&w, "CREATE FUNCTION twice(x INT COMMENT 'a number') RETURNS INT COMMENT 'doubles' RETURN x * 2").await;
    let function = get(&w, &format!("{UC}/functions/main.default.twice")).await.ok();
    assert_eq!(function["routine_definition"], "x * 2");
    assert_eq!(function["full_data_type"], "INT");
    assert_eq!(function["input_params"]["parameters"][0]["type_text"], "int");
    let info = json!({
        "catalog_name": "main", "schema_name": "default", "name": "thrice", "data_type": "INT", "full_data_type": "INT",
        "input_params": {"parameters": [{"name": "x", "type_text": "int", "type_name": "INT", "position": 0}]},
        "routine_body": "SQL", "routine_definition": "x * 3", "parameter_style": "S", "is_deterministic": true,
        "sql_data_access": "CONTAINS_SQL", "is_null_call": false, "security_type": "DEFINER", "specific_name": "thrice",
    });
    post(&w, &format!("{UC}/functions"), json!({"function_info": info})).await.ok();
    assert_eq!(run(&w, "SELECT twice(2), thrice(2)").await, json!([["4", "6"]]));
    call(&w, "DELETE", &format!("{UC}/functions/main.default.twice"), None).await.ok();
    assert!(fails(&w, "SELECT twice(2)", json!({})).await.0.starts_with("[UNRESOLVED_ROUTINE]"));
    run(&w, "DROP FUNCTION thrice").await;
    assert_eq!(get(&w, &format!("{UC}/functions/main.default.thrice")).await.status, 404);
}

#[tokio::test]
async fn comments_and_owners_are_the_same_on_both_sides() {
    let w = fast().await;
    run(&w, "CREATE SCHEMA s COMMENT 'by SQL'").await;
    run(&w, "CREATE TABLE s.t (a INT) COMMENT 'a table'").await;
    assert_eq!(get(&w, &format!("{UC}/schemas/main.s")).await.ok()["comment"], "by SQL");
    assert_eq!(get(&w, &format!("{UC}/tables/main.s.t")).await.ok()["comment"], "a table");
    patch(&w, "schemas/main.s", json!({"comment": "by REST", "owner": "someone"})).await;
    let shown = run(&w, "DESCRIBE SCHEMA EXTENDED s").await.to_string();
    assert!(shown.contains("by REST") && shown.contains("someone"), "{shown}");
    run(&w, "ALTER TABLE s.t SET OWNER TO `else`").await;
    assert_eq!(get(&w, &format!("{UC}/tables/main.s.t")).await.ok()["owner"], "else");
    run(&w, "DROP TABLE s.t").await;
    run(&w, "CREATE TABLE s.t (a INT)").await;
    let fresh = get(&w, &format!("{UC}/tables/main.s.t")).await.ok();
    assert_eq!((&fresh["comment"], &fresh["owner"]), (&Value::Null, &json!("local.user@example.com")));
}

#[tokio::test]
async fn grants_are_the_same_on_both_sides() {
    let w = fast().await;
    run(&w, "CREATE TABLE t (a INT)").await;
    run(&w, "GRANT SELECT, MODIFY ON TABLE t TO `a@b.c`").await;
    let shown = get(&w, &format!("{UC}/permissions/table/main.default.t")).await.ok();
    let expected = json!([{"principal": "a@b.c", "privileges": ["MODIFY", "SELECT"]}]);
    assert_eq!(shown["privilege_assignments"], expected);
    let changes = json!({"changes": [{"principal": "a@b.c", "add": ["USE_SCHEMA"]}]});
    patch(&w, "permissions/schema/main.default", changes).await;
    run(&w, "REVOKE MODIFY ON TABLE t FROM `a@b.c`").await;
    let listed = run(&w, "SHOW GRANTS `a@b.c` ON TABLE t").await;
    let expected =
        json!([["a@b.c", "SELECT", "TABLE", "main.default.t"], ["a@b.c", "USE SCHEMA", "SCHEMA", "main.default"],]);
    assert_eq!(listed, expected);
    run(&w, "DROP TABLE t").await;
    run(&w, "CREATE TABLE t (a INT)").await;
    assert_eq!(
        get(&w, &format!("{UC}/permissions/table/main.default.t")).await.ok()["privilege_assignments"],
        json!([])
    );
}

/// Runs a statement as the service principal; what it gives, or why it fails.
pub(crate) async fn as_principal(w: &LocalWorkspace, bearer: &str, statement: &str) -> Result<Value, String> {
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    let body = json!({"warehouse_id": w.warehouse_id(), "statement": statement, "wait_timeout": "50s"}).to_string();
    let response = send(w, "POST", "/api/2.0/sql/statements", &headers, body.as_bytes()).await.unwrap().ok();
    match response["status"]["state"].as_str() {
        Some("SUCCEEDED") => Ok(response["result"]["data_array"].clone()),
        _ => Err(response["status"]["error"]["message"].as_str().unwrap_or_default().to_owned()),
    }
}

/// The authorization of the service principal.
pub(crate) async fn service_principal(w: &LocalWorkspace) -> String {
    let right = basic(w.client_id(), w.client_secret());
    let form = [("authorization", right.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let token = send(w, "POST", "/oidc/v1/token", &form, b"grant_type=client_credentials&scope=all-apis").await;
    format!("Bearer {}", token.unwrap().ok()["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn privileges_are_needed_by_those_that_are_no_administrators() {
    let w = fast().await;
    let bearer = service_principal(&w).await;
    let principals = get(&w, "/api/2.0/preview/scim/v2/ServicePrincipals").await.ok();
    let id = principals["Resources"][0]["id"].as_str().unwrap().to_owned();
    run(&w, "CREATE TABLE t AS SELECT 1 AS a").await;
    run(&w, "CREATE VIEW v AS SELECT a FROM t").await;
    // The service principal is an administrator to begin with.
    let me = json!([[w.client_id()]]);
    assert_eq!(as_principal(&w, &bearer, "SELECT current_user()").await.unwrap(), me);
    assert_eq!(as_principal(&w, &bearer, "SELECT a FROM t").await.unwrap(), json!([["1"]]));
    let member =
        "SELECT is_member('Admins'), is_member('users'), is_account_group_member('account users'), is_member('no one')";
    assert_eq!(as_principal(&w, &bearer, member).await.unwrap(), json!([["true", "true", "true", "false"]]));
    let gone = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "remove", "path": format!("members[value eq \"{id}\"]")}],
    });
    call(&w, "PATCH", "/api/2.0/preview/scim/v2/Groups/1001", Some(gone)).await.ok();
    let refused = async |statement: &str, privilege: &str| {
        let message = as_principal(&w, &bearer, statement).await.unwrap_err();
        let expected = format!("does not have {privilege}");
        assert!(
            message.starts_with("[INSUFFICIENT_PERMISSIONS]") && message.contains(&expected),
            "{statement}: {message}"
        );
    };
    refused("SELECT a FROM t", "USE SCHEMA on Schema 'main.default'").await;
    assert_eq!(as_principal(&w, &bearer, "SELECT is_member('admins')").await.unwrap(), json!([["false"]]));
    let computed = as_principal(&w, &bearer, "SELECT is_member(concat('ad', 'mins'))").await.unwrap_err();
    assert!(computed.starts_with("[UNSUPPORTED_FEATURE]"), "{computed}");
    let who = w.client_id();
    run(&w, &format!("GRANT USE SCHEMA ON SCHEMA default TO `{who}`")).await;
    refused("SELECT a FROM t", "SELECT on Table 'main.default.t'").await;
    #[cfg(feature = "delta")]
    for reads in ["SELECT a FROM t VERSION AS OF 0", "SELECT a FROM t@v0", "DESCRIBE HISTORY t"] {
        refused(reads, "SELECT on Table 'main.default.t'").await;
    }
    #[cfg(feature = "delta")]
    refused("RESTORE TABLE t TO VERSION AS OF 0", "MODIFY on Table 'main.default.t'").await;
    run(&w, &format!("GRANT SELECT ON VIEW v TO `{who}`")).await;
    // A view reads with the rights of its owner.
    assert_eq!(as_principal(&w, &bearer, "SELECT a FROM v").await.unwrap(), json!([["1"]]));
    refused("INSERT INTO t VALUES (2)", "MODIFY on Table 'main.default.t'").await;
    refused("CREATE TABLE own (a INT)", "CREATE TABLE on Schema 'main.default'").await;
    refused("DROP TABLE t", "MANAGE on Table 'main.default.t'").await;
    refused("GRANT SELECT ON TABLE t TO `x`", "MANAGE on Table 'main.default.t'").await;
    run(&w, &format!("GRANT CREATE TABLE ON SCHEMA default TO `{who}`")).await;
    refused("CREATE TABLE own CLONE t", "SELECT on Table 'main.default.t'").await;
    as_principal(&w, &bearer, "CREATE TABLE own (a INT)").await.unwrap();
    as_principal(&w, &bearer, "INSERT INTO own VALUES (1)").await.unwrap();
    as_principal(&w, &bearer, "DROP TABLE own").await.unwrap();
    run(&w, "GRANT SELECT ON CATALOG main TO `users`").await;
    assert_eq!(as_principal(&w, &bearer, "SELECT a FROM t").await.unwrap(), json!([["1"]]));
}
