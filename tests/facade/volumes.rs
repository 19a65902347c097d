//! Files of volumes: through links to storage and through the workspace, over failures.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use databricks_local::{Links, faults::Rule};
use databricks_sdk::files::{TransferControl, TransferSettings, UploadSource, UploadState};
use databricks_sdk::{ErrorKind, WorkspaceClient};
use databricks_tests::{Fixture, JumpClock};
use futures_util::stream;
use tokio::io::AsyncReadExt as _;

const PATH: &str = "/Volumes/main/default/data/some dir/f ü.bin";

/// Bytes that do not repeat at any part's length.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8 ^ (i / 251) as u8).collect()
}

/// Parts of a few bytes, so that small files take the way of large ones.
fn small_parts() -> TransferSettings {
    TransferSettings::new()
        .multipart_from(100)
        .part_size_options([100])
        .unknown_length_part_size(100)
        .ranges_from(100)
        .range_size(100)
}

/// A fixture whose client does not really wait between attempts.
async fn impatient(links: Links) -> Fixture {
    let mut fixture = Fixture::start_with(|builder| builder.volume_links(links)).await;
    let config = fixture.config().token(fixture.local.token()).clock(JumpClock::new());
    fixture.w = WorkspaceClient::new(config).unwrap();
    fixture
}

fn count(fixture: &Fixture, method: &str, path: &str) -> usize {
    let requests = fixture.local.requests();
    requests.iter().filter(|request| request.method == method && request.path.starts_with(path)).count()
}

#[tokio::test]
async fn every_source_arrives_by_every_way() {
    for links in [Links::Parts, Links::Resumable, Links::Disabled] {
        let fixture = impatient(links).await;
        let files = fixture.w.files();
        let bytes = content(1234);
        let directory = tempfile::tempdir().unwrap();
        let local = directory.path().join("f");
        std::fs::write(&local, &bytes).unwrap();
        let pieces = || {
            Box::pin(stream::iter(content(1234).chunks(77).map(|c| Ok(Bytes::copy_from_slice(c))).collect::<Vec<_>>()))
        };
        let shared = Bytes::from(bytes.clone());
        let sources = [
            UploadSource::from(bytes.clone()),
            UploadSource::file(&local),
            UploadSource::stream(None, pieces()),
            UploadSource::stream(Some(1234), pieces()),
            UploadSource::reader(std::io::Cursor::new(bytes.clone())),
            UploadSource::ranges(1234, move |range| {
                databricks_sdk::Body::from(shared.slice(range.start as usize..range.end as usize)).into_stream()
            }),
        ];
        for source in sources {
            let what = format!("{links:?} {source:?}");
            let uploaded = files.upload_from(PATH, source).settings(small_parts()).await.unwrap();
            assert_eq!(
                uploaded.bytes,
                if links == Links::Disabled && what.contains("None") { 0 } else { 1234 },
                "{what}"
            );
            let arrived = files.download_from(PATH).bytes().await.unwrap();
            assert!(arrived == bytes, "{what}: {} bytes", arrived.len());
            let to = directory.path().join("down");
            let saved = files.download_from(PATH).settings(small_parts()).to_file(&to).await.unwrap();
            assert_eq!(saved.bytes, 1234, "{what}");
            assert!(std::fs::read(&to).unwrap() == bytes, "{what}");
            files.delete(PATH).await.unwrap();
        }
        assert_eq!(fixture.local.open_uploads(), (0, 0));
        let storage = fixture.local.requests().iter().any(|request| request.path.starts_with("/storage/"));
        assert_eq!(storage, links != Links::Disabled);
    }
}

