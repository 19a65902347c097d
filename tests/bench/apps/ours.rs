//! Three calls by the SDK.

use databricks_sdk::WorkspaceClient;

#[tokio::main]
async fn main() -> databricks_sdk::Result<()> {
    let w = WorkspaceClient::from_env()?;
    println!("{:?}", w.current_user().me().await?.user_name);
    println!("{}", w.clusters().list().items().try_collect().await?.len());
    println!("{:?}", w.sql("SELECT 1").warehouse("abc").rows::<(i64,)>().try_collect().await?);
    Ok(())
}
