//! Where clients find the workspace: what a response gives them to follow leads to the name by which they came.

use std::future::Future;
use std::net::IpAddr;

use http::header;
use http::request::Parts;

tokio::task_local! {
    /// The name by which the client of the request that is served reached the workspace.
    static NAME: String;
}

/// The name in the `Host` header of a request, or in its URL, without the port.
pub(crate) fn name(parts: &Parts) -> &str {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    without_port(host.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default())
}

/// Serves a request that came by a name.
pub(crate) async fn reached_by<F: Future>(name: String, serve: F) -> F::Output {
    NAME.scope(name, serve).await
}

/// By which name this machine reaches what listens on an address.
pub(crate) fn own_name(address: IpAddr) -> String {
    match address {
        any if any.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A URL of this workspace with the name by which the client came that is served. On this machine an address is better than a name, which may have two.
pub(crate) fn for_client(url: &str) -> String {
    let named = NAME.try_with(|name| {
        let (scheme, rest) = url.split_once("://")?;
        let port = rest.rsplit_once(':')?.1;
        (!name.is_empty() && name != "localhost").then(|| format!("{scheme}://{name}:{port}"))
    });
    named.ok().flatten().unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_port() {
        let hosts =
            [("workspace:8080", "workspace"), ("workspace", "workspace"), ("[::1]:8080", "[::1]"), ("[::1]", "[::1]")];
        for (host, name) in hosts {
            assert_eq!(without_port(host), name);
        }
    }

    #[tokio::test]
    async fn links_lead_to_where_the_client_came_from() {
        let url = "https://127.0.0.1:8081";
        for (name, expected) in [
            ("workspace", "https://workspace:8081"),
            ("[fd00::1]", "https://[fd00::1]:8081"),
            ("localhost", url),
            ("127.0.0.1", url),
            ("", url),
        ] {
            assert_eq!(reached_by(name.to_owned(), async { for_client(url) }).await, expected);
        }
        assert_eq!(for_client(url), url);
    }
}
