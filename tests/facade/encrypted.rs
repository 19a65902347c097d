//! The embedded workspace over TLS: the API, links to storage, and code on clusters that calls back.

use databricks_local::LocalWorkspace;
use databricks_sdk::files::{TransferSettings, UploadSource};
use databricks_sdk::models::compute::Language;
use databricks_sdk::{Config, ErrorKind, TlsOptions, WorkspaceClient};

#[tokio::test]
async fn all_origins_are_encrypted_by_one_authority() {
    let builder = LocalWorkspace::builder().speed(1000.0).starter_cluster(true);
    let local = builder.tls_self_signed(true).start().await.unwrap();
    assert!(local.url().starts_with("https://127.0.0.1:"), "{}", local.url());
    let file = local.authority_file().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), local.authority().unwrap());
    let config = || Config::hermetic().host(local.url()).token(local.token());

    let stranger = WorkspaceClient::new(config()).unwrap();
    let error = stranger.current_user().me().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");

    let trusting = TlsOptions::new().ca_file(&file);
    let w = WorkspaceClient::builder().config(config()).tls(trusting).build().unwrap();
    assert_eq!(w.current_user().me().await.unwrap().user_name.as_deref(), Some(local.username()));
    let sum: i64 = w.sql("SELECT 1 + 1").warehouse(local.warehouse_id()).fetch_one().await.unwrap();
    assert_eq!(sum, 2);

    // By links to the other origin, which no credentials are sent to.
    let parts = TransferSettings::new().multipart_from(10).part_size_options([10]);
    let volume = w.volume("/Volumes/main/default/data").unwrap();
    let bytes = b"some bytes in more than one part".to_vec();
    volume.upload("f", UploadSource::from(bytes.clone())).settings(parts).await.unwrap();
    assert!(local.storage_url().starts_with("https://"), "{}", local.storage_url());
    assert!(local.requests().iter().any(|request| request.path.contains("create-upload-part-urls")));
    assert_eq!(volume.download("f").bytes().await.unwrap(), bytes);

    let context = w.context(local.cluster_id().unwrap(), Language::Python).await.unwrap();
    let result = context.run("dbutils.fs.ls('/Volumes/main/default/data')[0].name").await.unwrap();
    assert!(result.into_result().unwrap().text().unwrap().contains('f'));
    context.shutdown().await.unwrap();
    local.shutdown().await;
    assert!(!file.exists());
}

#[tokio::test]
async fn a_plain_connection_to_the_encrypted_port_ends_alone() {
    let local = LocalWorkspace::builder().tls_self_signed(true).start().await.unwrap();
    let plain = local.url().replace("https://", "http://");
    let confused = WorkspaceClient::new(Config::hermetic().host(plain).token(local.token())).unwrap();
    let error = confused.current_user().me().await.unwrap_err();
    assert!(!error.maybe_executed(), "{error}");

    let authority = local.authority().unwrap().to_owned();
    let config = Config::hermetic().host(local.url()).token(local.token());
    let w = WorkspaceClient::builder().config(config).tls(TlsOptions::new().ca_pem(authority)).build().unwrap();
    w.current_user().me().await.unwrap();
}
