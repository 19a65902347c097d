//! The progress of waits: its states are the enums of the API.

use std::sync::{Arc, Mutex};

use databricks_sdk::models::compute::{Library, LibraryInstallStatus};
use databricks_sdk::models::jobs::RunLifeCycleState;
use databricks_sdk::testing::{Reply, Script};
use databricks_sdk::{LroState, Method};
use serde_json::{Value, json};

/// What a callback has seen.
struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T: Send + 'static> Seen<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn note(&self) -> impl Fn(T) + Send + use<T> {
        let all = Arc::clone(&self.0);
        move |one| all.lock().unwrap().push(one)
    }

    fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn script(method: Method, path: &str, replies: &[Value]) -> Script {
    let script = Script::new();
    let first = script.expect(method, path);
    replies.iter().fold(first, |expected, reply| expected.reply(Reply::json(reply)));
    script
}

#[tokio::test]
async fn a_run_states_its_life_cycle_in_either_member() {
    let script = script(
        Method::GET,
        "/api/2.2/jobs/runs/get",
        &[
            json!({"run_id": 1, "state": {"life_cycle_state": "PENDING"}}),
            json!({"run_id": 1, "status": {"state": "RUNNING"}}),
            json!({"run_id": 1, "status": {"state": "TO_COME"}}),
            json!({"run_id": 1, "status": {"state": "TERMINATED", "termination_details": {"code": "SUCCESS"}}}),
        ],
    );
    let seen = Seen::new();
    let note = seen.note();
    let run = script.workspace().unwrap().jobs().run(1).on_progress(move |progress| note(progress.state.clone()));
    run.wait_success().await.unwrap();
    let expected = ["PENDING", "RUNNING", "TO_COME", "TERMINATED"].map(RunLifeCycleState::from);
    assert_eq!(seen.take(), expected);
    assert_eq!(expected[1], RunLifeCycleState::Running);
    script.verify().unwrap();
}

#[tokio::test]
async fn libraries_state_how_far_the_last_of_them_is() {
    let of = |states: [&str; 2]| {
        let all = states.map(|status| json!({"library": {"jar": "/Volumes/a/b.jar"}, "status": status}));
        json!({"cluster_id": "c", "library_statuses": all})
    };
    let script = script(
        Method::GET,
        "/api/2.0/libraries/cluster-status",
        &[
            json!({"cluster_id": "c"}),
            of(["PENDING", "INSTALLED"]),
            of(["INSTALLING", "INSTALLED"]),
            of(["INSTALLED", "INSTALLED"]),
        ],
    );
    script.expect(Method::POST, "/api/2.0/libraries/install");
    let seen = Seen::new();
    let note = seen.note();
    let w = script.workspace().unwrap();
    let update = w.libraries().update("c").install([Library::new().jar("/Volumes/a/b.jar")]);
    update.on_progress(move |progress| note((progress.state.clone(), progress.elapsed))).await.unwrap();
    let (states, elapsed): (Vec<_>, Vec<_>) = seen.take().into_iter().unzip();
    use LibraryInstallStatus::{Installed, Installing, Pending};
    assert_eq!(states, [Pending, Pending, Installing, Installed]);
    assert!(elapsed.is_sorted() && elapsed[0] < elapsed[3], "{elapsed:?}");
    script.verify().unwrap();
}

#[tokio::test]
async fn long_running_work_states_whether_it_is_done() {
    let work = |done: bool| json!({"name": "projects/p/operations/1", "done": done});
    let script =
        script(Method::GET, "/api/2.0/postgres/projects/p/operations/1", &[work(false), work(false), work(true)]);
    script.expect(Method::DELETE, "/api/2.0/postgres/projects/p").reply(Reply::json(&work(false)));
    let seen = Seen::new();
    let note = seen.note();
    let w = script.workspace().unwrap();
    let deletion = w.postgres().delete_project("projects/p").wait();
    deletion
        .on_progress(move |progress| {
            note(match progress.state {
                LroState::Running => "running",
                LroState::Done(()) => "done",
                _ => "failed",
            });
        })
        .await
        .unwrap();
    assert_eq!(seen.take(), ["running", "running", "done"]);
    script.verify().unwrap();
}
