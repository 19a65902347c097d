//! Jobs: what is kept, and what the kinds of tasks do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, get, post, until};

/// Runs one task, and gives the run when it has ended.
async fn run(w: &LocalWorkspace, body: Value) -> Value {
    let id = post(w, "/api/2.2/jobs/runs/submit", body).await.ok()["run_id"].clone();
    until(w, &format!("/api/2.2/jobs/runs/get?run_id={id}"), |run| run["end_time"] != 0).await
}

async fn output(w: &LocalWorkspace, run: &Value) -> Value {
    get(w, &format!("/api/2.2/jobs/runs/get-output?run_id={}", run["tasks"][0]["run_id"])).await.ok()
}

#[tokio::test]
async fn a_job_states_what_the_service_adds() {
    let w = fast().await;
    let task = json!({"task_key": "a", "pipeline_task": {"pipeline_id": "p"}});
    let id = post(&w, "/api/2.2/jobs/create", json!({"tasks": [task]})).await.ok()["job_id"].clone();
    let job = get(&w, &format!("/api/2.2/jobs/get?job_id={id}")).await.ok();
    let settings = &job["settings"];
    assert_eq!((&settings["name"], &settings["max_concurrent_runs"]), (&json!("Untitled"), &json!(1)));
    assert_eq!((&settings["format"], &settings["timeout_seconds"]), (&json!("MULTI_TASK"), &json!(0)));
}

#[tokio::test]
async fn a_task_that_does_not_run_here_fails_with_that_reason() {
    let w = fast().await;
    let run = run(&w, json!({"tasks": [{"task_key": "a", "spark_jar_task": {"main_class_name": "M"}}]})).await;
    assert_eq!(run["state"]["result_state"], "FAILED", "{run}");
    let error = output(&w, &run).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("does not run it") && error.contains("spark_jar_task"), "{error}");
}

/// A wheel is an archive; this makes one with a package, and an entry point that its metadata states.
const WHEEL: &str = "
import base64, io, zipfile
data = io.BytesIO()
with zipfile.ZipFile(data, 'w') as wheel:
    wheel.writestr('greet/__init__.py', 'import sys\\ndef main():\\n    print(\"hello\", *sys.argv[1:])\\n')
    wheel.writestr('greet-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: greet\\nVersion: 1.0\\n')
    wheel.writestr('greet-1.0.dist-info/entry_points.txt', '[console_scripts]\\nrun = greet:main\\n')
print(base64.b64encode(data.getvalue()).decode())
";

#[tokio::test]
async fn entry_points_of_wheels_run() {
    let w = fast().await;
    let made = std::process::Command::new("python3").args(["-c", WHEEL]).output().unwrap();
    let content = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    STANDARD.decode(&content).unwrap();
    let path = "/Shared/greet-1.0-py3-none-any.whl";
    post(&w, "/api/2.0/workspace/import", json!({"path": path, "format": "RAW", "content": content})).await.ok();
    let file = "dbfs:/tmp/greet-1.0-py3-none-any.whl";
    post(&w, "/api/2.0/dbfs/put", json!({"path": file, "contents": content})).await.ok();
    let named = run(
        &w,
        json!({"tasks": [{
            "task_key": "a",
            "python_wheel_task": {"package_name": "greet", "entry_point": "run", "parameters": ["a", "b"]},
            "libraries": [{"whl": file}],
        }]}),
    )
    .await;
    let shown = output(&w, &named).await;
    assert_eq!(shown["logs"], "hello a b\n", "{shown}");
    let by_function = run(
        &w,
        json!({
            "tasks": [{
                "task_key": "a",
                "environment_key": "e",
                "python_wheel_task": {"package_name": "greet", "entry_point": "main", "named_parameters": {"x": "1"}},
            }],
            "environments": [{"environment_key": "e", "spec": {"dependencies": [format!("/Workspace{path}")]}}],
        }),
    )
    .await;
    let shown = output(&w, &by_function).await;
    assert_eq!(shown["logs"], "hello --x=1\n", "{shown}");
    let task = json!({"task_key": "a", "python_wheel_task": {"package_name": "none", "entry_point": "x"}});
    let missing = run(&w, json!({"tasks": [task]})).await;
    let error = output(&w, &missing).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("No module named 'none'"), "{error}");
}

