//! Which requests go through a proxy.

use std::fmt;

use databricks_core::{Error, ErrorKind, Result, Secret};
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Environment;

/// Which proxy a client uses. By default the environment says it.
///
/// The variables are `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or small letters; capitals come first, and
/// `HTTP_PROXY` in capitals is ignored when `REQUEST_METHOD` is set, since a CGI program's caller controls it. `NO_PROXY` is a
/// list of host names (with all names below them), addresses, networks such as `10.0.0.0/8`, each with an optional `:port`, or `*`.
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
    /// As the variables of the client's environment say: the default.
    pub fn from_environment() -> Self {
        Self(Kind::Environment)
    }

    /// No proxy, whatever the environment says.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// This proxy for everything, whatever the environment says.
    ///
    /// * `url`: `http://`, `https://` or, with the feature `socks`, `socks5://` and `socks5h://`; may hold `user:password@`.
    pub fn new(url: impl Into<String>) -> Self {
        Self(Kind::Fixed { url: Secret::new(url), auth: None, no_proxy: String::new() })
    }

    /// Signs in at a proxy given by [`new`](Self::new).
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>, password: Secret) -> Self {
        if let Kind::Fixed { auth, .. } = &mut self.0 {
            *auth = Some((user.into(), password));
        }
        self
    }

    /// The hosts that a proxy given by [`new`](Self::new) is not used for, in the form of `NO_PROXY`.
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
                let http =
                    if env.contains("REQUEST_METHOD") { first("http_proxy", "http_proxy") } else { first("HTTP_PROXY", "http_proxy") };
                let url = |found: Option<(String, String)>| found.map(|(name, value)| checked(&name, &value)).transpose();
                let http = url(http)?;
                let https = url(first("HTTPS_PROXY", "https_proxy"))?;
                let all = url(first("ALL_PROXY", "all_proxy"))?;
                let no_proxy = first("NO_PROXY", "no_proxy").map(|(_, value)| value).unwrap_or_default();
                Ok(ProxyRules::new(http.as_ref().or(all.as_ref()), https.as_ref().or(all.as_ref()), &no_proxy))
            }
            Kind::Fixed { url, auth, no_proxy } => {
                let mut url = checked("the proxy given in code", url.expose())?;
                if let Some((user, password)) = auth
                    && let Some((scheme, rest)) = url.expose().split_once("://")
                {
                    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                    url = Secret::new(format!("{scheme}://{}:{}@{host}", escape(user), escape(password.expose())));
                }
                Ok(ProxyRules::new(Some(&url), Some(&url), no_proxy))
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

/// A proxy's URL with a scheme, or an error that names where it came from and does not repeat it, since it may hold a password.
fn checked(origin: &str, url: &str) -> Result<Secret> {
    let refuse = |why: &str| Err(Error::new(ErrorKind::Config, format!("{origin} is not the URL of a proxy: {why}")).with_permanent());
    let url = url.trim().trim_end_matches('/');
    let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let Ok(uri) = with_scheme.parse::<Uri>() else { return refuse("write it as http://host:port") };
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some("socks5" | "socks5h") if cfg!(feature = "socks") => {}
        Some("socks5" | "socks5h") => return refuse("SOCKS needs the feature socks of databricks-transport"),
        _ => return refuse("its scheme must be http, https, socks5 or socks5h"),
    }
    if uri.host().is_none_or(str::is_empty) {
        return refuse("it has no host");
    }
    // `Uri` takes any digits for a port and then gives none.
    let place = uri.authority().map_or("", |authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    if uri.port_u16().is_none()
        && split_port(place).is_none()
        && place.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
    {
        return refuse("its port is not a number up to 65535");
    }
    Ok(Secret::new(with_scheme))
}

/// The answer to "does this request go through a proxy?".
#[derive(Debug)]
pub(crate) struct ProxyRules {
    matcher: Matcher,
    /// Hosts with a port: the matcher knows none.
    exempt: Vec<(Matcher, u16)>,
    none: bool,
}

impl Default for ProxyRules {
    fn default() -> Self {
        Self { matcher: Matcher::builder().build(), exempt: Vec::new(), none: true }
    }
}

impl ProxyRules {
    fn new(http: Option<&Secret>, https: Option<&Secret>, no_proxy: &str) -> Self {
        let (mut plain, mut exempt) = (Vec::new(), Vec::new());
        for entry in no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match split_port(entry) {
                // A matcher that would send everything but this host through a proxy: what it lets pass is the host.
                Some((host, port)) => exempt.push((Matcher::builder().all("http://proxy.invalid").no(host).build(), port)),
                // curl's form, where a leading "*." means the same as a leading dot.
                None => plain.push(entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry)),
            }
        }
        let mut builder = Matcher::builder().no(plain.join(","));
        if let Some(url) = http {
            builder = builder.http(url.expose().to_owned());
        }
        if let Some(url) = https {
            builder = builder.https(url.expose().to_owned());
        }
        Self { matcher: builder.build(), exempt, none: http.is_none() && https.is_none() }
    }

    /// The proxy for a URL, if any.
    pub(crate) fn intercept(&self, uri: &Uri) -> Option<Intercept> {
        if self.none {
            return None;
        }
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        if self.exempt.iter().any(|(host, exempt)| *exempt == port && host.intercept(uri).is_none()) {
            return None;
        }
        self.matcher.intercept(uri)
    }

    /// The header by which a request without a tunnel signs in at its proxy.
    pub(crate) fn header(&self, uri: &Uri) -> Option<HeaderValue> {
        if self.none || uri.scheme_str() != Some("http") {
            return None;
        }
        self.intercept(uri)?.basic_auth().cloned()
    }
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
mod tests {
    use super::*;

