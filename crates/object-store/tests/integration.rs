//! The tests that object_store offers for its implementations, on the embedded workspace.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

use databricks_local::LocalWorkspace;
use databricks_object_store::VolumeStore;
use databricks_sdk::{Config, WorkspaceClient};
use object_store::integration as tests;

async fn store() -> (LocalWorkspace, VolumeStore) {
    let local = LocalWorkspace::start().await.unwrap();
    let w = WorkspaceClient::new(Config::hermetic().host(local.url()).token(local.token())).unwrap();
    let store = VolumeStore::new(w.volume("/Volumes/main/default/data").unwrap());
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
    let (local, store) = store().await;
    tests::multipart_out_of_order(&store).await;
    tests::multipart_race_condition(&store, true).await;
    assert_eq!(local.open_uploads(), (0, 0));
}
