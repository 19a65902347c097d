//! Notebooks and files of the workspace, as the CLI brings and takes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{Response, call, fast, get, post, send};

/// Uploads as the CLI does: the body as it is, below a path whose slashes are escaped.
async fn upload(w: &LocalWorkspace, path: &str, overwrite: bool, content: &str) -> Response {
    let bearer = format!("Bearer {}", w.token());
    let escaped = path.trim_start_matches('/').replace('/', "%2F");
    let target = format!("/api/2.0/workspace-files/import-file/{escaped}?overwrite={overwrite}");
    send(w, "POST", &target, &[("authorization", &bearer)], content.as_bytes()).await.unwrap()
}

async fn status(w: &LocalWorkspace, path: &str) -> Response {
    get(w, &format!("/api/2.0/workspace/get-status?path={path}&return_export_info=true")).await
}

#[tokio::test]
async fn files_arrive_where_their_directory_is() {
    let w = fast().await;
    let path = "/Workspace/Shared/cli/deep/a.txt";
    let message = upload(&w, path, false, "1").await.refused(404, "RESOURCE_DOES_NOT_EXIST");
    assert!(message.contains("parent folder (/Workspace/Shared/cli/deep) does not exist"), "{message}");
    post(&w, "/api/2.0/workspace/mkdirs", json!({"path": "/Workspace/Shared/cli/deep"})).await.ok();
    upload(&w, path, false, "1").await.ok();
    upload(&w, path, false, "2").await.refused(409, "ALREADY_EXISTS");
    upload(&w, path, true, "2").await.ok();
    let read = get(&w, "/api/2.0/workspace/export?path=/Shared/cli/deep/a.txt&direct_download=true").await;
    assert_eq!(read.text(), "2");
    let read = get(&w, "/api/2.0/workspace-files/Shared%2Fcli%2Fdeep%2Fa.txt").await;
    assert_eq!((read.status, read.text().as_str()), (200, "2"));
    let listed = get(&w, "/api/2.0/workspace/list?path=/Shared/cli").await.ok();
    assert_eq!(listed["objects"][0]["object_type"], "DIRECTORY");
    // Clients keep identifiers in signed numbers, some in those of JavaScript.
    let id = listed["objects"][0]["object_id"].as_u64().unwrap();
    assert!((1..1 << 53).contains(&id), "{id}");
}

#[tokio::test]
async fn notebooks_lose_their_ending_and_come_back_in_both_forms() {
    let w = fast().await;
    upload(&w, "/Shared/n.py", false, "# Databricks notebook source\nprint(1)").await.ok();
    upload(&w, "/Shared/plain.py", false, "print(1)").await.ok();
    let notebook = status(&w, "/Shared/n").await.ok();
    assert_eq!(
        (&notebook["object_type"], &notebook["language"], &notebook["repos_export_format"]),
        (&json!("NOTEBOOK"), &json!("PYTHON"), &json!("SOURCE"))
    );
    assert_eq!(status(&w, "/Shared/plain.py").await.ok()["object_type"], "FILE");
    let document = json!({"cells": [{"cell_type": "code", "source": ["a = 1"]}], "nbformat": 4}).to_string();
    let import = json!({"path": "/Shared/j.ipynb", "format": "AUTO", "content": STANDARD.encode(document)});
    post(&w, "/api/2.0/workspace/import", import).await.ok();
    let source = exported(&w, "/Shared/j", "SOURCE").await;
    assert_eq!(source, "# Databricks notebook source\na = 1");
    let document: Value = serde_json::from_str(&exported(&w, "/Shared/j", "JUPYTER").await).unwrap();
    assert_eq!(document["cells"][0]["source"], json!(["a = 1"]));
    get(&w, "/api/2.0/workspace/export?path=/Shared/j&format=DBC").await.refused(400, "INVALID_PARAMETER_VALUE");
    get(&w, "/api/2.0/workspace/export?path=/Shared").await.refused(501, "NOT_IMPLEMENTED");
}

async fn exported(w: &LocalWorkspace, path: &str, format: &str) -> String {
    let out = get(w, &format!("/api/2.0/workspace/export?path={path}&format={format}")).await.ok();
    String::from_utf8(STANDARD.decode(out["content"].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_workspace_begins_with_its_directories() {
    let w = fast().await;
    for path in ["/", "/Shared", "/Repos", "/Users", "/Workspace/Users/local.user@example.com"] {
        assert_eq!(status(&w, path).await.ok()["object_type"], "DIRECTORY", "{path}");
    }
    let root = get(&w, "/api/2.0/dbfs/list?path=/").await.ok();
    let names: Vec<_> = root["files"].as_array().unwrap().iter().map(|f| f["path"].clone()).collect();
    assert_eq!(names, ["/FileStore", "/tmp", "/user"]);
}

#[tokio::test]
async fn repos_are_objects_of_the_tree() {
    let w = fast().await;
    let body = json!({"url": "https://example.com/a.git", "provider": "gitHub", "path": "/Repos/somebody/a"});
    let made = post(&w, "/api/2.0/repos", body).await.ok();
    let found = get(&w, "/api/2.0/workspace/get-status?path=/Repos/somebody/a").await.ok();
    assert_eq!((&found["object_type"], &found["object_id"]), (&json!("REPO"), &made["id"]));
    let listed = get(&w, "/api/2.0/workspace/list?path=/Repos/somebody").await.ok();
    assert_eq!(listed["objects"], json!([found]));
    // Clients read the commit of the branch from the response, which the API's description leaves out.
    let one = format!("/api/2.0/repos/{}", made["id"]);
    let updated = call(&w, "PATCH", &one, Some(json!({"branch": "next"}))).await.ok();
    assert_eq!((&updated["branch"], &updated["head_commit_id"]), (&json!("next"), &json!("0".repeat(40))));
    // A slash too many, which a client of the service sends.
    call(&w, "DELETE", &format!("/api/2.0/repos//{}", made["id"]), None).await.ok();
    assert_eq!(get(&w, "/api/2.0/workspace/get-status?path=/Repos/somebody/a").await.status, 404);
    assert_eq!(get(&w, "/api/2.0/workspace/list?path=/Repos/somebody").await.status, 404);
}