    fn proxy_of(env: &[(&str, &str)], url: &str) -> Option<String> {
        let rules = ProxyOptions::from_environment().rules(&env.iter().copied().collect()).unwrap();
        rules.intercept(&url.parse().unwrap()).map(|found| found.uri().to_string())
    }

    #[test]
    fn the_environment_is_read_as_curl_does() {
        let env = [("HTTPS_PROXY", "s:1"), ("http_proxy", "http://h:2/"), ("NO_PROXY", "a.com, .b.com ,10.0.0.0/8,*.c.com")];
        assert_eq!(proxy_of(&env, "https://x.com/").as_deref(), Some("http://s:1/"));
        assert_eq!(proxy_of(&env, "http://x.com/").as_deref(), Some("http://h:2/"));
        for direct in ["https://a.com/", "https://w.a.com/", "https://w.b.com/", "http://10.1.2.3/", "https://w.c.com/"] {
            assert_eq!(proxy_of(&env, direct), None, "{direct}");
        }
        assert!(proxy_of(&env, "https://nota.com/").is_some());
        assert_eq!(proxy_of(&[("ALL_PROXY", "http://p:3"), ("no_proxy", "*")], "https://x.com/"), None);
        assert_eq!(proxy_of(&[("all_proxy", "http://p:3")], "https://x.com/").as_deref(), Some("http://p:3/"));
        assert_eq!(proxy_of(&[], "https://x.com/"), None);
    }

    #[test]
    fn no_proxy_may_name_a_port() {
        let env = [("ALL_PROXY", "http://p:3"), ("NO_PROXY", "x.com:8443,127.0.0.1:80,[::1]:443")];
        assert_eq!(proxy_of(&env, "https://x.com:8443/"), None);
        assert_eq!(proxy_of(&env, "http://127.0.0.1/"), None);
        assert!(proxy_of(&env, "https://x.com/").is_some());
        assert!(proxy_of(&env, "https://y.com:8443/").is_some());
    }

    #[test]
    fn a_cgi_program_does_not_let_its_caller_choose() {
        assert_eq!(proxy_of(&[("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")], "http://x.com/"), None);
    }

    #[test]
    fn code_beats_the_environment() {
        let env = Environment::from_iter([("HTTPS_PROXY", "http://env:1")]);
        let uri = "https://x.com/".parse().unwrap();
        assert!(ProxyOptions::none().rules(&env).unwrap().intercept(&uri).is_none());
        let rules = ProxyOptions::new("http://code:2").basic_auth("u@x", "p:w".into()).rules(&env).unwrap();
        let found = rules.intercept(&uri).unwrap();
        assert_eq!(found.uri().host(), Some("code"));
        assert_eq!(found.basic_auth().unwrap(), "Basic dUB4OnA6dw==");
    }

    #[test]
    fn a_bad_url_is_an_error_that_names_the_variable_and_hides_the_password() {
        for bad in ["http://u:secret@", "ftp://u:secret@x", "http://u:secret@h:99999"] {
            let error = ProxyOptions::from_environment().rules(&Environment::from_iter([("HTTPS_PROXY", bad)])).unwrap_err();
            assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
