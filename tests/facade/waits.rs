//! Polling: what fails for a moment does not end work, and what ends a wait states which work goes on.

use std::time::Duration;

use databricks_sdk::commands::{CommandResult, Context};
use databricks_sdk::models::compute::Language;
use databricks_sdk::models::sql::StatementState;
use databricks_sdk::{ErrorKind, WorkspaceClient};
use serde_json::{Value, json};

use crate::script::{Reply, Script};

fn ok(value: Value) -> Reply {
    Reply::Json(200, value)
}

fn state(state: &str) -> Reply {
    ok(json!({"id": "w1", "cluster_id": "c1", "state": state}))
}

/// Failures that pass.
fn blips() -> Vec<Reply> {
    let error = json!({"error_code": "INTERNAL_ERROR", "message": "blip"});
    let mut all: Vec<Reply> =
        [500, 502, 503, 504, 429, 408].into_iter().map(|status| Reply::Json(status, error.clone())).collect();
    all.extend([
        Reply::Lost,
        Reply::Text(200, "<html>maintenance</html>"),
        Reply::Text(200, "{\"state\": \"RUNN"),
        Reply::Text(200, ""),
    ]);
    all
}

fn down() -> Reply {
    Reply::Json(500, json!({"error_code": "INTERNAL_ERROR", "message": "the state cannot be read"}))
}

const MINUTE: Duration = Duration::from_secs(60);
const STATEMENT: &str = "/api/2.0/sql/statements/s-1";

fn statement(state: &str) -> Value {
    let manifest = json!({
        "format": "JSON_ARRAY", "total_chunk_count": 1, "total_row_count": 1, "truncated": false,
        "schema": {"column_count": 1, "columns": [{"name": "a", "position": 0, "type_name": "INT", "type_text": "INT"}]},
    });
    let result = json!({"chunk_index": 0, "row_offset": 0, "row_count": 1, "data_array": [["1"]]});
    match state {
        "SUCCEEDED" => {
            json!({"statement_id": "s-1", "status": {"state": state}, "manifest": manifest, "result": result})
        }
        _ => json!({"statement_id": "s-1", "status": {"state": state}}),
    }
}

fn statements(polls: impl IntoIterator<Item = Reply>) -> Script {
    Script::default().on("POST", "/api/2.0/sql/statements", [ok(statement("RUNNING"))]).on("GET", STATEMENT, polls).on(
        "POST",
        "/api/2.0/sql/statements/s-1/cancel",
        [ok(json!({}))],
    )
}

#[tokio::test]
async fn a_statement_outlives_polls_that_fail() {
    let script = statements(
        blips().into_iter().chain([ok(statement("RUNNING"))]).chain(blips()).chain([ok(statement("SUCCEEDED"))]),
    );
    let rows: Vec<i64> = script.client().sql("SELECT 1 AS a").warehouse("w").rows().await.unwrap();
    assert_eq!(rows, [1]);
    assert_eq!(script.count("POST", "/cancel"), 0);
}

#[tokio::test]
async fn a_statement_that_cannot_be_polled_is_left_to_run() {
    for reply in
        [down(), Reply::Lost, Reply::Json(403, json!({"error_code": "PERMISSION_DENIED", "message": "not any more"}))]
    {
        let script = statements([ok(statement("RUNNING")), reply]);
        let w = script.client();
        let error = w.sql("SELECT 1").warehouse("w").rows::<i64>().await.unwrap_err();
        assert_eq!(error.statement().map(|it| it.statement_id().to_owned()).as_deref(), Some("s-1"), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("while waiting for statement s-1, which was left as it is; last state RUNNING"),
            "{text}"
        );
        w.client().shutdown().await;
        assert_eq!(script.count("POST", "/cancel"), 0);
    }
}

#[tokio::test]
async fn polls_are_retried_for_minutes_and_not_for_ever() {
    let script = statements([down()]);
    script.client().sql("SELECT 1").warehouse("w").rows::<i64>().await.unwrap_err();
    assert!((5 * MINUTE..7 * MINUTE).contains(&script.clock.slept()), "{:?}", script.clock.slept());
}

