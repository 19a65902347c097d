//! One call on its way through the layers.

use std::time::{Duration, Instant};

use databricks_core::{Body, SharedCredentials};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};

use super::once::{OnePass, Unread};
use super::timeout::{self, Progress};
use super::{CallInfo, FinalUri};
use crate::CallOptions;

/// What the layers know about a call apart from its request and options.
///
/// Layers that are used alone pass it to one another in the extensions of the request.
#[derive(Clone, Default)]
pub(crate) struct CallState {
    /// The moment at which the call must be over.
    pub(crate) deadline: Option<Instant>,
    /// The trace id that all attempts share.
    pub(crate) trace_id: Option<u128>,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u32,
    /// How the request is authenticated.
    pub(crate) signed_in: Option<SharedCredentials>,
}

/// A call: what the caller wants, and what the layers add to it.
///
/// The layers borrow it, so that it lies in one place from the first attempt to the last. The request stays as the
/// caller made it, and can be sent again without a copy: what an attempt adds is kept beside it, and both become one
/// request where the attempt leaves the layers, in [`outgoing`](Self::outgoing).
pub(crate) struct Exchange {
    /// As the caller made it. A body that can be read once moves to `unread` when it is sent.
    request: Request<Body>,
    pub(crate) options: CallOptions,
    pub(crate) state: CallState,
    /// What is set beside the request: first what all attempts send, then what this attempt adds.
    added: Vec<Added>,
    /// How many of them all attempts send.
    common: usize,
    /// Where a redirect of this attempt leads.
    moved: Option<Box<Moved>>,
    /// Where the body notes that it was read.
    pub(crate) progress: Option<Progress>,
    /// How long the response's body may be silent, for a service that watches it itself.
    pub(crate) idle_limit: Option<Duration>,
    /// Whether the service below does so.
    pub(crate) watches_idle: bool,
    unread: Option<(Option<u64>, Unread)>,
    /// Whether the response is to have what the layers know in its extensions.
    pub(crate) annotates: bool,
    /// How the call went, if a layer counts that.
    pub(crate) info: Option<CallInfo>,
    /// Whether redirects are followed by a layer, so that the last URL is known.
    pub(crate) follows_redirects: bool,
}

/// A header of an attempt.
struct Added {
    name: HeaderName,
    value: HeaderValue,
    /// In place of the values that are there.
    replaces: bool,
}

/// Where a redirect leads, and what does not go there.
pub(crate) struct Moved {
    pub(crate) uri: Uri,
    /// The method and the body gave way to a plain `GET`.
    pub(crate) to_get: bool,
    /// Another origin, which must not see secrets.
    pub(crate) stripped: bool,
}

/// How many headers are set beside a request at most, unless the caller configured more.
const USUAL: usize = 7;

impl Exchange {
    pub(crate) fn new(request: Request<Body>, options: CallOptions) -> Self {
        Self {
            request,
            options,
            state: CallState::default(),
            added: Vec::with_capacity(USUAL),
            common: 0,
            moved: None,
            progress: None,
            idle_limit: None,
            watches_idle: false,
            unread: None,
            annotates: false,
            info: None,
            follows_redirects: false,
        }
    }

    /// With headers that all attempts send, in place of the request's of the same names. They need no map of their own.
    pub(crate) fn with_headers(mut self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        for (name, value) in headers {
            self.set(name, value);
        }
        self.common = self.added.len();
        self
    }

    /// Takes options and state out of the extensions of a request.
    pub(crate) fn of(mut request: Request<Body>) -> Self {
        let extensions = request.extensions_mut();
        let (options, state) = (extensions.remove::<CallOptions>(), extensions.remove::<CallState>());
        Self { state: state.unwrap_or_default(), annotates: true, ..Self::new(request, options.unwrap_or_default()) }
    }

    /// The method of the next request: that of the caller, unless a redirect changed it.
    pub(crate) fn method(&self) -> &Method {
        if self.moved.as_ref().is_some_and(|moved| moved.to_get) { &Method::GET } else { self.request.method() }
    }

    /// The URL of the next request: that of the caller, unless a redirect led elsewhere.
    pub(crate) fn uri(&self) -> &Uri {
        self.moved.as_ref().map_or(self.request.uri(), |moved| &moved.uri)
    }

    /// The method that the caller chose.
    pub(crate) fn own_method(&self) -> &Method {
        self.request.method()
    }

    /// The URL that the caller chose.
    pub(crate) fn own_uri(&self) -> &Uri {
        self.request.uri()
    }

