//! One call by the layers below the facade: authentication and transport.

use databricks_auth::Config;
use databricks_core::{Body, Result, SharedCredentials};
use databricks_transport::Client;

#[tokio::main]
async fn main() -> Result<()> {
    let plain = Client::builder().build()?;
    let config = Config::from_env().resolve()?;
    let uri = format!("{}/api/2.0/preview/scim/v2/Me", config.host().unwrap_or_default());
    let client = plain.with_credentials(SharedCredentials::new(config.credentials_over(plain.service())));
    let mut request = http::Request::new(Body::default());
    *request.uri_mut() = uri.parse().unwrap_or_default();
    println!("{}", client.send(request).await?.status());
    Ok(())
}