#[tokio::test]
async fn responses_without_a_state_are_polled_for_minutes_and_not_for_ever() {
    for stateless in [json!({}), json!({"statement_id": "s-1"}), json!({"statement_id": "s-1", "status": {}})] {
        let script = statements([ok(statement("PENDING")), ok(stateless)]);
        let w = script.client();
        let error = w.sql("SELECT 1").warehouse("w").rows::<i64>().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        let text = error.to_string();
        assert!(text.contains("have no state") && text.contains("last state PENDING"), "{text}");
        assert!((5 * MINUTE..7 * MINUTE).contains(&script.clock.slept()), "{:?}", script.clock.slept());
        w.client().shutdown().await;
        assert_eq!(script.count("POST", "/cancel"), 0);
    }
}

#[tokio::test]
async fn a_statement_may_take_hours() {
    let script = statements(std::iter::repeat_n(ok(statement("RUNNING")), 3000).chain([ok(statement("SUCCEEDED"))]));
    let rows: Vec<i64> = script.client().sql("SELECT 1 AS a").warehouse("w").rows().await.unwrap();
    assert!(rows == [1] && script.clock.slept() > 180 * MINUTE);
}

#[tokio::test]
async fn a_timeout_that_was_set_cancels_the_statement_also_while_polls_fail() {
    for polls in [ok(statement("RUNNING")), down()] {
        let script = statements([polls]);
        let error = script.client().sql("SELECT 1").warehouse("w").timeout(2 * MINUTE).rows::<i64>().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WaitTimeout);
        let text = error.to_string();
        assert!(text.contains("statement s-1 did not end within 120s") && text.contains("it was cancelled"), "{text}");
        assert_eq!(script.count("POST", "/cancel"), 1);
        assert!(script.clock.slept() <= 3 * MINUTE, "{:?}", script.clock.slept());
    }
}

#[tokio::test]
async fn the_states_of_a_statement() {
    let polls = [
        ok(statement("PENDING")),
        down(),
        ok(statement("RUNNING")),
        ok(statement("RUNNING")),
        ok(statement("SUCCEEDED")),
    ];
    let script = statements(polls);
    let w = script.client();
    let mut attached = w.sql_statement("s-1");
    assert_eq!(attached.state(), None);
    let states = attached.updates().try_collect().await.unwrap();
    assert_eq!(states, [StatementState::Pending, StatementState::Running, StatementState::Succeeded]);
    assert_eq!(attached.state(), Some(StatementState::Succeeded));
    let script = statements([down()]);
    let w = script.client();
    let mut started = w.sql("SELECT 1").warehouse("w").execute().await.unwrap();
    let mut updates = started.updates();
    assert_eq!(updates.try_next().await.unwrap(), Some(StatementState::Running));
    updates.try_next().await.unwrap_err();
    assert!(updates.try_next().await.unwrap().is_none());
    drop(updates);
    drop(started);
    w.client().shutdown().await;
    assert_eq!(script.count("POST", "/cancel"), 0, "a stream that cannot go on is not a reason to cancel");
}

#[tokio::test]
async fn a_wrong_warehouse_is_named_with_its_setting() {
    let refused = Reply::Json(
        400,
        json!({"error_code": "INVALID_PARAMETER_VALUE", "message": "nope is not a valid endpoint id."}),
    );
    let script = Script::default().on("POST", "/api/2.0/sql/statements", [refused]);
    let config = script.config().set("warehouse_id", "nope");
    let w = WorkspaceClient::builder().config(config).connection(script.service()).build().unwrap();
    let error = w.sql("SELECT 1").await.unwrap_err().to_string();
    assert!(error.contains("the warehouse is \"nope\" (set in code)"), "{error}");
}

const STATUS: &str = "/api/1.2/commands/status";

