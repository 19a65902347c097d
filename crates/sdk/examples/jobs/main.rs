//! A job from its making to its removal: tasks that depend on each other, a failure, a repair, the outputs.
//!
//! Without any configuration it works on an embedded workspace, in this process. With one (a profile or `DATABRICKS_*`
//! variables) it works there if it is called with `--yes`: on the warehouse of `DATABRICKS_WAREHOUSE_ID`, Python on
//! serverless compute, files in a directory of your home. All of it is removed at the end.
//!
//! ```text
//! cargo run -p databricks-sdk --example jobs [-- --yes]
//! ```

#![allow(clippy::print_stdout)]

#[path = "../quickstart/workspace.rs"]
mod workspace;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_sdk::jobs::RunHandle;
use databricks_sdk::models::compute::Environment;
use databricks_sdk::models::jobs::{
    JobEnvironment, JobParameterDefinition, NotebookTask, Run, SparkPythonTask, SqlTask, SqlTaskFile, Task,
    TaskDependency,
};
use databricks_sdk::models::workspace::{ImportFormat, Language};
use databricks_sdk::{Result, Table, WorkspaceClient};
use indicatif::{ProgressBar, ProgressStyle};

#[tokio::main]
async fn main() -> ExitCode {
    let yes = std::env::args().any(|argument| argument == "--yes");
    match run(yes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn run(yes: bool) -> Result<()> {
    let session = workspace::open(yes).await?;
    if !session.may_change() {
        println!("Nothing was done on this workspace. Call with --yes to make, run and remove a job there.");
        return Ok(());
    }
    let w = session.client();
    let me = w.current_user().me().await?.user_name.unwrap_or_default();
    let directory = format!("/Workspace/Users/{me}/databricks-sdk-example");
    let warehouse = session.warehouse().await?;
    let job = make(w, &directory, &warehouse).await?;
    let result = follow(w, job, &directory).await;
    // What was made is removed, whatever came of it.
    w.jobs().delete(job).await?;
    w.workspace().delete(&directory).recursive(true).await?;
    result?;
    w.client().shutdown().await;
    session.close().await;
    Ok(())
}

/// Puts the sources there and makes a job of three tasks in a row.
async fn make(w: &WorkspaceClient, directory: &str, warehouse: &str) -> Result<i64> {
    w.workspace().mkdirs(directory).await?;
    put(w, &format!("{directory}/count.sql"), "SELECT count(*) AS rows FROM range(0, 1000);").await?;
    put(w, &format!("{directory}/greet.py"), "import sys\nprint('Good morning on', sys.argv[1])").await?;
    put(
        w,
        &format!("{directory}/report.py"),
        "# Databricks notebook source\nraise ValueError('the report has no title')",
    )
    .await?;
    let after = |task: Task, key: &str| task.depends_on(vec![TaskDependency::new(key)]);
    let count =
        Task::new("count").sql_task(SqlTask::new(warehouse).file(SqlTaskFile::new(format!("{directory}/count.sql"))));
    let greet =
        SparkPythonTask::new(format!("{directory}/greet.py")).parameters(vec!["{{job.parameters.day}}".to_owned()]);
    let greet = after(Task::new("greet").environment_key("default").spark_python_task(greet), "count");
    let report = after(Task::new("report").notebook_task(NotebookTask::new(format!("{directory}/report.py"))), "greet");
    let job = w
        .jobs()
        .create()
        .name("databricks-sdk example")
        .tasks(vec![count, greet, report])
        .parameters(vec![JobParameterDefinition::new("day", "Monday")])
        .environments(vec![JobEnvironment::new("default").spec(Environment::new().environment_version("2"))])
        .await?;
    let id = job.job_id.unwrap_or_default();
    println!("\nJob {id} is made of three tasks: count, greet, report.");
    Ok(id)
}

async fn put(w: &WorkspaceClient, path: &str, text: &str) -> Result<()> {
    let import = w.workspace().import(path).content(STANDARD.encode(text)).overwrite(true);
    // A notebook states so in its first line; everything else stays a file.
    let notebook = text.starts_with("# Databricks notebook source");
    let import = if notebook {
        import.format(ImportFormat::Source).language(Language::Python)
    } else {
        import.format(ImportFormat::Auto)
    };
    import.await
}

async fn follow(w: &WorkspaceClient, job: i64, directory: &str) -> Result<()> {
    let parameters = BTreeMap::from([("day".to_owned(), "Tuesday".to_owned())]);
    let run = w
        .jobs()
        .run_now(job)
        .job_parameters(parameters)
        .start()
        .await?
        .poll_interval(Duration::from_millis(300))
        .cancel_on_drop();
    let id = run.id();
    println!("Run {id} has begun.");
    watch(&run).await?;
    if let Err(error) = run.wait_success().await {
        println!("\n{error}");
        println!("\nThe report gets a title, and what failed runs once more.");
        let mended = "# Databricks notebook source\ndbutils.notebook.exit('Report of ' + dbutils.widgets.get('day'))";
        put(w, &format!("{directory}/report.py"), mended).await?;
        let run = w.jobs().run(id).poll_interval(Duration::from_millis(300)).cancel_on_drop();
        run.repair_failed().await?;
        watch(&run).await?;
        run.wait_success().await?;
    }
    let mut table = Table::new(["task", "run", "output"]);
    for output in w.jobs().run(id).outputs().await? {
        let text =
            output.text().map_or_else(|| "a result that can be read by SQL".to_owned(), |text| text.trim().to_owned());
        table.push([output.task_key.clone(), output.run_id.to_string(), text]);
    }
    println!("\n{table}");
    Ok(())
}

/// Shows the course of the run: a bar of its tasks.
async fn watch(run: &RunHandle) -> Result<()> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tasks, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    let mut states = run.updates();
    while let Some(run) = states.try_next().await? {
        let (done, all, state) = progress(&run);
        bar.set_length(all);
        bar.set_position(done);
        bar.set_message(state);
    }
    bar.finish();
    Ok(())
}

/// Tasks that have ended, all tasks, and the state of the run.
#[allow(deprecated)]
fn progress(run: &Run) -> (u64, u64, String) {
    let ended = |task: &&databricks_sdk::models::jobs::RunTask| {
        task.state
            .as_ref()
            .and_then(|state| state.life_cycle_state.as_ref())
            .is_some_and(|state| state.as_str() == "TERMINATED")
    };
    let tasks = run.tasks.as_deref().unwrap_or_default();
    let state = run
        .state
        .as_ref()
        .and_then(|state| state.life_cycle_state.as_ref())
        .map(ToString::to_string)
        .unwrap_or_default();
    (tasks.iter().filter(ended).count() as u64, tasks.len() as u64, state)
}
