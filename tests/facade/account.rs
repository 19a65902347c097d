//! The account level: app integrations, authenticated by client credentials.

use databricks_tests::Fixture;

#[tokio::test]
async fn custom_app_integrations() {
    let f = Fixture::start().await;
    let a = f.account();
    let made = a
        .custom_app_integration()
        .create()
        .name("tableau")
        .confidential(true)
        .redirect_urls(["https://example.com/callback".to_owned()])
        .await
        .unwrap();
    let id = made.integration_id.unwrap();
    assert!(made.client_secret.is_some_and(|secret| !secret.is_empty()));
    let all = a.custom_app_integration().list().items().try_collect().await.unwrap();
    assert!(all.iter().any(|one| one.integration_id.as_ref() == Some(&id)));
    assert_eq!(a.custom_app_integration().get(&id).await.unwrap().name.as_deref(), Some("tableau"));
    a.custom_app_integration().delete(&id).await.unwrap();
    assert!(a.custom_app_integration().get(&id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn published_app_integrations() {
    use databricks_sdk::models::oauth2::TokenAccessPolicy;
    let f = Fixture::start().await;
    let a = f.account();
    let id = a.published_app_integration().create().app_id("power-bi").await.unwrap().integration_id.unwrap();
    let policy = TokenAccessPolicy::new().access_token_ttl_in_minutes(10).refresh_token_ttl_in_minutes(200);
    a.published_app_integration().update(&id).token_access_policy(policy).await.unwrap();
    let found = a.published_app_integration().get(&id).await.unwrap();
    assert_eq!(found.token_access_policy.and_then(|policy| policy.access_token_ttl_in_minutes), Some(10));
    a.published_app_integration().delete(&id).await.unwrap();
}

#[tokio::test]
async fn tokens_of_a_workspace() {
    let f = Fixture::start().await;
    let made = f.w.tokens().create().comment("ci").lifetime_seconds(600).await.unwrap();
    let id = made.token_info.unwrap().token_id.unwrap();
    let w = databricks_sdk::WorkspaceClient::new(f.config().token(made.token_value.unwrap())).unwrap();
    w.current_user().me().await.unwrap();
    f.w.tokens().delete(&id).await.unwrap();
    assert!(w.current_user().me().await.is_err());
}

#[tokio::test]
async fn clients_of_the_workspaces_on_one_host_share_a_token() {
    let f = Fixture::start().await;
    let a = f.account();
    for name in ["north", "south"] {
        a.workspaces().create().workspace_name(name).aws_region("eu-west-1").await.unwrap();
    }
    let mut ids = Vec::new();
    for workspace in a.workspaces().list().await.unwrap() {
        let w = a.workspace_client(&workspace).await.unwrap();
        assert_eq!(w.workspace_id().await.ok(), workspace.workspace_id);
        assert_eq!(w.client().config().workspace_id(), workspace.workspace_id.map(|id| id.to_string()).as_deref());
        w.current_user().me().await.unwrap();
        ids.push(workspace.workspace_id.unwrap());
    }
    assert_eq!(ids.len(), 3);
    let requests = f.local.requests();
    let tokens = requests.iter().filter(|request| request.path.ends_with("/v1/token")).count();
    assert_eq!(tokens, 1, "one token serves the account and all workspaces of the host");
    let metadata = requests.iter().filter(|request| request.path.contains("/.well-known/databricks-config")).count();
    assert_eq!(metadata, 1, "what the host is was asked once");
}