fn command(status: &str) -> Reply {
    ok(json!({"id": "k1", "status": status, "results": {"resultType": "text", "data": "2"}}))
}

async fn commands(polls: impl IntoIterator<Item = Reply>) -> (Script, WorkspaceClient, Context) {
    let script = Script::default()
        .on("POST", "/api/1.2/contexts/create", [ok(json!({"id": "x1"}))])
        .on(
            "GET",
            "/api/1.2/contexts/status",
            [down(), ok(json!({"id": "x1", "status": "Pending"})), ok(json!({"id": "x1", "status": "Running"}))],
        )
        .on("POST", "/api/1.2/contexts/destroy", [ok(json!({"id": "x1"}))])
        .on("POST", "/api/1.2/commands/execute", [ok(json!({"id": "k1"}))])
        .on("POST", "/api/1.2/commands/cancel", [ok(json!({"id": "k1"}))])
        .on("GET", STATUS, polls);
    let w = script.client();
    let context = w.context("c1", Language::Python).await.unwrap();
    (script, w, context)
}

#[tokio::test]
async fn a_command_outlives_polls_that_fail() {
    let (script, w, context) =
        commands(blips().into_iter().chain([command("Running")]).chain(blips()).chain([command("Finished")])).await;
    assert_eq!(context.run("1+1").await.unwrap(), CommandResult::Text("2".to_owned()));
    drop(context);
    w.client().shutdown().await;
    assert_eq!((script.count("POST", "/cancel"), script.count("POST", "/destroy")), (0, 1));
}

#[tokio::test]
async fn a_command_that_cannot_be_polled_is_left_to_run_with_its_context() {
    let (script, w, context) = commands([command("Running"), down()]).await;
    let error = context.run("1+1").await.unwrap_err().to_string();
    assert!(
        error.contains("command k1 of context x1 on cluster c1, which was left as it is; last state Running"),
        "{error}"
    );
    drop(context);
    w.client().shutdown().await;
    assert_eq!((script.count("POST", "/cancel"), script.count("POST", "/destroy")), (0, 0));
}

#[tokio::test]
async fn a_command_may_take_hours_unless_a_timeout_is_set() {
    let (script, _w, context) =
        commands(std::iter::repeat_n(command("Running"), 2000).chain([command("Finished")])).await;
    assert_eq!(context.run("1+1").await.unwrap().text().unwrap(), "2");
    assert!(script.clock.slept() > 120 * MINUTE);

    let (script, w, context) = commands([command("Running")]).await;
    let error = context.run("1+1").timeout(MINUTE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(
        error.to_string().contains("did not end within 60s; last state Running; the command is being cancelled"),
        "{error}"
    );
    w.client().shutdown().await;
    assert_eq!(script.count("POST", "/cancel"), 1);
}

const RUN: &str = "/api/2.2/jobs/runs/get";

fn run(life_cycle: &str, tasks: Value) -> Reply {
    let result = if life_cycle == "TERMINATED" { json!("SUCCESS") } else { Value::Null };
    ok(
        json!({"run_id": 5, "state": {"life_cycle_state": life_cycle, "result_state": result, "state_message": "so it is"}, "tasks": tasks}),
    )
}

fn runs(polls: impl IntoIterator<Item = Reply>) -> Script {
    Script::default().on("GET", RUN, polls).on("POST", "/api/2.2/jobs/runs/cancel", [ok(json!({}))])
}

#[tokio::test]
async fn a_run_outlives_polls_that_fail() {
    let polls =
        || blips().into_iter().chain([run("RUNNING", json!([]))]).chain(blips()).chain([run("TERMINATED", json!([]))]);
    let script = runs(polls());
    script.client().jobs().run(5).cancel_on_drop().wait_success().await.unwrap();
    let script = runs(polls());
    let updates = script.client().jobs().run(5).cancel_on_drop().updates().try_collect().await.unwrap();
    assert_eq!(updates.len(), 2);
    assert_eq!(script.count("POST", "/cancel"), 0);
}

#[tokio::test]
async fn a_run_is_cancelled_by_a_drop_and_a_timeout_but_not_by_polls_that_fail() {
    let script = runs([run("RUNNING", json!([])), down()]);
    let w = script.client();
    let error = w.jobs().run(5).cancel_on_drop().wait().await.unwrap_err().to_string();
    assert!(
        error.contains("while waiting for run 5, which was left as it is; last state RUNNING: so it is"),
        "{error}"
    );
    w.client().shutdown().await;
    assert_eq!(script.count("POST", "/cancel"), 0);

    let script = runs([run("RUNNING", json!([]))]);
    let w = script.client();
    let error = w.jobs().run(5).timeout(MINUTE).wait().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.to_string().contains("run 5 did not end within 60s; last state RUNNING"), "{error}");
    w.client().shutdown().await;
    assert_eq!(script.count("POST", "/cancel"), 0);
    w.jobs().run(5).timeout(MINUTE).cancel_on_drop().wait().await.unwrap_err();
    w.client().shutdown().await;
    assert_eq!(script.count("POST", "/cancel"), 1);
}

