//! Lists that span pages.

use databricks_tests::Fixture;

async fn with_clusters(n: usize) -> Fixture {
    let f = Fixture::start().await;
    let node = f.w.clusters().list_node_types().await.unwrap().node_types.unwrap().remove(0).node_type_id;
    let version = f.w.clusters().spark_versions().await.unwrap().versions.unwrap().remove(0).key.unwrap();
    for i in 0..n {
        f.w.clusters()
            .create(version.clone())
            .cluster_name(format!("c{i}"))
            .node_type_id(node.clone())
            .num_workers(1)
            .await
            .unwrap();
    }
    f
}

fn listings(f: &Fixture) -> usize {
    f.local.requests().iter().filter(|request| request.path.ends_with("/clusters/list")).count()
}

#[tokio::test]
async fn items_come_from_as_many_pages_as_it_takes() {
    let f = with_clusters(5).await;
    let mut names: Vec<_> =
        f.w.clusters()
            .list()
            .page_size(2)
            .items()
            .try_collect()
            .await
            .unwrap()
            .into_iter()
            .filter_map(|c| c.cluster_name)
            .collect();
    names.sort();
    names.retain(|name| name.starts_with('c') && name.len() == 2);
    assert_eq!(names, ["c0", "c1", "c2", "c3", "c4"]);
    assert!(listings(&f) >= 3);
}

#[tokio::test]
async fn a_limit_fetches_no_page_too_many() {
    let f = with_clusters(5).await;
    let before = listings(&f);
    let two = f.w.clusters().list().page_size(2).items().limit(2).try_collect().await.unwrap();
    assert_eq!(two.len(), 2);
    assert_eq!(listings(&f) - before, 1);
}

#[tokio::test]
async fn a_listing_can_be_taken_up_again() {
    let f = with_clusters(5).await;
    let mut pages = f.w.clusters().list().page_size(2).pages();
    assert!(pages.continuation().is_none());
    let first = pages.try_next().await.unwrap().unwrap();
    let from = pages.continuation().cloned().unwrap();
    let mut rest = f.w.clusters().list().page_size(2).pages().resume(from);
    let second = rest.try_next().await.unwrap().unwrap();
    let ids = |page: &databricks_sdk::Page<databricks_sdk::models::compute::ClusterDetails>| -> Vec<_> {
        page.items.iter().filter_map(|cluster| cluster.cluster_id.clone()).collect()
    };
    assert!(ids(&first).iter().all(|id| !ids(&second).contains(id)));
    assert_eq!(ids(&second), ids(&pages.try_next().await.unwrap().unwrap()));
}
