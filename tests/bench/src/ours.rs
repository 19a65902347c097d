//! The SDK, through its facade.

use anyhow::{Context as _, Result};
use databricks_arrow::ArrowExt as _;
use databricks_sdk::models::provisioning::Workspace;
use databricks_sdk::{AccountClient, Config, TlsOptions, WorkspaceClient};

use crate::fixtures::Row;
use crate::work::Contender;

pub(crate) struct Ours {
    workspace: WorkspaceClient,
    config: Config,
    workspaces: Vec<WorkspaceClient>,
}

impl Ours {
    /// * `pem`: the certificate of a server over TLS, the only one that is trusted.
    pub(crate) fn new(url: &str, pem: Option<&[u8]>) -> Result<Self> {
        let config = Config::hermetic().host(url).token("dapi0123456789").allow_insecure_host(true);
        // What is measured is the client, not its limit.
        let config = config.set("rate_limit", "1000000000").set("warehouse_id", "abc");
        let mut builder = WorkspaceClient::builder().config(config.clone()).product("databricks-bench", "0.1.0");
        if let Some(pem) = pem {
            builder = builder.tls(TlsOptions::new().ca_pem(pem).only_given_roots(true));
        }
        Ok(Self { workspace: builder.build()?, config, workspaces: Vec::new() })
    }
}

impl Contender for Ours {
    async fn user(&self) -> Result<usize> {
        let user = self.workspace.current_user().me().await?;
        Ok(user.user_name.map_or(0, |name| name.len()))
    }

    async fn clusters(&self) -> Result<usize> {
        let mut items = self.workspace.clusters().list().items();
        let mut count = 0;
        while let Some(cluster) = items.try_next().await? {
            count += usize::from(cluster.cluster_id.is_some());
        }
        Ok(count)
    }

    async fn rows(&self, text: &str) -> Result<usize> {
        let rows = self.workspace.sql(text).rows::<Row>().try_collect().await?;
        Ok(rows.iter().filter(|row| row.weight() > 0).count())
    }

    async fn arrow(&self) -> Result<usize> {
        let mut batches = self.workspace.sql("SELECT arrow").batches();
        let mut rows = 0;
        while let Some(batch) = batches.try_next().await? {
            rows += batch.num_rows();
        }
        Ok(rows)
    }

    async fn prepare(&mut self, workspaces: usize) -> Result<()> {
        let account = AccountClient::new(self.config.clone().account_id("5c1f3a77-0000-4000-8000-000000000001"))?;
        for id in 0..workspaces {
            let mut workspace = Workspace::new();
            workspace.workspace_id = Some(i64::try_from(id)? + 1);
            self.workspaces.push(account.workspace_client(&workspace).await?);
        }
        Ok(())
    }

    async fn user_of(&self, workspace: usize) -> Result<usize> {
        let client = self.workspaces.get(workspace).context("no such workspace")?;
        let user = client.current_user().me().await?;
        Ok(user.user_name.map_or(0, |name| name.len()))
    }
}