#[tokio::test]
async fn the_outputs_that_there_are() {
    let task = |key: &str, id: i64, life_cycle: &str, result: &str| json!({"task_key": key, "run_id": id, "attempt_number": 0, "state": {"life_cycle_state": life_cycle, "result_state": result}});
    let tasks = json!([
        task("a", 11, "TERMINATED", "SUCCESS"),
        task("b", 12, "TERMINATED", "UPSTREAM_FAILED"),
        {"task_key": "c", "run_id": 13, "state": {"life_cycle_state": "SKIPPED"}},
        task("d", 14, "TERMINATED", "EXCLUDED"),
        task("e", 15, "TERMINATED", "CANCELED"),
        task("f", 16, "TERMINATED", "FAILED"),
        task("g", 17, "TERMINATED", "UPSTREAM_CANCELED"),
        {"task_key": "h", "run_id": 18, "status": {"state": "TERMINATED", "termination_details": {"code": "SKIPPED"}}},
        {"task_key": "i", "run_id": 19, "state": {"life_cycle_state": "BLOCKED"}},
    ]);
    let output =
        |id: i64| -> &'static str { Box::leak(format!("/api/2.2/jobs/runs/get-output?run_id={id}").into_boxed_str()) };
    let script = runs([run("TERMINATED", tasks)])
        .on("GET", output(11), [ok(json!({"logs": "fine"}))])
        .on(
            "GET",
            output(15),
            [Reply::Json(400, json!({"error_code": "INVALID_PARAMETER_VALUE", "message": "Run 15 was not started"}))],
        )
        .on("GET", output(16), [Reply::Json(500, json!({"error_code": "INTERNAL_ERROR", "message": "too large"}))]);
    let outputs = script.client().jobs().run(5).outputs().await.unwrap();
    let seen: Vec<_> = outputs.iter().map(|it| (it.task_key.as_str(), it.text())).collect();
    assert_eq!(seen, [("a", Some("fine")), ("f", None)]);
    assert!(outputs[1].error().is_some_and(|error| error.contains("cannot be read") && error.contains("too large")));
    let asked = script.requests("GET", "/api/2.2/jobs/runs/get-output");
    assert_eq!(asked.len(), 3, "tasks that never ran are not asked: {asked:?}");
}

const WAREHOUSE: &str = "/api/2.0/sql/warehouses/w1";
const CLUSTER: &str = "/api/2.1/clusters/get";

fn warehouses(polls: impl IntoIterator<Item = Reply>) -> Script {
    Script::default().on("POST", "/api/2.0/sql/warehouses/w1/start", [ok(json!({}))]).on("GET", WAREHOUSE, polls)
}

fn clusters(polls: impl IntoIterator<Item = Reply>) -> Script {
    Script::default()
        .on("POST", "/api/2.1/clusters/start", [ok(json!({}))])
        .on("POST", "/api/2.1/clusters/create", [ok(json!({"cluster_id": "c1"}))])
        .on("GET", CLUSTER, polls)
}

