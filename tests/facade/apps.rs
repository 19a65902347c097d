//! Apps: created, deployed to, stopped and started, each waited for by the poller that all waits have.

use databricks_sdk::ErrorKind;
use databricks_sdk::models::apps::{App, AppDeployment};
use databricks_sdk::testing::{Expectation, Reply, Script};
use http::Method;
use serde_json::json;

fn app(state: &str) -> Reply {
    Reply::json(&json!({"name": "demo", "compute_status": {"state": state, "message": "as it is"}}))
}

fn deployment(state: &str) -> Reply {
    Reply::json(&json!({"deployment_id": "d-1", "status": {"state": state, "message": "no app.yaml"}}))
}

#[tokio::test]
async fn the_whole_life_of_an_app() {
    let script = Script::new();
    script.expect(Method::POST, "/api/2.0/apps").reply(app("STARTING"));
    script.expect(Method::POST, "/api/2.0/apps/demo/deployments").reply(deployment("IN_PROGRESS"));
    script.expect(Method::POST, "/api/2.0/apps/demo/stop").reply(app("STOPPING"));
    script.expect(Method::POST, "/api/2.0/apps/demo/start").reply(app("STARTING"));
    // In the order in which the waits poll: created, stopped, started.
    let states = ["STARTING", "ACTIVE", "STOPPING", "STOPPED", "STARTING", "ACTIVE"];
    let polls = states.into_iter().map(app).fold(script.expect(Method::GET, "/api/2.0/apps/demo"), Expectation::reply);
    let deploying = script.expect(Method::GET, "/api/2.0/apps/demo/deployments/d-1");
    let deploying = deploying.reply(deployment("IN_PROGRESS")).reply(deployment("SUCCEEDED"));

    let w = script.workspace().unwrap();
    let state =
        |app: &App| app.compute_status.as_ref().and_then(|status| status.state.as_ref()).map(ToString::to_string);
    let created = w.apps().create(App::new("demo")).wait().await.unwrap();
    assert_eq!(state(&created).as_deref(), Some("ACTIVE"));
    let deployed = w.apps().deploy("demo", AppDeployment::new()).wait().await.unwrap();
    assert_eq!(deployed.deployment_id.as_deref(), Some("d-1"));
    let stopped = w.apps().stop("demo").wait().await.unwrap();
    assert_eq!(state(&stopped).as_deref(), Some("STOPPED"));
    let started = w.apps().start("demo").wait().await.unwrap();
    assert_eq!(state(&started).as_deref(), Some("ACTIVE"));
    assert_eq!((polls.hits(), deploying.hits()), (6, 2));
    script.verify().unwrap();
}

#[tokio::test]
async fn a_deployment_that_fails_is_an_error_with_its_reason() {
    let script = Script::new();
    script.expect(Method::POST, "/api/2.0/apps/demo/deployments").reply(deployment("IN_PROGRESS"));
    script.expect(Method::GET, "/api/2.0/apps/demo/deployments/d-1").reply(deployment("FAILED"));
    let w = script.workspace().unwrap();
    let error = w.apps().deploy("demo", AppDeployment::new()).wait().await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("no app.yaml"), "{error}");
    script.verify().unwrap();
}
