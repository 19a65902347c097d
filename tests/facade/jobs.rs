//! Runs of jobs: started, watched, waited for, cancelled, repaired.

use std::collections::BTreeMap;
use std::time::Duration;

use databricks_sdk::jobs::RunHandle;
use databricks_sdk::models::jobs::{
    JobParameterDefinition, NotebookTask, SparkPythonTask, SqlTask, SqlTaskFile, SubmitTask, Task, TaskDependency,
};
use databricks_sdk::models::workspace::{ImportFormat, Language};
use databricks_sdk::{ErrorKind, WorkspaceClient};
use databricks_tests::Fixture;

const SOON: Duration = Duration::from_millis(5);

async fn put(w: &WorkspaceClient, path: &str, text: &str) {
    use base64::Engine as _;
    let content = base64::engine::general_purpose::STANDARD.encode(text);
    let import = w.workspace().import(path).content(content).overwrite(true);
    let import = if path.contains('.') {
        import.format(ImportFormat::Auto)
    } else {
        import.format(ImportFormat::Source).language(Language::Python)
    };
    import.await.unwrap();
}

fn python(key: &str, file: &str, arguments: &[&str]) -> Task {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    Task::new(key).spark_python_task(SparkPythonTask::new(file).parameters(arguments))
}

fn after(task: Task, keys: &[&str]) -> Task {
    task.depends_on(keys.iter().map(|key| TaskDependency::new(*key)).collect::<Vec<_>>())
}

async fn start(w: &WorkspaceClient, name: &str, tasks: Vec<Task>) -> RunHandle {
    let job = w.jobs().create().name(name).tasks(tasks).await.unwrap().job_id.unwrap();
    w.jobs().run_now(job).start().await.unwrap().poll_interval(SOON)
}

#[tokio::test]
async fn tasks_in_their_order_with_outputs() {
    let f = Fixture::start().await;
    put(
        &f.w,
        "/jobs/make.sql",
        "CREATE TABLE numbers AS SELECT id FROM range(0, 10); INSERT INTO numbers VALUES (100);",
    )
    .await;
    put(&f.w, "/jobs/hello.py", "import sys\nprint('hello', *sys.argv[1:])").await;
    put(&f.w, "/jobs/notebook", "dbutils.notebook.exit('day ' + dbutils.widgets.get('day'))").await;
    let sql = SqlTask::new(f.local.warehouse_id()).file(SqlTaskFile::new("/jobs/make.sql"));
    let tasks = vec![
        Task::new("sql").sql_task(sql),
        after(python("python", "/jobs/hello.py", &["{{job.parameters.day}}"]), &["sql"]),
        after(Task::new("notebook").notebook_task(NotebookTask::new("/jobs/notebook")), &["python"]),
    ];
    let day = JobParameterDefinition::new("day", "monday");
    let job = f.w.jobs().create().name("three").tasks(tasks).parameters(vec![day]).await.unwrap().job_id.unwrap();
    let parameters = BTreeMap::from([("day".to_owned(), "tuesday".to_owned())]);
    let run = f.w.jobs().run_now(job).job_parameters(parameters).start().await.unwrap().poll_interval(SOON);

    let mut states = run.updates();
    let mut seen = Vec::new();
    while let Some(run) = states.try_next().await.unwrap() {
        #[allow(deprecated)]
        seen.push(run.state.unwrap().life_cycle_state.unwrap().as_str().to_owned());
    }
    assert_eq!(seen.last().map(String::as_str), Some("TERMINATED"));
    drop(states);
    let id = run.id();
    run.wait_success().await.unwrap();

    let outputs = f.w.jobs().run(id).outputs().await.unwrap();
    let texts: Vec<_> = outputs.iter().map(|output| (output.task_key.as_str(), output.text().map(str::trim))).collect();
    assert_eq!(texts, [("sql", None), ("python", Some("hello tuesday")), ("notebook", Some("day tuesday"))]);
    let statements =
        outputs[0].output.sql_output.as_ref().unwrap().file_output.as_ref().unwrap().sql_statements.clone().unwrap();
    assert_eq!(statements.len(), 2, "each with the id under which its result can be read");
    let rows: i64 =
        f.w.sql("SELECT count(*) FROM numbers").warehouse(f.local.warehouse_id()).fetch_one().await.unwrap();
    assert_eq!(rows, 11);
}

#[tokio::test]
async fn a_failed_run_names_its_tasks_and_can_be_repaired() {
    let f = Fixture::start().await;
    put(&f.w, "/good.py", "print('fine')").await;
    put(&f.w, "/bad.py", "raise ValueError('no such column: fare')").await;
    let tasks = vec![
        python("good", "/good.py", &[]),
        python("bad", "/bad.py", &[]),
        after(python("last", "/good.py", &[]), &["good", "bad"]),
    ];
    let id = start(&f.w, "fails", tasks).await.id();
    let run = || f.w.jobs().run(id).poll_interval(SOON);
    // A failed result is a result: only the second kind of wait makes an error of it.
    run().wait().await.unwrap();
    let error = run().wait_success().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    let message = error.to_string();
    assert!(message.contains("ended as FAILED") && message.contains("2 of 3 tasks failed"), "{message}");
    assert!(message.contains("bad (FAILED)") && message.contains("no such column: fare"), "{message}");
    assert!(message.contains("last (UPSTREAM_FAILED)") && !message.contains("good ("), "{message}");
    assert!(error.hint().is_some_and(|hint| hint.contains(&run().id().to_string())));

    put(&f.w, "/bad.py", "print('mended')").await;
    run().repair_failed().await.unwrap();
    run().wait_success().await.unwrap();
    let outputs = run().outputs().await.unwrap();
    let texts: Vec<_> = outputs.iter().map(|output| (output.task_key.as_str(), output.text().map(str::trim))).collect();
    assert_eq!(texts, [("good", Some("fine")), ("bad", Some("mended")), ("last", Some("fine"))]);
    // A second repair has to name the first.
    put(&f.w, "/bad.py", "1 / 0").await;
    assert!(run().repair_failed().await.unwrap_err().is_bad_request());
}

