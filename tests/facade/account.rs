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
