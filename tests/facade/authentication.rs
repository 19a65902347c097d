//! Authentication, right and wrong.

use databricks_sdk::{Config, ErrorKind, WorkspaceClient};
use databricks_tests::Fixture;

#[tokio::test]
async fn with_a_token() {
    let f = Fixture::start().await;
    let me = f.w.current_user().me().send_full().await.unwrap();
    assert!(me.output.user_name.is_some_and(|name| !name.is_empty()));
    assert!(me.headers.contains_key("x-databricks-org-id"));
}

#[tokio::test]
async fn with_client_credentials() {
    let f = Fixture::start().await;
    let config = f.config().client_id(f.local.client_id()).client_secret(f.local.client_secret());
    let w = WorkspaceClient::new(config).unwrap();
    let (a, b) = tokio::join!(w.current_user().me().send(), w.clusters().list().send());
    assert!(a.unwrap().id.is_some());
    b.unwrap();
    let token_requests = f.local.requests().iter().filter(|r| r.path.ends_with("/v1/token")).count();
    assert_eq!(token_requests, 1, "one token serves both calls");
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_not_shown() {
    let f = Fixture::start().await;
    let w = WorkspaceClient::new(f.config().token("dapi0000wrong")).unwrap();
    let error = w.current_user().me().await.unwrap_err();
    assert!(error.is_unauthenticated() || error.is_permission_denied(), "{error}");
    assert!(!error.report().contains("dapi0000wrong"));
    assert_eq!(error.operation(), Some("current_user.me"));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_not_shown() {
    let f = Fixture::start().await;
    let config = f.config().client_id(f.local.client_id()).client_secret("dose0000wrong");
    let error = WorkspaceClient::new(config).unwrap().current_user().me().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(error.report().contains("invalid_client"), "{}", error.report());
    assert!(!error.report().contains("dose0000wrong"));
}

#[tokio::test]
async fn without_credentials_the_error_lists_what_was_tried() {
    let f = Fixture::start().await;
    let error = WorkspaceClient::new(f.config()).unwrap().current_user().me().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    let text = error.report();
    assert!(text.contains("pat") && text.contains("oauth-m2m"), "{text}");
}

#[tokio::test]
async fn building_a_client_sends_nothing() {
    let f = Fixture::start().await;
    let before = f.local.requests().len();
    let _ = WorkspaceClient::new(f.config().token(f.local.token())).unwrap();
    assert_eq!(f.local.requests().len(), before);
    // Nor does it need a runtime.
    let host = f.local.url().to_owned();
    std::thread::spawn(move || WorkspaceClient::new(Config::new().host(host).token("t")).unwrap()).join().unwrap();
}
