//! Calls without async, from a plain thread and from inside of other runtimes.

use databricks_sdk::WorkspaceClient;
use databricks_sdk::blocking::{Block as _, BlockIter as _};
use databricks_tests::Fixture;

/// Runs `work` on a plain thread with a client of a workspace that a runtime of its own serves.
fn beside_a_workspace(work: impl FnOnce(WorkspaceClient)) {
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let fixture = server.block_on(Fixture::start());
    work(fixture.w.clone());
}

fn warehouse(w: &WorkspaceClient) -> String {
    let first = w.warehouses().list().items().block_iter().next();
    first.expect("the embedded workspace has a warehouse").unwrap().id.unwrap()
}

/// Calls, lists, waits and SQL.
fn whole_way(w: &WorkspaceClient) {
    assert!(w.current_user().me().block().unwrap().user_name.is_some());
    let missing = w.clusters().get("no-such-cluster").block().unwrap_err();
    assert!(missing.api().is_some(), "{missing}");
    let warehouse = warehouse(w);
    w.warehouses().start(&warehouse).wait().block().unwrap();
    let rows: Vec<(i64, String)> =
        w.sql("SELECT 1, 'a' UNION ALL SELECT 2, 'b' ORDER BY 1").warehouse(&warehouse).rows().block().unwrap();
    assert_eq!(rows, [(1, "a".to_owned()), (2, "b".to_owned())]);
}

#[test]
fn a_plain_thread_needs_no_runtime() {
    beside_a_workspace(|w| whole_way(&w));
}

#[test]
fn files_need_no_runtime_either() {
    beside_a_workspace(|w| {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        std::fs::write(&from, "hello").unwrap();
        let volume = w.volume("/Volumes/main/default/data").unwrap();
        assert_eq!(volume.upload("d/f", from.as_path()).block().unwrap().bytes, 5);
        assert_eq!(volume.download("d/f").to_file(&to).block().unwrap().bytes, 5);
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "hello");
        let names: Vec<_> = volume.walk("").block_iter().map(|entry| entry.unwrap().name.unwrap()).collect();
        assert_eq!(names, ["f"]);
        let pieces = volume.download("d/f").stream().block().unwrap();
        assert_eq!(pieces.block_iter().map(|piece| piece.unwrap().len()).sum::<usize>(), 5);
    });
}

#[test]
fn another_runtime_is_no_obstacle() {
    beside_a_workspace(|w| {
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        other.block_on(async { whole_way(&w) });
    });
}

#[test]
fn many_threads_share_a_client() {
    beside_a_workspace(|w| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        w.current_user().me().block().unwrap();
                    }
                });
            }
        });
    });
}

#[test]
fn a_statement_dropped_outside_of_any_runtime_is_cancelled_at_the_service() {
    beside_a_workspace(|w| {
        let warehouse = warehouse(&w);
        let statement = w.sql("SELECT 1").warehouse(&warehouse).execute().block().unwrap();
        drop(statement);
        // Returns once the clean-up that the drop began is done.
        let clean_up = async {
            w.client().shutdown().await;
            databricks_sdk::Result::Ok(())
        };
        clean_up.block().unwrap();
    });
}
