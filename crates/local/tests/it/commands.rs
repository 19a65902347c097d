//! Execution contexts over the wire, with a real Python behind them.

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};

use crate::client::{fast, get, post, until};

/// A running cluster.
async fn cluster(w: &LocalWorkspace) -> String {
    let body = json!({"spark_version": "15.4.x-scala2.12", "node_type_id": "m5d.large", "num_workers": 1});
    let id = post(w, "/api/2.1/clusters/create", body).await.ok()["cluster_id"].as_str().unwrap().to_owned();
    until(w, &format!("/api/2.1/clusters/get?cluster_id={id}"), |c| c["state"] == "RUNNING").await;
    id
}

struct Context<'a> {
    w: &'a LocalWorkspace,
    cluster: String,
    id: String,
}

impl<'a> Context<'a> {
    async fn new(w: &'a LocalWorkspace, language: &str) -> Self {
        let cluster = cluster(w).await;
        let made = post(w, "/api/1.2/contexts/create", json!({"clusterId": cluster, "language": language})).await.ok();
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("/api/1.2/contexts/status?clusterId={cluster}&contextId={id}");
        until(w, &path, |c| c["status"] == "Running").await;
        Self { w, cluster, id }
    }

    async fn submit(&self, command: &str) -> String {
        let body = json!({"clusterId": self.cluster, "contextId": self.id, "command": command});
        let made = post(self.w, "/api/1.2/commands/execute", body).await.ok();
        made["id"].as_str().unwrap().to_owned()
    }

    fn status(&self, command: &str) -> String {
        format!("/api/1.2/commands/status?clusterId={}&contextId={}&commandId={command}", self.cluster, self.id)
    }

    async fn end(&self, command: &str) -> Value {
        until(self.w, &self.status(command), |c| {
            matches!(c["status"].as_str(), Some("Finished" | "Cancelled" | "Error"))
        })
        .await
    }

    async fn run(&self, command: &str) -> Value {
        let end = self.end(&self.submit(command).await).await;
        assert_eq!(end["status"], "Finished", "{end}");
        end["results"].clone()
    }

    async fn cancel(&self, command: &str) {
        let body = json!({"clusterId": self.cluster, "contextId": self.id, "commandId": command});
        post(self.w, "/api/1.2/commands/cancel", body).await.ok();
    }
}

#[tokio::test]
async fn python_keeps_its_state() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    assert_eq!(
        context.run("x = 20\nprint('set')").await,
        json!({"resultType": "text", "data": "set", "truncated": false})
    );
    assert_eq!(context.run("x += 1\nx * 2").await["data"], "Out[2]: 42");
    assert_eq!(context.run("print('a'); 'é\"'").await["data"], "a\nOut[3]: 'é\"'");
    assert_eq!(context.run("def f(n):\n    return n + 1\nf(x)").await["data"], "Out[4]: 22");
    assert_eq!(context.run("").await["data"], "");
    let child = context.run("import subprocess, sys\n_ = subprocess.run([sys.executable, '-c', 'print(7)'])").await;
    assert_eq!(child["data"], "7");
    let directory = context.run("import os; print(os.getcwd())").await["data"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&directory).is_dir());
    assert!(context.run("input()").await["summary"].as_str().unwrap().contains("EOFError"));
    drop(w);
    assert!(!std::path::Path::new(&directory).exists());
}

#[tokio::test]
async fn python_shows_tables() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    let table = context.run("display([{'a': 1, 'b': 'x'}, {'a': None, 'c': 1.5}])").await;
    assert_eq!(table["resultType"], "table");
    assert_eq!(table["data"], json!([[1, "x", null], [null, null, 1.5]]));
    let schema: Vec<_> = table["schema"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["name"].as_str().unwrap(), c["type"].as_str().unwrap()))
        .collect();
    assert_eq!(schema, [("a", "\"long\""), ("b", "\"string\""), ("c", "\"double\"")]);
    assert_eq!(table["isJsonSchema"], true);
    let rows = context.run("display([(1, True), (2, False)])").await;
    assert_eq!(rows["data"], json!([[1, true], [2, false]]));
    let many = context.run("display([[i] for i in range(10001)])").await;
    assert_eq!((&many["truncated"], many["data"].as_array().unwrap().len()), (&json!(true), 10_000));
}