#[tokio::test]
async fn small_and_empty_files_go_in_one_request() {
    let fixture = Fixture::start().await;
    let volume = fixture.w.volume("/Volumes/main/default/data").unwrap();
    for text in ["", "hello"] {
        let uploaded = volume.upload("a/b.txt", text).await.unwrap();
        assert_eq!((uploaded.parts, uploaded.bytes), (0, text.len() as u64));
        assert_eq!(volume.download("a/b.txt").bytes().await.unwrap(), text);
        assert_eq!(volume.metadata("a/b.txt").await.unwrap().content_length, Some(text.len() as i64));
    }
    let refused = volume.upload("a/b.txt", "other").overwrite(false).await.unwrap_err();
    assert!(refused.is_already_exists(), "{refused}");
    assert_eq!(volume.download("a/b.txt").range(1..3).bytes().await.unwrap(), "el");
    assert_eq!(volume.download("a/b.txt").from_byte(3).bytes().await.unwrap(), "lo");
    assert!(volume.download("none").bytes().await.unwrap_err().is_not_found());
    assert_eq!(volume.download("a/b.txt").range(3..3).bytes().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let mut text = String::new();
    volume.download("a/b.txt").stream().await.unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
}

#[tokio::test]
async fn parts_that_fail_are_sent_again() {
    let fixture = impatient(Links::Parts).await;
    // Every twentieth part: with 400 parts, 20 of them, by turns a refusal and a broken connection.
    let rules: Vec<_> = (0..20)
        .map(|n| {
            let rule = Rule::new("PUT", "/storage/parts/*").skip(n * 19 + 5).times(1);
            fixture.local.faults().add(if n % 2 == 0 { rule.status(503) } else { rule.drop_connection() })
        })
        .collect();
    let bytes = content(40_000);
    let uploaded = fixture.w.files().upload_from(PATH, bytes.clone()).settings(small_parts()).await.unwrap();
    assert_eq!((uploaded.parts, uploaded.bytes), (400, 40_000));
    assert!(rules.iter().all(|rule| rule.hits() == 1));
    assert_eq!(count(&fixture, "PUT", "/storage/parts/"), 420);
    assert!(fixture.w.files().download_from(PATH).bytes().await.unwrap() == bytes);
    assert_eq!(fixture.local.open_uploads(), (0, 0));
}

#[tokio::test]
async fn an_upload_that_fails_leaves_no_parts() {
    let fixture = impatient(Links::Parts).await;
    fixture.local.faults().add(Rule::new("PUT", "/storage/parts/*").skip(7).status(403));
    let failed = fixture.w.files().upload_from(PATH, content(5_000)).settings(small_parts()).await.unwrap_err();
    assert_eq!(failed.status().map(|status| status.as_u16()), Some(403), "{failed}");
    assert_eq!(fixture.local.open_uploads(), (0, 0));
    assert!(!fixture.w.files().exists(PATH).await.unwrap());
    assert!(!failed.report().contains("signature"), "the link is as good as a credential: {}", failed.report());
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_no_parts() {
    let fixture = impatient(Links::Parts).await;
    let (started, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let upload = fixture.w.files().upload_from(PATH, content(5_000)).settings(small_parts().parallelism(2));
    let upload = upload.on_progress(move |progress| _ = started.send(progress.parts));
    let running = tokio::spawn(upload.send());
    while seen.recv().await.unwrap() < 10 {}
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    fixture.w.client().shutdown().await;
    assert_eq!(fixture.local.open_uploads(), (0, 0));
    assert!(!fixture.w.files().exists(PATH).await.unwrap());
}

#[tokio::test]
async fn an_upload_goes_on_from_its_saved_state() {
    let fixture = impatient(Links::Parts).await;
    let files = fixture.w.files();
    let bytes = content(5_000);
    let broken = fixture.local.faults().add(Rule::new("PUT", "/storage/parts/*").skip(20).status(403));
    let saved = Arc::new(Mutex::new(String::new()));
    let (store, read) =
        (Arc::clone(&saved), move || serde_json::from_str::<UploadState>(&saved.lock().unwrap()).unwrap());
    let upload = files.upload_from(PATH, bytes.clone()).settings(small_parts().parallelism(1));
    let upload = upload.on_checkpoint(move |state| *store.lock().unwrap() = serde_json::to_string(state).unwrap());
    upload.await.unwrap_err();
    let state = read();
    assert_eq!((fixture.local.open_uploads().0, state.parts()), (1, 20));
    assert!(broken.hits() > 0);
    fixture.local.faults().clear();
    let changed = files.upload_from(PATH, content(4_999)).resume(state.clone()).await.unwrap_err();
    assert!(changed.to_string().contains("changed"), "{changed}");
    let before = count(&fixture, "PUT", "/storage/parts/");
    let uploaded = files.upload_from(PATH, bytes.clone()).settings(small_parts()).resume(state).await.unwrap();
    assert_eq!((uploaded.parts, uploaded.bytes), (50, 5_000));
    assert_eq!(count(&fixture, "PUT", "/storage/parts/") - before, 30);
    assert!(files.download_from(PATH).bytes().await.unwrap() == bytes);
}

#[tokio::test]
async fn a_download_goes_on_however_often_it_breaks() {
    let fixture = impatient(Links::Parts).await;
    let files = fixture.w.files();
    let bytes = content(3 << 20);
    files.upload_from(PATH, bytes.clone()).await.unwrap();
    fixture.local.faults().add(Rule::new("GET", "/storage/files/*").times(3).cut_after(600_000));
    assert!(files.download_from(PATH).bytes().await.unwrap() == bytes);
    assert_eq!(count(&fixture, "GET", "/storage/files/"), 4);
    let directory = tempfile::tempdir().unwrap();
    for n in 0..3 {
        fixture.local.faults().add(Rule::new("GET", "/storage/files/*").skip(n * 2).times(1).cut_after(60_000));
    }
    let to = directory.path().join("f");
    let settings = TransferSettings::new().ranges_from(1).range_size(300_000).parallelism(3);
    let saved = files.download_from(PATH).settings(settings).to_file(&to).await.unwrap();
    assert_eq!(saved.bytes, 3 << 20);
    assert!(std::fs::read(&to).unwrap() == bytes);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_changes_is_not_spliced() {
    let fixture = impatient(Links::Parts).await;
    let files = fixture.w.files();
    files.upload_from(PATH, content(2 << 20)).await.unwrap();
    fixture.local.faults().add(Rule::new("GET", "/storage/files/*").times(1).cut_after(600_000));
    let mut pieces = files.download_from(PATH).stream().await.unwrap();
    pieces.try_next().await.unwrap().unwrap();
    // A later second, since that is what dates tell apart; the workspace's clock is Tokio's.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    files.upload_from(PATH, vec![7; 2 << 20]).await.unwrap();
    let error = loop {
        match pieces.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("two files were spliced"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.status().map(|status| status.as_u16()), Some(412), "{error}");
}

#[tokio::test]
async fn links_are_renewed_and_want_their_headers() {
    let fixture =
        Fixture::start_with(|builder| builder.link_headers(true).link_lifetime(Duration::from_secs(60))).await;
    let files = fixture.w.files();
    let parts = Arc::new(Mutex::new(0));
    let upload = files.upload_from(PATH, content(1_000)).settings(small_parts().parallelism(1));
    let upload = upload.on_progress(move |_| {
        let mut parts = parts.lock().unwrap();
        *parts += 1;
        // All links of a lot are as old: half of them expire before they are used.
        if *parts == 2 {
            tokio::time::pause();
            futures_util::FutureExt::now_or_never(tokio::time::advance(Duration::from_secs(61)));
            tokio::time::resume();
        }
    });
    let uploaded = upload.await.unwrap();
    assert_eq!((uploaded.parts, uploaded.bytes, uploaded.renewals), (10, 1_000, 1));
    assert!(files.download_from(PATH).bytes().await.unwrap() == content(1_000));
}

#[tokio::test]
async fn storage_refuses_credentials() {
    let fixture = Fixture::start().await;
    fixture.w.files().upload_from(PATH, "x").await.unwrap();
    let link = fixture
        .w
        .files()
        .create_download_url(PATH, databricks_sdk::Timestamp::from_unix_seconds(4_000_000_000).unwrap());
    let url = link.await.unwrap().url;
    assert!(url.starts_with(fixture.local.storage_url()) && fixture.local.storage_url() != fixture.local.url());
    let get = |url: &str| fixture.w.raw(databricks_sdk::Method::GET, url);
    assert_eq!(get(&url).text().await.unwrap(), "x");
    let refused = get(&url).credentials_anywhere(true).text().await.unwrap_err();
    assert_eq!(refused.status().map(|status| status.as_u16()), Some(400), "{refused}");
    let forged = get(&url.replace("signature=", "signature=00")).text().await.unwrap_err();
    assert_eq!(forged.status().map(|status| status.as_u16()), Some(403), "{forged}");
}

#[tokio::test]
async fn directories_are_walked_and_deleted() {
    let fixture = Fixture::start().await;
    let volume = fixture.w.volume("/Volumes/main/default/data").unwrap();
    assert!(volume.walk("").try_collect().await.unwrap().is_empty(), "an empty volume is an empty directory");
    for path in ["a/1", "a/b/2", "a/b/c/3", "z"] {
        volume.upload(path, path).await.unwrap();
    }
    volume.create_directory("a/empty").await.unwrap();
    let walked = volume.walk("a").try_collect().await.unwrap();
    let names: Vec<_> = walked.into_iter().filter_map(|entry| entry.name).collect();
    assert_eq!(names, ["1", "2", "3"]);
    assert!(volume.exists("a/b").await.unwrap() && volume.exists("z").await.unwrap());
    let refused = fixture.w.files().delete_directory(volume.path("a")).await.unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    volume.delete_all("a").await.unwrap();
    volume.delete_all("z").await.unwrap();
    assert!(!volume.exists("a").await.unwrap());
    assert!(volume.delete_all("a").await.unwrap_err().is_not_found());
    assert!(volume.walk("a").try_collect().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_file_of_this_machine_is_only_replaced_by_a_whole_one() {
    let fixture = impatient(Links::Parts).await;
    let files = fixture.w.files();
    files.upload_from(PATH, content(2 << 20)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("f");
    std::fs::write(&to, "old").unwrap();
    let kept = files.download_from(PATH).overwrite(false).to_file(&to).await.unwrap_err();
    assert_eq!(kept.kind(), ErrorKind::Io);
    fixture.local.faults().add(Rule::new("GET", "/storage/files/*").skip(1).status(500));
    fixture.local.faults().add(Rule::new("GET", "/storage/files/*").times(1).cut_after(600_000));
    files.download_from(PATH).to_file(&to).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
}

#[tokio::test]
async fn directories_are_made_the_same_both_ways() {
    let fixture = Fixture::start().await;
    let volume = fixture.w.volume("/Volumes/main/default/data").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (here, there) = (directory.path().join("here"), directory.path().join("there"));
    std::fs::create_dir_all(here.join("sub")).unwrap();
    std::fs::write(here.join("one"), "1").unwrap();
    std::fs::write(here.join("sub/two"), "22").unwrap();

    let planned = volume.sync_from(&here, "d").dry_run(true).await.unwrap();
    assert_eq!((planned.copied.as_slice(), planned.bytes), (&["one".to_owned(), "sub/two".to_owned()][..], 3));
    assert!(!volume.exists("d").await.unwrap(), "a dry run changes nothing");
    assert_eq!(volume.sync_from(&here, "d").await.unwrap(), planned);
    let again = volume.sync_from(&here, "d").await.unwrap();
    assert_eq!((again.copied.len(), again.unchanged), (0, 2));

    assert_eq!(volume.sync_to("d", &there).await.unwrap().copied, planned.copied);
    assert_eq!(std::fs::read_to_string(there.join("sub/two")).unwrap(), "22");
    assert_eq!(volume.sync_to("d", &there).await.unwrap().unchanged, 2);

    std::fs::remove_file(here.join("one")).unwrap();
    std::fs::write(here.join("sub/two"), "longer").unwrap();
    let changed = volume.sync_from(&here, "d").delete(true).await.unwrap();
    assert_eq!((changed.copied, changed.deleted), (vec!["sub/two".to_owned()], vec!["one".to_owned()]));
    let changed = volume.sync_to("d", &there).delete(true).await.unwrap();
    assert_eq!((changed.copied.len(), changed.deleted.len()), (1, 1));
    assert!(!there.join("one").exists());
    assert_eq!(std::fs::read_to_string(there.join("sub/two")).unwrap(), "longer");
    assert!(volume.sync_from(directory.path().join("none"), "d").await.is_err(), "nothing is not an empty directory");
    assert!(volume.sync_to("none", &there).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_upload_is_held_up_and_goes_on() {
    let fixture = impatient(Links::Parts).await;
    let control = TransferControl::new();
    let (report, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let pauser = control.clone();
    let upload = fixture.w.files().upload_from(PATH, content(5_000)).settings(small_parts().parallelism(3));
    let upload = upload.control(&control).on_progress(move |progress| {
        if progress.parts == 10 {
            pauser.pause();
        }
        _ = report.send(progress.parts);
    });
    let running = tokio::spawn(upload.send());
    // The parts that are under way arrive, at most one for each transfer but the one that has reported.
    let mut arrived = 0;
    while arrived < 10 {
        arrived = seen.recv().await.unwrap();
    }
    // Requests that the paused upload does not make are not waited for: these show that the workspace goes on.
    for _ in 0..20 {
        fixture.w.current_user().me().await.unwrap();
    }
    while let Ok(parts) = seen.try_recv() {
        arrived = parts;
    }
    assert!((10..=12).contains(&arrived) && control.is_paused() && !running.is_finished(), "{arrived}");
    let paused_at = count(&fixture, "PUT", "/storage/parts/");
    control.resume();
    let uploaded = running.await.unwrap().unwrap();
    assert_eq!((uploaded.parts, uploaded.bytes), (50, 5_000));
    assert!(paused_at <= 13, "{paused_at}");
    assert!(fixture.w.files().download_from(PATH).bytes().await.unwrap() == content(5_000));
}

#[tokio::test]
async fn directories_are_compared_by_their_bytes() {
    let fixture = Fixture::start().await;
    let volume = fixture.w.volume("/Volumes/main/default/data").unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [("same", "abc"), ("other", "abc"), ("empty", ""), ("longer", "abcd")] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    volume.sync_from(directory.path(), "d").await.unwrap();
    // Of the same size, and older than what is in the volume: times would hide the change.
    std::fs::write(directory.path().join("other"), "abX").unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    std::fs::File::open(directory.path().join("other")).unwrap().set_modified(old).unwrap();
    assert!(volume.sync_from(directory.path(), "d").dry_run(true).await.unwrap().copied.is_empty());
    let synced = volume.sync_from(directory.path(), "d").by_content(true).await.unwrap();
    assert_eq!((synced.copied, synced.unchanged), (vec!["other".to_owned()], 3));
    assert_eq!(volume.download("d/other").bytes().await.unwrap(), "abX");
    volume.upload("d/same", "aXc").await.unwrap();
    let synced = volume.sync_to("d", directory.path()).by_content(true).await.unwrap();
    assert_eq!(synced.copied, ["same"]);
    assert_eq!(std::fs::read_to_string(directory.path().join("same")).unwrap(), "aXc");
}
