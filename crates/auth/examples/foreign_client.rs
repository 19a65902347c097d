//! Signs the requests of another HTTP client, here `ureq`: the crate needs no other part of the SDK.
//!
//! ```sh
//! cargo run -p databricks-auth --example foreign_client
//! ```
//!
//! Without a configuration it asks a small server of its own on this machine, so that it can be tried. `ureq` is built
//! without TLS here; a program of yours that calls a workspace turns on one of its TLS features.

#![allow(clippy::print_stdout)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use databricks_auth::{Config, CredentialChain, Credentials, StaticToken};
use databricks_core::{Error, ErrorKind, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let config = Config::from_env().resolve()?;
    let config = match config.host() {
        Some(_) => config,
        None => {
            let host = demonstration_server()?;
            println!("No host is configured, so a server at {host} plays the workspace.");
            Config::from_env().host(host).credentials(StaticToken::new("demonstration")).resolve()?
        }
    };
    let transport = databricks_transport::Client::builder().build()?;
    let credentials = config.credentials_over(transport.service());
    let response = get(&credentials, "/api/2.0/preview/scim/v2/Me").await?;
    println!("{response}");
    Ok(())
}

/// A signed request by another client. A token that the service refuses is replaced once.
async fn get(credentials: &CredentialChain, path: &str) -> Result<String> {
    let base = credentials.endpoint().await?.base;
    let url = format!("{}{path}", base.to_string().trim_end_matches('/'));
    for attempt in 1.. {
        let headers = credentials.headers().await?;
        // Blocking clients belong on a thread that may block.
        let (target, ours) = (url.clone(), headers.headers);
        let response = tokio::task::spawn_blocking(move || {
            let mut request = ureq::get(&target).config().http_status_as_error(false).build();
            for (name, value) in &ours {
                request = request.header(name, value);
            }
            let mut response = request.call()?;
            Ok::<_, ureq::Error>((response.status().as_u16(), response.body_mut().read_to_string()?))
        })
        .await
        .map_err(|error| Error::new(ErrorKind::Other, "the request was broken off").with_source(error))?
        .map_err(|error| Error::new(ErrorKind::Connect, "the request failed").with_source(error))?;
        match response {
            (401, _) if attempt == 1 && credentials.invalidate(headers.generation) => {}
            (200, body) => return Ok(body),
            (status, body) => {
                return Err(Error::new(ErrorKind::Other, format!("the service responded with {status}: {body}")));
            }
        }
    }
    Err(Error::new(ErrorKind::Other, "no response"))
}

/// Responds to every request with the names of the headers that authenticate it.
fn demonstration_server() -> Result<String> {
    let io = |error| Error::new(ErrorKind::Io, "cannot listen on this machine").with_source(error);
    let listener = TcpListener::bind("127.0.0.1:0").map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
            let signed = head.contains("authorization: bearer demonstration");
            let body = format!("{{\"userName\": \"you\", \"signed\": {signed}}}");
            // The client may have closed the connection.
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    Ok(format!("http://{address}"))
}
