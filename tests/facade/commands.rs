//! Code on a cluster.

use std::time::Duration;

use databricks_sdk::models::compute::Language;
use databricks_sdk::{CommandResult, Context, ErrorKind};
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
