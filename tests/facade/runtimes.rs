//! What happens without a Tokio runtime, or with half of one.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use databricks_sdk::{Config, Method, WorkspaceClient};
use tokio::runtime::Builder;

fn client() -> WorkspaceClient {
    let config = Config::hermetic().host("http://127.0.0.1:9").token("tok");
    WorkspaceClient::new(config).unwrap()
}

/// Polls once, as an executor that is not Tokio's does.
fn elsewhere<T>(work: impl Future<Output = databricks_sdk::Result<T>>) -> databricks_sdk::Error {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.err().expect("an error"),
        Poll::Pending => panic!("there is nothing to wait for"),
    }
}

#[test]
fn without_a_runtime_every_call_says_so() {
    let w = client();
    let errors = [
        elsewhere(w.clusters().list().items().try_collect()),
        elsewhere(w.clusters().get("c").send()),
        elsewhere(w.raw(Method::GET, "/2.0/x").bytes()),
        elsewhere(w.raw(Method::GET, "http://127.0.0.1:9/x").bytes()),
        elsewhere(w.sql("SELECT 1").warehouse("w").execute()),
        elsewhere(w.sql("SELECT 1").warehouse("w").collect_json()),
        elsewhere(w.jobs().run(1).wait()),
        elsewhere(w.clusters().start("c").wait().into_future()),
        elsewhere(w.clusters().ensure_running("c").into_future()),
        elsewhere(w.context("c", databricks_sdk::models::compute::Language::Python).into_future()),
    ];
    for error in errors {
        assert!(error.to_string().contains("there is no Tokio runtime here"), "{error}");
    }
}

#[test]
fn without_timers_or_io_a_call_says_so() {
    for (runtime, what) in [
        (Builder::new_current_thread().build().unwrap(), "timers"),
        (Builder::new_current_thread().enable_io().build().unwrap(), "timers"),
        (Builder::new_current_thread().enable_time().build().unwrap(), "IO"),
    ] {
        let w = client();
        let error = runtime.block_on(async { w.raw(Method::GET, "/2.0/x").bytes().await }).unwrap_err();
        assert!(error.to_string().contains(&format!("the Tokio runtime has no {what}")), "{what}: {error}");
        assert!(error.to_string().contains("enable_all()"), "{what}: {error}");
        assert!(runtime.block_on(async { w.sql("SELECT 1").warehouse("w").await }).is_err());
    }
}

#[test]
fn handles_may_be_dropped_anywhere() {
    let w = client();
    drop(w.jobs().run(1).cancel_on_drop());
    let script = crate::script::Script::default().on(
        "POST",
        "/api/2.0/sql/statements",
        [crate::script::Reply::Json(200, serde_json::json!({"statement_id": "s", "status": {"state": "RUNNING"}}))],
    );
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let w = script.client();
    let statement = runtime.block_on(async { w.sql("SELECT 1").warehouse("w").execute().await.unwrap() });
    drop(runtime);
    drop(statement);
}
