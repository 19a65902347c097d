//! Following redirects.

use databricks_core::{ApiError, Error, ErrorKind, Origin, Result};
use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode, Uri};

use super::exchange::Moved;
use super::{Exchange, HttpResult, Middleware, Next, tower_layer};

/// Follows redirects: at most 10, never from https to http.
///
/// 301, 302 and 303 turn into `GET` except for `GET` and `HEAD`; 307 and 308 repeat the body if it can be sent again.
/// Credentials, cookies and headers of Databricks do not go to another origin. The last URL is in the response's
/// extensions as [`FinalUri`].
#[derive(Clone, Copy, Debug)]
pub struct RedirectLayer {
    most: usize,
}

impl Default for RedirectLayer {
    /// With at most 10.
    fn default() -> Self {
        Self::new(10)
    }
}

impl RedirectLayer {
    /// * `most`: how many redirects are followed.
    pub fn new(most: usize) -> Self {
        Self { most }
    }
}

/// The URL of the last response, in the response's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FinalUri(pub Uri);

impl Middleware for RedirectLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        if exchange.options.raw_response.is_some() {
            return next.send(exchange).await;
        }
        exchange.follows_redirects = true;
        let mut followed = 0;
        loop {
            let response = next.send(exchange).await?;
            let Some(location) = target(response.status(), response.headers()) else { return Ok(response) };
            if followed == self.most {
                return Err(Error::new(ErrorKind::Redirect, format!("more than {} redirects", self.most))
                    .with_status(response.status()));
            }
            followed += 1;
            let moved = follow(exchange, response.status(), &location)?;
            exchange.redirect(moved);
        }
    }
}

/// Where a redirect leads, if it may be followed.
fn follow(exchange: &Exchange, status: StatusCode, location: &str) -> Result<Moved> {
    let uri = exchange.uri();
    let refuse = |why: &str| Err(Error::new(ErrorKind::Redirect, why).with_status(status));
    let Some(location) = resolve(uri, location) else { return refuse("redirected to a location that is not a URL") };
    if exchange.state.signed_in.is_some() {
        reject_cross_origin(uri, &location, status)?;
    }
    if uri.scheme_str() == Some("https") && location.scheme_str() != Some("https") {
        return refuse("redirected from https to http, which is not followed");
    }
    let keeps_body = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let to_get = !keeps_body && !matches!(*exchange.method(), Method::GET | Method::HEAD);
    // A redirect that turns into `GET` needs the headers alone, so a one-pass body does not stand in its way.
    if !to_get && !exchange.is_bodiless() && !exchange.is_replayable() {
        return refuse("redirected, but the body is a stream that can be read once");
    }
    Ok(Moved { stripped: Origin::of(&location) != Origin::of(uri), uri: location, to_get })
}

/// A request with the client's credentials follows no redirect to another origin: what it asked for is not there, and
/// the server that sends it elsewhere may want the credentials. A redirect to the login page means that they were not
/// accepted.
fn reject_cross_origin(from: &Uri, to: &Uri, status: StatusCode) -> Result<()> {
    let (here, there) = (Origin::of(from), Origin::of(to));
    if here != there {
        let place = there.map_or_else(String::new, |origin| origin.to_string());
        return Err(Error::new(
            ErrorKind::Redirect,
            format!("redirected to {place}, where the credentials of this client do not go"),
        )
        .with_status(status)
        .with_hint("check the host of the configuration"));
    }
    let is_private_link =
        ApiError::private_link(to.host().unwrap_or_default(), to.path(), to.query().unwrap_or_default()).is_some();
    if to.path() == "/login.html" && !is_private_link {
        let api = ApiError::new(
            StatusCode::UNAUTHORIZED,
            None,
            "redirected to the login page: the credentials were not accepted",
        );
        return Err(Error::from_api(api));
    }
    Ok(())
}

/// Where a response sends us, if anywhere.
fn target(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let moved = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    headers.get(LOCATION).filter(|_| moved).map(|value| escape(value.as_bytes()))
}

/// A reference with the bytes escaped that no URL may hold, such as raw UTF-8: servers send them, and browsers follow.
fn escape(reference: &[u8]) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

    const INVALID: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');
    percent_encode(reference.trim_ascii(), INVALID).to_string()
}

/// A reference resolved against a base URL (RFC 3986, section 5.2), without its fragment.
fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next().unwrap_or_default().trim();
    let (scheme, authority) = (base.scheme_str()?, base.authority()?.as_str());
    let absolute = if reference.contains("://") && reference.find("://") < reference.find(['/', '?']) {
        reference.to_owned()
    } else if let Some(rest) = reference.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{authority}{reference}")
    } else if reference.starts_with('?') {
        format!("{scheme}://{authority}{}{reference}", base.path())
    } else if reference.is_empty() {
        base.to_string()
    } else {
        let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{scheme}://{authority}{directory}/{reference}")
    };
    let uri: Uri = absolute.parse().ok()?;
    // An escape in a host would name another host than was meant.
    if uri.authority()?.as_str().contains('%') {
        return None;
    }
    if matches!(uri.scheme_str(), Some("http" | "https")) { dots(uri) } else { None }
}

/// The same URL with the segments `.` and `..` worked out.
fn dots(uri: Uri) -> Option<Uri> {
    if !uri.path().split('/').any(|segment| matches!(segment, "." | "..")) {
        return Some(uri);
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in uri.path().split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = format!("/{}{query}", kept.join("/"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

tower_layer!(RedirectLayer);

#[cfg(test)]
mod tests;
