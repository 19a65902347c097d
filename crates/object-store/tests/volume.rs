//! A volume of the embedded workspace as a store. The tests that `object_store` itself offers are in `tests/lake`, since
//! they are behind a feature of it that the workspace does not compile.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

use databricks_local::LocalWorkspace;
use databricks_object_store::VolumeStore;
use databricks_sdk::files::TransferSettings;
use databricks_sdk::{Config, WorkspaceClient};
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, MultipartUpload as _, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions,
};

async fn store() -> (LocalWorkspace, WorkspaceClient, VolumeStore) {
    let local = LocalWorkspace::start().await.unwrap();
    let w = WorkspaceClient::new(Config::hermetic().host(local.url()).token(local.token())).unwrap();
    let volume = w.volume("/Volumes/main/default/data").unwrap();
    // Parts of a kilobyte, so that a few of them take the way of large files.
    let settings = TransferSettings::new().multipart_from(1024).part_size(1024).unknown_length_part_size(1024);
    (local, w, VolumeStore::new(volume.settings(settings)))
}

#[tokio::test]
async fn objects_are_put_read_in_ranges_listed_and_deleted() {
    let (_local, _, store) = store().await;
    let path = Path::from("a b/ü.bin");
    store.put(&path, "0123456789".into()).await.unwrap();
    assert_eq!(store.head(&path).await.unwrap().size, 10);
    assert_eq!(store.get_range(&path, 2..5).await.unwrap(), "234");
    let ranges = store.get_ranges(&path, &[0..1, 8..10]).await.unwrap();
    assert_eq!(ranges, ["0", "89"]);
    let tail = GetOptions { range: Some(GetRange::Suffix(3)), ..GetOptions::default() };
    assert_eq!(store.get_opts(&path, tail).await.unwrap().bytes().await.unwrap(), "789");

    let new = PutOptions::from(PutMode::Create);
    let refused = store.put_opts(&path, "x".into(), new).await.unwrap_err();
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    store.copy(&path, &Path::from("copy")).await.unwrap();
    store.rename(&path, &Path::from("deep/er/name")).await.unwrap();
    let mut names: Vec<_> = store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    names.sort();
    assert_eq!(names, ["copy", "deep/er/name"]);
    let top = store.list_with_delimiter(Some(&Path::from("deep"))).await.unwrap();
    assert_eq!((top.common_prefixes, top.objects.len()), (vec![Path::from("deep/er")], 0));
    store.delete(&Path::from("copy")).await.unwrap();
    let gone = store.get(&Path::from("copy")).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
}

#[tokio::test]
async fn parts_of_the_caller_become_one_object() {
    let (local, _, store) = store().await;
    let path = Path::from("parts");
    let mut upload = store.put_multipart(&path).await.unwrap();
    let parts: Vec<Vec<u8>> = (0..5).map(|number| vec![number; 1500]).collect();
    // The order is that of the calls, however the futures run.
    let sent: Vec<_> = parts.iter().map(|part| upload.put_part(part.clone().into())).collect();
    futures_util::future::try_join_all(sent.into_iter().rev()).await.unwrap();
    assert!(store.head(&path).await.is_err(), "an object is there once it is complete");
    upload.complete().await.unwrap();
    assert!(store.get(&path).await.unwrap().bytes().await.unwrap() == parts.concat());
    assert_eq!(local.open_uploads(), (0, 0));
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let (local, w, store) = store().await;
    let path = Path::from("parts");
    let mut upload = store.put_multipart(&path).await.unwrap();
    for _ in 0..3 {
        upload.put_part(vec![7; 1500].into()).await.unwrap();
    }
    upload.abort().await.unwrap();
    w.client().shutdown().await;
    assert_eq!(local.open_uploads(), (0, 0), "the parts are discarded");
    assert!(store.head(&path).await.is_err());
    assert!(upload.complete().await.is_err(), "it was given up");
}
