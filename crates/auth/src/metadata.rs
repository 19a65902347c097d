//! The host's metadata: `/.well-known/databricks-config`.

use std::time::Duration;

use serde_json::Value as Json;

use crate::config::attributes::Key;
use crate::config::cloud::{Cloud, HostType};
use crate::config::value::Value;
use crate::config::{ResolvedConfig, Settings, Source};
use crate::http::{Http, Outgoing};
use crate::runtime::{self, Missing};

/// The timeout of the request. It is best effort: without a response, the defaults apply.
const LIMIT: Duration = Duration::from_secs(5);

/// The response, as far as it fills gaps of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) account_id: Option<String>,
    pub(crate) workspace_id: Option<String>,
    pub(crate) cloud: Option<Cloud>,
    pub(crate) host_type: Option<HostType>,
    pub(crate) discovery_url: Option<String>,
    pub(crate) token_audience: Option<String>,
}

impl Metadata {
    /// Requests the metadata, without credentials. `None` without a usable response.
    ///
    /// # Errors
    /// When the runtime does not permit requests.
    pub(crate) async fn fetch(http: &Http, host: &str, config: &ResolvedConfig) -> Result<Option<Self>, Missing> {
        runtime::check()?;
        let url = format!("{host}/.well-known/databricks-config");
        let response = http.send(Outgoing::get(url).once(LIMIT).operation("host metadata"));
        let response = match tokio::time::timeout(LIMIT, response).await {
            Ok(Ok(response)) if response.is_success() => response.json(),
            Ok(Ok(response)) => {
                tracing::debug!(target: "databricks_auth", host, status = response.status.as_u16(), "the host has no metadata");
                None
            }
            Ok(Err(error)) => {
                if let Some(missing) = runtime::is_missing(&error) {
                    return Err(missing);
                }
                tracing::debug!(target: "databricks_auth", host, error = error.report(), "cannot read the host's metadata");
                None
            }
            Err(_) => {
                tracing::warn!(target: "databricks_auth", host, "no metadata of the host within {} s", LIMIT.as_secs());
                None
            }
        };
        Ok(response.filter(Json::is_object).map(|response| Self::read(&response, config)))
    }

    /// Reads a response. What does not have the expected form counts as missing.
    fn read(response: &Json, config: &ResolvedConfig) -> Self {
        let text = |name: &str| match response.get(name) {
            Some(Json::String(text)) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Some(Json::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let account_id = text("account_id");
        let workspace_id = text("workspace_id");
        let account = config.account_id().map(str::to_owned).or_else(|| account_id.clone());
        let discovery_url = text("oidc_endpoint").and_then(|endpoint| discovery_url(&endpoint, account.as_deref()));
        let audiences = response.get("token_federation_default_oidc_audiences").and_then(Json::as_array);
        let audience = audiences
            .and_then(|list| list.first())
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned);
        let is_workspace = workspace_id.is_some() || config.workspace_id().is_some();
        Self {
            cloud: text("cloud").as_deref().and_then(Cloud::named),
            host_type: text("host_type").as_deref().and_then(HostType::named),
            token_audience: audience.or_else(|| account.filter(|_| !is_workspace)),
            account_id,
            workspace_id,
            discovery_url,
        }
    }

    /// Fills the gaps of a configuration.
    pub(crate) fn fill(&self, settings: &mut Settings) {
        let cloud = self.cloud.map(|cloud| cloud.as_str().to_owned());
        for (key, value) in [
            (Key::AccountId, &self.account_id),
            (Key::WorkspaceId, &self.workspace_id),
            (Key::DiscoveryUrl, &self.discovery_url),
            (Key::TokenAudience, &self.token_audience),
            (Key::Cloud, &cloud),
        ] {
            if let Some(value) = value {
                settings.fill(key, Value::Text(value.clone()), Source::Metadata);
            }
        }
    }
}

/// The URL of the OAuth document under an endpoint; `None` while it has a placeholder that cannot be filled.
fn discovery_url(endpoint: &str, account: Option<&str>) -> Option<String> {
    let endpoint = endpoint.trim_end_matches('/');
    let endpoint = match account {
        Some(account) => endpoint.replace("{account_id}", account),
        None => endpoint.to_owned(),
    };
    if endpoint.contains(['{', '}']) {
        tracing::debug!(target: "databricks_auth", "the host's OAuth endpoint needs an account_id, which is not set");
        return None;
    }
    Some(format!("{endpoint}/.well-known/oauth-authorization-server"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(response: Json, account: &str, workspace: &str) -> Metadata {
        let config = crate::Config::hermetic().account_id(account).workspace_id(workspace);
        Metadata::read(&response, &config.resolve().unwrap())
    }

    #[test]
    fn fields() {
        let metadata = read(
            json!({"oidc_endpoint": "https://h/oidc/accounts/{account_id}/", "workspace_id": 12, "cloud": "azure", "host_type": "UNIFIED"}),
            "acc",
            "",
        );
        assert_eq!(
            metadata.discovery_url.as_deref(),
            Some("https://h/oidc/accounts/acc/.well-known/oauth-authorization-server")
        );
        assert_eq!(metadata.workspace_id.as_deref(), Some("12"));
        assert_eq!((metadata.cloud, metadata.host_type), (Some(Cloud::Azure), Some(HostType::Unified)));
        assert_eq!(metadata.token_audience, None);
    }

    #[test]
    fn audience() {
        assert_eq!(read(json!({"account_id": "a"}), "", "").token_audience.as_deref(), Some("a"));
        assert_eq!(read(json!({"account_id": "a"}), "", "7").token_audience, None);
        assert_eq!(
            read(json!({"token_federation_default_oidc_audiences": ["x", "y"]}), "", "7").token_audience.as_deref(),
            Some("x")
        );
    }

    #[test]
    fn a_placeholder_that_cannot_be_filled_disables_discovery() {
        assert_eq!(read(json!({"oidc_endpoint": "https://h/{account_id}"}), "", "").discovery_url, None);
    }

    proptest! {
        #[test]
        fn odd_responses_are_missing_fields(text in "[\\[\\]{}\":,a-z_0-9 ]{0,60}") {
            if let Ok(response) = serde_json::from_str::<Json>(&text) {
                let _ = read(response, "acc", "");
            }
        }

        #[test]
        fn members_of_any_type(member in "oidc_endpoint|account_id|workspace_id|cloud|host_type|token_federation_default_oidc_audiences", value in prop_oneof![
            Just(json!(null)), Just(json!(true)), Just(json!([])), Just(json!({"a": 1})), any::<i64>().prop_map(|n| json!(n)), any::<String>().prop_map(|s| json!(s)),
            prop::collection::vec(any::<String>(), 0..3).prop_map(|list| json!(list)),
        ]) {
            let metadata = read(json!({ member: value }), "", "");
            let is_whole = metadata.discovery_url.is_none_or(|url| !url.contains(['{', '}']));
            prop_assert!(is_whole);
        }
    }
}
