//! A cluster's life.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use databricks_sdk::models::compute::State;
use databricks_sdk::{ErrorKind, WorkspaceClient, api_error};
use databricks_tests::Fixture;

async fn create(w: &WorkspaceClient, name: &str) -> String {
    let node = w.clusters().list_node_types().await.unwrap().node_types.unwrap().remove(0).node_type_id;
    let version = w.clusters().spark_versions().await.unwrap().versions.unwrap().remove(0).key.unwrap();
    w.clusters().create(version).cluster_name(name).node_type_id(node).num_workers(1).await.unwrap().cluster_id.unwrap()
}

#[tokio::test]
async fn from_creation_to_removal() {
    let f = Fixture::start().await;
    let node = f.w.clusters().list_node_types().await.unwrap().node_types.unwrap().remove(0).node_type_id;
    let version = f.w.clusters().spark_versions().await.unwrap().versions.unwrap().remove(0).key.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let cluster =
        f.w.clusters()
            .create(version)
            .cluster_name("c")
            .node_type_id(node)
            .num_workers(2)
            .wait()
            .poll_interval(Duration::from_millis(5))
            .on_progress({
                let seen = seen.clone();
                move |look| seen.lock().unwrap().push(look.state.clone())
            })
            .await
            .unwrap();
    assert_eq!((cluster.state, cluster.num_workers), (Some(State::Running), Some(2)));
    assert_eq!(seen.lock().unwrap().last(), Some(&State::Running));

    let id = cluster.cluster_id.unwrap();
    let wait = Duration::from_millis(5);
    let restarted = f.w.clusters().restart(&id).wait().poll_interval(wait).await.unwrap();
    assert_eq!(restarted.state, Some(State::Running));
    let terminated = f.w.clusters().delete(&id).wait().poll_interval(wait).await.unwrap();
    assert_eq!(terminated.state, Some(State::Terminated));
    let started = f.w.clusters().start(&id).wait().poll_interval(wait).await.unwrap();
    assert_eq!(started.state, Some(State::Running));

    f.w.clusters().permanent_delete(&id).await.unwrap();
    let error = f.w.clusters().get(&id).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.api().map(api_error::ApiError::kind), Some(databricks_sdk::ApiErrorKind::ResourceDoesNotExist));
}

#[tokio::test]
async fn a_failed_wait_says_what_it_got() {
    let f = Fixture::start_with(|builder| builder.speed(1.0)).await;
    let id = create(&f.w, "slow").await;
    let start = f.w.clusters().get(&id).await.unwrap();
    assert_eq!(start.state, Some(State::Pending));
    let node = start.node_type_id.unwrap();
    let error =
        f.w.clusters()
            .create(start.spark_version.unwrap())
            .node_type_id(node)
            .num_workers(1)
            .wait()
            .timeout(Duration::from_millis(30))
            .poll_interval(Duration::from_millis(10))
            .await
            .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.to_string().contains("PENDING"), "{error}");
}

#[tokio::test]
async fn starting_a_cluster_that_runs_is_an_error_of_the_service() {
    let f = Fixture::start().await;
    let id = create(&f.w, "c").await;
    let error = f.w.clusters().start(&id).await.unwrap_err();
    assert_eq!(error.api().and_then(|api| api.code().map(str::to_owned)).as_deref(), Some("INVALID_STATE"), "{error}");
    assert!(error.is_bad_request());
}

#[tokio::test]
async fn a_cluster_runs_when_it_is_needed() {
    let f = Fixture::start().await;
    let soon = Duration::from_millis(5);
    let cluster =
        f.w.clusters()
            .get_or_create_running("shared")
            .poll_interval(soon)
            .configure(|create| create.num_workers(3))
            .await
            .unwrap();
    assert_eq!(
        (cluster.state, cluster.num_workers, cluster.autotermination_minutes),
        (Some(State::Running), Some(3), Some(60))
    );
    let id = cluster.cluster_id.unwrap();
    f.w.clusters().delete(&id).await.unwrap();
    let again = f.w.clusters().get_or_create_running("shared").poll_interval(soon).await.unwrap();
    assert_eq!(again.cluster_id.as_deref(), Some(id.as_str()), "it is started, not made once more");
    f.w.clusters().delete(&id).await.unwrap();
    assert_eq!(f.w.clusters().ensure_running(&id).poll_interval(soon).await.unwrap().state, Some(State::Running));
    assert!(f.w.clusters().ensure_running("no-such").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn many_may_want_a_cluster_to_run_at_once() {
    let f = Fixture::start().await;
    let id = create(&f.w, "shared").await;
    f.w.clusters().delete(&id).wait().poll_interval(Duration::from_millis(5)).await.unwrap();
    let ensure = || async { f.w.clusters().ensure_running(&id).poll_interval(Duration::from_millis(5)).await };
    let (a, b, c) = tokio::join!(ensure(), ensure(), ensure());
    for cluster in [a, b, c] {
        assert_eq!(cluster.unwrap().state, Some(State::Running));
    }
}

#[tokio::test]
async fn a_cluster_that_does_not_come_up_in_time() {
    let f = Fixture::start_with(|builder| builder.speed(1.0)).await;
    let id = create(&f.w, "slow").await;
    let ensure =
        f.w.clusters().ensure_running(&id).timeout(Duration::from_millis(30)).poll_interval(Duration::from_millis(10));
    let error = ensure.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WaitTimeout);
    assert!(error.to_string().contains("last state PENDING"), "{error}");
}

#[tokio::test]
async fn names_lead_to_one_thing_or_to_an_error() {
    let f = Fixture::start().await;
    let id = create(&f.w, "one").await;
    create(&f.w, "two").await;
    create(&f.w, "two").await;
    assert_eq!(f.w.clusters().by_name("one").await.unwrap().cluster_id, Some(id));
    let error = f.w.clusters().by_name("none").await.unwrap_err();
    assert!(error.to_string().contains("no cluster is named \"none\""), "{error}");
    let error = f.w.clusters().by_name("two").await.unwrap_err();
    assert!(error.to_string().contains("2 of the kind cluster are named") && error.hint().is_some(), "{error}");
}
