//! A browser that does as the case states.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use databricks_auth::Browser;
use http::Uri;
use serde_json::Value;

use super::matcher::check_all;
use super::network::Network;
use super::text;

/// Checks the address it is sent to and calls back.
pub(crate) struct ScriptedBrowser {
    script: Option<Value>,
    network: Network,
}

impl fmt::Debug for ScriptedBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedBrowser")
    }
}

impl ScriptedBrowser {
    pub(crate) fn new(script: Option<&Value>, network: Network) -> Self {
        Self { script: script.cloned(), network }
    }

    fn visit(&self, url: &str) -> Result<(), String> {
        let script = self.script.as_ref().ok_or_else(|| format!("a browser was opened: {url}"))?;
        let (page, query) = url.split_once('?').ok_or("the address has no query")?;
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect::<std::collections::BTreeMap<_, _>>();
        if let Some(authorize) = script.get("authorize") {
            if text(authorize, "url") != page && authorize.get("url").is_some() {
                return Err(format!("the browser was sent to {page}"));
            }
            check_all(authorize.get("query"), &query, None)?;
        }
        if let Some(challenge) = query.get("code_challenge") {
            self.network.saw_challenge(challenge.clone());
        }
        let state = query.get("state").cloned().unwrap_or_default();
        let mut callback = form_urlencoded::Serializer::new(String::new());
        for (name, value) in script.get("callback").and_then(Value::as_object).into_iter().flatten() {
            callback.append_pair(name, &value.as_str().unwrap_or_default().replace("{{state}}", &state));
        }
        let uri = query.get("redirect_uri").ok_or("there is no redirect_uri")?;
        call_back(uri, &callback.finish()).map_err(|error| format!("the callback failed: {error}"))
    }
}

impl Browser for ScriptedBrowser {
    fn open(&self, url: &str) -> io::Result<()> {
        self.visit(url).map_err(|why| {
            self.network.unexpected(why.clone());
            io::Error::other(why)
        })
    }
}

fn call_back(redirect_uri: &str, query: &str) -> io::Result<()> {
    let uri: Uri = redirect_uri.parse().map_err(io::Error::other)?;
    let authority = uri.authority().ok_or_else(|| io::Error::other("no authority"))?;
    let mut stream = TcpStream::connect(("127.0.0.1", uri.port_u16().unwrap_or(80)))?;
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    write!(stream, "GET {path}?{query} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(())
}
