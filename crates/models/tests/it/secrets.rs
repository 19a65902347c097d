//! Secrets do not show in `Debug`, nor in the JSON that is logged.

use databricks_core::model::{Wire, from_json};
use databricks_core::redact;
use databricks_models::{apps, catalog, compute, jobs, ml, serving, settings, sharing, workspace};
use serde_json::Value;

const SECRET: &str = "hidden-value-Zq7";

fn check<T: for<'de> Wire<'de> + Default>(path: &str, json: &str) {
    let json = json.replace("$", SECRET);
    let message: T = from_json(json.as_bytes()).unwrap();
    for shown in [format!("{message:?}"), format!("{message:#?}")] {
        assert!(!shown.contains(SECRET) && shown.contains(redact::REDACTED), "{shown}");
    }
    let mut value: Value = serde_json::from_str(&json).unwrap();
    redact::json_of(path, &mut value);
    assert!(!value.to_string().contains(SECRET), "{value}");
}

#[test]
fn of_responses_and_their_parts() {
    check::<workspace::GetSecretResponse>("/api/2.0/secrets/get", r#"{"key":"k","value":"$"}"#);
    check::<catalog::Secret>("/api/2.1/unity-catalog/secrets", r#"{"name":"n","value":"$","effective_value":"$"}"#);
    check::<catalog::AzureActiveDirectoryToken>(
        "/api/2.1/unity-catalog/temporary-table-credentials",
        r#"{"aad_token":"$"}"#,
    );
    check::<catalog::AwsCredentials>("", r#"{"access_key_id":"$","secret_access_key":"$","session_token":"$"}"#);
    check::<catalog::ConnectionInfo>(
        "/api/2.1/unity-catalog/connections",
        r#"{"options":{"host":"$","password":"$"},"name":"c"}"#,
    );
    check::<sharing::RetrieveTokenResponse>(
        "/api/2.1/unity-catalog/public/data_sharing_activation/x",
        r#"{"bearerToken":"$"}"#,
    );
    check::<serving::OpenAiConfig>(
        "/api/2.0/serving-endpoints",
        r#"{"openai_api_key_plaintext":"$","openai_api_key":"$"}"#,
    );
    check::<serving::AmazonBedrockConfig>("/api/2.0/serving-endpoints", r#"{"aws_secret_access_key_plaintext":"$"}"#);
    check::<serving::GoogleCloudVertexAiConfig>("/api/2.0/serving-endpoints", r#"{"private_key_plaintext":"$"}"#);
    check::<serving::BearerTokenAuth>("/api/2.0/serving-endpoints", r#"{"token_plaintext":"$","token":"$"}"#);
    check::<serving::ApiKeyAuth>("/api/2.0/serving-endpoints", r#"{"key":"k","value_plaintext":"$","value":"$"}"#);
    check::<serving::ServedEntityInput>("/api/2.0/serving-endpoints/e/config", r#"{"environment_vars":{"X":"$"}}"#);
    check::<settings::SlackConfig>("/api/2.0/notification-destinations/1", r#"{"url":"$","oauth_token":"$"}"#);
    check::<settings::GenericWebhookConfig>("/api/2.0/notification-destinations", r#"{"url":"$","password":"$"}"#);
    check::<settings::PagerdutyConfig>("/api/2.0/notification-destinations", r#"{"integration_key":"$"}"#);
    check::<ml::HttpUrlSpec>(
        "/api/2.0/mlflow/registry-webhooks/create",
        r#"{"url":"$","authorization":"$","secret":"$"}"#,
    );
    check::<compute::ClusterSpec>(
        "/api/2.1/clusters/create",
        r#"{"spark_conf":{"fs.azure.account.key.a.dfs.core.windows.net":"$"}}"#,
    );
    check::<compute::ClusterSpec>("/api/2.1/clusters/create", r#"{"spark_env_vars":{"HARMLESS":"$"}}"#);
    check::<jobs::JobEnvironmentVariablesSpec>("/api/2.2/jobs/create", r#"{"variables":{"X":"$"}}"#);
    check::<apps::EnvVar>("/api/2.0/apps/a/deployments", r#"{"name":"n","value":"$"}"#);
}

#[test]
fn of_requests() {
    let mut put = workspace::secrets::PutSecret::new("k", "s");
    put.string_value = Some(SECRET.to_owned());
    let mut create = workspace::git_credentials::Create::new("gitLab");
    create.personal_access_token = Some(SECRET.to_owned());
    let mut cluster = compute::clusters::Create::new("16.4.x-scala2.12");
    cluster.spark_conf =
        Some([("spark.a".to_owned(), SECRET.to_owned()), ("spark.speculation".to_owned(), "true".to_owned())].into());
    let shown = format!("{put:?} {create:?} {cluster:?}");
    assert!(
        !shown.contains(SECRET) && shown.contains("\"spark.speculation\": \"true\"") && shown.contains("\"k\""),
        "{shown}"
    );
}