#[tokio::test]
async fn a_resource_outlives_polls_that_fail() {
    let script = clusters(blips().into_iter().chain([state("PENDING")]).chain(blips()).chain([state("RUNNING")]));
    script.client().clusters().start("c1").wait().await.unwrap();
    let script = clusters([state("PENDING"), down()]);
    let error = script.client().clusters().start("c1").wait().await.unwrap_err();
    assert!(
        error.api().is_some()
            && error.to_string().contains("while waiting for c1, which was left as it is; last state PENDING"),
        "{error}"
    );
    let script = clusters([
        state("PENDING"),
        Reply::Json(404, json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"})),
    ]);
    assert!(script.client().clusters().start("c1").wait().await.unwrap_err().is_not_found());
    assert_eq!(script.count("GET", CLUSTER), 2, "what cannot pass is not polled again");
}

#[tokio::test]
async fn the_state_from_before_a_start_is_no_failure() {
    let script = warehouses([state("STOPPED"), state("STOPPED"), state("STARTING"), state("RUNNING")]);
    script.client().warehouses().start("w1").wait().await.unwrap();
    let script = clusters([state("TERMINATED"), state("PENDING"), state("RUNNING")]);
    script.client().clusters().start("c1").wait().await.unwrap();
    // Once another state was seen, it is one.
    let script = warehouses([state("STOPPED"), state("STARTING"), state("STOPPED")]);
    let error = script.client().warehouses().start("w1").wait().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.to_string().contains("w1 failed to reach RUNNING, got STOPPED"), "{error}");
    // So it is after a while.
    let script = warehouses([state("STOPPED")]);
    assert_eq!(script.client().warehouses().start("w1").wait().await.unwrap_err().kind(), ErrorKind::OperationFailed);
    assert!((MINUTE / 2..MINUTE).contains(&script.clock.slept()), "{:?}", script.clock.slept());
    // Nothing leads out of these, and what was just made has no state from before.
    let script = warehouses([state("DELETED")]);
    assert_eq!(script.client().warehouses().start("w1").wait().await.unwrap_err().kind(), ErrorKind::OperationFailed);
    assert_eq!(script.clock.slept(), Duration::ZERO);
    let script = clusters([state("ERROR")]);
    assert_eq!(script.client().clusters().start("c1").wait().await.unwrap_err().kind(), ErrorKind::OperationFailed);
    assert_eq!(script.clock.slept(), Duration::ZERO);
    let script = clusters([state("TERMINATED")]);
    assert_eq!(script.client().clusters().create("x").wait().await.unwrap_err().kind(), ErrorKind::OperationFailed);
    assert_eq!(script.clock.slept(), Duration::ZERO);
}

#[tokio::test]
async fn a_cluster_that_fails_tells_the_reason() {
    let reason = json!({"code": "INSTANCE_POOL_FULL", "type": "CLOUD_FAILURE", "parameters": {"aws_error_message": "no r5d left"}});
    let failed =
        ok(json!({"cluster_id": "c1", "state": "TERMINATED", "state_message": "", "termination_reason": reason}));
    let script = clusters([failed.clone()]);
    let error = script.client().clusters().create("16.4.x-scala2.12").wait().await.unwrap_err().to_string();
    assert!(
        error.contains("c1 failed to reach RUNNING, got TERMINATED: INSTANCE_POOL_FULL (CLOUD_FAILURE; aws_error_message: no r5d left)"),
        "{error}"
    );
    let script = warehouses([ok(
        json!({"id": "w1", "state": "DELETED", "health": {"summary": "no capacity", "failure_reason": reason}}),
    )]);
    let error = script.client().warehouses().start("w1").wait().await.unwrap_err().to_string();
    assert!(error.contains("no capacity: INSTANCE_POOL_FULL"), "{error}");
    let script = clusters([failed.clone()]);
    let error = script
        .client()
        .operation("clusters.create")
        .unwrap()
        .input("spark_version", "x")
        .wait(None)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("INSTANCE_POOL_FULL") && error.contains("no r5d left"), "{error}");
}

