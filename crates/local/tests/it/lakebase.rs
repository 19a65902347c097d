//! Lakebase projects: what they begin with, the states that they pass, and what is refused.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{call, fast, get, post, until};

const API: &str = "/api/2.0/postgres";

async fn ask(w: &LocalWorkspace, method: &str, path: &str, body: Option<Value>) -> crate::client::Response {
    call(w, method, &format!("{API}/{path}"), body).await
}

/// Makes a change, and gives what it ends with.
async fn done(w: &LocalWorkspace, method: &str, path: &str, body: Option<Value>) -> Value {
    let begun = ask(w, method, path, body).await.ok();
    let operation = format!("{API}/{}", begun["name"].as_str().unwrap());
    until(w, &operation, |operation| operation["done"] == true).await["response"].clone()
}

async fn names(w: &LocalWorkspace, path: &str, member: &str) -> Vec<String> {
    let all = get(w, &format!("{API}/{path}")).await.ok();
    let all = all[member].as_array().unwrap();
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_project_begins_with_a_branch_that_can_be_worked_on() {
    let w = fast().await;
    let body = json!({"spec": {"display_name": "Shop", "pg_version": 16,
        "default_endpoint_settings": {"autoscaling_limit_min_cu": 0.5, "autoscaling_limit_max_cu": 2}}});
    let project = done(&w, "POST", "projects?project_id=shop", Some(body)).await;
    assert_eq!((&project["name"], &project["project_id"]), (&json!("projects/shop"), &json!("shop")));
    assert_eq!(project["status"]["display_name"], "Shop");
    assert_eq!(project["status"]["pg_version"], 16);
    assert_eq!(project["status"]["default_branch"], "projects/shop/branches/production");
    // What was asked for is in the status.
    assert_eq!(project.get("spec"), None);
    let branch = get(&w, &format!("{API}/projects/shop/branches/production")).await.ok();
    assert_eq!((&branch["status"]["default"], &branch["parent"]), (&json!(true), &json!("projects/shop")));
    let endpoint = format!("{API}/projects/shop/branches/production/endpoints/primary");
    let endpoint = until(&w, &endpoint, |e| e["status"]["current_state"] == "ACTIVE").await;
    assert_eq!(endpoint["status"]["autoscaling_limit_max_cu"], 2);
    assert!(endpoint["status"]["hosts"]["host"].as_str().unwrap().ends_with(".invalid"));
    let databases = get(&w, &format!("{API}/projects/shop/branches/production/databases")).await.ok();
    assert_eq!(databases["databases"][0]["status"]["postgres_database"], "databricks_postgres");
    let roles = get(&w, &format!("{API}/projects/shop/branches/production/roles")).await.ok();
    assert_eq!(roles["roles"][0]["status"]["postgres_role"], w.username());
    let made = json!({"endpoint": "projects/shop/branches/production/endpoints/primary", "ttl": "600s"});
    let credential = post(&w, &format!("{API}/credentials"), made).await.ok();
    assert!(!credential["token"].as_str().unwrap().is_empty() && credential["expire_time"].is_string());
    ask(&w, "POST", "credentials", Some(json!({"endpoint": "projects/none/branches/b/endpoints/e"})))
        .await
        .refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn operations_take_their_time() {
    let w = LocalWorkspace::builder().speed(1.0).start().await.unwrap();
    let begun = ask(&w, "POST", "projects?project_id=slow", Some(json!({}))).await.ok();
    assert_eq!((&begun["done"], begun.get("response")), (&json!(false), None));
    let again = get(&w, &format!("{API}/{}", begun["name"].as_str().unwrap())).await.ok();
    assert_eq!(again, begun);
    let branch = get(&w, &format!("{API}/projects/slow/branches/production")).await.ok();
    assert_eq!(branch["status"]["current_state"], "INIT");
}

#[tokio::test]
async fn branches_hold_what_their_source_held_and_end() {
    let w = fast().await;
    done(&w, "POST", "projects?project_id=p", Some(json!({}))).await;
    let role = json!({"spec": {"postgres_role": "app", "auth_method": "PG_PASSWORD_SCRAM_SHA_256"}});
    done(&w, "POST", "projects/p/branches/production/roles?role_id=app", Some(role)).await;
    let shown = ask(&w, "POST", "projects/p/branches/production/roles/app/password", None).await.ok();
    let again = ask(&w, "POST", "projects/p/branches/production/roles/app/password", None).await.ok();
    assert!(!shown["password"].as_str().unwrap().is_empty());
    assert_eq!(shown, again);
    let kept = get(&w, &format!("{API}/projects/p/branches/production/roles/app")).await.ok();
    assert!(!kept.to_string().contains(shown["password"].as_str().unwrap()), "{kept}");
    let database = json!({"spec": {"postgres_database": "orders", "role": "projects/p/branches/production/roles/app"}});
    done(&w, "POST", "projects/p/branches/production/databases?database_id=orders", Some(database)).await;

    let message = ask(&w, "POST", "projects/p/branches?branch_id=dev", Some(json!({"spec": {}})))
        .await
        .refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.contains("no_expiry"), "{message}");
    let branch = done(&w, "POST", "projects/p/branches?branch_id=dev", Some(json!({"spec": {"ttl": "3600s"}}))).await;
    assert_eq!(branch["status"]["source_branch"], "projects/p/branches/production");
    assert!(branch["status"]["expire_time"].is_string() && branch["status"].get("ttl").is_none(), "{branch}");
    assert_eq!(
        names(&w, "projects/p/branches/dev/endpoints", "endpoints").await,
        ["projects/p/branches/dev/endpoints/primary"]
    );
    let copied = get(&w, &format!("{API}/projects/p/branches/dev/databases/orders")).await.ok();
    assert_eq!(copied["status"]["role"], "projects/p/branches/dev/roles/app");
    // Of the branch that it was made of nothing changes.
    done(&w, "DELETE", "projects/p/branches/dev/databases/orders", None).await;
    get(&w, &format!("{API}/projects/p/branches/production/databases/orders")).await.ok();

    let second = json!({"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE"}});
    ask(&w, "POST", "projects/p/branches/dev/endpoints?endpoint_id=other", Some(second))
        .await
        .refused(400, "INVALID_STATE");
    let reader = json!({"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_ONLY"}});
    done(&w, "POST", "projects/p/branches/dev/endpoints?endpoint_id=reader", Some(reader)).await;
    let update = json!({"spec": {"disabled": true}});
    let path = "projects/p/branches/dev/endpoints/reader?update_mask=spec.disabled";
    let updated = done(&w, "PATCH", path, Some(update)).await;
    assert_eq!(
        (&updated["status"]["current_state"], &updated["status"]["endpoint_type"]),
        (&json!("IDLE"), &json!("ENDPOINT_TYPE_READ_ONLY"))
    );

    ask(&w, "DELETE", "projects/p/branches/production", None).await.refused(400, "INVALID_STATE");
    done(&w, "DELETE", "projects/p/branches/dev", None).await;
    assert_eq!(names(&w, "projects/p/branches", "branches").await, ["projects/p/branches/production"]);
    assert_eq!(names(&w, "projects/p/branches?show_deleted=true", "branches").await.len(), 2);
    let deleted = get(&w, &format!("{API}/projects/p/branches/dev")).await.ok();
    assert_eq!(deleted["status"]["current_state"], "DELETED");
    done(&w, "POST", "projects/p/branches/dev/undelete", Some(json!({}))).await;
    get(&w, &format!("{API}/projects/p/branches/dev/endpoints/reader")).await.ok();
    done(&w, "DELETE", "projects/p/branches/dev?purge=true", None).await;
    assert_eq!(get(&w, &format!("{API}/projects/p/branches/dev/endpoints/reader")).await.status, 404);
}

