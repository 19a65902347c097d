//! `helper`: hand-written conveniences for SQL, commands, clusters and jobs; those for files are in `files_op`.

use databricks_sdk::commands::CommandResult;
use databricks_sdk::compute::{NodeQuery, SparkVersionQuery};
use databricks_sdk::models::compute::{Language, Library};
use databricks_sdk::models::jobs::{Job, Run};
use databricks_sdk::sql::{Disposition, Format, Parameter, Query};
use databricks_sdk::{Error, ErrorKind, Result, WorkspaceClient};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::drive::{Came, Case};
use super::{files_op, http_op, text};

/// Runs a helper; `None` if this client has no such helper, or it belongs to another driver.
///
/// * `wanted`: the result that the case expects. Of jobs and runs, cases name the members that they look at.
pub(crate) async fn run(case: &Case<'_>, wanted: &Value) -> Option<Came> {
    let params = &case.request["params"];
    let client = match http_op::client(case) {
        Ok(client) => client,
        Err(error) => return Some(Err(error)),
    };
    let w = WorkspaceClient::from(client);
    Some(match text(case.request, "helper") {
        "sql.query_rows" => rows(&w, params).await,
        "sql.query_bytes" => bytes(&w, params).await,
        "command.run" => command(&w, params).await,
        "dbutils.call" => dbutils(&w, case, params).await,
        "clusters.ensure_running" => w.clusters().ensure_running(text(params, "cluster_id")).await.map(|it| json(&it)),
        "clusters.get_or_create_running" => {
            w.clusters().get_or_create_running(text(params, "name")).await.map(|it| json(&it))
        }
        "clusters.get_by_name" => w.clusters().by_name(text(params, "name")).await.map(|it| json(&it)),
        "clusters.select_spark_version" => {
            w.clusters().select_spark_version(&spark_version(params)).await.map(Value::from)
        }
        "clusters.select_node_type" => {
            w.clusters().select_node_type(&node_type(params)).await.map(|it| Value::from(it.node_type_id))
        }
        "libraries.update_and_wait" => libraries(&w, params).await,
        "jobs.get" => w.jobs().get(number(params, "job_id")).all_pages().await.map(|job| job_keys(&job, wanted)),
        "jobs.get_run" => {
            w.jobs().get_run(number(params, "run_id")).all_pages().await.map(|run| run_keys(&run, wanted))
        }
        "jobs.list" => w.jobs().list().in_full().try_collect().await.map(|jobs| json(&jobs)),
        "jobs.wait_success" => w.jobs().run(number(params, "run_id")).wait_success().await.map(|run| json(&run)),
        "jobs.outputs" => outputs(&w, params).await,
        "jobs.repair_failed" => w.jobs().run(number(params, "run_id")).repair_failed().await.map(Value::from),
        _ => return files_op::run(&w, case, wanted).await,
    })
}

pub(super) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("models can be written as JSON")
}

fn number(params: &Value, name: &str) -> i64 {
    params[name].as_i64().unwrap_or_default()
}

fn query(w: &WorkspaceClient, params: &Value) -> Query {
    let mut query = w.sql(text(params, "statement"));
    for (name, value) in params.as_object().into_iter().flatten() {
        let stated = value.as_str().unwrap_or_default();
        query = match name.as_str() {
            "warehouse_id" => query.warehouse(stated),
            "catalog" => query.catalog(stated),
            "schema" => query.schema(stated),
            "row_limit" => query.row_limit(value.as_i64().unwrap_or_default()),
            "byte_limit" => query.byte_limit(value.as_i64().unwrap_or_default()),
            "timeout_ms" => query.timeout(std::time::Duration::from_millis(value.as_u64().unwrap_or_default())),
            "disposition" if stated == "EXTERNAL_LINKS" => query.disposition(Disposition::ExternalLinks),
            "disposition" if stated == "INLINE" => query.disposition(Disposition::Inline),
            "parameters" => value.as_array().into_iter().flatten().fold(query, |query, item| {
                let sql_type = item["type"].as_str().unwrap_or("STRING");
                let value = item["value"]
                    .as_str()
                    .map_or_else(|| Parameter::null(sql_type), |value| Parameter::new(value, sql_type));
                query.bind(text(item, "name"), value)
            }),
            _ => query,
        };
    }
    query
}

/// All rows as objects by column name.
async fn rows(w: &WorkspaceClient, params: &Value) -> Came {
    query(w, params).collect_json().await.map(Value::from)
}

/// All chunks, one behind the other, as text.
async fn bytes(w: &WorkspaceClient, params: &Value) -> Came {
    let format = match text(params, "format") {
        "ARROW_STREAM" => Format::ArrowStream,
        "CSV" => Format::Csv,
        _ => Format::JsonArray,
    };
    let mut chunks = query(w, params).chunks(format);
    let mut all = Vec::new();
    while let Some(chunk) = chunks.try_next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(Value::from(String::from_utf8_lossy(&all).into_owned()))
}

/// A command in a context of its own.
async fn command(w: &WorkspaceClient, params: &Value) -> Came {
    let context = w.context(text(params, "cluster_id"), Language::from(text(params, "language"))).await?;
    let result = context.run(text(params, "command")).await;
    context.shutdown().await?;
    Ok(match result?.into_result()? {
        CommandResult::Table(table) => json(&table.data),
        CommandResult::Images(names) => json(&names),
        text => Value::from(text.text()?),
    })
}

