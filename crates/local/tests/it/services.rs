//! Services that keep records, and what is not covered.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{Response, basic, call, fast, get, post, send};

async fn delete(w: &LocalWorkspace, target: &str) -> Response {
    call(w, "DELETE", target, None).await
}

async fn patch(w: &LocalWorkspace, target: &str, body: Value) -> Response {
    call(w, "PATCH", target, Some(body)).await
}

/// A call of the account with the user's password.
async fn account(w: &LocalWorkspace, method: &str, path: &str, body: Value) -> Response {
    let authorization = basic(w.username(), w.password());
    let target = format!("/api/2.0/accounts/{}/{path}", w.account_id());
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    send(w, method, &target, &headers, body.to_string().as_bytes()).await.unwrap()
}

#[tokio::test]
async fn what_is_not_covered_responds_with_its_name() {
    let w = fast().await;
    let message = post(&w, "/api/2.0/unity-catalog/temporary-table-credentials", json!({})).await;
    let message = message.refused(501, "NOT_IMPLEMENTED");
    assert!(message.contains("temporary_table_credentials.generate_temporary_table_credentials"), "{message}");
    assert!(message.contains("embedded workspace"), "{message}");
    let head = call(&w, "HEAD", "/api/2.0/genie/spaces/x/conversations", None).await;
    assert_eq!(head.status, 501);
}

#[tokio::test]
async fn every_operation_is_covered_or_refused_by_name() {
    let w = fast().await;
    let covered = get(&w, "/local/coverage").await.ok();
    assert_eq!(covered["operations"], 1452);
    assert!(covered["covered"].as_u64().unwrap() > 600, "{}", covered["covered"]);
}

#[tokio::test]
async fn trailing_slashes_do_not_matter() {
    let w = fast().await;
    let body = json!({"warehouse_id": w.warehouse_id(), "statement": "SELECT 1", "wait_timeout": "0s"});
    post(&w, "/api/2.0/sql/statements/", body).await.ok();
    get(&w, "/api/2.0/preview/scim/v2/Users/?count=1").await.ok();
}

