//! Code on a cluster.

use std::time::Duration;

use databricks_sdk::ErrorKind;
use databricks_sdk::commands::{CommandResult, Context};
use databricks_sdk::models::compute::Language;
use databricks_tests::Fixture;
use serde::Deserialize;

async fn context(f: &Fixture) -> Context {
    let node = f.w.clusters().list_node_types().await.unwrap().node_types.unwrap().remove(0).node_type_id;
    let version = f.w.clusters().spark_versions().await.unwrap().versions.unwrap().remove(0).key.unwrap();
    let create = f.w.clusters().create(version).cluster_name("c").node_type_id(node).num_workers(1);
    let cluster = create.wait().poll_interval(Duration::from_millis(5)).await.unwrap();
    f.w.context(cluster.cluster_id.unwrap(), Language::Python).await.unwrap()
}

#[tokio::test]
async fn variables_stay_from_one_command_to_the_next() {
    let f = Fixture::start().await;
    let context = context(&f).await;
    context.run("a = 20").await.unwrap().into_result().unwrap();
    let result = context.run("    a += 1\n    print(a * 2)").await.unwrap();
    assert_eq!(result.text().unwrap().trim_end(), "42");
    context.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_exception_is_a_result_with_its_text() {
    let f = Fixture::start().await;
    let context = context(&f).await;
    let result = context.run("raise ValueError('no such thing')").await.unwrap();
    let CommandResult::Error { message, cause } = &result else { panic!("{result:?}") };
    assert!(message.contains("no such thing"), "{message}");
    assert!(cause.contains("ValueError"), "{cause}");
    let error = result.into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.to_string().contains("no such thing"));
}

#[tokio::test]
async fn tables_read_into_types_and_print() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        a: i64,
        b: String,
    }
    let f = Fixture::start().await;
    let context = context(&f).await;
    let result = context.run("display([{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}])").await.unwrap();
    assert_eq!(result.rows::<Row>().unwrap(), [Row { a: 1, b: "x".into() }, Row { a: 2, b: "y".into() }]);
    assert!(result.to_string().starts_with("a  b\n"), "{result}");
}

#[tokio::test]
async fn a_dropped_context_is_destroyed() {
    let f = Fixture::start().await;
    let context = context(&f).await;
    drop(context);
    let destroyed = async {
        while !f.local.requests().iter().any(|request| request.path.ends_with("/contexts/destroy")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), destroyed).await.expect("destroyed in the background");
}

#[tokio::test]
async fn the_course_of_a_command_is_a_stream() {
    use databricks_sdk::commands::CommandUpdate;
    let f = Fixture::start().await;
    let context = context(&f).await;
    let mut course = context.run("import time\ntime.sleep(0.3)\nprint('done')").stream();
    let (mut states, mut result) = (Vec::new(), None);
    while let Some(update) = course.try_next().await.unwrap() {
        match update {
            CommandUpdate::Status(status) => states.push(status.as_str().to_owned()),
            CommandUpdate::Result(end) => result = Some(end),
            _ => {}
        }
    }
    assert_eq!(states.last().map(String::as_str), Some("Running"));
    assert_eq!(result.unwrap().text().unwrap().trim(), "done");
}

#[tokio::test]
async fn a_command_can_be_cancelled_and_the_context_lives_on() {
    let f = Fixture::start().await;
    let context = context(&f).await;
    let command = context.run("import time\ntime.sleep(600)").start().await.unwrap();
    command.cancel().await.unwrap();
    // The pauses between polls take no time, so that the timeout passes after some polls.
    let w = f.jumping();
    let attached = w.attach_context(context.cluster_id(), context.id(), Language::Python);
    let error = attached.run("import time\ntime.sleep(600)").timeout(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    drop(attached);
    w.client().shutdown().await;
    assert_eq!(f.local.requests().iter().filter(|request| request.path.ends_with("/commands/cancel")).count(), 2);
    assert_eq!(context.run("print(1)").await.unwrap().text().unwrap().trim(), "1");
}

#[tokio::test]
async fn sql_in_a_context_gives_a_table() {
    let f = Fixture::start().await;
    let python = context(&f).await;
    let context = f.w.context(python.cluster_id(), Language::Sql).await.unwrap();
    let result = context.run("SELECT id, CAST(id AS STRING) AS text FROM range(0, 2)").await.unwrap();
    let CommandResult::Table(table) = &result else { panic!("{result:?}") };
    assert_eq!(table.columns.iter().map(|c| c.type_text.as_str()).collect::<Vec<_>>(), ["long", "string"]);
    assert_eq!(result.to_string(), "id  text\n--  ----\n0   0\n1   1\n");
    let failed = context.run("SELECT nothing FROM nowhere").await.unwrap();
    assert!(failed.text().unwrap_err().to_string().contains("nowhere"), "{failed:?}");
}

#[tokio::test]
async fn languages_that_a_cluster_does_not_run_are_its_own_error() {
    let f = Fixture::start().await;
    let python = context(&f).await;
    for language in [Language::Scala, Language::R] {
        let error = f.w.context(python.cluster_id(), language).await.unwrap_err();
        assert!(error.to_string().contains("python and sql"), "{error}");
    }
}