fn scheduled(name: &str, how: Value) -> Value {
    let task = json!({"task_key": "a", "condition_task": {"left": "1", "op": "EQUAL_TO", "right": "1"}});
    let mut job = json!({"name": name, "tasks": [task]});
    job.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
    job
}

#[tokio::test(start_paused = true)]
async fn jobs_start_when_they_are_due() {
    let w = LocalWorkspace::builder().start().await.unwrap();
    let cron = |status: &str| json!({"schedule": {"quartz_cron_expression": "0 0 3 * * ?", "timezone_id": "UTC", "pause_status": status}});
    let mut ids = Vec::new();
    for job in [
        scheduled("daily", cron("UNPAUSED")),
        scheduled("hourly", json!({"trigger": {"periodic": {"interval": 1, "unit": "HOURS"}}})),
        scheduled("paused", cron("PAUSED")),
    ] {
        ids.push(post(&w, "/api/2.2/jobs/create", job).await.ok()["job_id"].clone());
    }
    let target = |id: &Value| format!("/api/2.2/jobs/runs/list?job_id={id}");
    let (mut daily, mut hourly) = (Value::Null, Value::Null);
    // A day and some hours, in steps of ten minutes.
    for _ in 0..6 * 27 {
        tokio::time::advance(Duration::from_secs(600)).await;
        daily = get(&w, &target(&ids[0])).await.ok();
        hourly = get(&w, &target(&ids[1])).await.ok();
        if daily["runs"].is_array() && hourly["runs"].as_array().is_some_and(|runs| runs.len() > 1) {
            break;
        }
    }
    let run = &daily["runs"][0];
    assert_eq!(run["trigger"], "PERIODIC");
    // The clock moves in steps, and what is due begins at the first after it.
    let late = run["start_time"].as_i64().unwrap() / 1000 % (24 * 3600) - 3 * 3600;
    assert!((0..=600).contains(&late), "{run}");
    let starts: Vec<_> = hourly["runs"].as_array().unwrap().iter().map(|r| r["start_time"].as_i64().unwrap()).collect();
    assert!(starts[0] - starts[1] >= 3_600_000, "{starts:?}");
    assert!(get(&w, &target(&ids[2])).await.ok()["runs"].is_null());
}

/// The runs of a job, the oldest first.
async fn runs(w: &LocalWorkspace, id: &Value) -> Vec<Value> {
    let all = get(w, &format!("/api/2.2/jobs/runs/list?job_id={id}")).await.ok();
    all["runs"].as_array().into_iter().flatten().rev().cloned().collect()
}

