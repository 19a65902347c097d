//! The SDK, through its facade.

use anyhow::Result;
use databricks_sdk::{Config, TlsOptions, WorkspaceClient};

use crate::fixtures::Row;
use crate::work::Contender;

pub(crate) struct Ours(WorkspaceClient);

impl Ours {
    /// * `pem`: the certificate of a server over TLS, the only one that is trusted.
    pub(crate) fn new(url: &str, pem: Option<&[u8]>) -> Result<Self> {
        let config = Config::hermetic().host(url).token("dapi0123456789").allow_insecure_host(true);
        // What is measured is the client, not its limit.
        let config = config.set("rate_limit", "1000000000").set("warehouse_id", "abc");
        let mut builder = WorkspaceClient::builder().config(config).product("databricks-bench", "0.1.0");
        if let Some(pem) = pem {
            builder = builder.tls(TlsOptions::new().ca_pem(pem).only_given_roots(true));
        }
        Ok(Self(builder.build()?))
    }
}

impl Contender for Ours {
    async fn user(&self) -> Result<usize> {
        let user = self.0.current_user().me().await?;
        Ok(user.user_name.map_or(0, |name| name.len()))
    }

    async fn clusters(&self) -> Result<usize> {
        let mut items = self.0.clusters().list().items();
        let mut count = 0;
        while let Some(cluster) = items.try_next().await? {
            count += usize::from(cluster.cluster_id.is_some());
        }
        Ok(count)
    }

    async fn rows(&self, text: &str) -> Result<usize> {
        let rows = self.0.sql(text).rows::<Row>().try_collect().await?;
        Ok(rows.iter().filter(|row| row.weight() > 0).count())
    }
}
