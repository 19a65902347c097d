//! The commands of execution contexts: what starts an interpreter and runs them one after the other.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::python::{Interpreter, Output, Work};
use crate::reply::ApiError;
use crate::sql::notebook;
use crate::state::App;
use crate::state::contexts::{Command, CommandStatus, ContextStatus, Language, TASK_CLUSTER, lost};
use crate::state::starter::ContextStarter;

/// Makes a context and starts what runs its commands; gives its identifier.
pub(crate) async fn create(
    starter: &ContextStarter,
    cluster_id: &str,
    spark: i64,
    language: Language,
) -> Result<String, ApiError> {
    starter.contexts.check_room(cluster_id)?;
    let interpreter = match language {
        Language::Sql => None,
        Language::Python => Some(start_python(starter, task_of(cluster_id)).await?),
    };
    let id = starter.ids.digits();
    let process = interpreter.as_ref().map(Interpreter::process);
    let (context, commands) = starter.contexts.add(&id, cluster_id, spark, language, process);
    let status = context.status_sender();
    match interpreter {
        Some(interpreter) => drop(tokio::spawn(python(interpreter, status, commands))),
        None => drop(tokio::spawn(sql(Arc::clone(&starter.sql), commands))),
    }
    Ok(id)
}

/// The run id of the task whose own cluster that is.
fn task_of(cluster_id: &str) -> Option<i64> {
    cluster_id.strip_prefix(TASK_CLUSTER)?.parse().ok()
}

async fn start_python(starter: &ContextStarter, task: Option<i64>) -> Result<Interpreter, ApiError> {
    let python = &starter.python;
    let workspace = json!({
        "host": python.host,
        "port": python.port,
        "authority": python.authority,
        "token": python.token,
        "user": python.user,
        "task": task,
        "spark": python.spark.is_some(),
    });
    let mut variables = Vec::new();
    if let Some(remote) = &python.spark {
        // A session of the context's own, so that no cluster has to be named.
        variables.push(("SPARK_REMOTE", format!("{remote};x-databricks-session-id={}", starter.ids.uuid())));
        if let Some(authority) = &python.authority {
            variables.push(("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", authority.display().to_string()));
        }
    }
    let (program, directory) = (python.program.clone(), starter.sql.directory.path().to_owned());
    let shown = program.display().to_string();
    let started = tokio::task::spawn_blocking(move || {
        Interpreter::start(&program, Path::new(&directory), &variables, &workspace)
    })
    .await;
    started.map_err(std::io::Error::other).flatten().map_err(|e| {
        ApiError::internal(if e.kind() == std::io::ErrorKind::NotFound {
            format!(
                "Python contexts need the program '{shown}', which was not found: install Python 3, or name its path \
                 when the workspace is built"
            )
        } else {
            format!("The interpreter '{shown}' could not be started: {e}")
        })
    })
}

/// Runs the commands of a Python context one after the other, until the context is gone or its interpreter is.
///
/// Each runs in a blocking task, during which a paused Tokio clock stands still: the time that a command takes counts
/// for nothing in tests that steer the clock.
async fn python(
    mut interpreter: Interpreter,
    status: watch::Sender<ContextStatus>,
    mut commands: mpsc::UnboundedReceiver<Arc<Command>>,
) {
    let up = tokio::task::spawn_blocking(move || interpreter.ready().map(|()| interpreter)).await;
    let Ok(Ok(mut interpreter)) = up else {
        status.send_replace(ContextStatus::Error);
        commands.close();
        while let Some(command) = commands.recv().await {
            command.end(CommandStatus::Error(lost()));
        }
        return;
    };
    status.send_replace(ContextStatus::Running);
    while let Some(command) = commands.recv().await {
        if !command.begin() {
            continue;
        }
        let work = command.work.clone();
        let run = tokio::task::spawn_blocking(move || {
            let output = interpreter.run(&work);
            (interpreter, output)
        });
        let Ok((back, output)) = run.await else {
            command.end(CommandStatus::Error(lost()));
            break;
        };
        interpreter = back;
        match output {
            Ok(output) => command.end(outcome(output)),
            Err(_) => {
                let asked = matches!(*command.status.borrow(), CommandStatus::Cancelling);
                command.end(if asked { CommandStatus::Cancelled } else { CommandStatus::Error(lost()) });
                break;
            }
        }
    }
    status.send_replace(ContextStatus::Error);
    commands.close();
    while let Some(command) = commands.recv().await {
        command.end(CommandStatus::Error(lost()));
    }
}

fn outcome(output: Output) -> CommandStatus {
    CommandStatus::Finished(match output {
        Output::Cancelled => return CommandStatus::Cancelled,
        Output::Ready => return CommandStatus::Error(lost()),
        Output::Text { data, truncated } => json!({"resultType": "text", "data": data, "truncated": truncated}),
        Output::Notebook { printed, truncated, exit } => {
            json!({"resultType": "notebook", "data": printed, "truncated": truncated, "exit": exit})
        }
        Output::Table { data, schema, truncated } => json!({
            "resultType": "table",
            "data": data,
            "schema": schema,
            "truncated": truncated,
            "isJsonSchema": true,
            "pos": Value::Null,
        }),
        Output::Error { summary, cause } => json!({"resultType": "error", "summary": summary, "cause": cause}),
    })
}

async fn sql(app: Arc<App>, mut commands: mpsc::UnboundedReceiver<Arc<Command>>) {
    while let Some(command) = commands.recv().await {
        if !command.begin() {
            continue;
        }
        let (Work::Code(code) | Work::Notebook { source: code, .. }) = &command.work;
        let mut status = command.status.subscribe();
        let cancelled = async move {
            // The value is let go of at once: it locks the status.
            let _ = status.wait_for(|s| matches!(s, CommandStatus::Cancelling) || s.is_final()).await;
        };
        let results = tokio::select! {
            results = notebook::run(&app, code, notebook::ROW_LIMIT) => results,
            () = cancelled => {
                command.end(CommandStatus::Cancelled);
                continue;
            }
        };
        command.end(CommandStatus::Finished(results));
    }
}
