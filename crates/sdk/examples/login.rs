//! A login through a browser whose tokens are kept in a key store, and what later runs of a program do with it.
//!
//! The person who allows the access is played by this program, and the key store lies in its memory, so that it runs
//! anywhere, on an embedded workspace. A real program leaves out [`browser`](databricks_sdk::Config::browser) and
//! [`key_store`](databricks_sdk::Config::key_store): with the features `browser` and `keyring` those of the system are
//! used.
//!
//! ```text
//! cargo run -p databricks-sdk --example login
//! ```

#![allow(clippy::print_stdout)] // A program's output.

#[path = "shared/keys.rs"]
mod keys;

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use databricks_local::LocalWorkspace;
use databricks_sdk::{Browser, Config, Storage, WorkspaceClient};

use keys::Keys;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let local = LocalWorkspace::start().await?;
    let keys = Keys::default();
    let settings =
        || Config::hermetic().host(local.url()).browser(Person).key_store(keys.clone()).auth_storage(Storage::Secure);

    let w = WorkspaceClient::new(settings())?;
    w.login().await?;
    println!("Logged in; the key store has {} entries.", keys.len());

    // Another run of the program: no browser is opened, and the token is renewed when it has to be.
    let w = WorkspaceClient::new(settings().auth_type("databricks-cli"))?;
    let me = w.current_user().me().await?;
    println!("By the stored login this is {}.", me.user_name.unwrap_or_default());

    w.client().logout().await?;
    println!("Logged out; the key store has {} entries.", keys.len());
    match WorkspaceClient::new(settings().auth_type("databricks-cli"))?.current_user().me().await {
        Ok(_) => return Err("the login is still stored".into()),
        Err(error) => println!("From now on: {error}"),
    }
    local.shutdown().await;
    Ok(())
}

/// A person who allows whatever is asked, in place of a browser.
#[derive(Debug)]
struct Person;

impl Browser for Person {
    fn open(&self, url: &str) -> io::Result<()> {
        println!("A browser would show {}.", url.split('?').next().unwrap_or_default());
        let url: http::Uri = url.parse().map_err(io::Error::other)?;
        let form = format!("{}&decision=allow", url.query().unwrap_or_default());
        let type_of_form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let response = exchange(&url, "POST", url.path(), type_of_form, &form)?;
        let back = response.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
        });
        let back = back.ok_or_else(|| io::Error::other("the consent page leads nowhere"))?;
        let back: http::Uri = back.parse().map_err(io::Error::other)?;
        let target = format!("/?{}", back.query().unwrap_or_default());
        exchange(&back, "GET", &target, "", "").map(drop)
    }
}

/// One request without encryption, as it does for a host on this machine.
fn exchange(url: &http::Uri, method: &str, path: &str, headers: &str, body: &str) -> io::Result<String> {
    let authority = url.authority().ok_or_else(|| io::Error::other("the URL names no host"))?;
    let mut stream = TcpStream::connect(authority.as_str())?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}
