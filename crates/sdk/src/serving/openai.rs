//! What a client of the OpenAI protocol needs in order to use serving endpoints.

use databricks_core::operation::WORKSPACE_ID_HEADER;
use databricks_core::{Credentials as _, Error, ErrorKind, Result, Secret};
use http::{HeaderMap, HeaderValue, header};

use crate::client::Client;
use crate::services::serving::ServingEndpoints;

impl ServingEndpoints {
    /// Base URL and credentials for a client of the OpenAI protocol, whose models are the serving endpoints by name.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// let openai = w.serving_endpoints().openai().await?;
    /// let (base_url, api_key) = (openai.base_url(), openai.api_key().await?);
    /// // Hand both to the client of your choice; `model` is the name of a serving endpoint.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of finding the host; nothing is asked of the endpoints.
    pub async fn openai(&self) -> Result<OpenAiAccess> {
        let base = self.client.base().await?;
        let base_url = format!("{}/serving-endpoints", base.to_string().trim_end_matches('/'));
        Ok(OpenAiAccess { client: self.client.clone(), base_url })
    }
}

/// Access to the serving endpoints of a workspace for clients of the OpenAI protocol; made by
/// [`ServingEndpoints::openai`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OpenAiAccess {
    client: Client,
    base_url: String,
}

impl OpenAiAccess {
    /// The base URL, to which clients append `/chat/completions` and the like.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A token that is valid now, for what clients call the API key. It costs nothing while it is valid; ask for it
    /// before each request or each batch of them, since it may be valid for less than an hour.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when there are no credentials, or none that are a bearer token: then use
    /// [`headers`](Self::headers).
    pub async fn api_key(&self) -> Result<Secret> {
        let headers = self.headers().await?;
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| Secret::from(token.trim()))
        });
        token.ok_or_else(|| {
            Error::new(ErrorKind::Auth, "these credentials are not a bearer token, so they are not an API key")
                .with_hint("give the client the headers instead")
        })
    }

    /// The headers of a request, marked sensitive: the credentials, and the workspace on a host that serves several.
    /// Send them to the [`base_url`](Self::base_url) only.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when there are no credentials.
    pub async fn headers(&self) -> Result<HeaderMap> {
        let mut headers = crate::runtime::run(self.client.credentials().headers()).await?.headers;
        if let Some(id) = self.client.context().await?.workspace_id.as_deref() {
            let id = HeaderValue::from_str(id).map_err(|error| {
                Error::new(ErrorKind::Config, "the workspace id of the configuration cannot stand in a header")
                    .with_source(error)
            })?;
            headers.insert(WORKSPACE_ID_HEADER, id);
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Script;
    use crate::{Config, ErrorKind, WorkspaceClient};

    fn workspace(config: Config) -> WorkspaceClient {
        Script::new().client(config.host("https://w.test")).unwrap().into()
    }

    #[tokio::test]
    async fn a_token_is_the_api_key() {
        let w = workspace(Config::hermetic().token("dapi-1").set("workspace_id", "7"));
        let openai = w.serving_endpoints().openai().await.unwrap();
        assert_eq!(openai.base_url(), "https://w.test/serving-endpoints");
        assert_eq!(openai.api_key().await.unwrap().expose(), "dapi-1");
        let headers = openai.headers().await.unwrap();
        assert_eq!(headers["x-databricks-workspace-id"], "7");
        assert!(headers["authorization"].is_sensitive());
        assert!(!format!("{openai:?}").contains("dapi-1"));
    }

    #[tokio::test]
    async fn a_password_is_not_an_api_key() {
        let w = workspace(Config::hermetic().username("ann").password("pw"));
        let openai = w.serving_endpoints().openai().await.unwrap();
        let error = openai.api_key().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Auth && !error.report().contains("pw"), "{error}");
        assert!(openai.headers().await.unwrap().contains_key("authorization"));
    }
}
