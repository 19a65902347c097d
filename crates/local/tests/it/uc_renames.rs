//! Other names for catalogs, schemas, tables, volumes and models: all that is kept of them moves.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{call, fast, get, post};
use crate::data::{again, builder};
use crate::statements::fails;

const UC: &str = "/api/2.1/unity-catalog";

async fn run(w: &LocalWorkspace, statement: &str) -> Value {
    crate::statements::rows(w, statement, json!({})).await
}

async fn patch(w: &LocalWorkspace, path: &str, body: Value) -> Value {
    call(w, "PATCH", &format!("{UC}/{path}"), Some(body)).await.ok()
}

async fn grant(w: &LocalWorkspace, securable: &str, privilege: &str) {
    let change = json!({"changes": [{"principal": "users", "add": [privilege]}]});
    patch(w, &format!("permissions/{securable}"), change).await;
}

async fn privileges(w: &LocalWorkspace, securable: &str) -> Value {
    let all = get(w, &format!("{UC}/permissions/{securable}")).await.ok();
    all["privilege_assignments"][0]["privileges"].clone()
}

async fn upload(w: &LocalWorkspace, path: &str, content: &str) {
    let target = format!("/api/2.0/fs/files{path}");
    let bearer = format!("Bearer {}", w.token());
    let headers = [("authorization", bearer.as_str())];
    let sent = crate::client::send(w, "PUT", &target, &headers, content.as_bytes()).await.unwrap();
    assert_eq!(sent.status, 204, "{}", sent.text());
}

async fn file(w: &LocalWorkspace, path: &str) -> (u16, String) {
    let read = get(w, &format!("/api/2.0/fs/files{path}")).await;
    (read.status, read.text())
}

/// A catalog with one of each.
async fn fill(w: &LocalWorkspace) {
    for statement in [
        "CREATE CATALOG first COMMENT 'a catalog'",
        "ALTER CATALOG first SET TAGS ('tier' = 'gold')",
        "CREATE SCHEMA first.s",
        "CREATE TABLE first.s.parent (id INT NOT NULL PRIMARY KEY)",
        "CREATE TABLE first.s.child (id INT, CONSTRAINT up FOREIGN KEY (id) REFERENCES first.s.parent)",
        "CREATE TABLE main.default.outer (id INT, CONSTRAINT out FOREIGN KEY (id) REFERENCES first.s.parent)",
        "INSERT INTO first.s.child VALUES (1), (2)",
        "ALTER TABLE first.s.child SET TAGS ('pii' = 'no')",
        "CREATE VIEW first.s.seen AS SELECT id FROM first.s.child",
        "CREATE FUNCTION first.s.twice(x INT) RETURNS INT RETURN x * 2",
        "CREATE VOLUME first.s.files COMMENT 'a volume'",
        "ALTER VOLUME first.s.files SET TAGS ('kind' = 'raw')",
    ] {
        run(w, statement).await;
    }
    upload(w, "/Volumes/first/s/files/a/b.txt", "inside").await;
    let model = json!({"name": "m", "catalog_name": "first", "schema_name": "s"});
    post(w, &format!("{UC}/models"), model).await.ok();
    let version = json!({"name": "first.s.m", "source": "dbfs:/x"});
    post(w, "/api/2.0/mlflow/unity-catalog/model-versions/create", version).await.ok();
    let tag = json!({"entity_type": "tables", "entity_name": "first.s.child", "tag_key": "k", "tag_value": "v"});
    post(w, &format!("{UC}/entity-tag-assignments"), tag).await.ok();
    for (securable, privilege) in [
        ("catalog/first", "USE_CATALOG"),
        ("schema/first.s", "USE_SCHEMA"),
        ("table/first.s.child", "SELECT"),
        ("volume/first.s.files", "READ_VOLUME"),
        ("function/first.s.twice", "EXECUTE"),
    ] {
        grant(w, securable, privilege).await;
    }
    patch(w, "bindings/catalog/first", json!({"add": [{"workspace_id": 7}]})).await;
}

