//! How a request gets its authentication headers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::{Error, ErrorKind, Result, Secret};

/// Scheme, host and port of a URL: the place that a header set may be sent to.
///
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(Arc<Place>);

#[derive(PartialEq, Eq, Hash)]
struct Place {
    scheme: String,
    host: String,
    port: u16,
    /// Host and port as most URLs have them: without the usual port.
    authority: String,
}

/// The port of a URL, also where it is left out.
fn port(uri: &Uri, scheme: &str) -> Option<u16> {
    match uri.port_u16() {
        Some(port) => Some(port),
        None if scheme.eq_ignore_ascii_case("https") => Some(443),
        None if scheme.eq_ignore_ascii_case("http") => Some(80),
        None => None,
    }
}

impl Origin {
    /// The origin of an absolute URL; `None` if it has no scheme or host, or neither a port nor a scheme with a usual
    /// one.
    pub fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let host = uri.host()?.to_ascii_lowercase();
        let port = port(uri, &scheme)?;
        let usual = matches!((scheme.as_str(), port), ("https", 443) | ("http", 80));
        let authority = if usual { host.clone() } else { format!("{host}:{port}") };
        Some(Self(Arc::new(Place { scheme, host, port, authority })))
    }

    /// Whether this is the origin of a URL.
    pub fn matches(&self, uri: &Uri) -> bool {
        let Place { scheme, host, port: own, authority } = &*self.0;
        if uri.scheme_str() == Some(scheme) && uri.authority().is_some_and(|other| other.as_str() == authority) {
            return true;
        }
        uri.scheme_str().is_some_and(|other| other.eq_ignore_ascii_case(scheme) && port(uri, other) == Some(*own))
            && uri.host().is_some_and(|other| other.eq_ignore_ascii_case(host))
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.0.scheme
    }

    /// The host name or address, in lower case.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port, also where the URL left it out.
    pub fn port(&self) -> u16 {
        self.0.port
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { scheme, host, port, .. } = &*self.0;
        f.debug_struct("Origin").field("scheme", scheme).field("host", host).field("port", port).finish()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme, self.0.authority)
    }
}

/// The headers that authenticate one request, and where they may go.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct AuthHeaders {
    /// The headers, marked sensitive.
    pub headers: HeaderMap,
    /// The only origin that may see them; `None` for the client's own host.
    pub origin: Option<Origin>,
    /// Tells this set from later ones of the same credentials; see [`Credentials::invalidate`].
    pub generation: u64,
}

impl AuthHeaders {
    /// No headers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `Authorization: Bearer <token>`.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when the token has characters that no header may hold, such as a line break.
    pub fn bearer(token: &Secret) -> Result<Self> {
        Self::new().with(http::header::AUTHORIZATION, &Secret::new(format!("Bearer {}", token.expose())))
    }

    /// Adds a header, marked sensitive.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when the value has characters that no header may hold.
    pub fn with(mut self, name: HeaderName, value: &Secret) -> Result<Self> {
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
            Error::new(
                ErrorKind::Auth,
                format!(
                    "the value for the header {name} has characters that no header may hold; check for line breaks"
                ),
            )
        })?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Binds the set to an origin.
    #[must_use]
    pub fn for_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// States which generation of the credentials this is.
    #[must_use]
    pub fn generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }
}