#[tokio::test]
async fn python_errors_have_summary_and_cause() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    let error = context.run("print('before')\n1 / 0").await;
    assert_eq!(error["resultType"], "error");
    assert!(error["summary"].as_str().unwrap().ends_with("ZeroDivisionError</span>: division by zero"), "{error}");
    let cause = error["cause"].as_str().unwrap();
    for part in ["before", "Traceback", "<command-1>", "1 / 0", "\u{1b}[0;31mZeroDivisionError"] {
        assert!(cause.contains(part), "{part}: {cause}");
    }
    assert!(!cause.contains("driver.py"), "{cause}");
    assert!(context.run("x = (").await["summary"].as_str().unwrap().contains("SyntaxError"));
    assert!(context.run("raise SystemExit(3)").await["summary"].as_str().unwrap().contains("SystemExit"));
    assert_eq!(context.run("1").await["data"], "Out[4]: 1");
}

#[tokio::test]
async fn running_and_waiting_commands_are_cancelled() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    context.run("x = 5").await;
    let running = context.submit("import time\nwhile True: time.sleep(0.01)").await;
    let waiting = context.submit("x = 6").await;
    until(&w, &context.status(&running), |c| c["status"] == "Running").await;
    assert_eq!(get(&w, &context.status(&waiting)).await.ok()["status"], "Queued");
    context.cancel(&waiting).await;
    assert_eq!(get(&w, &context.status(&waiting)).await.ok()["status"], "Cancelled");
    context.cancel(&running).await;
    assert_eq!(context.end(&running).await["status"], "Cancelled");
    // The state is still there, and the cancelled command never ran.
    assert_eq!(context.run("x").await["data"], "Out[3]: 5");
}

#[tokio::test]
async fn a_dead_interpreter_is_reported() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    let end = context.end(&context.submit("import os; os._exit(1)").await).await;
    assert_eq!(end["status"], "Error");
    assert!(end["results"]["summary"].as_str().unwrap().contains("new context"), "{end}");
    let path = format!("/api/1.2/contexts/status?clusterId={}&contextId={}", context.cluster, context.id);
    until(&w, &path, |c| c["status"] == "Error").await;
    assert_eq!(context.end(&context.submit("1").await).await["status"], "Error");
}

#[tokio::test]
async fn contexts_end_with_destroy_restart_and_termination() {
    let w = fast().await;
    let first = Context::new(&w, "python").await;
    let pid = first.run("import os; print(os.getpid())").await["data"].as_str().unwrap().to_owned();
    let alive = |pid: &str| std::path::Path::new(&format!("/proc/{pid}")).exists();
    let ids = json!({"clusterId": first.cluster, "contextId": first.id});
    post(&w, "/api/1.2/contexts/destroy", ids.clone()).await.ok();
    if cfg!(target_os = "linux") {
        assert!(!alive(&pid));
    }
    let gone = post(&w, "/api/1.2/contexts/destroy", ids).await;
    assert_eq!(gone.status, 404);
    assert!(gone.json()["error"].as_str().unwrap().starts_with("ContextNotFound"), "{}", gone.text());

    let second = Context::new(&w, "python").await;
    post(&w, "/api/2.1/clusters/restart", json!({"cluster_id": second.cluster})).await.ok();
    until(&w, &format!("/api/2.1/clusters/get?cluster_id={}", second.cluster), |c| c["state"] == "RUNNING").await;
    assert_eq!(get(&w, &second.status("x")).await.status, 404);

    post(&w, "/api/2.1/clusters/delete", json!({"cluster_id": second.cluster})).await.ok();
    let body = json!({"clusterId": second.cluster, "language": "python"});
    let down = post(&w, "/api/1.2/contexts/create", body).await;
    assert_eq!(down.status, 400);
    assert!(down.json()["error"].as_str().unwrap().contains("unexpected state"), "{}", down.text());
}

#[tokio::test]
async fn other_languages_and_a_missing_interpreter_say_so() {
    let w = LocalWorkspace::builder().speed(1e6).python("/no/such/python3").start().await.unwrap();
    let cluster = cluster(&w).await;
    for (language, status, text) in [
        ("scala", 400, "runs python and sql, not scala"),
        ("r", 400, "not r"),
        ("cobol", 400, "expected one of"),
        ("python", 500, "'/no/such/python3', which was not found: install Python 3"),
    ] {
        let body = json!({"clusterId": cluster, "language": language});
        let response = post(&w, "/api/1.2/contexts/create", body).await;
        assert_eq!(response.status, status);
        assert!(response.json()["error"].as_str().unwrap().contains(text), "{}", response.text());
    }
}