#[tokio::test]
async fn a_timeout_names_the_limit_and_what_was_waited_for() {
    let script = clusters([state("PENDING")]);
    let error = script.client().clusters().start("c1").wait().timeout(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.to_string().contains("c1 did not reach RUNNING within 50ms; last state PENDING"), "{error}");
    assert_eq!(script.clock.slept(), Duration::from_millis(50));
    let started = script.client().clusters().create("x").wait().start().await.unwrap();
    assert_eq!((started.id().as_str(), started.response().cluster_id.as_deref()), ("c1", Some("c1")));
    let mut seen = Vec::new();
    let script = clusters([state("PENDING"), down(), state("PENDING"), state("RESIZING"), state("RUNNING")]);
    let started = script.client().clusters().start("c1").wait().start().await.unwrap();
    let mut updates = started.updates();
    while let Some(cluster) = updates.try_next().await.unwrap() {
        seen.push(cluster.state.unwrap().as_str().to_owned());
    }
    assert_eq!(seen, ["PENDING", "RESIZING", "RUNNING"]);
}

#[tokio::test]
async fn a_cluster_that_is_needed_is_started_until_it_runs() {
    let script = clusters(
        [
            down(),
            state("TERMINATING"),
            state("TERMINATED"),
            state("TERMINATED"),
            state("PENDING"),
            down(),
            state("RUNNING"),
        ]
        .into_iter(),
    );
    script.client().clusters().ensure_running("c1").await.unwrap();
    assert_eq!(script.count("POST", "/start"), 1);
    // The cloud had no machines: once more.
    let cloud = ok(
        json!({"cluster_id": "c1", "state": "TERMINATED", "termination_reason": {"type": "CLOUD_FAILURE", "code": "X"}}),
    );
    let script =
        clusters([state("TERMINATED"), state("PENDING"), cloud.clone(), cloud, state("PENDING"), state("RUNNING")]);
    script.client().clusters().ensure_running("c1").await.unwrap();
    assert_eq!(script.count("POST", "/start"), 2);
    // The cluster's own settings are wrong: that stays so.
    let own = json!({"type": "CLIENT_ERROR", "code": "INIT_SCRIPT_FAILURE", "parameters": {"instance_id": "i-1"}});
    let own = ok(
        json!({"cluster_id": "c1", "cluster_name": "etl", "state": "TERMINATED", "state_message": "no", "termination_reason": own}),
    );
    let script = clusters([state("TERMINATED"), state("PENDING"), own]);
    let error = script.client().clusters().ensure_running("c1").await.unwrap_err();
    assert_eq!((error.kind(), script.count("POST", "/start")), (ErrorKind::OperationFailed, 1));
    let text = error.to_string();
    assert!(
        text.contains("cluster c1 (etl) failed to reach RUNNING, got TERMINATED: no: INIT_SCRIPT_FAILURE (CLIENT_ERROR; instance_id: i-1)"),
        "{text}"
    );
}

const LIST: &str = "/api/2.1/clusters/list";

