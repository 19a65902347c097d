//! Clients of workspaces that have hosts of their own, made by the client of their account.

use databricks_sdk::models::provisioning::{AzureWorkspaceInfo, Workspace};
use databricks_sdk::testing::{Expectation, Recorded, Reply, Script};
use databricks_sdk::{AccountClient, Config, ErrorKind};
use http::Method;
use serde_json::json;

const CONSOLE: &str = "accounts.cloud.databricks.com";

fn workspace(name: &str, id: i64) -> Workspace {
    Workspace::new().deployment_name(name).workspace_id(id)
}

fn console() -> Config {
    Config::hermetic().host(format!("https://{CONSOLE}")).account_id("acc")
}

/// Expects a token request at a host, once.
fn token(script: &Script, host: &'static str, path: &str, value: &str) -> Expectation {
    let reply = Reply::json(&json!({"access_token": value, "token_type": "Bearer", "expires_in": 3600}));
    script.expect(Method::POST, path).matching(move |request| request.host == host).reply(reply)
}

/// Expects that a host is asked for its OAuth endpoints, and names its own.
fn discovery(script: &Script, host: &'static str) {
    let document = json!({
        "token_endpoint": format!("https://{host}/oidc/v1/token"),
        "authorization_endpoint": format!("https://{host}/oidc/v1/authorize"),
    });
    script
        .expect(Method::GET, "/oidc/.well-known/oauth-authorization-server")
        .matching(move |request| request.host == host)
        .reply(Reply::json(&document));
}

fn seen(request: &Recorded) -> (&str, &str) {
    let header = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    (request.host.as_str(), header.unwrap_or("none"))
}

#[tokio::test]
async fn each_host_has_one_token_and_no_other_sees_it() {
    let script = Script::new();
    let of_account = token(&script, CONSOLE, "/oidc/accounts/acc/v1/token", "for-account");
    let (one, two) = ("dbc-1.cloud.databricks.com", "dbc-2.cloud.databricks.com");
    for host in [one, two] {
        discovery(&script, host);
    }
    let of_one = token(&script, one, "/oidc/v1/token", "for-one");
    let of_two = token(&script, two, "/oidc/v1/token", "for-two");
    script.expect(Method::GET, "/api/2.0/accounts/acc/workspaces").reply(Reply::json(&json!([
        {"workspace_id": 1, "deployment_name": "dbc-1", "workspace_name": "one"},
        {"workspace_id": 2, "deployment_name": "dbc-2", "workspace_name": "two"},
    ])));
    script.expect(Method::GET, "/api/2.0/preview/scim/v2/Me").forever();

    let a = AccountClient::from(script.client(console().client_id("id").client_secret("secret")).unwrap());
    let all = a.workspaces().list().await.unwrap();
    for workspace in &all {
        for _ in 0..2 {
            let w = a.workspace_client(workspace).await.unwrap();
            w.current_user().me().await.unwrap();
            w.clone().current_user().me().await.unwrap();
        }
    }
    assert_eq!((of_account.hits(), of_one.hits(), of_two.hits()), (1, 1, 1));
    for request in script.requests() {
        let (host, header) = seen(&request);
        let expected = match (request.path.as_str(), host) {
            (path, _) if path.ends_with("/v1/token") => "Basic aWQ6c2VjcmV0",
            (path, _) if path.contains("/.well-known/") => "none",
            (_, CONSOLE) => "Bearer for-account",
            (_, host) if host == one => "Bearer for-one",
            _ => "Bearer for-two",
        };
        assert_eq!(header, expected, "{} {}", request.host, request.path);
    }
    script.verify().unwrap();
}

#[tokio::test]
async fn what_is_bound_to_the_account_is_not_sent_elsewhere() {
    for config in [
        console().token("dapi-1"),
        console().username("ann").password("pw"),
        console().credentials(databricks_sdk::auth::StaticToken::new("own")),
    ] {
        let script = Script::new();
        let a = AccountClient::from(script.client(config).unwrap());
        let error = a.workspace_client(&workspace("dbc-1", 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        assert!(error.to_string().contains("https://dbc-1.cloud.databricks.com"), "{error}");
        assert!(!error.report().contains("dapi-1") && !error.report().contains("pw"), "{error}");
        script.verify().unwrap();
    }
}

#[tokio::test]
async fn a_workspace_without_a_host_is_refused_by_name() {
    let script = Script::new();
    token(&script, CONSOLE, "/oidc/accounts/acc/v1/token", "t").forever();
    let a = AccountClient::from(script.client(console().client_id("id").client_secret("secret")).unwrap());
    for (unfit, why) in [
        (Workspace::new().workspace_id(1), "no deployment name"),
        (workspace("dbc-1.example.com/", 1), "is not a deployment name"),
    ] {
        let error = a.workspace_client(&unfit).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn on_azure_the_workspace_is_named_by_its_resource_id() {
    let script = Script::new();
    let entra = Reply::json(&json!({"access_token": "entra", "token_type": "Bearer", "expires_in": 3600}));
    script.expect(Method::POST, "/tenant-1/oauth2/token").reply(entra).forever();
    script.expect(Method::GET, "/api/2.0/preview/scim/v2/Me").forever();
    let config = Config::hermetic()
        .host("https://accounts.azuredatabricks.net")
        .account_id("acc")
        .set("azure_client_id", "app")
        .set("azure_client_secret", "secret")
        .set("azure_tenant_id", "tenant-1");
    let a = AccountClient::from(script.client(config).unwrap());
    let info = AzureWorkspaceInfo::new().subscription_id("sub").resource_group("rg");
    let unit = workspace("adb-123.4", 123).workspace_name("unit").azure_workspace_info(info);
    a.workspace_client(&unit).await.unwrap().current_user().me().await.unwrap();
    let requests = script.requests();
    let me = requests.iter().find(|request| request.path.ends_with("/Me")).unwrap();
    assert_eq!(seen(me), ("adb-123.4.azuredatabricks.net", "Bearer entra"));
    assert_eq!(
        me.headers["x-databricks-azure-workspace-resource-id"],
        "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Databricks/workspaces/unit"
    );
}
