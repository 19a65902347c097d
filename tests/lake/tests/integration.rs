//! The tests that object_store offers for its implementations, on the embedded workspace.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

use std::sync::Arc;

use databricks_lake::Local;
use databricks_object_store::VolumeStore;
use object_store::integration as tests;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

async fn store() -> (Local, VolumeStore) {
    let local = Local::start().await.unwrap();
    let store = local.store("/Volumes/main/default/data").unwrap();
    (local, store)
}

#[tokio::test]
async fn put_get_delete_list() {
    let (_local, store) = store().await;
    tests::put_get_delete_list(&store).await;
}

#[tokio::test]
async fn conditions_of_get_and_put() {
    let (_local, store) = store().await;
    tests::get_opts(&store).await;
    tests::put_opts(&store, false).await;
}

#[tokio::test]
async fn streams() {
    let (_local, store) = store().await;
    tests::stream_get(&store).await;
}

#[tokio::test]
async fn lists() {
    let (_local, store) = store().await;
    tests::list_uses_directories_correctly(&store).await;
    tests::list_with_delimiter(&store).await;
    tests::list_with_offset_exclusivity(&store).await;
}

#[tokio::test]
async fn copies_and_renames() {
    let (_local, store) = store().await;
    tests::rename_and_copy(&store).await;
    tests::copy_if_not_exists(&store).await;
    tests::copy_rename_nonexistent_object(&store).await;
}

#[tokio::test]
async fn multipart() {
    let (_local, store) = store().await;
    tests::multipart_out_of_order(&store).await;
    tests::multipart_race_condition(&store, true).await;
}

#[tokio::test]
async fn objects_that_are_not_there() {
    let (_local, store) = store().await;
    let store: Arc<dyn ObjectStore> = Arc::new(store);
    for location in [None, Some(Path::from("nothing/here"))] {
        let error = tests::get_nonexistent_object(&*store, location).await.unwrap_err();
        assert!(matches!(error, object_store::Error::NotFound { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_directory_of_a_volume_is_a_store_too() {
    let (local, volume) = store().await;
    let inner = local.store("/Volumes/main/default/data/inner/part").unwrap();
    inner.put(&Path::from("a/b"), "c".into()).await.unwrap();
    let read = volume.get(&Path::from("inner/part/a/b")).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, "c");
    tests::list_with_delimiter(&inner_of(&local)).await;
}

fn inner_of(local: &Local) -> VolumeStore {
    local.store("/Volumes/main/default/data/another").unwrap()
}
