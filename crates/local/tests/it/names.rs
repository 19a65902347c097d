//! Names by which clients reach the workspace: what they are given to follow has the same.

use databricks_local::LocalWorkspace;

use crate::client::send;

#[tokio::test]
async fn links_and_endpoints_have_the_name_that_the_client_came_by() {
    let local = LocalWorkspace::builder().host_name("workspace.test").start().await.unwrap();
    let port = local.url().rsplit_once(':').unwrap().1.to_owned();
    let authorization = format!("Bearer {}", local.token());
    for (name, seen) in [("workspace.test", "workspace.test"), ("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")] {
        let host = format!("{name}:{port}");
        let headers = [("host", host.as_str()), ("authorization", authorization.as_str())];
        let found =
            send(&local, "GET", "/oidc/.well-known/oauth-authorization-server", &headers, b"").await.unwrap().ok();
        assert_eq!(found["token_endpoint"], format!("http://{seen}:{port}/oidc/v1/token"));

        let path = "/Volumes/main/default/data/f";
        let put = send(&local, "PUT", &format!("/api/2.0/fs/files{path}?overwrite=true"), &headers, b"content").await;
        assert_eq!(put.unwrap().status, 204);
        let asked = format!("/api/2.0/fs/create-download-url?path={path}&expire_time=2999-01-01T00:00:00Z");
        let link = send(&local, "POST", &asked, &headers, b"").await.unwrap().ok();
        let storage = local.storage_url().replace("127.0.0.1", seen);
        assert!(link["url"].as_str().unwrap().starts_with(&storage), "{link}");
    }
    let stranger = format!("other.test:{port}");
    let refused = send(&local, "GET", "/api/2.0/clusters/list", &[("host", &stranger)], b"").await.unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
}

#[tokio::test]
async fn a_workspace_on_an_address_names_it() {
    let address: std::net::IpAddr = "127.0.0.2".parse().unwrap();
    // Where only 127.0.0.1 is configured there is no such address.
    if tokio::net::TcpListener::bind((address, 0)).await.is_err() {
        return;
    }
    let local = LocalWorkspace::builder().bind(address).start().await.unwrap();
    assert!(local.url().starts_with("http://127.0.0.2:"), "{}", local.url());
    assert!(local.storage_url().starts_with("http://127.0.0.2:"), "{}", local.storage_url());
    let authorization = format!("Bearer {}", local.token());
    send(&local, "GET", "/api/2.0/preview/scim/v2/Me", &[("authorization", &authorization)], b"").await.unwrap().ok();
}
