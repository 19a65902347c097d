//! What a workspace begins with, described in YAML.

use std::path::Path;

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{get, post, send};

/// The description in the README, with the directories that it names.
fn readme(directory: &Path) -> std::path::PathBuf {
    let readme = include_str!("../../README.md");
    let description = readme.split_once("```yaml\n").unwrap().1.split_once("```").unwrap().0;
    let file = directory.join("seed.yaml");
    std::fs::write(&file, description).unwrap();
    for (name, content) in [
        ("landing/a.csv", "id\n1\n"),
        ("landing/deep/b c.txt", "b"),
        ("notebooks/load.py", "# Databricks notebook source\nprint(dbutils.secrets.get('app', 'key') == 'value')\n"),
        ("notebooks/report.sql", "SELECT sum(amount) FROM shop.sales.orders"),
    ] {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    file
}

async fn start(data: &Path, seed: &Path) -> LocalWorkspace {
    loop {
        let started = LocalWorkspace::builder().speed(1e6).data(data).seed_file(seed).start().await;
        match started {
            Ok(workspace) => return workspace,
            // The store is let go of with the last task of the first workspace.
            Err(error) if error.to_string().contains("prepare") => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn query(w: &LocalWorkspace, statement: &str) -> Value {
    let body = json!({"warehouse_id": w.warehouse_id(), "statement": statement, "wait_timeout": "50s"});
    let done = post(w, "/api/2.0/sql/statements", body).await.ok();
    assert_eq!(done["status"]["state"], "SUCCEEDED", "{done}");
    done["result"]["data_array"].clone()
}

/// The names of the items of a list.
async fn names(w: &LocalWorkspace, target: &str, list: &str, name: &str) -> Vec<String> {
    let all = get(w, target).await.ok();
    let items = all[list].as_array().into_iter().flatten();
    items.map(|item| item.pointer(name).and_then(Value::as_str).unwrap().to_owned()).collect()
}

async fn all_is_there(w: &LocalWorkspace) {
    let rows = query(w, "SELECT id, day, amount, to_json(tags) FROM shop.sales.orders ORDER BY id").await;
    assert_eq!(rows, json!([["1", "2026-11-28", "0.10", "[\"new\",\"web\"]"], ["2", null, "12.50", null]]));
    let catalog = get(w, "/api/2.1/unity-catalog/catalogs/shop").await.ok();
    assert_eq!(catalog["comment"], "What we sell");
    let file = |path: &str| format!("/api/2.0/fs/files/Volumes/shop/sales/landing/{path}");
    assert_eq!(get(w, &file("a.csv")).await.text(), "id\n1\n");
    assert_eq!(get(w, &file("deep/b%20c.txt")).await.text(), "b");
    assert_eq!(get(w, "/api/2.0/secrets/get?scope=app&key=key").await.ok()["value"], "dmFsdWU=");
    let users = names(w, "/api/2.0/preview/scim/v2/Users", "Resources", "/userName").await;
    assert_eq!(users.iter().filter(|name| name.starts_with("ann@") || name.starts_with("ben@")).count(), 2);
    let groups = get(w, "/api/2.0/preview/scim/v2/Groups?filter=displayName+eq+%22analysts%22").await.ok();
    assert_eq!(groups["Resources"][0]["members"].as_array().unwrap().len(), 1);
    let warehouses = names(w, "/api/2.0/sql/warehouses", "warehouses", "/name").await;
    assert_eq!(warehouses.iter().filter(|name| *name == "reports").count(), 1);
    let clusters = names(w, "/api/2.1/clusters/list", "clusters", "/cluster_name").await;
    assert_eq!(clusters, ["small"]);
    assert_eq!(names(w, "/api/2.2/jobs/list", "jobs", "/settings/name").await, ["nightly"]);
    let grants = get(w, "/api/2.1/unity-catalog/permissions/table/shop.sales.orders").await.ok();
    assert_eq!(grants["privilege_assignments"][0]["principal"], "analysts");
}

#[tokio::test]
async fn what_the_readme_describes_is_there_at_every_start_and_runs() {
    let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let seed = readme(directory.path());
    let w = start(data.path(), &seed).await;
    all_is_there(&w).await;
    let jobs = get(&w, "/api/2.2/jobs/list").await.ok();
    let run = post(&w, "/api/2.2/jobs/run-now", json!({"job_id": jobs["jobs"][0]["job_id"]})).await.ok();
    let target = format!("/api/2.2/jobs/runs/get?run_id={}", run["run_id"]);
    let done = crate::client::until(&w, &target, |run| run["state"]["life_cycle_state"] == "TERMINATED").await;
    assert_eq!(done["state"]["result_state"], "SUCCESS", "{done}");
    // What was changed since stays, and what was removed comes back.
    let headers = [("authorization", format!("Bearer {}", w.token()))];
    let headers = [(headers[0].0, headers[0].1.as_str())];
    send(&w, "PUT", "/api/2.0/fs/files/Volumes/shop/sales/landing/a.csv", &headers, b"new").await.unwrap();
    post(&w, "/api/2.0/secrets/delete", json!({"scope": "app", "key": "key"})).await.ok();
    w.shutdown().await;
    let w = start(data.path(), &seed).await;
    assert_eq!(get(&w, "/api/2.0/fs/files/Volumes/shop/sales/landing/a.csv").await.text(), "new");
    send(&w, "PUT", "/api/2.0/fs/files/Volumes/shop/sales/landing/a.csv", &headers, b"id\n1\n").await.unwrap();
    all_is_there(&w).await;
}

/// The error of a start with that description in a file.
async fn refused(name: &str, text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(name);
    std::fs::write(&file, text).unwrap();
    let error = LocalWorkspace::builder().seed_file(&file).start().await.unwrap_err().to_string();
    let place = directory.path().display().to_string();
    error.strip_prefix(&place).unwrap_or_else(|| panic!("{error} does not begin with {place}")).to_owned()
}

const TABLE: &str =
    "catalogs:\n- name: c\n  schemas:\n  - name: s\n    tables:\n    - name: t\n      columns: {a: INT}\n      rows:\n";

#[tokio::test]
async fn mistakes_are_stated_with_file_and_line() {
    for (text, place, part) in [
        ("users:\n- ann@example.com\njob: []\n", 3, "unknown field `job`"),
        (
            "\nclusters:\n- {cluster_name: c, spark_version: 17.3.x-scala2.13, num_worker: 1}\n",
            3,
            "no member 'num_worker'",
        ),
        ("clusters:\n- {cluster_name: c}\n", 2, "spark_version"),
        ("warehouses:\n- {name: w, cluster_size: Small}\n- {name: v, cluster_size: Tiny}\n", 3, "'Tiny'"),
        ("jobs:\n- {name: j, tasks: [{task_key: a, existing_cluster_id: '${clusters.x}'}]}\n", 2, "no clusters.x"),
        ("groups:\n  a: []\n  b: [ann]\n", 3, "no user ann"),
        ("workspace:\n- {path: /Shared, files: nothing}\n", 2, "nothing"),
        ("sql:\n- SELECT 1\n- SELECT * FROM nothing\n", 3, "TABLE_OR_VIEW_NOT_FOUND"),
        ("catalogs:\n- name: c\n  schemas:\n  - {name: a b}\n", 4, "valid name"),
    ] {
        let error = refused("s.yaml", text).await;
        assert!(error.starts_with(&format!("/s.yaml:{place}: ")) && error.contains(part), "{text}: {error}");
    }
    for (rows, line, part) in [
        ("      - [1]\n      - [1, 2]\n", 10, "2 cells"),
        ("      - [1]\n      - {b: 2}\n", 10, "column 'b'"),
        ("      - [1]\n      - [2]\n      - [x]\n      - [y]\n", 11, "CAST_INVALID_INPUT"),
    ] {
        let error = refused("s.yml", &format!("{TABLE}{rows}")).await;
        assert!(error.starts_with(&format!("/s.yml:{line}: ")) && error.contains(part), "{rows}: {error}");
    }
    let error = refused("s.sql", "SELECT 1;\n\nSELECT x").await;
    assert!(error.starts_with("/s.sql:3: the statement 'SELECT x' failed"), "{error}");
    let error = refused("s.txt", "SELECT 1").await;
    assert!(error.starts_with("/s.txt: ") && error.contains(".yaml"), "{error}");
    let gone = LocalWorkspace::builder().seed_file("/nothing/s.yaml").start().await.unwrap_err();
    assert!(gone.to_string().starts_with("/nothing/s.yaml: cannot read it"), "{gone}");
    let text = LocalWorkspace::builder().seed_yaml("users: 1\n").start().await.unwrap_err();
    assert!(text.to_string().starts_with("the seed's line 1: "), "{text}");
}
