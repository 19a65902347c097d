//! DBFS, and copies between it, volumes and this machine.

use bytes::Bytes;
use databricks_sdk::ErrorKind;
use databricks_tests::Fixture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

#[tokio::test]
async fn files_are_written_and_read_in_blocks() {
    let fixture = Fixture::start().await;
    let dbfs = fixture.w.dbfs();
    let bytes = content((2 << 20) + 5);
    let mut writer = dbfs.writer("/a/f", false).await.unwrap();
    for piece in bytes.chunks(700_000) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.shutdown().await.unwrap();
    assert!(dbfs.reader("/a/f").await.unwrap().bytes().await.unwrap() == bytes);
    let blocks = fixture.local.requests().iter().filter(|request| request.path.ends_with("/add-block")).count();
    assert_eq!(blocks, 3);

    let mut writer = dbfs.writer("/a/f", true).await.unwrap();
    writer.write_all(b"short").await.unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut writer).await.unwrap();
    let mut text = String::new();
    dbfs.reader("/a/f").await.unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "short");

    assert!(dbfs.writer("/a/f", false).await.unwrap_err().is_already_exists());
    assert!(dbfs.reader("/a/none").await.unwrap_err().is_not_found());
    assert_eq!(dbfs.reader("/a").await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_writer_that_is_dropped_is_closed() {
    let fixture = Fixture::start().await;
    let mut writer = fixture.w.dbfs().writer("/f", false).await.unwrap();
    writer.write(Bytes::from_static(b"lost")).await.unwrap();
    drop(writer);
    fixture.w.client().shutdown().await;
    let closed = fixture.local.requests().iter().filter(|request| request.path.ends_with("/dbfs/close")).count();
    assert_eq!(closed, 1);
}

#[tokio::test]
async fn directories_go_from_any_place_to_any_other() {
    let fixture = Fixture::start().await;
    let fs = fixture.w.fs();
    let directory = tempfile::tempdir().unwrap();
    let local = |name: &str| format!("file:{}", directory.path().join(name).display());
    std::fs::create_dir_all(directory.path().join("in/sub")).unwrap();
    std::fs::write(directory.path().join("in/one"), "1").unwrap();
    std::fs::write(directory.path().join("in/sub/two"), "22").unwrap();

    let refused = fs.copy(local("in"), "/d").await.unwrap_err();
    assert!(refused.to_string().contains("recursive"), "{refused}");
    fs.copy(local("in"), "/d").recursive(true).await.unwrap();
    fs.copy("dbfs:/d", "/Volumes/main/default/v/d").recursive(true).await.unwrap();
    fs.copy("/Volumes/main/default/v/d", local("out")).recursive(true).await.unwrap();
    assert_eq!(std::fs::read_to_string(directory.path().join("out/sub/two")).unwrap(), "22");

    let exists = fs.copy(local("in/one"), "/d/one").await.unwrap_err();
    assert!(exists.is_already_exists(), "{exists}");
    fs.copy(local("in/sub/two"), "/d/one").overwrite(true).await.unwrap();
    assert_eq!(fs.read("/d/one").await.unwrap().bytes().await.unwrap(), "22");
    // Into an existing directory it keeps its name.
    fs.copy(local("in/one"), "/d/sub").await.unwrap();
    let mut listed: Vec<_> = fs.list("/d", true).try_collect().await.unwrap().into_iter().map(|it| it.path).collect();
    listed.sort();
    assert_eq!(listed, ["/d/one", "/d/sub/one", "/d/sub/two"]);

    fs.move_to("/d", "/e").recursive(true).await.unwrap();
    assert!(!fs.exists("/d").await.unwrap() && fs.exists("/e/sub/two").await.unwrap());
    fs.move_to("/e/one", local("moved")).await.unwrap();
    assert!(!fs.exists("/e/one").await.unwrap());
    assert_eq!(std::fs::read_to_string(directory.path().join("moved")).unwrap(), "22");
    fs.move_to("/Volumes/main/default/v/d", "/back").recursive(true).await.unwrap();
    assert!(!fs.exists("/Volumes/main/default/v/d").await.unwrap() && fs.exists("/back/one").await.unwrap());

    let both = fs.copy(local("in"), local("x")).recursive(true).await.unwrap_err();
    assert_eq!(both.kind(), ErrorKind::InvalidInput);
    let inside = fs.copy("/back", "/back").recursive(true).await.unwrap_err();
    assert!(inside.to_string().contains("within it"), "{inside}");
}

#[tokio::test]
async fn directories_are_deleted_only_with_all_they_hold() {
    let fixture = Fixture::start().await;
    let fs = fixture.w.fs();
    for place in ["/x", "/Volumes/main/default/v/x"] {
        fs.write(&format!("{place}/a/f"), "1", false).await.unwrap();
        fs.create_directory(&format!("{place}/empty")).await.unwrap();
        assert_eq!(fs.delete(place, false).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let direct: Vec<_> = fs.list(place, false).try_collect().await.unwrap();
        assert!(direct.iter().all(|entry| entry.is_directory) && direct.len() == 2, "{direct:?}");
        fs.delete(&format!("{place}/a/f"), false).await.unwrap();
        fs.delete(place, true).await.unwrap();
        assert!(!fs.exists(place).await.unwrap());
    }
    assert!(fs.list("/none", true).try_collect().await.unwrap_err().is_not_found());
    assert_eq!(fs.exists("s3://b/x").await.unwrap_err().kind(), ErrorKind::InvalidInput);
}