#[tokio::test]
async fn a_run_is_started_once_for_each_token() {
    let f = Fixture::start().await;
    put(&f.w, "/good.py", "print('fine')").await;
    let job = f.w.jobs().create().tasks(vec![python("a", "/good.py", &[])]).await.unwrap().job_id.unwrap();
    let first = f.w.jobs().run_now(job).start().await.unwrap();
    let second = f.w.jobs().run_now(job).start().await.unwrap();
    assert_ne!(first.id(), second.id());
    let tokens: Vec<_> = f
        .local
        .requests()
        .into_iter()
        .filter(|request| request.path.ends_with("/run-now"))
        .map(|request| serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["idempotency_token"].clone())
        .collect();
    assert!(tokens[0].as_str().is_some_and(|token| token.len() == 36) && tokens[0] != tokens[1], "{tokens:?}");
    let same = f.w.jobs().run_now(job).idempotency_token(tokens[0].as_str().unwrap()).start().await.unwrap();
    assert_eq!(same.id(), first.id());
}

#[tokio::test]
async fn a_run_that_is_cancelled_or_dropped_ends() {
    let f = Fixture::start().await;
    put(&f.w, "/slow.py", "import time\ntime.sleep(600)").await;
    let run = start(&f.w, "slow", vec![python("slow", "/slow.py", &[])]).await;
    let timeout = f.w.jobs().run(run.id()).poll_interval(SOON).timeout(Duration::from_millis(30));
    assert_eq!(timeout.wait().await.unwrap_err().kind(), ErrorKind::WaitTimeout);
    run.cancel().await.unwrap();
    let error = run.wait_success().await.unwrap_err();
    assert!(error.to_string().contains("CANCELED"), "{error}");

    let run = start(&f.w, "slow", vec![python("slow", "/slow.py", &[])]).await.cancel_on_drop();
    let id = run.id();
    drop(run);
    f.w.client().shutdown().await;
    assert!(f.w.jobs().run(id).poll_interval(SOON).wait_success().await.is_err());
    // One that is detached goes on.
    let run = start(&f.w, "slow", vec![python("slow", "/slow.py", &[])]).await.cancel_on_drop().detach();
    let id = run.id();
    drop(run);
    f.w.client().shutdown().await;
    assert_eq!(f.local.requests().iter().filter(|request| request.path.ends_with("/runs/cancel")).count(), 2);
    f.w.jobs().run(id).cancel().await.unwrap();
}

#[tokio::test]
async fn more_tasks_than_a_page_holds() {
    let f = Fixture::start().await;
    put(&f.w, "/good.py", "pass").await;
    put(&f.w, "/bad.py", "1 / 0").await;
    // All but the first wait for one that fails, so that 250 tasks end at once.
    let rest = (1..250).map(|i| after(python(&format!("t{i:03}"), "/good.py", &[]), &["t000"]));
    let tasks: Vec<Task> = std::iter::once(python("t000", "/bad.py", &[])).chain(rest).collect();
    let job = f.w.jobs().create().name("many").tasks(tasks).await.unwrap().job_id.unwrap();
    let keys =
        |tasks: Option<Vec<Task>>| tasks.unwrap_or_default().into_iter().map(|task| task.task_key).collect::<Vec<_>>();
    let wanted: Vec<_> = (0..250).map(|i| format!("t{i:03}")).collect();
    assert_eq!(keys(f.w.jobs().get(job).await.unwrap().settings.unwrap().tasks).len(), 100);
    assert_eq!(keys(f.w.jobs().get(job).all_pages().await.unwrap().settings.unwrap().tasks), wanted);
    assert_eq!(f.w.jobs().by_name("many").await.unwrap().job_id, Some(job));
    assert!(f.w.jobs().by_name("MANY").await.is_err());
    let listed = f.w.jobs().list().in_full().try_next().await.unwrap().unwrap();
    assert_eq!(listed.has_more, None);
    assert_eq!(keys(listed.settings.unwrap().tasks), wanted);

    let run = f.w.jobs().run_now(job).start().await.unwrap().poll_interval(SOON);
    let id = run.id();
    assert_eq!(run.wait().await.unwrap().tasks.unwrap().len(), 250);
    let runs = f.w.jobs().list_runs().job_id(job).in_full().try_collect().await.unwrap();
    assert_eq!(runs[0].tasks.as_ref().unwrap().len(), 250);
    let error = f.w.jobs().run(id).wait_success().await.unwrap_err().to_string();
    assert!(error.contains("250 of 250 tasks failed") && error.contains("; and 240 more"), "{error}");
}

#[tokio::test]
async fn tasks_without_a_job() {
    let f = Fixture::start().await;
    put(&f.w, "/good.py", "print('once')").await;
    let task = SubmitTask::new("only").spark_python_task(SparkPythonTask::new("/good.py"));
    let run = f.w.jobs().submit().run_name("once").tasks(vec![task]).start().await.unwrap().poll_interval(SOON);
    let id = run.id();
    run.wait_success().await.unwrap();
    assert_eq!(f.w.jobs().run(id).outputs().await.unwrap()[0].text().map(str::trim), Some("once"));
    let refused = f.w.jobs().submit().tasks(vec![SubmitTask::new("empty")]).start().await.unwrap_err();
    assert!(refused.is_bad_request() && refused.to_string().contains("says nothing to do"), "{refused}");
}