#[tokio::test]
async fn records_are_made_read_changed_listed_and_removed() {
    let w = fast().await;
    let base = "/api/2.0/policies/clusters";
    let body = json!({"name": "small", "definition": "{}", "unknown": 1});
    let id = post(&w, &format!("{base}/create"), body.clone()).await.ok();
    assert_eq!(id.as_object().unwrap().len(), 1, "{id}");
    let id = id["policy_id"].as_str().unwrap().to_owned();
    post(&w, &format!("{base}/create"), body).await.refused(409, "RESOURCE_ALREADY_EXISTS");
    let read = get(&w, &format!("{base}/get?policy_id={id}")).await.ok();
    assert_eq!(read["creator_user_name"], w.username());
    assert!(read.get("unknown").is_none());
    post(&w, &format!("{base}/edit"), json!({"policy_id": id, "name": "tiny", "definition": "{}"})).await.ok();
    let listed = get(&w, &format!("{base}/list")).await.ok();
    assert_eq!(listed["policies"][0]["name"], "tiny");
    post(&w, &format!("{base}/delete"), json!({"policy_id": id})).await.ok();
    get(&w, &format!("{base}/get?policy_id={id}")).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    post(&w, &format!("{base}/create"), json!({"definition": "{}"})).await.refused(400, "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let w = fast().await;
    for n in 0..5 {
        post(&w, "/api/2.1/unity-catalog/shares", json!({"name": format!("s{n}")})).await.ok();
    }
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let page = get(&w, &format!("/api/2.1/unity-catalog/shares?max_results=2{token}")).await.ok();
        let shares = page["shares"].as_array().unwrap();
        names.extend(shares.iter().map(|s| s["name"].as_str().unwrap().to_owned()));
        match page["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4"]);
    get(&w, "/api/2.1/unity-catalog/shares?page_token=x").await.refused(400, "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn update_masks_and_versions() {
    let w = fast().await;
    let query = json!({"query": {"display_name": "q", "query_text": "SELECT 1", "description": "d"}});
    let id = post(&w, "/api/2.0/sql/queries", query).await.ok()["id"].as_str().unwrap().to_owned();
    let change = json!({"update_mask": "display_name", "query": {"display_name": "r", "description": "ignored"}});
    let changed = patch(&w, &format!("/api/2.0/sql/queries/{id}"), change).await.ok();
    assert_eq!((&changed["display_name"], &changed["description"]), (&json!("r"), &json!("d")));
    let board = post(&w, "/api/2.0/lakeview/dashboards", json!({"display_name": "b"})).await.ok();
    let target = format!("/api/2.0/lakeview/dashboards/{}", board["dashboard_id"].as_str().unwrap());
    patch(&w, &target, json!({"display_name": "c", "etag": board["etag"]})).await.ok();
    patch(&w, &target, json!({"display_name": "d", "etag": board["etag"]})).await.refused(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn secrets_that_were_sent_do_not_come_back() {
    let w = fast().await;
    let body = json!({"git_provider": "gitHub", "git_username": "u", "personal_access_token": "s3cret"});
    let id = post(&w, "/api/2.0/git-credentials", body).await.ok()["credential_id"].to_string();
    assert!(!get(&w, &format!("/api/2.0/git-credentials/{id}")).await.text().contains("s3cret"));
    let body = json!({"name": "c", "connection_type": "MYSQL", "options": {"host": "h", "password": "s3cret"}});
    let made = post(&w, "/api/2.1/unity-catalog/connections", body).await;
    assert_eq!(made.ok()["options"], json!({"host": "h"}));
    assert!(!get(&w, "/api/2.1/unity-catalog/connections/c").await.text().contains("s3cret"));
}

#[cfg(feature = "engine")]
#[tokio::test]
async fn sql_and_rest_see_the_same_catalogs() {
    let w = fast().await;
    let run = async |statement: &str| {
        let body = json!({"warehouse_id": w.warehouse_id(), "statement": statement, "wait_timeout": "50s"});
        post(&w, "/api/2.0/sql/statements", body).await.ok()
    };
    let base = "/api/2.1/unity-catalog";
    post(&w, &format!("{base}/catalogs"), json!({"name": "Mine"})).await.ok();
    post(&w, &format!("{base}/catalogs"), json!({"name": "mine"})).await.refused(400, "CATALOG_ALREADY_EXISTS");
    post(&w, &format!("{base}/schemas"), json!({"name": "s", "catalog_name": "mine"})).await.ok();
    let made = run("CREATE TABLE mine.s.t (id BIGINT, price DECIMAL(10,2))").await;
    assert_eq!(made["status"]["state"], "SUCCEEDED", "{made}");
    run("CREATE VIEW mine.s.v AS SELECT id FROM mine.s.t").await;
    let table = get(&w, &format!("{base}/tables/mine.s.t")).await.ok();
    assert_eq!(table["table_type"], "MANAGED");
    assert_eq!(table["columns"][1]["type_text"], "decimal(10,2)");
    assert_eq!(table["columns"][1]["type_scale"], 2);
    assert_eq!(get(&w, &format!("{base}/tables/mine.s.v")).await.ok()["table_type"], "VIEW");
    delete(&w, &format!("{base}/schemas/mine.s")).await.refused(400, "UNITY_CATALOG_INVALID_STATE");
    delete(&w, &format!("{base}/tables/mine.s.v")).await.ok();
    delete(&w, &format!("{base}/tables/mine.s.t")).await.ok();
    let gone = run("SELECT * FROM mine.s.t").await;
    assert_eq!(gone["status"]["state"], "FAILED");
    get(&w, &format!("{base}/tables/mine.s.t")).await.refused(404, "TABLE_DOES_NOT_EXIST");
    run("CREATE SCHEMA mine.by_sql").await;
    let schema = get(&w, &format!("{base}/schemas/mine.by_sql")).await.ok();
    assert_eq!(schema["full_name"], "mine.by_sql");
    delete(&w, &format!("{base}/catalogs/mine?force=true")).await.ok();
    get(&w, &format!("{base}/schemas/mine.s")).await.refused(404, "CATALOG_DOES_NOT_EXIST");
}

#[tokio::test]
async fn scim_finds_patches_and_refuses() {
    let w = fast().await;
    let users = "/api/2.0/preview/scim/v2/Users";
    let id = post(&w, users, json!({"userName": "ada@example.com"})).await.ok()["id"].as_str().unwrap().to_owned();
    let again = post(&w, users, json!({"userName": "ADA@example.com"})).await;
    assert_eq!((again.status, again.json()["scimType"].as_str()), (409, Some("uniqueness")));
    let found = get(&w, &format!("{users}?filter=userName+sw+%22Ada%22&attributes=userName")).await.ok();
    assert_eq!(found["totalResults"], 1);
    assert!(found["Resources"][0].get("emails").is_none());
    assert_eq!(get(&w, &format!("{users}?filter=userName+xx+1")).await.status, 400);
    let group = json!({"displayName": "team", "members": [{"value": id}]});
    let group = post(&w, "/api/2.0/preview/scim/v2/Groups", group).await.ok()["id"].as_str().unwrap().to_owned();
    let user = get(&w, &format!("{users}/{id}")).await.ok();
    assert_eq!(user["groups"][0]["display"], "team");
    let remove = json!({"Operations": [{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]});
    patch(&w, &format!("/api/2.0/preview/scim/v2/Groups/{group}"), remove).await.ok();
    assert!(get(&w, &format!("{users}/{id}")).await.ok().get("groups").is_none());
    delete(&w, &format!("{users}/{id}")).await.ok();
    assert_eq!(get(&w, &format!("{users}/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_service_principals_secret_opens_the_workspace_as_that_principal() {
    let w = fast().await;
    let made = account(&w, "POST", "scim/v2/ServicePrincipals", json!({"displayName": "bot"})).await.ok();
    let (id, application) = (made["id"].as_str().unwrap(), made["applicationId"].as_str().unwrap());
    let secrets = format!("servicePrincipals/{id}/credentials/secrets");
    let secret = account(&w, "POST", &secrets, json!({})).await.ok();
    let listed = account(&w, "GET", &secrets, json!({})).await;
    assert!(listed.ok()["secrets"][0].get("secret").is_none());
    let form = format!(
        "grant_type=client_credentials&client_id={application}&client_secret={}",
        secret["secret"].as_str().unwrap()
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let token = send(&w, "POST", "/oidc/v1/token", &headers, form.as_bytes()).await.unwrap().ok();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let me = send(&w, "GET", "/api/2.0/preview/scim/v2/Me", &[("authorization", bearer.as_str())], b"").await.unwrap();
    assert_eq!(me.ok()["userName"], application);
    account(&w, "DELETE", &format!("{secrets}/{}", secret["id"].as_str().unwrap()), json!({})).await.ok();
    assert_eq!(send(&w, "POST", "/oidc/v1/token", &headers, form.as_bytes()).await.unwrap().status, 401);
}

#[tokio::test]
async fn permissions_are_kept_and_levels_checked() {
    let w = fast().await;
    let target = "/api/2.0/permissions/jobs/1";
    let first = get(&w, target).await.ok();
    assert_eq!(first["access_control_list"][0]["all_permissions"][0]["permission_level"], "IS_OWNER");
    let entry = json!([{"group_name": "users", "permission_level": "CAN_VIEW"}]);
    patch(&w, target, json!({"access_control_list": entry})).await.ok();
    let list = get(&w, target).await.ok()["access_control_list"].as_array().unwrap().clone();
    assert!(list.iter().any(|e| e["group_name"] == "users"));
    let wrong = json!([{"group_name": "users", "permission_level": "CAN_RESTART"}]);
    patch(&w, target, json!({"access_control_list": wrong})).await.refused(400, "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn settings_have_versions() {
    let w = fast().await;
    let target = "/api/2.0/settings/types/default_namespace_ws/names/default";
    let etag = get(&w, target).await.ok()["etag"].clone();
    let setting = |etag: &Value| {
        json!({"allow_missing": true, "field_mask": "namespace.value",
        "setting": {"etag": etag, "namespace": {"value": "main"}}})
    };
    assert_eq!(patch(&w, target, setting(&etag)).await.ok()["namespace"]["value"], "main");
    patch(&w, target, setting(&etag)).await.refused(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn other_accounts_and_odd_paths_are_refused() {
    let w = fast().await;
    let authorization = basic(w.username(), w.password());
    let headers = [("authorization", authorization.as_str())];
    let other = send(&w, "GET", "/api/2.0/accounts/other/workspaces", &headers, b"").await.unwrap();
    other.refused(404, "RESOURCE_DOES_NOT_EXIST");
    get(&w, "/api/2.1/unity-catalog/shares/a%00b").await.refused(400, "INVALID_PARAMETER_VALUE");
    let own = account(&w, "GET", "workspaces", json!({})).await.ok();
    assert_eq!(own[0]["workspace_id"], w.workspace_id());
}

#[tokio::test]
async fn the_page_and_the_record_of_requests() {
    let w = fast().await;
    get(&w, "/api/2.0/preview/scim/v2/Me?attributes=%3Cscript%3E").await.ok();
    let cluster = json!({
        "cluster_name": "mine & yours",
        "spark_version": "15.4.x-scala2.12",
        "node_type_id": "m5d.large",
        "num_workers": 1,
    });
    post(&w, "/api/2.1/clusters/create", cluster).await.ok();
    let warehouse = format!("/api/2.0/sql/warehouses/{}", w.warehouse_id());
    post(&w, &format!("{warehouse}/start"), json!({})).await.ok();
    let name = get(&w, &warehouse).await.ok()["name"].as_str().unwrap().to_owned();
    let page = send(&w, "GET", "/", &[], b"").await.unwrap();
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<td>Cluster</td><td>mine &amp; yours</td>"), "{}", page.text());
    assert!(page.text().contains(&format!("<td>SQL warehouse</td><td>{name}</td>")), "{}", page.text());
    assert!(page.text().contains("scim/v2/Me") && !page.text().contains(w.token()));
    assert!(page.header("content-security-policy").is_some());
    assert_eq!(send(&w, "GET", "/healthz", &[], b"").await.unwrap().ok()["status"], "ok");
    assert_eq!(send(&w, "GET", "/local/requests", &[], b"").await.unwrap().status, 401);
    let record = get(&w, "/local/requests?limit=50").await.ok();
    assert!(record["requests"].as_array().unwrap().iter().any(|r| r["path"] == "/api/2.0/preview/scim/v2/Me"));
}
