//! Which requests go through a proxy.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use base64::Engine as _;
use databricks_core::{Error, ErrorKind, Result, Secret};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::Environment;

/// Which proxy a client uses. By default the environment sets it.
///
/// The variables are `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or small letters; capitals
/// come first, and `HTTP_PROXY` in capitals is ignored when `REQUEST_METHOD` is set, since a CGI program's caller
/// controls it. `NO_PROXY` is a list of host names (with all names below them), addresses, networks such as
/// `10.0.0.0/8`, each with an optional `:port`, or `*`.
///
/// This machine (`localhost`, loopback addresses) and its cloud's metadata service (link-local addresses,
/// `metadata.google.internal`) are never asked through a proxy, whatever is set.
///
/// ```
/// use databricks_transport::ProxyOptions;
///
/// let direct = ProxyOptions::none();
/// let company = ProxyOptions::new("http://proxy.example.com:3128").basic_auth("me", "secret".into()).no_proxy("localhost,.example.com");
/// ```
#[derive(Clone, Default)]
pub struct ProxyOptions(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Environment,
    None,
    Fixed {
        url: Secret,
        auth: Option<(String, Secret)>,
        no_proxy: String,
    },
}

impl ProxyOptions {
    /// As the variables of the client's environment state: the default.
    pub fn from_environment() -> Self {
        Self(Kind::Environment)
    }

    /// No proxy, whatever the environment sets.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// This proxy for everything, whatever the environment sets.
    ///
    /// * `url`: `http://`, `https://` or, with the feature `socks`, `socks5://` and `socks5h://`: how the proxy itself
    ///   is spoken to, whatever it is used for. May hold `user:password@`, as typed or with escapes such as `%40`.
    pub fn new(url: impl Into<String>) -> Self {
        Self(Kind::Fixed { url: Secret::new(url), auth: None, no_proxy: String::new() })
    }

    /// Sets the user and password for a proxy given by [`new`](Self::new).
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>, password: Secret) -> Self {
        if let Kind::Fixed { auth, .. } = &mut self.0 {
            *auth = Some((user.into(), password));
        }
        self
    }

    /// Sets the hosts that a proxy given by [`new`](Self::new) is not used for, in the form of `NO_PROXY`.
    #[must_use]
    pub fn no_proxy(mut self, hosts: impl Into<String>) -> Self {
        if let Kind::Fixed { no_proxy, .. } = &mut self.0 {
            *no_proxy = hosts.into();
        }
        self
    }

    /// The rules in the form that connections ask.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the variable or setting whose URL makes no sense.
    pub(crate) fn rules(&self, env: &Environment) -> Result<ProxyRules> {
        match &self.0 {
            Kind::None => Ok(ProxyRules::default()),
            Kind::Environment => {
                let first = |upper: &str, lower: &str| {
                    let name = if env.get(upper).is_some() { upper } else { lower };
                    env.var(name).map(|value| (name.to_owned(), value))
                };
                let http = if env.contains("REQUEST_METHOD") {
                    first("http_proxy", "http_proxy")
                } else {
                    first("HTTP_PROXY", "http_proxy")
                };
                let parse = |found: Option<(String, String)>| {
                    found.map(|(name, value)| Proxy::parse(&name, &value)).transpose()
                };
                let http = parse(http)?;
                let https = parse(first("HTTPS_PROXY", "https_proxy"))?;
                let all = parse(first("ALL_PROXY", "all_proxy"))?;
                let no_proxy = first("NO_PROXY", "no_proxy").map(|(_, value)| value).unwrap_or_default();
                Ok(ProxyRules::new(http.or_else(|| all.clone()), https.or(all), &no_proxy))
            }
            Kind::Fixed { url, auth, no_proxy } => {
                let mut proxy = Proxy::parse("ProxyOptions::new", url.expose())?;
                if let Some((user, password)) = auth {
                    proxy = proxy.authenticated(user.as_bytes().to_vec(), password.expose().as_bytes().to_vec());
                }
                Ok(ProxyRules::new(Some(proxy.clone()), Some(proxy), no_proxy))
            }
        }
    }
}

impl fmt::Debug for ProxyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Environment => "ProxyOptions(environment)",
            Kind::None => "ProxyOptions(none)",
            Kind::Fixed { .. } => "ProxyOptions(fixed)",
        })
    }
}

/// One proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Scheme, host and port.
    uri: Uri,
    user: Option<(Vec<u8>, Vec<u8>)>,
    header: Option<HeaderValue>,
    source: String,
}