/// A function of `dbutils` on the configured cluster.
async fn dbutils(w: &WorkspaceClient, case: &Case<'_>, params: &Value) -> Came {
    // Cases end with the call and do not script the end of the context, which a real program would wait for. It is
    // destroyed in the background, and the server of the case is gone by then.
    w.remote_dbutils(text(case.config, "cluster_id")).call(text(params, "path"), &params["args"]).await
}

fn spark_version(params: &Value) -> SparkVersionQuery {
    params.as_object().into_iter().flatten().fold(SparkVersionQuery::new(), |query, (name, value)| {
        let (on, stated) = (value.as_bool().unwrap_or_default(), value.as_str().unwrap_or_default());
        match name.as_str() {
            "long_term_support" => query.long_term_support(on),
            "beta" => query.beta(on),
            "latest" => query.latest(on),
            "ml" => query.ml(on),
            "genomics" => query.genomics(on),
            "gpu" => query.gpu(on),
            "photon" => query.photon(on),
            "graviton" => query.graviton(on),
            "scala" => query.scala(stated),
            "spark_version" => query.spark(stated),
            other => panic!("a runtime has no {other}"),
        }
    })
}

fn node_type(params: &Value) -> NodeQuery {
    params.as_object().into_iter().flatten().fold(NodeQuery::new(), |query, (name, value)| {
        let (on, stated) = (value.as_bool().unwrap_or_default(), value.as_str().unwrap_or_default());
        let count = value.as_i64().unwrap_or_default();
        match name.as_str() {
            "min_memory_gb" => query.min_memory_gb(count),
            "gb_per_core" => query.gb_per_core(count),
            "min_cores" => query.min_cores(value.as_f64().unwrap_or_default()),
            "min_gpus" => query.min_gpus(count),
            "local_disk" => query.local_disk(on),
            "local_disk_min_size" => query.local_disk_min_size(count),
            "category" => query.category(stated),
            "photon_worker_capable" => query.photon_worker_capable(on),
            "photon_driver_capable" => query.photon_driver_capable(on),
            "graviton" => query.graviton(on),
            "is_io_cache_enabled" => query.io_cache_enabled(on),
            "support_port_forwarding" => query.port_forwarding(on),
            "fleet" => query.fleet(stated),
            other => panic!("a node type has no {other}"),
        }
    })
}

async fn libraries(w: &WorkspaceClient, params: &Value) -> Came {
    let read = |name: &str| -> Result<Vec<Library>> {
        let list = params.get(name).filter(|list| !list.is_null()).cloned().unwrap_or_else(|| json!([]));
        serde_json::from_value(list).map_err(|e| Error::new(ErrorKind::InvalidInput, "libraries").with_source(e))
    };
    let update =
        w.libraries().update(text(params, "cluster_id")).install(read("install")?).uninstall(read("uninstall")?);
    update.await.map(|all| json(&all))
}

/// The keys of the tasks that have an output.
async fn outputs(w: &WorkspaceClient, params: &Value) -> Came {
    let outputs = w.jobs().run(number(params, "run_id")).outputs().await?;
    Ok(outputs.into_iter().map(|output| output.task_key).collect())
}

/// The keys of a job's parts.
fn job_keys(job: &Job, wanted: &Value) -> Value {
    let settings = job.settings.clone().unwrap_or_default();
    let all = json!({
        "tasks": settings.tasks.unwrap_or_default().into_iter().map(|task| task.task_key).collect::<Vec<_>>(),
        "job_clusters": settings.job_clusters.unwrap_or_default().into_iter().map(|cluster| cluster.job_cluster_key).collect::<Vec<_>>(),
        "parameters": settings.parameters.unwrap_or_default().into_iter().map(|parameter| parameter.name).collect::<Vec<_>>(),
        "environments": settings.environments.unwrap_or_default().into_iter().map(|it| it.environment_key).collect::<Vec<_>>(),
    });
    named(all, wanted)
}

/// The keys of a run's parts.
fn run_keys(run: &Run, wanted: &Value) -> Value {
    let keys = |tasks: &Option<Vec<databricks_sdk::models::jobs::RunTask>>| {
        tasks.iter().flatten().map(|task| task.task_key.clone()).collect::<Vec<_>>()
    };
    let all = json!({
        "tasks": keys(&run.tasks),
        "iterations": keys(&run.iterations),
        "job_clusters": run.job_clusters.iter().flatten().map(|cluster| cluster.job_cluster_key.clone()).collect::<Vec<_>>(),
        "job_parameters": run.job_parameters.iter().flatten().filter_map(|parameter| parameter.name.clone()).collect::<Vec<_>>(),
        "repair_history": run.repair_history.iter().flatten().filter_map(|repair| repair.id).collect::<Vec<_>>(),
    });
    named(all, wanted)
}

/// The members that a case looks at.
fn named(all: Value, wanted: &Value) -> Value {
    let Value::Object(all) = all else { return all };
    let kept: Map<_, _> = all.into_iter().filter(|(name, _)| wanted.get(name).is_some()).collect();
    Value::Object(kept)
}