#[cfg(feature = "engine")]
#[tokio::test]
async fn sql_contexts_give_tables() {
    let w = fast().await;
    let context = Context::new(&w, "sql").await;
    let table = context.run("SELECT id, id * 0.5 AS half, CAST(id AS STRING) AS s FROM range(2)").await;
    assert_eq!(table["resultType"], "table");
    assert_eq!(table["data"], json!([[0, "0.0", "0"], [1, "0.5", "1"]]));
    assert_eq!(table["schema"][0], json!({"name": "id", "type": "\"long\"", "metadata": "{}"}));
    let error = context.run("SELECT * FROM nothing").await;
    assert_eq!(error["resultType"], "error");
    assert!(error["summary"].as_str().unwrap().contains("TABLE_OR_VIEW_NOT_FOUND"));
    let long = context.submit("SELECT count(*) FROM range(4000000000) WHERE (id * 7) % 3 = 1").await;
    until(&w, &context.status(&long), |c| c["status"] == "Running").await;
    context.cancel(&long).await;
    assert_eq!(context.end(&long).await["status"], "Cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_command_takes_no_time_of_a_paused_clock() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    let before = tokio::time::Instant::now();
    let end = context.end(&context.submit("import time; time.sleep(0.2); print(1)").await).await;
    assert_eq!(end["results"]["data"], "1");
    assert!(before.elapsed().as_secs() < 10);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn children_in_sessions_of_their_own_end_with_the_context() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    let command = "import subprocess\nq = subprocess.Popen(['sleep', '600'], start_new_session=True)\nprint(q.pid)";
    let pid = context.run(command).await["data"].as_str().unwrap().to_owned();
    // The process that adopts it may leave it as a zombie, which has no command line.
    let runs = |pid: &str| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty());
    assert!(runs(&pid));
    drop(w);
    while runs(&pid) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn cells_that_cannot_be_shown_are_an_error_of_the_command() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    let deep = "deep = []\nfor _ in range(100000): deep = [deep]\ndisplay([{'a': deep}])";
    assert_eq!(context.run(deep).await["resultType"], "error");
    assert_eq!(context.run("1").await["data"], "Out[2]: 1");
}

#[cfg(feature = "engine")]
#[tokio::test(flavor = "multi_thread")]
async fn notebooks_find_spark_widgets_and_magic_commands() {
    let w = fast().await;
    let context = Context::new(&w, "python").await;
    assert_eq!(context.run("print(spark.sql('SELECT 1 AS a').collect()[0].a)").await["data"], "1");
    let table = context.run("%sql\nSELECT 2 AS b").await;
    assert_eq!((&table["resultType"], &table["data"]), (&json!("table"), &json!([[2]])));
    assert_eq!(context.run("display(spark.range(2))").await["data"], json!([[0], [1]]));
    assert_eq!(context.run("%sh echo out; echo err >&2").await["data"], "out\nerr");
    let widget = "dbutils.widgets.text('w', 'default'); print(dbutils.widgets.get('w'))";
    assert_eq!(context.run(widget).await["data"], "default");
    assert_eq!(context.run("dbutils.notebook.exit('bye')").await["data"], "Notebook exited: bye");
    for (code, error) in [
        ("spark.sql('SELECT * FROM nothing')", "AnalysisException"),
        ("spark.read", "AttributeError"),
        ("%scala 1", "SyntaxError"),
        ("dbutils.jobs.taskValues.get('a', 'b')", "TypeError"),
    ] {
        let failed = context.run(code).await;
        assert_eq!(failed["resultType"], "error", "{code}");
        assert!(failed["summary"].as_str().unwrap().contains(error), "{code}: {failed}");
    }
    let made = "spark.createDataFrame([(1, 'x')], ['id', 's']).write.saveAsTable('main.default.made'); \
                print(spark.table('main.default.made').count())";
    assert_eq!(context.run(made).await["data"], "1");
}
