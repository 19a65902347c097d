//! Normalising a host: from what users paste to an origin.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host, and the ids from its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// `https://name` or `https://name:port`, without a trailing slash.
    pub(crate) url: String,
    /// The name or address without a port, in lower case.
    pub(crate) name: String,
    pub(crate) workspace_id: Option<String>,
    pub(crate) account_id: Option<String>,
}

/// Why a string is not a host. The string shown contains neither user information nor a query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HostError {
    Invalid { shown: String, problem: &'static str },
    Insecure { shown: String },
}

impl Host {
    /// Parses a host.
    ///
    /// * `allow_insecure`: whether plain http is permitted to hosts other than this machine.
    pub(crate) fn parse(text: &str, allow_insecure: bool) -> Result<Self, HostError> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), text),
        };
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(authority_end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let shown = format!("{scheme}://{authority}");
        let invalid = |problem| HostError::Invalid { shown: shown.clone(), problem };
        if scheme != "https" && scheme != "http" {
            return Err(invalid("the scheme must be https"));
        }
        let (name, port) = split_port(authority).ok_or_else(|| invalid("the port is not a number from 1 to 65535"))?;
        let name = name.to_ascii_lowercase();
        if !is_name(&name) {
            return Err(invalid(if name.is_empty() {
                "it has no host name"
            } else {
                "it contains characters that are not allowed in a host name"
            }));
        }
        if scheme == "http" && !is_loopback(&name) && !allow_insecure {
            return Err(HostError::Insecure { shown });
        }
        let port = port.filter(|port| !matches!((scheme.as_str(), port), ("https", 443) | ("http", 80)));
        let url = match port {
            Some(port) => format!("{scheme}://{name}:{port}"),
            None => format!("{scheme}://{name}"),
        };
        let (workspace_id, account_id) = ids(tail);
        Ok(Self { url, name, workspace_id, account_id })
    }

    /// Whether the name is that of an account console.
    pub(crate) fn is_account(&self) -> bool {
        self.name.starts_with("accounts.") || self.name.starts_with("accounts-dod.")
    }
}

/// Whether a host name or address is loopback.
pub(crate) fn is_loopback(name: &str) -> bool {
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let name = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_brackets = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_brackets..].rfind(':') {
        None => Some((authority, None)),
        Some(colon) => {
            let (name, port) = authority.split_at(after_brackets + colon);
            let port = port[1..].parse().ok().filter(|port| *port != 0)?;
            Some((name, Some(port)))
        }
    }
}

fn is_name(name: &str) -> bool {
    if let Some(address) = name.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let valid =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let looks_numeric = name.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(valid) && (!looks_numeric || name.parse::<Ipv4Addr>().is_ok())
}

/// Workspace and account id of a query: `w` in any form, else `o` or `workspace_id` if numeric; `a` or `account_id`.
fn ids(tail: &str) -> (Option<String>, Option<String>) {
    let Some((_, query)) = tail.split_once('?') else { return (None, None) };
    let query = query.split('#').next().unwrap_or_default();
    let find = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    let numeric = |text: &String| text.bytes().all(|b| b.is_ascii_digit());
    let workspace_id = find("w").or_else(|| find("o").filter(numeric)).or_else(|| find("workspace_id").filter(numeric));
    (workspace_id, find("a").or_else(|| find("account_id")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> String {
        Host::parse(text, false).unwrap().url
    }

    #[test]
    fn origins() {
        for (text, expected) in [
            ("ws.example.com", "https://ws.example.com"),
            (" HTTPS://WS.Example.com/ ", "https://ws.example.com"),
            ("https://ws.example.com:443/x?y#z", "https://ws.example.com"),
            ("ws.example.com:443", "https://ws.example.com"),
            ("https://ws.example.com:8443", "https://ws.example.com:8443"),
            ("https://ann:pw@ws.example.com/", "https://ws.example.com"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
        ] {
            assert_eq!(url(text), expected, "{text}");
        }
    }

    #[test]
    fn refusals() {
        for text in [
            "https://:443",
            "",
            "https://",
            "ftp://x",
            "https://a b",
            "https://a..b",
            "https://x:99999",
            "https://x:0",
            "https://300.1.1.1",
        ] {
            assert!(matches!(Host::parse(text, false), Err(HostError::Invalid { .. })), "{text}");
        }
        for text in ["http://ws.example.com", "http://localhost.example.com", "http://10.0.0.1", "http://u@evil.com"] {
            assert!(matches!(Host::parse(text, false), Err(HostError::Insecure { .. })), "{text}");
        }
        assert_eq!(Host::parse("http://ws.example.com", true).unwrap().url, "http://ws.example.com");
    }

    #[test]
    fn errors_do_not_show_user_information() {
        let Err(HostError::Insecure { shown }) = Host::parse("http://ann:secret@ws.example.com/?token=x", false) else {
            panic!()
        };
        assert_eq!(shown, "http://ws.example.com");
    }

    #[test]
    fn ids_of_the_query() {
        let ids = |text: &str| {
            let host = Host::parse(text, false).unwrap();
            (host.workspace_id, host.account_id)
        };
        assert_eq!(ids("https://h/?o=12&a=acc"), (Some("12".into()), Some("acc".into())));
        assert_eq!(ids("https://h?w=conn-9&o=12"), (Some("conn-9".into()), None));
        assert_eq!(ids("https://h/x?o=abc&workspace_id=7&account_id=acc#f"), (Some("7".into()), Some("acc".into())));
        assert_eq!(ids("https://h/#o=1"), (None, None));
    }

    proptest! {
        #[test]
        fn never_panics_and_is_stable(text in any::<String>()) {
            if let Ok(host) = Host::parse(&text, false) {
                prop_assert_eq!(&Host::parse(&host.url, false).unwrap().url, &host.url);
                prop_assert!(host.url.parse::<http::Uri>().is_ok());
            }
        }
    }
}