impl fmt::Debug for AuthHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("AuthHeaders").field("names", &names).field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// What authenticates requests: returns the headers of each.
///
/// Called before every attempt, so it must be cheap while a token is valid. Implement it for your own token source:
///
/// ```
/// use databricks_core::{AuthHeaders, Credentials, Result, Secret};
///
/// #[derive(Debug)]
/// struct Vault;
///
/// impl Credentials for Vault {
///     fn auth_type(&self) -> &str {
///         "vault"
///     }
///     async fn headers(&self) -> Result<AuthHeaders> {
///         let token = Secret::from("…"); // ask the vault
///         AuthHeaders::bearer(&token)
///     }
/// }
/// ```
pub trait Credentials: fmt::Debug + Send + Sync + 'static {
    /// The auth type, as it stands in `auth_type` and in the user agent.
    fn auth_type(&self) -> &str;

    /// The headers for one request.
    ///
    /// # Errors
    /// When no token is available; of kind [`ErrorKind::Auth`] or [`ErrorKind::Config`], or of the request that failed.
    fn headers(&self) -> impl Future<Output = Result<AuthHeaders>> + Send;

    /// Told when the service refused headers of this generation with 401: drop the token, if it is still that one.
    ///
    /// Returns whether a fresh one may be available, so that the request is worth another attempt.
    fn invalidate(&self, _generation: u64) -> bool {
        false
    }

    /// Lends the headers for one request, if they are at hand: what [`headers`](Self::headers) would return at once, without
    /// a copy. Returns whether it did.
    ///
    /// * `to`: gets the headers, the only origin that may see them, and their generation.
    #[doc(hidden)]
    fn lend(&self, _to: &mut dyn FnMut(&HeaderMap, Option<&Origin>, u64)) -> bool {
        false
    }
}

/// Credentials behind a pointer: cheap to clone, shared by all clones.
#[derive(Clone, Debug)]
pub struct SharedCredentials(Arc<dyn DynCredentials>);

impl SharedCredentials {
    /// Shares credentials.
    pub fn new(credentials: impl Credentials) -> Self {
        Self(Arc::new(credentials))
    }
}

impl Credentials for SharedCredentials {
    fn auth_type(&self) -> &str {
        self.0.auth_type()
    }

    async fn headers(&self) -> Result<AuthHeaders> {
        self.0.headers().await
    }

    fn invalidate(&self, generation: u64) -> bool {
        self.0.invalidate(generation)
    }

    fn lend(&self, to: &mut dyn FnMut(&HeaderMap, Option<&Origin>, u64)) -> bool {
        self.0.lend(to)
    }
}

/// The form of [`Credentials`] that can stand behind a pointer.
trait DynCredentials: fmt::Debug + Send + Sync {
    fn auth_type(&self) -> &str;
    fn headers(&self) -> Pin<Box<dyn Future<Output = Result<AuthHeaders>> + Send + '_>>;
    fn invalidate(&self, generation: u64) -> bool;
    fn lend(&self, to: &mut dyn FnMut(&HeaderMap, Option<&Origin>, u64)) -> bool;
}

impl<T: Credentials> DynCredentials for T {
    fn auth_type(&self) -> &str {
        Credentials::auth_type(self)
    }
    fn headers(&self) -> Pin<Box<dyn Future<Output = Result<AuthHeaders>> + Send + '_>> {
        Box::pin(Credentials::headers(self))
    }
    fn invalidate(&self, generation: u64) -> bool {
        Credentials::invalidate(self, generation)
    }
    fn lend(&self, to: &mut dyn FnMut(&HeaderMap, Option<&Origin>, u64)) -> bool {
        Credentials::lend(self, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_compare_with_their_usual_port() {
        let of = |text: &str| Origin::of(&text.parse().unwrap());
        assert_eq!(of("https://Example.com/a"), of("https://example.com:443/b"));
        assert_ne!(of("https://example.com"), of("http://example.com"));
        assert_ne!(of("https://example.com"), of("https://example.com:8443"));
        assert_eq!(of("/relative"), None);
        let origin = of("https://Example.com/a").unwrap();
        for (url, same) in [
            ("HTTPS://example.COM:443/b?c", true),
            ("https://example.com", true),
            ("http://example.com", false),
            ("https://example.com:8443", false),
            ("https://example.com.evil.test", false),
            ("/relative", false),
        ] {
            assert_eq!(origin.matches(&url.parse().unwrap()), same, "{url}");
        }
        assert_eq!(of("http://127.0.0.1:8080/x").unwrap().to_string(), "http://127.0.0.1:8080");
    }

    #[test]
    fn headers_are_sensitive_and_refuse_line_breaks() {
        let set = AuthHeaders::bearer(&Secret::from("dapi1")).unwrap();
        assert!(set.headers[http::header::AUTHORIZATION].is_sensitive());
        assert!(!format!("{set:?}").contains("dapi1"));
        let error = AuthHeaders::bearer(&Secret::from("dapi1\r\nX: y")).unwrap_err();
        assert!(!error.to_string().contains("dapi1"));
    }
}
