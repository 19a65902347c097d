//! The transfers by this SDK.

use anyhow::Result;
use databricks_sdk::files::{TransferSettings, UploadSource};
use databricks_sdk::{Config, WorkspaceClient};

use crate::server::PATH;
use crate::{PARALLELISM, PART};

fn run(url: &str, work: impl AsyncFnOnce(WorkspaceClient) -> databricks_sdk::Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let w = WorkspaceClient::new(Config::hermetic().host(url).token("token").set("rate_limit", "1000"))?;
    Ok(runtime.block_on(work(w))?)
}

fn settings() -> TransferSettings {
    let part = PART as u64;
    TransferSettings::new().part_size(part).range_size(part).ranges_from(part).parallelism(PARALLELISM)
}

pub(crate) fn upload(url: &str, file: &str) -> Result<()> {
    run(url, async |w| w.files().upload_from(PATH, UploadSource::file(file)).settings(settings()).await.map(drop))
}

pub(crate) fn download(url: &str, file: &str) -> Result<()> {
    run(url, async |w| w.files().download_from(PATH).settings(settings()).to_file(file).await.map(drop))
}