/// All of that, in the schema `c.s`.
async fn all_there(w: &LocalWorkspace, c: &str, s: &str) {
    let full = |object: &str| format!("{c}.{s}.{object}");
    let child = full("child");
    assert_eq!(run(w, &format!("SELECT sum(id) FROM {child}")).await, json!([["3"]]));
    assert_eq!(run(w, &format!("SELECT {}(4)", full("twice"))).await, json!([["8"]]));
    let tags = run(w, &format!("SELECT tag_name, tag_value FROM {c}.information_schema.table_tags")).await;
    assert_eq!(tags, json!([["pii", "no"]]));
    let query = format!("SELECT schema_name, volume_name, tag_value FROM {c}.information_schema.volume_tags");
    assert_eq!(run(w, &query).await, json!([[s, "files", "raw"]]));
    assert_eq!(
        run(w, &format!("SELECT * FROM {c}.information_schema.catalog_tags")).await,
        json!([[c, "tier", "gold"]])
    );
    assert_eq!(run(w, &format!("SELECT count(*) FROM csv.`/Volumes/{c}/{s}/files/a/b.txt`")).await, json!([["1"]]));
    assert_eq!(file(w, &format!("/Volumes/{c}/{s}/files/a/b.txt")).await, (200, "inside".to_owned()));
    for (path, members) in [
        (format!("catalogs/{c}"), json!({"name": c, "full_name": c, "comment": "a catalog"})),
        (format!("schemas/{c}.{s}"), json!({"name": s, "full_name": format!("{c}.{s}"), "catalog_name": c})),
        (format!("tables/{child}"), json!({"full_name": child, "catalog_name": c, "schema_name": s})),
        (
            format!("volumes/{}", full("files")),
            json!({"full_name": full("files"), "catalog_name": c, "schema_name": s, "name": "files", "comment": "a volume"}),
        ),
        (
            format!("functions/{}", full("twice")),
            json!({"full_name": full("twice"), "catalog_name": c, "schema_name": s, "name": "twice"}),
        ),
        (format!("models/{}", full("m")), json!({"full_name": full("m"), "catalog_name": c, "schema_name": s})),
        (
            format!("models/{}/versions/1", full("m")),
            json!({"model_name": "m", "catalog_name": c, "schema_name": s, "version": 1}),
        ),
        (
            format!("entity-tag-assignments/tables/{child}/tags/k"),
            json!({"entity_name": child, "entity_type": "tables", "tag_value": "v"}),
        ),
    ] {
        let found = get(w, &format!("{UC}/{path}")).await.ok();
        for (member, value) in members.as_object().unwrap() {
            assert_eq!(&found[member], value, "{path}: {member}");
        }
    }
    for (securable, privilege) in [
        (format!("catalog/{c}"), "USE_CATALOG"),
        (format!("schema/{c}.{s}"), "USE_SCHEMA"),
        (format!("table/{child}"), "SELECT"),
        (format!("volume/{}", full("files")), "READ_VOLUME"),
        (format!("function/{}", full("twice")), "EXECUTE"),
    ] {
        assert_eq!(privileges(w, &securable).await, json!([privilege]), "{securable}");
    }
    let bound = get(w, &format!("{UC}/bindings/catalog/{c}")).await.ok();
    assert_eq!(bound["bindings"][0]["workspace_id"], 7);
    // Keys refer to where the table is now.
    for table in [&child, "main.default.outer"] {
        let rows = run(w, &format!("DESCRIBE TABLE EXTENDED {table}")).await.to_string();
        assert!(rows.contains(&format!("REFERENCES `{c}`.`{s}`.`parent`")), "{rows}");
    }
    run(w, &format!("INSERT INTO {} VALUES (1)", full("parent"))).await;
    run(w, &format!("DELETE FROM {}", full("parent"))).await;
}