impl Proxy {
    /// Reads a proxy's URL; `http` if it has no scheme.
    ///
    /// User and password are taken as they were typed as far as that is certain: the last `@` ends them, the first `:`
    /// parts them, and escapes such as `%40` are resolved unless there is a `%` that belongs to none.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming `source`, without the URL, since it may hold a password.
    fn parse(source: &str, text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Error::new(ErrorKind::Config, format!("{source} is not the URL of a proxy: {why}"))
                .with_hint("write it as http://host:port or http://user:password@host:port")
                .with_permanent()
        };
        let text = text.trim();
        let is_scheme =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "http" | "https" => {}
            "socks5" | "socks5h" if cfg!(feature = "socks") => {}
            "socks5" | "socks5h" => return Err(needs_socks(source)),
            _ => return Err(refuse("its scheme must be http, https, socks5 or socks5h")),
        }
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let place = place.split(['/', '?', '#']).next().unwrap_or_default();
        if place.is_empty() || place.starts_with(':') {
            return Err(refuse("it has no host"));
        }
        let uri: Uri = format!("{scheme}://{place}/").parse().map_err(|_| refuse("its host cannot be read"))?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(refuse("it has no host"));
        }
        // `Uri` takes any digits for a port and then gives none.
        let has_port = place.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        if has_port && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(refuse("its port is not a number from 1 to 65535"));
        }
        let proxy = Self { uri, user: None, header: None, source: source.to_owned() };
        Ok(match user {
            None | Some("") => proxy,
            Some(user) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                proxy.authenticated(unescape(user), unescape(password))
            }
        })
    }

    fn authenticated(mut self, user: Vec<u8>, password: Vec<u8>) -> Self {
        let pair = [user.as_slice(), b":", password.as_slice()].concat();
        let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        // Base64 is never refused.
        self.header = HeaderValue::try_from(text).ok().map(|mut value| {
            value.set_sensitive(true);
            value
        });
        self.user = Some((user, password));
        self
    }

    /// Scheme, host and port.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The variable or setting that names the proxy.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it speaks SOCKS rather than HTTP.
    pub(crate) fn is_socks(&self) -> bool {
        self.uri.scheme_str().is_some_and(|scheme| scheme.starts_with("socks"))
    }

    /// The value of `Proxy-Authorization`.
    pub(crate) fn basic_auth(&self) -> Option<&HeaderValue> {
        self.header.as_ref()
    }

    /// User and password.
    #[cfg(feature = "socks")]
    pub(crate) fn user(&self) -> Option<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.user.as_ref().map(|(user, password)| (text(user), text(password)))
    }
}

/// Where it is and where that is set, without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (set by {})", self.uri.to_string().trim_end_matches('/'), self.source)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A SOCKS proxy is set, which this build does not know.
pub(crate) fn needs_socks(source: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!(
            "{source} names a SOCKS proxy, which needs the feature socks of databricks-sdk (or databricks-transport)"
        ),
    )
    .with_permanent()
}

/// Escapes resolved, unless one of them is none: then the string was typed as it is.
fn unescape(text: &str) -> Vec<u8> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        if !after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return text.as_bytes().to_vec();
        }
        rest = after;
    }
    percent_encoding::percent_decode_str(text).collect()
}

/// The response to "does this request go through a proxy?".
pub(crate) struct ProxyRules {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    /// Would send everything through a proxy but the hosts of `NO_PROXY`: what it lets pass is one of them.
    exempt: Matcher,
    /// Hosts with a port: the matcher knows none.
    exempt_ports: Vec<(Matcher, u16)>,
}

impl Default for ProxyRules {
    fn default() -> Self {
        Self::new(None, None, "")
    }
}

impl ProxyRules {
    fn new(http: Option<Proxy>, https: Option<Proxy>, no_proxy: &str) -> Self {
        let matcher = |hosts: &str| Matcher::builder().all("http://proxy.invalid").no(hosts).build();
        let (mut plain, mut exempt_ports) = (Vec::new(), Vec::new());
        for entry in no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match split_port(entry) {
                Some((host, port)) => exempt_ports.push((matcher(&host), port)),
                // curl's form, where a leading "*." means the same as a leading dot.
                None => plain.push(entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry)),
            }
        }
        Self { http: http.map(Arc::new), https: https.map(Arc::new), exempt: matcher(&plain.join(",")), exempt_ports }
    }

    /// The proxy for a URL, if any.
    pub(crate) fn intercept(&self, uri: &Uri) -> Option<Arc<Proxy>> {
        let encrypted = uri.scheme_str() == Some("https");
        let proxy = if encrypted { self.https.as_ref() } else { self.http.as_ref() }?;
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let exempt = is_this_machine(uri.host().unwrap_or_default())
            || self.exempt.intercept(uri).is_none()
            || self.exempt_ports.iter().any(|(host, exempt)| *exempt == port && host.intercept(uri).is_none());
        (!exempt).then(|| Arc::clone(proxy))
    }

    /// The header by which a request without a tunnel authenticates at its proxy.
    pub(crate) fn header(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme_str() != Some("http") {
            return None;
        }
        self.intercept(uri).filter(|proxy| !proxy.is_socks())?.basic_auth().cloned()
    }
}

/// Whether a host is this machine or a service of its cloud that only this machine can see: loopback and link-local
/// addresses, which metadata services of instances have, and their names. Through a proxy they would be another
/// machine's, and tokens for them would be shown to the proxy in clear. No setting changes this.
fn is_this_machine(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let host = host.split('%').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    if host == "localhost" || host.ends_with(".localhost") || host == "metadata.google.internal" {
        return true;
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        // Amazon's metadata service.
        const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
        return match address.to_ipv4_mapped() {
            Some(mapped) => is_local_v4(mapped),
            None => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_unicast_link_local()
                    || address == METADATA
            }
        };
    }
    ipv4(&host).is_some_and(is_local_v4)
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_link_local() || address.is_unspecified()
}

/// An IPv4 address in any form that operating systems connect to: `127.0.0.1`, `127.1`, `0x7f.1`, `2130706433`.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = host
        .split('.')
        .map(|part| match part.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
            None => part.parse().ok(),
        })
        .collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let high = first.iter().enumerate().fold(0, |sum, (i, part)| sum | (part << (24 - 8 * i)));
    let room = 32 - 8 * first.len() as u32;
    (u64::from(*last) < 1 << room).then(|| Ipv4Addr::from(high | last))
}

/// `host:port` taken apart; `None` for anything without a port, such as an IPv6 address.
fn split_port(entry: &str) -> Option<(String, u16)> {
    let (host, port) = entry.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if bare.is_none() && host.contains(':') {
        return None;
    }
    Some((bare.unwrap_or(host).to_owned(), port.parse().ok()?))
}

#[cfg(test)]
mod tests;
