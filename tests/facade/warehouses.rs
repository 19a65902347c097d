//! A warehouse's life.

use std::time::Duration;

use databricks_sdk::models::sql::State;
use databricks_tests::Fixture;

#[tokio::test]
async fn from_creation_to_removal() {
    let f = Fixture::start().await;
    let wait = Duration::from_millis(5);
    let created =
        f.w.warehouses()
            .create()
            .name("w")
            .cluster_size("2X-Small")
            .max_num_clusters(1)
            .wait()
            .poll_interval(wait)
            .await
            .unwrap();
    let id = created.id.unwrap();
    assert_eq!(created.state, Some(State::Running));
    let stopped = f.w.warehouses().stop(&id).wait().poll_interval(wait).await.unwrap();
    assert_eq!(stopped.state, Some(State::Stopped));
    let listed = f.w.warehouses().list().items().try_collect().await.unwrap();
    assert!(listed.iter().any(|one| one.id.as_ref() == Some(&id) && one.state == Some(State::Stopped)));
    let started = f.w.warehouses().start(&id).wait().poll_interval(wait).await.unwrap();
    assert_eq!(started.name.as_deref(), Some("w"));
    f.w.warehouses().delete(&id).await.unwrap();
    assert!(f.w.warehouses().get(&id).await.unwrap_err().is_not_found());
}