#[tokio::test]
async fn catalogs_and_schemas_move_with_all_they_hold() {
    let directory = tempfile::tempdir().unwrap();
    let w = builder(directory.path()).start().await.unwrap();
    fill(&w).await;
    all_there(&w, "first", "s").await;
    let before = get(&w, &format!("{UC}/tables/first.s.child")).await.ok();
    let id = get(&w, &format!("{UC}/schemas/first.s")).await.ok()["schema_id"].clone();

    let shown = patch(&w, "catalogs/first", json!({"new_name": "Second", "owner": "somebody"})).await;
    assert_eq!((&shown["name"], &shown["owner"]), (&json!("second"), &json!("somebody")));
    all_there(&w, "second", "s").await;
    let shown = patch(&w, "schemas/second.s", json!({"new_name": "t", "comment": "moved"})).await;
    let members = ["name", "full_name", "comment", "schema_id"].map(|name| shown[name].clone());
    assert_eq!(members, [json!("t"), json!("second.t"), json!("moved"), id]);
    all_there(&w, "second", "t").await;

    let after = get(&w, &format!("{UC}/tables/second.t.child")).await.ok();
    for member in ["table_id", "created_at", "storage_location", "owner"] {
        assert_eq!(before[member], after[member], "{member}");
    }
    for gone in
        ["catalogs/first", "schemas/second.s", "tables/first.s.child", "volumes/first.s.files", "models/first.s.m"]
    {
        assert_eq!(get(&w, &format!("{UC}/{gone}")).await.status, 404, "{gone}");
    }
    assert_eq!(privileges(&w, "table/first.s.child").await, Value::Null);
    assert_eq!(file(&w, "/Volumes/first/s/files/a/b.txt").await.0, 404);
    // The text of a view is as it was written.
    let (message, _) = fails(&w, "SELECT * FROM second.t.seen", json!({})).await;
    assert!(message.contains("first"), "{message}");

    let w = again(w, directory.path()).await;
    all_there(&w, "second", "t").await;
    assert_eq!(get(&w, &format!("{UC}/catalogs/first")).await.status, 404);
    // The old names are free, and what gets them begins with nothing.
    run(&w, "CREATE CATALOG first").await;
    assert_eq!(privileges(&w, "catalog/first").await, Value::Null);
}

#[tokio::test]
async fn names_that_are_taken_or_wrong_change_nothing() {
    let w = fast().await;
    fill(&w).await;
    for (path, new, status, code) in [
        ("catalogs/first", "main", 400, "CATALOG_ALREADY_EXISTS"),
        ("catalogs/first", "a.b", 400, "INVALID_PARAMETER_VALUE"),
        ("catalogs/first", "samples", 400, "CATALOG_ALREADY_EXISTS"),
        ("catalogs/samples", "mine", 403, "PERMISSION_DENIED"),
        ("catalogs/none", "mine", 404, "CATALOG_DOES_NOT_EXIST"),
        ("schemas/first.s", "default", 400, "SCHEMA_ALREADY_EXISTS"),
        ("schemas/first.s", "first.t", 400, "INVALID_PARAMETER_VALUE"),
        ("schemas/first.information_schema", "mine", 403, "PERMISSION_DENIED"),
        ("schemas/first.none", "mine", 404, "SCHEMA_DOES_NOT_EXIST"),
    ] {
        let body = json!({"new_name": new, "comment": "not this"});
        call(&w, "PATCH", &format!("{UC}/{path}"), Some(body)).await.refused(status, code);
    }
    // A volume is there as soon as it is used, so that a name may have files already.
    upload(&w, "/Volumes/other/s/files/c.txt", "first come").await;
    let body = json!({"new_name": "other"});
    let refused = call(&w, "PATCH", &format!("{UC}/catalogs/first"), Some(body)).await;
    let message = refused.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.contains("/Volumes/other holds files already"), "{message}");
    all_there(&w, "first", "s").await;
    // The name that it has is no change.
    patch(&w, "catalogs/first", json!({"new_name": "first"})).await;
    all_there(&w, "first", "s").await;
}