#[tokio::test]
async fn names_mean_clusters_that_can_be_started() {
    let cluster = |id: &str, name: &str, source: &str| json!({"cluster_id": id, "cluster_name": name, "cluster_source": source, "state": "RUNNING"});
    let list = json!({"clusters": [
        cluster("j", "etl", "JOB"), cluster("p", "etl", "PIPELINE"), cluster("s", "etl", "SQL"), cluster("a", "etl", "UI"),
        cluster("b", "two", "API"), cluster("c", "two", "UI"), cluster("d", "only-job", "JOB"), cluster("e", "Mixed", "API"),
    ]});
    let script = clusters([state("RUNNING")]).on("GET", LIST, [ok(list)]);
    let w = script.client();
    assert_eq!(w.clusters().by_name("etl").await.unwrap().cluster_id.as_deref(), Some("a"));
    w.clusters().get_or_create_running("etl").await.unwrap();
    assert_eq!(script.requests("GET", "/api/2.1/clusters/get?")[0], "GET /api/2.1/clusters/get?cluster_id=a ");
    let twice =
        [w.clusters().by_name("two").await.unwrap_err(), w.clusters().get_or_create_running("two").await.unwrap_err()];
    for error in twice {
        assert!(error.to_string().contains("2 of the kind cluster are named \"two\": b, c; use the id"), "{error}");
    }
    let error = w.clusters().by_name("mixed").await.unwrap_err().to_string();
    assert!(error.contains("no cluster is named \"mixed\"; names are case-sensitive; there is \"Mixed\""), "{error}");
    assert!(w.clusters().by_name("only-job").await.is_err());
    assert_eq!(script.count("POST", "/create"), 0);
}

#[tokio::test]
async fn a_new_cluster_has_a_machine_and_a_runtime_that_fit() {
    let node = |id: &str, arm: bool, gpus: i64| {
        json!({"node_type_id": id, "instance_type_id": id, "description": id, "num_cores": 2, "memory_mb": 4096, "num_gpus": gpus,
            "category": "General Purpose", "is_graviton": arm, "node_instance_type": {"instance_type_id": id, "local_nvme_disks": 1}})
    };
    let versions = ["17.3.x-scala2.13", "17.3.x-aarch64-scala2.13", "17.3.x-gpu-ml-scala2.13", "16.4.x-scala2.12"];
    let versions: Vec<_> = versions.iter().map(|key| json!({"key": key, "name": "LTS"})).collect();
    let script = clusters([state("RUNNING")])
        .on("GET", LIST, [ok(json!({}))])
        .on(
            "GET",
            "/api/2.1/clusters/list-node-types",
            [ok(json!({"node_types": [node("c6gd.large", true, 0), node("g5.xlarge", false, 1), node("m5d.large", false, 0)]}))],
        )
        .on("GET", "/api/2.1/clusters/spark-versions", [ok(json!({"versions": versions}))]);
    let w = script.client();
    let get = || w.clusters().get_or_create_running("n");
    get().await.unwrap();
    get().configure(|create| create.node_type_id("c6gd.large")).await.unwrap();
    get().configure(|create| create.node_type_id("g5.xlarge")).await.unwrap();
    get().configure(|create| create.instance_pool_id("pool")).await.unwrap();
    let bodies: Vec<Value> = script
        .requests("POST", "/api/2.1/clusters/create")
        .iter()
        .map(|line| serde_json::from_str(line.splitn(3, ' ').nth(2).unwrap()).unwrap())
        .collect();
    let chosen: Vec<_> =
        bodies.iter().map(|body| (body["node_type_id"].as_str(), body["spark_version"].as_str().unwrap())).collect();
    let wanted = [
        (Some("m5d.large"), "17.3.x-scala2.13"),
        (Some("c6gd.large"), "17.3.x-aarch64-scala2.13"),
        (Some("g5.xlarge"), "17.3.x-gpu-ml-scala2.13"),
        (None, "17.3.x-scala2.13"),
    ];
    assert_eq!(chosen, wanted);
}

#[tokio::test]
async fn libraries_outlive_polls_that_fail() {
    let status = |status: &str| {
        ok(json!({"cluster_id": "c1", "library_statuses": [{"library": {"jar": "/a.jar"}, "status": status}]}))
    };
    let polls = blips().into_iter().chain([status("INSTALLING")]).chain(blips()).chain([status("INSTALLED")]);
    let script = Script::default().on("POST", "/api/2.0/libraries/install", [ok(json!({}))]).on(
        "GET",
        "/api/2.0/libraries/cluster-status",
        polls,
    );
    let jar = databricks_sdk::models::compute::Library::new().jar("/a.jar");
    assert_eq!(script.client().libraries().update("c1").install([jar]).await.unwrap().len(), 1);
}
