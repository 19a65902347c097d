//! URLs of Spark Connect.

use std::fmt;
use std::net::IpAddr;

use http::uri::Authority;

/// The port that servers have unless the URL states another.
const PORT: u16 = 15002;

/// Where an engine is, `sc://HOST:PORT/;token=…`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) authority: Authority,
    /// What the engine wants calls to have, in place of the workspace's own token.
    pub(super) token: Option<String>,
}

impl Address {
    /// An engine on this machine.
    pub(super) fn loopback(port: u16) -> Self {
        let authority = Authority::try_from(format!("127.0.0.1:{port}"));
        Self { authority: authority.unwrap_or_else(|_| Authority::from_static("127.0.0.1")), token: None }
    }

    /// Reads a URL; an error is a sentence that does not repeat a token.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        // Credentials in front of a host are none of Spark Connect's, and not to be repeated either.
        let shown = if url.contains('@') { "sc://…@…" } else { url.split(';').next().unwrap_or_default() };
        let wrong = || format!("'{shown}' is not a URL of Spark Connect; it looks like sc://HOST:PORT");
        let rest = url.strip_prefix("sc://").ok_or_else(wrong)?;
        let (place, parameters) = rest.split_once('/').unwrap_or((rest, ""));
        let stated: Authority = place.parse().map_err(|_| wrong())?;
        if stated.host().is_empty() || stated.as_str().contains('@') || place.ends_with(':') {
            return Err(wrong());
        }
        let authority = match stated.port() {
            Some(port) if port.as_u16() != 0 => stated,
            Some(_) => return Err(wrong()),
            None => format!("{stated}:{PORT}").parse().map_err(|_| wrong())?,
        };
        let mut address = Self { authority, token: None };
        for parameter in parameters.split(';').filter(|p| !p.is_empty()) {
            match parameter.split_once('=') {
                Some(("token", token)) if address.is_on_this_machine() => address.token = Some(token.to_owned()),
                Some(("token", _)) => {
                    return Err(format!(
                        "the URL of Spark Connect {shown} has a token, which would go unencrypted to another machine; \
                         lead a tunnel to localhost"
                    ));
                }
                Some(("use_ssl", "false")) => {}
                Some(("use_ssl", _)) => {
                    return Err(format!(
                        "the URL of Spark Connect {shown} asks for TLS, which calls are not passed on with; lead a \
                         tunnel to localhost"
                    ));
                }
                _ => {
                    let name = parameter.split('=').next().unwrap_or_default();
                    return Err(format!("the URL of Spark Connect {shown} has the parameter '{name}'; it takes token"));
                }
            }
        }
        Ok(address)
    }

    fn is_on_this_machine(&self) -> bool {
        let host = self.authority.host();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }
}

/// Leaves out the token.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sc://{}", self.authority)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, shown, token) in [
            ("sc://localhost:50051", "sc://localhost:50051", None),
            ("sc://spark", "sc://spark:15002", None),
            ("sc://spark/", "sc://spark:15002", None),
            ("sc://[::1]:1/;token=t=x;use_ssl=false", "sc://[::1]:1", Some("t=x")),
            ("sc://localhost/;token=abc", "sc://localhost:15002", Some("abc")),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.to_string().as_str(), address.token.as_deref()), (shown, token));
        }
    }

    #[test]
    fn others_are_refused_without_their_token() {
        for (url, why) in [
            ("http://localhost:50051", "looks like sc://HOST:PORT"),
            ("localhost:50051", "looks like sc://HOST:PORT"),
            ("sc://", "looks like sc://HOST:PORT"),
            ("sc://:50051", "looks like sc://HOST:PORT"),
            ("sc://localhost:", "looks like sc://HOST:PORT"),
            ("sc://localhost:0", "looks like sc://HOST:PORT"),
            ("sc://localhost:x/;token=secret", "looks like sc://HOST:PORT"),
            ("sc://ann:secret@localhost:1", "looks like sc://HOST:PORT"),
            ("sc://spark:1/;token=secret", "would go unencrypted"),
            ("sc://spark:1/;use_ssl=true", "asks for TLS"),
            ("sc://spark:1/;user_id=secret", "the parameter 'user_id'"),
        ] {
            let stated = Address::parse(url).unwrap_err();
            assert!(stated.contains(why), "{url}: {stated}");
            assert!(!stated.contains("secret"), "{stated}");
        }
    }
}