#[tokio::test]
async fn snapshots_catalogs_and_tables_refer_to_what_is_there() {
    let w = fast().await;
    done(&w, "POST", "projects?project_id=p", Some(json!({}))).await;
    let branch = "projects/p/branches/production";
    let snapshot = json!({"spec": {"source_branch": branch, "ttl": "60s"}});
    let snapshot = done(&w, "POST", "projects/p/snapshots?snapshot_id=s1", Some(snapshot)).await;
    assert_eq!(snapshot["status"]["source_branch"], branch);
    let schedule = get(&w, &format!("{API}/{branch}/snapshot-schedule")).await.ok();
    assert_eq!(schedule["schedule"], json!([]));
    let daily = json!({"schedule": [{"retention": "604800s", "daily_schedule": {"hour": 3}}]});
    done(&w, "PATCH", &format!("{branch}/snapshot-schedule?update_mask=schedule"), Some(daily.clone())).await;
    assert_eq!(get(&w, &format!("{API}/{branch}/snapshot-schedule")).await.ok()["schedule"], daily["schedule"]);
    let catalog = json!({"spec": {"postgres_database": "databricks_postgres", "branch": branch}});
    let catalog = done(&w, "POST", "catalogs?catalog_id=lake", Some(catalog)).await;
    assert_eq!((&catalog["name"], &catalog["status"]["project"]), (&json!("catalogs/lake"), &json!("projects/p")));
    let table = json!({"spec": {"source_table_full_name": "main.default.t", "branch": branch,
        "primary_key_columns": ["id"], "scheduling_policy": "SNAPSHOT"}});
    let table = done(&w, "POST", "synced_tables?synced_table_id=lake.public.t", Some(table)).await;
    assert_eq!(table["status"]["detailed_state"], "SYNCED_TABLE_ONLINE");
    for (path, body, status) in [
        ("projects?project_id=P", json!({}), 400),
        ("projects?project_id=p", json!({}), 409),
        ("projects/none/branches?branch_id=b", json!({"spec": {"no_expiry": true}}), 404),
        ("projects/p/snapshots?snapshot_id=s2", json!({"spec": {"source_branch": "projects/p/branches/none"}}), 404),
        ("synced_tables?synced_table_id=two.parts", json!({"spec": {"source_table_full_name": "a.b.c"}}), 400),
        ("catalogs?catalog_id=other", json!({"spec": {}}), 400),
    ] {
        assert_eq!(ask(&w, "POST", path, Some(body)).await.status, status, "{path}");
    }
    assert_eq!(names(&w, "projects/p/snapshots", "snapshots").await, ["projects/p/snapshots/s1"]);
    done(&w, "DELETE", "projects/p", None).await;
    let body = json!({"spec": {"no_expiry": true}});
    ask(&w, "POST", "projects/p/branches?branch_id=b", Some(body)).await.refused(400, "INVALID_STATE");
    assert!(names(&w, "projects", "projects").await.is_empty());
    assert_eq!(get(&w, &format!("{API}/projects/p/operations/none")).await.status, 404);
}