/// Moves the clock in steps until a job has that many runs that have ended.
async fn until_ended(w: &LocalWorkspace, id: &Value, wanted: usize) -> Vec<Value> {
    loop {
        let all = runs(w, id).await;
        if all.iter().filter(|run| run["end_time"] != 0).count() >= wanted {
            return all;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_continuous_job_runs_again_and_again_until_it_is_paused() {
    let w = LocalWorkspace::builder().speed(1.0).start().await.unwrap();
    let how = |status: &str| json!({"continuous": {"pause_status": status}});
    let id = post(&w, "/api/2.2/jobs/create", scheduled("always", how("UNPAUSED"))).await.ok()["job_id"].clone();
    let all = until_ended(&w, &id, 3).await;
    for pair in all.windows(2) {
        assert_eq!(pair[1]["trigger"], "CONTINUOUS");
        let pause = pair[1]["start_time"].as_i64().unwrap() - pair[0]["end_time"].as_i64().unwrap();
        assert!((10_000..12_000).contains(&pause), "{pause}");
    }
    post(&w, "/api/2.2/jobs/update", json!({"job_id": id, "new_settings": how("PAUSED")})).await.ok();
    let before = runs(&w, &id).await.len();
    for _ in 0..10 {
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(runs(&w, &id).await.len(), before);
    }
    post(&w, "/api/2.2/jobs/update", json!({"job_id": id, "new_settings": how("UNPAUSED")})).await.ok();
    until_ended(&w, &id, before + 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_continuous_job_that_fails_waits_longer_each_time() {
    let w = LocalWorkspace::builder().speed(1.0).start().await.unwrap();
    let task = json!({"task_key": "a", "condition_task": {"left": "x", "op": "LESS_THAN", "right": "1"}});
    let job = json!({"name": "fails", "tasks": [task], "continuous": {}});
    let id = post(&w, "/api/2.2/jobs/create", job).await.ok()["job_id"].clone();
    let all = until_ended(&w, &id, 4).await;
    let pause = |pair: &[Value]| pair[1]["start_time"].as_i64().unwrap() - pair[0]["end_time"].as_i64().unwrap();
    let pauses: Vec<_> = all.windows(2).map(pause).take(3).collect();
    for (pause, expected) in pauses.iter().zip([20_000, 40_000, 80_000]) {
        assert!((expected..expected + 2_000).contains(pause), "{pauses:?}");
    }
    assert_eq!(all[1]["trigger"], "CONTINUOUS_RESTART");
}

#[tokio::test]
async fn a_run_that_is_canceled_ends_the_runs_that_it_started() {
    let w = fast().await;
    let inner = json!({"name": "inner", "tasks": [{"task_key": "a", "for_each_task": {
        "inputs": "[1]",
        "task": {"task_key": "b", "sql_task": {"warehouse_id": w.warehouse_id(), "file": {"path": "/Shared/long.sql"}}},
    }}]});
    let content = STANDARD.encode("SELECT count(*) FROM range(3000000000) AS a CROSS JOIN range(1000) AS b");
    post(&w, "/api/2.0/workspace/import", json!({"path": "/Shared/long.sql", "format": "RAW", "content": content}))
        .await
        .ok();
    let job = post(&w, "/api/2.2/jobs/create", inner).await.ok()["job_id"].clone();
    let outer = json!({"tasks": [{"task_key": "o", "run_job_task": {"job_id": job}}]});
    let outer = post(&w, "/api/2.2/jobs/runs/submit", outer).await.ok()["run_id"].clone();
    let started = until(&w, &format!("/api/2.2/jobs/runs/list?job_id={job}"), |all| !all["runs"].is_null()).await;
    post(&w, "/api/2.2/jobs/runs/cancel", json!({"run_id": outer})).await.ok();
    let inner = format!("/api/2.2/jobs/runs/get?run_id={}", started["runs"][0]["run_id"]);
    let ended = until(&w, &inner, |run| run["end_time"] != 0).await;
    assert_eq!(ended["state"]["result_state"], "CANCELED", "{ended}");
}

#[tokio::test]
async fn a_task_is_a_run_of_its_own() {
    let w = fast().await;
    let body = json!({"run_name": "r", "tasks": [
        {"task_key": "one", "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}},
        {"task_key": "two", "depends_on": [{"task_key": "one"}], "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "2"}},
    ]});
    let id = post(&w, "/api/2.2/jobs/runs/submit", body).await.ok()["run_id"].clone();
    let run = until(&w, &format!("/api/2.2/jobs/runs/get?run_id={id}"), |run| run["end_time"] != 0).await;
    let second = &run["tasks"][1];
    let own = get(&w, &format!("/api/2.2/jobs/runs/get?run_id={}", second["run_id"])).await.ok();
    assert_eq!(own["run_id"], second["run_id"]);
    assert_eq!(own["job_run_id"], id);
    assert_eq!((&own["run_name"], &own["state"]), (&json!("two"), &second["state"]));
    assert_eq!(own["tasks"], json!([second]));
}

#[tokio::test]
async fn a_job_starts_in_one_way() {
    let w = fast().await;
    let both = json!({"continuous": {}, "trigger": {"periodic": {"interval": 1, "unit": "HOURS"}}});
    let message = post(&w, "/api/2.2/jobs/create", scheduled("x", both)).await.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.contains("trigger or continuous"), "{message}");
    let several = json!({"continuous": {}, "max_concurrent_runs": 2});
    let message =
        post(&w, "/api/2.2/jobs/create", scheduled("x", several)).await.refused(400, "INVALID_PARAMETER_VALUE");
    assert!(message.contains("max_concurrent_runs"), "{message}");
}

#[tokio::test]
async fn a_schedule_that_is_not_one_is_refused() {
    let w = fast().await;
    for (expression, zone, part) in
        [("0 0 25 * * ?", "UTC", "'25' is out of range"), ("0 0 3 * * ?", "Mars/Base", "time zone")]
    {
        let how = json!({"schedule": {"quartz_cron_expression": expression, "timezone_id": zone}});
        let refused = post(&w, "/api/2.2/jobs/create", scheduled("x", how)).await;
        let message = refused.refused(400, "INVALID_PARAMETER_VALUE");
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn parameters_of_a_run_take_the_place_of_those_of_its_tasks() {
    let w = fast().await;
    let source = "dbutils.widgets.text('a', '0')\ndbutils.widgets.text('b', '0')\n\
                  dbutils.notebook.exit(dbutils.widgets.get('a') + dbutils.widgets.get('b'))";
    let content = STANDARD.encode(source);
    let import = json!({"path": "/Shared/sum", "language": "PYTHON", "format": "SOURCE", "content": content});
    post(&w, "/api/2.0/workspace/import", import).await.ok();
    let task = json!({"task_key": "t",
        "notebook_task": {"notebook_path": "/Shared/sum", "base_parameters": {"a": "1", "b": "1"}}});
    let job = post(&w, "/api/2.2/jobs/create", json!({"name": "j", "tasks": [task]})).await.ok()["job_id"].clone();
    let started = post(&w, "/api/2.2/jobs/run-now", json!({"job_id": job, "notebook_params": {"a": "5"}})).await.ok();
    let ended = async || {
        let target = format!("/api/2.2/jobs/runs/get?run_id={}", started["run_id"]);
        let run = until(&w, &target, |run| run["state"]["life_cycle_state"] == "TERMINATED").await;
        let last = run["tasks"].as_array().unwrap().last().unwrap()["run_id"].clone();
        get(&w, &format!("/api/2.2/jobs/runs/get-output?run_id={last}")).await.ok()["notebook_output"]["result"].clone()
    };
    assert_eq!(ended().await, "51");
    let again = json!({"run_id": started["run_id"], "rerun_tasks": ["t"], "notebook_params": {"b": "7"}});
    post(&w, "/api/2.2/jobs/runs/repair", again).await.ok();
    assert_eq!(ended().await, "57");
    let wrong = json!({"job_id": job, "notebook_params": ["a"]});
    assert_eq!(post(&w, "/api/2.2/jobs/run-now", wrong).await.status, 400);
    // As Python's clients write them: truth values, and the token of the first page.
    let listed = get(&w, "/api/2.2/jobs/list?expand_tasks=True&include_user_names=False&page_token=").await.ok();
    assert_eq!(listed["jobs"][0]["settings"]["tasks"][0]["task_key"], "t");
}

#[tokio::test]
async fn a_run_in_the_older_form_has_one_task() {
    let w = fast().await;
    let content = STANDARD.encode("dbutils.notebook.exit('alone')");
    let import = json!({"path": "/Shared/one", "language": "PYTHON", "format": "SOURCE", "content": content});
    post(&w, "/api/2.0/workspace/import", import).await.ok();
    let body = json!({"run_name": "a name", "timeout_seconds": 600, "notebook_task": {"notebook_path": "/Shared/one"}});
    let ended = run(&w, body).await;
    assert_eq!((&ended["run_name"], &ended["tasks"][0]["task_key"]), (&json!("a name"), &json!("a_name")));
    assert_eq!(output(&w, &ended).await["notebook_output"]["result"], "alone");
}

/// A task that fails at once.
fn failing(key: &str, more: Value) -> Value {
    let mut task = json!({"task_key": key, "condition_task": {"op": "LESS_THAN", "left": "x", "right": "1"}});
    task.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    task
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_tried_again_as_often_as_it_states() {
    let w = fast().await;
    let tasks = json!([
        failing("a", json!({"max_retries": 2, "min_retry_interval_millis": 60_000})),
        failing("b", json!({})),
        {"task_key": "c", "depends_on": [{"task_key": "a"}], "run_if": "ALL_FAILED",
         "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}},
    ]);
    let run = run(&w, json!({"run_name": "r", "tasks": tasks})).await;
    assert_eq!(run["state"]["result_state"], "FAILED", "{run}");
    let all = run["tasks"].as_array().unwrap();
    let of = |key: &str| all.iter().filter(|task| task["task_key"] == key).collect::<Vec<_>>();
    let attempts: Vec<_> = of("a").iter().map(|task| task["attempt_number"].clone()).collect();
    assert_eq!(attempts, [0, 1, 2]);
    let times: Vec<i64> = of("a").iter().map(|task| task["start_time"].as_i64().unwrap()).collect();
    assert!(times[1] - times[0] >= 60_000 && times[2] - times[1] >= 60_000, "{times:?}");
    assert_eq!(of("b").len(), 1);
    // What follows waits for the last attempt.
    let after = of("c")[0];
    assert_eq!(after["state"]["result_state"], "SUCCESS");
    assert!(after["start_time"].as_i64().unwrap() >= times[2]);
}

#[tokio::test]
async fn attempts_that_are_no_number_are_refused() {
    let w = fast().await;
    for (name, value) in [("max_retries", -2), ("timeout_seconds", -1), ("min_retry_interval_millis", -1)] {
        let body = json!({"tasks": [failing("a", json!({name: value}))]});
        let message = post(&w, "/api/2.2/jobs/create", body).await.refused(400, "INVALID_PARAMETER_VALUE");
        assert!(message.contains(name) && message.contains("'a'"), "{message}");
    }
    let body = json!({"timeout_seconds": -1, "tasks": [failing("a", json!({}))]});
    for path in ["/api/2.2/jobs/create", "/api/2.2/jobs/runs/submit"] {
        let message = post(&w, path, body.clone()).await.refused(400, "INVALID_PARAMETER_VALUE");
        assert_eq!(message, "timeout_seconds must be at least 0, got -1");
    }
}

/// The run when it has ended. A statement that runs keeps the paused clock from going on by itself.
async fn ended(w: &LocalWorkspace, id: &Value) -> Value {
    loop {
        let run = get(w, &format!("/api/2.2/jobs/runs/get?run_id={id}")).await.ok();
        if run["end_time"] != 0 {
            return run;
        }
        tokio::time::advance(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_ended() {
    let w = fast().await;
    let content = STANDARD.encode("SELECT count(*) FROM range(3000000000) AS a CROSS JOIN range(1000) AS b");
    post(&w, "/api/2.0/workspace/import", json!({"path": "/Shared/long.sql", "format": "RAW", "content": content}))
        .await
        .ok();
    let long = |more: Value| {
        let sql = json!({"warehouse_id": w.warehouse_id(), "file": {"path": "/Shared/long.sql"}});
        let mut task = json!({"task_key": "a", "sql_task": sql});
        task.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        task
    };
    let run = async |body: Value| {
        let id = post(&w, "/api/2.2/jobs/runs/submit", body).await.ok()["run_id"].clone();
        ended(&w, &id).await
    };
    let of_task =
        run(json!({"tasks": [long(json!({"timeout_seconds": 5, "max_retries": 1, "retry_on_timeout": true}))]})).await;
    let states: Vec<_> =
        of_task["tasks"].as_array().unwrap().iter().map(|t| t["state"]["result_state"].clone()).collect();
    assert_eq!(states, ["TIMEDOUT", "TIMEDOUT"], "{of_task}");
    assert_eq!(of_task["state"]["result_state"], "FAILED", "{of_task}");
    let once = run(json!({"tasks": [long(json!({"timeout_seconds": 5, "max_retries": 1}))]})).await;
    assert_eq!(once["tasks"].as_array().unwrap().len(), 1, "{once}");
    assert_eq!(once["tasks"][0]["state"]["user_cancelled_or_timedout"], true);

    let whole = run(json!({"timeout_seconds": 5, "tasks": [long(json!({}))]})).await;
    assert_eq!(whole["state"]["result_state"], "TIMEDOUT", "{whole}");
    let job = json!({"name": "long", "timeout_seconds": 5, "tasks": [long(json!({}))]});
    let job = post(&w, "/api/2.2/jobs/create", job).await.ok()["job_id"].clone();
    let id = post(&w, "/api/2.2/jobs/run-now", json!({"job_id": job})).await.ok()["run_id"].clone();
    let ended = ended(&w, &id).await;
    assert_eq!(ended["state"]["result_state"], "TIMEDOUT", "{ended}");
    let spent = ended["end_time"].as_i64().unwrap() - ended["start_time"].as_i64().unwrap();
    assert!(spent >= 5_000, "{spent}");
}