#[tokio::test]
async fn tables_volumes_and_models_keep_their_grants() {
    let w = fast().await;
    fill(&w).await;
    run(&w, "ALTER TABLE first.s.child RENAME TO kid").await;
    assert_eq!(privileges(&w, "table/first.s.kid").await, json!(["SELECT"]));
    assert_eq!(privileges(&w, "table/first.s.child").await, Value::Null);
    run(&w, "ALTER TABLE first.s.parent RENAME TO first.default.elder").await;
    let rows = run(&w, "DESCRIBE TABLE EXTENDED first.s.kid").await.to_string();
    assert!(rows.contains("REFERENCES `first`.`default`.`elder`"), "{rows}");

    run(&w, "ALTER VOLUME first.s.files RENAME TO paper").await;
    assert_eq!(file(&w, "/Volumes/first/s/paper/a/b.txt").await, (200, "inside".to_owned()));
    let shown = patch(&w, "volumes/first.s.paper", json!({"new_name": "sheets", "comment": "new"})).await;
    let members = ["name", "full_name", "comment"].map(|name| shown[name].clone());
    assert_eq!(members, [json!("sheets"), json!("first.s.sheets"), json!("new")]);
    assert_eq!(file(&w, "/Volumes/first/s/sheets/a/b.txt").await, (200, "inside".to_owned()));
    assert_eq!(file(&w, "/Volumes/first/s/paper/a/b.txt").await.0, 404);
    assert_eq!(privileges(&w, "volume/first.s.sheets").await, json!(["READ_VOLUME"]));
    let tags = run(&w, "SELECT volume_name, tag_value FROM first.information_schema.volume_tags").await;
    assert_eq!(tags, json!([["sheets", "raw"]]));
    run(&w, "CREATE VOLUME first.s.files").await;
    let (message, _) = fails(&w, "ALTER VOLUME first.s.sheets RENAME TO files", json!({})).await;
    assert!(message.starts_with("[VOLUME_ALREADY_EXISTS]"), "{message}");
    let target = format!("{UC}/volumes/first.s.sheets");
    call(&w, "PATCH", &target, Some(json!({"new_name": "files"}))).await.refused(400, "VOLUME_ALREADY_EXISTS");

    grant(&w, "function/first.s.m", "EXECUTE").await;
    let shown = patch(&w, "models/first.s.m", json!({"new_name": "n"})).await;
    assert_eq!(shown["full_name"], "first.s.n");
    assert_eq!(get(&w, &format!("{UC}/models/first.s.n/versions/1")).await.ok()["model_name"], "n");
    let update = json!({"name": "first.s.n", "new_name": "first.s.o", "description": "d"});
    let target = "/api/2.0/mlflow/unity-catalog/registered-models/update";
    let shown = call(&w, "PATCH", target, Some(update)).await.ok();
    assert_eq!(shown["registered_model"]["name"], "first.s.o");
    assert_eq!(get(&w, &format!("{UC}/models/first.s.o/versions/1")).await.ok()["model_name"], "o");
    assert_eq!(privileges(&w, "function/first.s.o").await, json!(["EXECUTE"]));
}

#[tokio::test]
async fn what_refers_to_a_credential_follows_its_name() {
    let w = fast().await;
    let role = json!({"name": "c", "aws_iam_role": {"role_arn": "arn:aws:iam::1:role/r"}});
    post(&w, &format!("{UC}/storage-credentials"), role).await.ok();
    let place = json!({"name": "l", "url": "s3://b/p", "credential_name": "c"});
    post(&w, &format!("{UC}/external-locations"), place).await.ok();
    grant(&w, "storage_credential/c", "READ_FILES").await;
    patch(&w, "storage-credentials/c", json!({"new_name": "d"})).await;
    assert_eq!(get(&w, &format!("{UC}/external-locations/l")).await.ok()["credential_name"], "d");
    assert_eq!(privileges(&w, "storage_credential/d").await, json!(["READ_FILES"]));
    grant(&w, "external_location/l", "WRITE_FILES").await;
    patch(&w, "external-locations/l", json!({"new_name": "k"})).await;
    assert_eq!(privileges(&w, "external_location/k").await, json!(["WRITE_FILES"]));
    assert_eq!(privileges(&w, "external_location/l").await, Value::Null);
    assert_eq!(get(&w, &format!("{UC}/external-locations/l")).await.status, 404);
}
