//! Which workspace a client talks to.

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::iam::current_user::Me;

use crate::WorkspaceClient;

/// The header of responses that names the workspace.
const WORKSPACE_ID: &str = "x-databricks-org-id";

impl WorkspaceClient {
    /// The id of the workspace. It is that of the configuration, or else asked for once.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the service does not state it; else as any call.
    pub async fn workspace_id(&self) -> Result<i64> {
        let known = self.client.workspace_id_cell();
        known.get_or_try_init(|| self.find_workspace_id()).await.copied()
    }

    async fn find_workspace_id(&self) -> Result<i64> {
        let context = self.client.context().await?;
        if let Some(id) = context.workspace_id.as_deref() {
            return id.parse().map_err(|error| {
                Error::new(ErrorKind::Config, "the workspace id of the configuration is not a number")
                    .with_source(error)
            });
        }
        let mut me = Me::new();
        me.excluded_attributes = Some("entitlements".into());
        let response = self.client.call(me).send_full().await?;
        let id = response.headers.get(WORKSPACE_ID).and_then(|id| id.to_str().ok()?.trim().parse().ok());
        id.ok_or_else(|| {
            Error::new(ErrorKind::Decode, format!("the response names no workspace in its header {WORKSPACE_ID}"))
                .with_operation("current_user.me")
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use crate::testing::{Reply, Script};
    use crate::{Config, WorkspaceClient};

    #[tokio::test]
    async fn the_id_is_asked_for_once() {
        let script = Script::new();
        let reply = Reply::json(&serde_json::json!({})).header("X-Databricks-Org-Id", "7405605519549535");
        let me = script.expect(Method::GET, "/api/2.0/preview/scim/v2/Me");
        let me = me.query("excludedAttributes=entitlements").reply(reply);
        let w = script.workspace().unwrap();
        assert_eq!(w.workspace_id().await.unwrap(), 7_405_605_519_549_535);
        assert_eq!(w.clone().workspace_id().await.unwrap(), 7_405_605_519_549_535);
        assert_eq!(me.hits(), 1);
    }

    #[tokio::test]
    async fn a_configured_id_is_not_asked_for() {
        let script = Script::new();
        let config = Config::hermetic().host("https://w.test").token("t").set("workspace_id", "77");
        let w = WorkspaceClient::from(script.client(config).unwrap());
        assert_eq!(w.workspace_id().await.unwrap(), 77);
        script.verify().unwrap();
    }
}