    /// A header as the next request has it.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let added = self.added.iter().rev().find(|added| added.name == *name);
        match added {
            Some(added) if added.replaces => Some(&added.value),
            _ => self.own_header(name).or(added.map(|added| &added.value)),
        }
    }

    /// A header as the caller set it. Most requests have one or two, which need no hash to be found.
    fn own_header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let own = self.request.headers();
        if own.len() > 3 {
            return own.get(name);
        }
        own.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Whether the caller has set a header `Authorization`, which is marked as a secret then.
    pub(crate) fn mark_own_authorization(&mut self) -> bool {
        if self.own_header(&AUTHORIZATION).is_none() {
            return false;
        }
        if let Some(own) = self.request.headers_mut().get_mut(AUTHORIZATION) {
            own.set_sensitive(true);
        }
        true
    }

    pub(crate) fn own_uri_mut(&mut self) -> &mut Uri {
        self.request.uri_mut()
    }

    /// The caller's own body; empty once it was sent, if it can be sent once only.
    pub(crate) fn body(&self) -> &Body {
        self.request.body()
    }

    /// Whether the body is a stream that was sent already and can be sent once only.
    pub(crate) fn is_streaming(&self) -> bool {
        self.unread.is_some()
    }

    /// Adds a value for this attempt, beside those that are there.
    pub(crate) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.added.push(Added { name, value, replaces: false });
    }

    /// Sets a header for this attempt, in place of the values that are there.
    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.added.push(Added { name, value, replaces: true });
    }

    /// Forgets what an earlier attempt has added.
    pub(crate) fn begin_attempt(&mut self, attempt: u32) {
        self.state.attempt = attempt;
        self.state.signed_in = None;
        self.added.truncate(self.common);
        self.moved = None;
        self.progress = None;
    }

    /// What a layer has added until now, to come back to with [`rewind`](Self::rewind).
    pub(crate) fn mark(&self) -> usize {
        self.added.len()
    }

    /// Forgets what was added since, and redirects.
    pub(crate) fn rewind(&mut self, mark: usize) {
        self.added.truncate(mark);
        self.moved = None;
    }

    /// Forgets what was added since, for the next request of the same attempt.
    pub(crate) fn unset(&mut self, mark: usize) {
        self.added.truncate(mark);
    }

    /// Leads the next request elsewhere.
    pub(crate) fn redirect(&mut self, moved: Moved) {
        // What an earlier redirect took away does not come back.
        let before = self.moved.take();
        let (to_get, stripped) = before.map_or((false, false), |before| (before.to_get, before.stripped));
        let moved = Moved { to_get: moved.to_get || to_get, stripped: moved.stripped || stripped, ..moved };
        self.moved = Some(Box::new(moved));
    }

    /// Whether the body can be sent any number of times.
    pub(crate) fn is_replayable(&self) -> bool {
        self.unread.is_none() && self.request.body().is_replayable()
    }

    /// Whether a redirect took the body away.
    pub(crate) fn is_bodiless(&self) -> bool {
        self.moved.as_ref().is_some_and(|moved| moved.to_get)
    }

    /// Whether the request can be sent once more.
    pub(crate) fn can_repeat(&self) -> bool {
        match &self.unread {
            Some((_, unread)) => unread.is_there(),
            None => self.request.body().is_replayable(),
        }
    }

    /// The request that this attempt sends.
    pub(crate) fn outgoing(&mut self) -> Request<Body> {
        let body = self.outgoing_body();
        let mut request = Request::new(body);
        *request.method_mut() = self.method().clone();
        *request.uri_mut() = self.uri().clone();
        *request.version_mut() = self.request.version();
        *request.headers_mut() = self.outgoing_headers();
        request
    }

    /// As [`outgoing`](Self::outgoing), with options and state in its extensions, for services that may look there.
    pub(crate) fn outgoing_with_extensions(&mut self) -> Request<Body> {
        let mut request = self.outgoing();
        let extensions = request.extensions_mut();
        *extensions = self.request.extensions().clone();
        extensions.insert(self.options.clone());
        extensions.insert(self.state.clone());
        request
    }

    /// The headers that this attempt sends.
    pub(crate) fn outgoing_headers(&self) -> HeaderMap {
        let own = self.request.headers();
        // With room for the one that the HTTP client adds.
        let mut headers = HeaderMap::with_capacity(own.len() + self.added.len() + 1);
        for (name, value) in own {
            headers.append(name, value.clone());
        }
        for Added { name, value, replaces } in &self.added {
            if *replaces {
                headers.insert(name, value.clone());
            } else {
                headers.append(name, value.clone());
            }
        }
        let Some(moved) = &self.moved else { return headers };
        headers.remove(HOST);
        if moved.to_get {
            for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
                headers.remove(name);
            }
        }
        if moved.stripped {
            strip(&mut headers);
        }
        headers
    }

    fn outgoing_body(&mut self) -> Body {
        if self.moved.as_ref().is_some_and(|moved| moved.to_get) {
            return Body::empty();
        }
        let body = match &self.unread {
            Some((length, unread)) => OnePass::body(*length, unread.clone()),
            None => match self.request.body().try_clone() {
                Some(body) => body,
                None => {
                    // It is put where it can be had back until its first byte is asked for.
                    let body = std::mem::take(self.request.body_mut());
                    let (length, unread) = (body.content_length(), Unread::of(body.into_stream()));
                    self.unread = Some((length, unread.clone()));
                    OnePass::body(length, unread)
                }
            },
        };
        match &self.progress {
            Some(progress) => timeout::noting(body, progress),
            None => body,
        }
    }

    /// The response with what the layers have to state about the call in its extensions.
    pub(crate) fn annotate(&self, response: &mut Response<Body>) {
        if !self.annotates {
            return;
        }
        if let Some(info) = self.info {
            response.extensions_mut().insert(info);
        }
        if self.follows_redirects {
            response.extensions_mut().insert(FinalUri(self.uri().clone()));
        }
    }
}

/// Takes out what another origin must not see.
fn strip(headers: &mut HeaderMap) {
    let names: Vec<_> = headers
        .iter()
        .filter(|(name, value)| {
            value.is_sensitive()
                || **name == AUTHORIZATION
                || **name == COOKIE
                || name.as_str().starts_with("x-databricks-")
                || databricks_core::redact::is_secret_header(name)
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in names {
        headers.remove(name);
    }
}
