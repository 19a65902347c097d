//! Services of workspaces and the account that are records of a form of their own.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{Response, basic, call, fast, get, post, send};

async fn account(w: &LocalWorkspace, method: &str, path: &str, body: Value) -> Response {
    let authorization = basic(w.username(), w.password());
    let target = path.replace("{account}", w.account_id());
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = if method == "GET" { String::new() } else { body.to_string() };
    send(w, method, &target, &headers, body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn settings_by_name_have_one_kind_of_value() {
    let w = fast().await;
    let target = "/api/2.1/settings/llm_proxy_partner_powered";
    let message = get(&w, target).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    assert!(message.contains("set it first"), "{message}");
    let body = json!({"boolean_val": {"value": true}});
    let shown = call(&w, "PATCH", target, Some(body)).await.ok();
    assert_eq!(shown, get(&w, target).await.ok());
    assert_eq!(shown["effective_boolean_val"], json!({"value": true}));
    for wrong in [json!({}), json!({"string_val": {"value": "x"}}), json!({"boolean_val": {}, "string_val": {}})] {
        call(&w, "PATCH", target, Some(wrong)).await.refused(400, "INVALID_PARAMETER_VALUE");
    }
    let all = get(&w, "/api/2.1/settings-metadata").await.ok();
    assert_eq!(all["settings_metadata"][0]["name"], "llm_proxy_partner_powered");

    let target = "/api/2.1/accounts/{account}/settings/personal_compute";
    let body = json!({"personal_compute": {"value": "DELEGATE"}});
    account(&w, "PATCH", target, body).await.ok();
    let shown = account(&w, "GET", target, json!({})).await.ok();
    assert_eq!(shown["effective_personal_compute"], json!({"value": "DELEGATE"}));
    // Of the account, not of the workspace.
    assert_eq!(get(&w, "/api/2.1/settings/personal_compute").await.status, 404);
    let target = "/api/2.1/accounts/{account}/users/7/settings/language";
    let shown = account(&w, "PATCH", target, json!({"string_val": {"value": "de"}})).await.ok();
    assert_eq!((&shown["user_id"], &shown["string_val"]["value"]), (&json!("7"), &json!("de")));
    let other = "/api/2.1/accounts/{account}/users/8/settings/language";
    assert_eq!(account(&w, "GET", other, json!({})).await.status, 404);
}

#[tokio::test]
async fn a_workspace_has_a_network_policy() {
    let w = fast().await;
    let target = format!("/api/2.0/accounts/{{account}}/workspaces/{}/network", w.workspace_id());
    let usual = account(&w, "GET", &target, json!({})).await.ok();
    assert_eq!(usual, json!({"workspace_id": w.workspace_id(), "network_policy_id": "default-policy"}));
    let body = json!({"workspace_id": w.workspace_id(), "network_policy_id": "none"});
    account(&w, "PUT", &target, body).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    let policy =
        json!({"network_policy_id": "mine", "egress": {"network_access": {"restriction_mode": "FULL_ACCESS"}}});
    account(&w, "POST", "/api/2.0/accounts/{account}/network-policies", policy).await.ok();
    account(&w, "PUT", &target, json!({"network_policy_id": "mine"})).await.ok();
    assert_eq!(account(&w, "GET", &target, json!({})).await.ok()["network_policy_id"], "mine");
    let other = "/api/2.0/accounts/{account}/workspaces/1/network";
    assert_eq!(account(&w, "GET", other, json!({})).await.status, 404);
}

#[tokio::test]
async fn requests_for_access_go_where_the_securable_says() {
    let w = fast().await;
    let target = "/api/3.0/rfa/destinations/schema/main.default";
    assert_eq!(get(&w, target).await.ok()["destinations"], json!([]));
    let place = json!({"destination_type": "EMAIL", "destination_id": "a@example.com"});
    let body = json!({"securable": {"type": "SCHEMA", "full_name": "main.default"}, "destinations": [place]});
    call(&w, "PATCH", "/api/3.0/rfa/destinations?update_mask=destinations", Some(body.clone())).await.ok();
    let kept = get(&w, target).await.ok();
    assert_eq!((&kept["destinations"][0], &kept["securable"]["type"]), (&place, &json!("SCHEMA")));
    let wrong = json!({"securable": body["securable"], "destinations": [{"destination_type": "EMAIL"}]});
    let refused = call(&w, "PATCH", "/api/3.0/rfa/destinations?update_mask=destinations", Some(wrong)).await;
    refused.refused(400, "INVALID_PARAMETER_VALUE");
    let request = json!({"requests": [{"comment": "please",
        "securable_permissions": [{"securable": body["securable"], "permissions": ["USE_SCHEMA"]}]}]});
    let sent = post(&w, "/api/3.0/rfa/requests", request).await.ok();
    assert_eq!(sent["responses"][0]["request_destinations"][0]["destinations"][0], place);
}

#[tokio::test]
async fn clean_rooms_hold_assets() {
    let w = fast().await;
    let rooms = "/api/2.0/clean-rooms";
    post(&w, rooms, json!({"name": "room"})).await.ok();
    let notebook = json!({"name": "n", "asset_type": "NOTEBOOK_FILE", "notebook": {"notebook_content": "eA=="}});
    post(&w, &format!("{rooms}/none/assets"), notebook.clone()).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    let made = post(&w, &format!("{rooms}/room/assets"), notebook.clone()).await.ok();
    assert_eq!((&made["clean_room_name"], &made["status"]), (&json!("room"), &json!("ACTIVE")));
    post(&w, &format!("{rooms}/room/assets"), notebook).await.refused(409, "ALREADY_EXISTS");
    let table = json!({"name": "main.default.t", "asset_type": "TABLE"});
    post(&w, &format!("{rooms}/room/assets"), table).await.refused(400, "INVALID_PARAMETER_VALUE");
    let one = format!("{rooms}/room/assets/NOTEBOOK_FILE/n");
    let etag = made["notebook"]["etag"].as_str().unwrap().to_owned();
    assert_eq!(get(&w, &format!("{one}/revisions/{etag}")).await.ok(), made);
    let change = json!({"asset_type": "NOTEBOOK_FILE", "name": "n", "notebook": {"notebook_content": "eQ=="}});
    let changed = call(&w, "PATCH", &one, Some(change)).await.ok();
    assert_eq!(changed["notebook"]["notebook_content"], "eQ==");
    assert_eq!(get(&w, &format!("{one}/revisions/{etag}")).await.status, 404);
    assert_eq!(get(&w, &format!("{rooms}/room/assets")).await.ok()["assets"], json!([changed]));
    let output = post(&w, &format!("{rooms}/room/output-catalogs"), json!({"catalog_name": "out"})).await.ok();
    assert_eq!(output["output_catalog"]["status"], "CREATED");
    call(&w, "DELETE", &one, None).await.ok();
    assert_eq!(get(&w, &one).await.status, 404);
}

#[tokio::test]
async fn users_have_default_warehouses() {
    let w = fast().await;
    let all = "/api/warehouses/v1/default-warehouse-overrides";
    let create = format!("{all}?default_warehouse_override_id=me");
    post(&w, &create, json!({"type": "CUSTOM"})).await.refused(400, "INVALID_PARAMETER_VALUE");
    let made = post(&w, &create, json!({"type": "CUSTOM", "warehouse_id": w.warehouse_id()})).await.ok();
    let one = format!("/api/warehouses/v1/{}", made["name"].as_str().unwrap());
    assert_eq!(get(&w, &format!("{all}/me")).await.ok(), made);
    post(&w, &create, json!({"type": "LAST_SELECTED"})).await.refused(409, "ALREADY_EXISTS");
    let change = json!({"type": "LAST_SELECTED"});
    let changed = call(&w, "PATCH", &format!("{one}?update_mask=type,warehouse_id"), Some(change)).await.ok();
    assert_eq!((&changed["type"], changed.get("warehouse_id")), (&json!("LAST_SELECTED"), None));
    assert_eq!(get(&w, all).await.ok()["default_warehouse_overrides"], json!([changed]));
    call(&w, "DELETE", &one, None).await.ok();
    assert_eq!(get(&w, &one).await.status, 404);
    let other = format!("{all}?default_warehouse_override_id=999");
    post(&w, &other, json!({"type": "LAST_SELECTED"})).await.refused(404, "RESOURCE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn apps_are_updated_and_are_in_spaces() {
    let w = fast().await;
    post(&w, "/api/2.0/apps", json!({"name": "shop"})).await.ok();
    let target = "/api/2.0/apps/shop/update";
    assert_eq!(get(&w, target).await.status, 404);
    let body = json!({"update_mask": "description,name", "app": {"description": "sells", "name": "other"}});
    let updated = post(&w, target, body).await.ok();
    assert_eq!((&updated["description"], &updated["status"]["state"]), (&json!("sells"), &json!("SUCCEEDED")));
    assert_eq!(get(&w, target).await.ok(), updated);
    let app = get(&w, "/api/2.0/apps/shop").await.ok();
    assert_eq!((&app["name"], &app["description"]), (&json!("shop"), &json!("sells")));

    let spaces = "/api/2.0/app-spaces";
    let made = post(&w, spaces, json!({"name": "team", "description": "ours"})).await.ok();
    assert_eq!((&made["done"], &made["response"]["status"]["state"]), (&json!(true), &json!("SPACE_ACTIVE")));
    post(&w, spaces, json!({"name": "team"})).await.refused(409, "ALREADY_EXISTS");
    post(&w, spaces, json!({"name": "Team"})).await.refused(400, "INVALID_PARAMETER_VALUE");
    let change = json!({"name": "team", "description": "theirs"});
    call(&w, "PATCH", &format!("{spaces}/team?update_mask=description"), Some(change)).await.ok();
    let space = get(&w, &format!("{spaces}/team")).await.ok();
    assert_eq!((&space["description"], &space["id"]), (&json!("theirs"), &made["response"]["id"]));
    assert_eq!(get(&w, &format!("{spaces}/team/operation")).await.ok()["response"], space);
    assert_eq!(get(&w, spaces).await.ok()["spaces"], json!([space]));
    call(&w, "DELETE", &format!("{spaces}/team"), None).await.ok();
    assert_eq!(get(&w, &format!("{spaces}/team")).await.status, 404);
}

#[tokio::test]
async fn agents_hold_what_they_answer_with() {
    let w = fast().await;
    let body = json!({"display_name": "Helper", "description": "helps"});
    let made = post(&w, "/api/2.1/knowledge-assistants", body).await.ok();
    let name = made["name"].as_str().unwrap();
    assert_eq!(format!("knowledge-assistants/{}", made["id"].as_str().unwrap()), name);
    assert_eq!((&made["state"], &made["creator"]), (&json!("ACTIVE"), &json!(w.username())));
    let source = json!({"display_name": "Files", "description": "all", "source_type": "files",
        "files": {"path": "/Volumes/main/default/v"}});
    let source = post(&w, &format!("/api/2.1/{name}/knowledge-sources"), source).await.ok();
    let one = format!("/api/2.1/{}", source["name"].as_str().unwrap());
    let change = json!({"display_name": "Papers", "description": "all", "source_type": "files", "state": "UPDATING"});
    let changed = call(&w, "PATCH", &format!("{one}?update_mask=display_name,state,id"), Some(change)).await.ok();
    assert_eq!((&changed["display_name"], &changed["state"]), (&json!("Papers"), &json!("UPDATED")));
    assert_eq!(changed["id"], source["id"]);
    let needed = json!({"description": "all"});
    call(&w, "PATCH", &format!("{one}?update_mask=display_name"), Some(needed))
        .await
        .refused(400, "INVALID_PARAMETER_VALUE");
    assert_eq!(
        get(&w, &format!("/api/2.1/{name}/knowledge-sources")).await.ok()["knowledge_sources"],
        json!([changed])
    );
    post(&w, &format!("/api/2.1/{name}/knowledge-sources:sync"), json!({})).await.ok();
    let lost = json!({"display_name": "x", "description": "x", "source_type": "files"});
    post(&w, "/api/2.1/knowledge-assistants/none/knowledge-sources", lost)
        .await
        .refused(404, "RESOURCE_DOES_NOT_EXIST");
    call(&w, "DELETE", &format!("/api/2.1/{name}"), None).await.ok();
    assert_eq!(get(&w, &one).await.status, 404);

    let agent = post(&w, "/api/2.1/supervisor-agents", json!({"display_name": "Boss"})).await.ok();
    let agent = agent["name"].as_str().unwrap();
    let tool = json!({"tool_type": "uc_function", "uc_function": {"name": "main.default.f"}});
    post(&w, &format!("/api/2.1/{agent}/tools?tool_id=f"), tool.clone()).await.ok();
    post(&w, &format!("/api/2.1/{agent}/tools?tool_id=f"), tool).await.refused(409, "ALREADY_EXISTS");
    let kept = get(&w, &format!("/api/2.1/{agent}/tools/f")).await.ok();
    assert_eq!((&kept["tool_id"], &kept["uc_function"]["name"]), (&json!("f"), &json!("main.default.f")));
}

#[tokio::test]
async fn groups_of_the_account_fail_over() {
    let w = fast().await;
    let all = "/api/disaster-recovery/v1/accounts/{account}/failover-groups";
    let group = json!({"initial_primary_region": "r1", "regions": ["r1", "r2"],
        "workspace_sets": [{"name": "s", "workspace_ids": ["1"]}]});
    assert_eq!(post(&w, &all.replace("{account}", w.account_id()), group.clone()).await.status, 401);
    account(&w, "POST", &format!("{all}?failover_group_id=g&validate_only=true"), group.clone()).await.ok();
    assert_eq!(account(&w, "GET", &format!("{all}/g"), json!({})).await.status, 404);
    let made = account(&w, "POST", &format!("{all}?failover_group_id=g"), group).await.ok();
    assert_eq!((&made["effective_primary_region"], &made["state"]), (&json!("r1"), &json!("ACTIVE")));
    let over = |region: &str| json!({"failover_type": "FORCED", "target_primary_region": region});
    account(&w, "POST", &format!("{all}/g/failover"), over("r3")).await.refused(400, "INVALID_PARAMETER_VALUE");
    let moved = account(&w, "POST", &format!("{all}/g/failover"), over("r2")).await.ok();
    assert_eq!((&moved["effective_primary_region"], &moved["initial_primary_region"]), (&json!("r2"), &json!("r1")));
    account(&w, "POST", &format!("{all}/g/failover"), over("r2")).await.refused(400, "INVALID_STATE");
    let listed = account(&w, "GET", all, json!({})).await.ok();
    assert_eq!(listed["failover_groups"], json!([moved]));
    let other = "/api/disaster-recovery/v1/accounts/other/failover-groups";
    account(&w, "GET", other, json!({})).await.refused(404, "RESOURCE_DOES_NOT_EXIST");

    let all = "/api/networking/v1/accounts/{account}/endpoints";
    let endpoint =
        json!({"display_name": "e", "region": "r1", "aws_vpc_endpoint_info": {"aws_vpc_endpoint_id": "vpce-1"}});
    let made = account(&w, "POST", all, endpoint).await.ok();
    assert_eq!((&made["state"], &made["account_id"]), (&json!("PENDING"), &json!(w.account_id())));
    let one = format!("/api/networking/v1/{}", made["name"].as_str().unwrap());
    assert_eq!(account(&w, "GET", &one, json!({})).await.ok(), made);
    account(&w, "DELETE", &one, json!({})).await.ok();
    assert_eq!(account(&w, "GET", &one, json!({})).await.status, 404);
}

#[tokio::test]
async fn catalogs_have_one_configuration_of_classification() {
    let w = fast().await;
    let all = "/api/data-classification/v1/catalogs/main/config";
    assert_eq!(get(&w, all).await.status, 404);
    let body = json!({"included_schemas": {"names": ["default"]}});
    let made = post(&w, all, body.clone()).await.ok();
    assert_eq!((&made["name"], &made["included_schemas"]), (&json!("catalogs/main/config"), &body["included_schemas"]));
    post(&w, all, body).await.refused(409, "ALREADY_EXISTS");
    let change = json!({"auto_tag_configs": [{"classification_tag": "class.name", "auto_tagging_mode": "AUTO_TAGGING_ENABLED"}]});
    call(&w, "PATCH", &format!("{all}?update_mask=auto_tag_configs"), Some(change.clone())).await.ok();
    let kept = get(&w, all).await.ok();
    assert_eq!(
        (&kept["auto_tag_configs"], &kept["included_schemas"]),
        (&change["auto_tag_configs"], &made["included_schemas"])
    );
    call(&w, "DELETE", all, None).await.ok();
    assert_eq!(get(&w, all).await.status, 404);
    let domain = post(&w, "/api/2.0/domains?domain_id=sales", json!({"tag_key": "sales", "subtitle": "s"})).await.ok();
    assert_eq!((&domain["name"], &domain["effective_draft"]), (&json!("domains/sales"), &json!(false)));
}
