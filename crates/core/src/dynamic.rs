//! Operations by name: what generic tools need to call any operation with JSON in and JSON out.
//!
//! A [`OperationSchema`] operation is a table of facts instead of a type: its inputs by wire name and where each goes,
//! how its list pages, what to poll after it. The tables are generated; the code that reads them is here, once for all
//! operations.

use serde_json::{Map, Value};

use crate::body::Body;
use crate::lro::LroState;
use crate::operation::{Content, OperationInfo, RequestContext, RequestParts, ResponseKind, ResponseParts};
use crate::page::{Continuation, Page};
use crate::request::RequestBuilder;
use crate::wait::WaitStatus;
use crate::{ByteStream, Error, ErrorKind, Result};

/// The inputs of a call, by wire name.
pub type Inputs = Map<String, Value>;

/// An operation as a table of facts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperationSchema {
    /// Id, method, path and class.
    pub info: &'static OperationInfo,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Its inputs, required ones first.
    pub inputs: &'static [Input],
    /// Query parameters that are always the same.
    pub constants: &'static [(&'static str, &'static str)],
    /// Whether a JSON object is sent, made of the inputs that go into the body.
    pub object: bool,
    /// The input that is a stream of bytes: its name, and the media type unless it is a file of a form.
    pub stream: Option<(&'static str, Option<&'static str>)>,
    /// Members of the response that come from headers.
    pub headers: &'static [&'static str],
    /// The input that carries an idempotency key.
    pub key: Option<&'static str>,
    /// How its list pages.
    pub paging: Option<Paging>,
    /// How to find out that what it started has finished.
    pub completion: Option<Completion>,
}

/// An input of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Input {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether a call needs it.
    pub required: bool,
    /// What it is.
    pub kind: Kind,
    /// Where it goes, mostly one place.
    pub places: &'static [Location],
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A string; also timestamps, durations and values of enums.
    Text,
    /// An integer, as a number or as a string of digits.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// An object.
    Object,
    /// Any JSON value.
    Any,
}

/// Where an input goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// Into one segment of the path.
    Path,
    /// Into the path, with its slashes.
    Segments,
    /// Into the query.
    Query,
    /// Into this header, in lower case.
    Header(&'static str),
    /// Into the JSON object of the body.
    Member,
    /// It is the JSON body.
    Json,
    /// Into a form.
    Field,
    /// Into a form as `true`, or not at all.
    Flag,
}

/// How a list pages.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Paging {
    /// The member of the response that holds the items.
    pub items: &'static str,
    /// How to go on.
    pub turn: PageStyle,
    /// Inputs that the first request always has.
    pub initial: &'static [(&'static str, i64)],
    /// Inputs that the first request has unless they are given.
    pub defaults: &'static [(&'static str, i64)],
    /// The member of an item that identifies it, where the service may repeat some.
    pub key: Option<&'static str>,
    /// Inputs that must not stand beside the token of a page, which stands for them.
    pub clears: &'static [&'static str],
}

/// How to go on to the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageStyle {
    /// There is one page.
    Single,
    /// The token of this member of the response goes into this input.
    Token {
        /// The input.
        request: &'static str,
        /// The member of the response.
        response: &'static str,
    },
    /// This input grows by the number of items.
    Index(&'static str),
    /// This input grows by one.
    Number(&'static str),
    /// This member of the response holds the inputs of the next request.
    Body(&'static str),
}

/// How to find out that what an operation started has finished.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Completion {
    /// By the state of a resource.
    State(Wait),
    /// By the name of the work under way.
    Operation(Lro),
}

/// What is polled until it shows a state.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // Generated tables write it out.
pub struct Wait {
    /// The id of the operation that shows the state.
    pub poll: &'static str,
    /// Its inputs, and where each comes from.
    pub bind: &'static [(&'static str, Source)],
    /// The path to the state in its response.
    pub status: &'static [&'static str],
    /// The path to the service's message about the state; empty for none.
    pub message: &'static [&'static str],
    /// The states waited for.
    pub success: &'static [&'static str],
    /// The states in which the wait has failed.
    pub failure: &'static [&'static str],
    /// How long to wait unless the caller sets another, in seconds.
    pub timeout_seconds: u64,
}

/// Where an input of a following operation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // There is nothing else that a follower could know.
pub enum Source {
    /// This input of the first call.
    Request(&'static str),
    /// This member of its response.
    Response(&'static str),
}

/// Long-running work.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // Generated tables write it out.
pub struct Lro {
    /// The id of the operation that shows how the work goes on, and its one input.
    pub poll: (&'static str, &'static str),
    /// The same for the operation that cancels the work.
    pub cancel: Option<(&'static str, &'static str)>,
    /// The member of the response that holds the name.
    pub name: &'static str,
    /// Whether the work has a result.
    pub result: bool,
}

impl Input {
    /// An input that a call needs.
    pub const fn required(name: &'static str, kind: Kind, places: &'static [Location]) -> Self {
        Self { name, required: true, kind, places }
    }

    /// An input that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, places: &'static [Location]) -> Self {
        Self { name, required: false, kind, places }
    }
}

impl Paging {
    /// A list whose items stand in this member.
    pub const fn new(items: &'static str, turn: PageStyle) -> Self {
        Self { items, turn, initial: &[], defaults: &[], key: None, clears: &[] }
    }

    /// With inputs of the first request: those it always has, and those it has unless they are given.
    #[must_use]
    pub const fn start(
        mut self,
        initial: &'static [(&'static str, i64)],
        defaults: &'static [(&'static str, i64)],
    ) -> Self {
        self.initial = initial;
        self.defaults = defaults;
        self
    }

    /// With inputs that must not stand beside the token of a page.
    #[must_use]
    pub const fn clears(mut self, inputs: &'static [&'static str]) -> Self {
        self.clears = inputs;
        self
    }

    /// With the member that identifies an item.
    #[must_use]
    pub const fn key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }
}

impl OperationSchema {
    /// An operation with these inputs.
    pub const fn new(info: &'static OperationInfo, summary: &'static str, inputs: &'static [Input]) -> Self {
        Self {
            info,
            summary,
            inputs,
            constants: &[],
            object: false,
            stream: None,
            headers: &[],
            key: None,
            paging: None,
            completion: None,
        }
    }

    /// Sends a JSON object.
    #[must_use]
    pub const fn object(mut self) -> Self {
        self.object = true;
        self
    }

    /// Sends these query parameters always.
    #[must_use]
    pub const fn constants(mut self, constants: &'static [(&'static str, &'static str)]) -> Self {
        self.constants = constants;
        self
    }

    /// Sends a stream of bytes: of this media type, or as a file of a form.
    #[must_use]
    pub const fn stream(mut self, name: &'static str, media_type: Option<&'static str>) -> Self {
        self.stream = Some((name, media_type));
        self
    }

    /// Has these members of the response from headers.
    #[must_use]
    pub const fn headers(mut self, headers: &'static [&'static str]) -> Self {
        self.headers = headers;
        self
    }

    /// Carries an idempotency key in this input.
    #[must_use]
    pub const fn key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// Responds with pages.
    #[must_use]
    pub const fn paging(mut self, paging: Paging) -> Self {
        self.paging = Some(paging);
        self
    }

    /// Starts something that finishes later.
    #[must_use]
    pub const fn completion(mut self, completion: Completion) -> Self {
        self.completion = Some(completion);
        self
    }

    /// The id, such as `clusters.list`.
    pub fn id(&self) -> &'static str {
        self.info.id
    }

    /// Fills what must stay the same over all attempts. Called once, before the request is built.
    pub fn prepare(&self, inputs: &mut Inputs) {
        if let Some(key) = self.key
            && inputs.get(key).is_none_or(|value| value.is_null() || value == "")
        {
            inputs.insert(key.to_owned(), crate::idempotency::new_key().into());
        }
    }

    /// Builds the request. `body` is the stream of bytes, for operations that send one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when an input is not known, lacks or is of another kind, or cannot be sent.
    pub fn request(&self, inputs: &Inputs, body: Option<Body>, context: &RequestContext) -> Result<RequestParts> {
        self.check(inputs)?;
        let mut builder = RequestBuilder::new(self.info, context);
        if self.object {
            builder = builder.object();
        }
        for (name, value) in self.constants {
            builder = builder.constant(name, value);
        }
        for input in self.inputs {
            let Some(value) = inputs.get(input.name).filter(|value| !value.is_null()) else {
                if input.required {
                    return Err(self.refuse(format!("{} is missing", input.name)));
                }
                continue;
            };
            let value =
                input.read(value).ok_or_else(|| self.refuse(format!("{} is not {}", input.name, input.kind.name())))?;
            for place in input.places {
                builder = put(builder, *place, input.name, &value);
            }
        }
        match (self.stream, body) {
            (Some((_, Some(media_type))), Some(body)) => builder = builder.raw(media_type, Some(body)),
            (Some((name, None)), Some(body)) => builder = builder.file(name, Some(body)),
            (Some((name, _)), None) => return Err(self.refuse(format!("{name} is missing, the bytes to send"))),
            (None, Some(_)) => return Err(self.refuse("no bytes can be sent with this operation")),
            (None, None) => {}
        }
        builder.build()
    }

    fn check(&self, inputs: &Inputs) -> Result<()> {
        match inputs.keys().find(|name| !self.inputs.iter().any(|input| input.name == name.as_str())) {
            None => Ok(()),
            Some(unknown) => {
                let known: Vec<_> = self.inputs.iter().map(|input| input.name).collect();
                let known =
                    if known.is_empty() { "no inputs".to_owned() } else { format!("the inputs {}", known.join(", ")) };
                Err(self.refuse(format!("there is no input {unknown}; {} has {known}", self.id())))
            }
        }
    }

    fn refuse(&self, why: impl Into<String>) -> Error {
        Error::new(ErrorKind::InvalidInput, why).with_operation(self.id())
    }

    /// Reads the response: JSON with the members that come from headers, or a stream.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the response is not valid JSON.
    pub fn response(&self, parts: ResponseParts) -> Result<DynamicResponse> {
        let members: Vec<(&str, Option<String>)> =
            self.headers.iter().map(|name| (*name, parts.header(name))).collect();
        let stream = matches!(parts.content, Content::Stream(_));
        let (mut json, contents) = match self.info.response {
            ResponseKind::Stream => (Value::Null, Some(parts.into_stream())),
            ResponseKind::Empty => (Value::Null, None),
            ResponseKind::Json if stream => return Err(self.refuse("the response is a stream")),
            ResponseKind::Json => (parts.json()?, None),
        };
        for (name, value) in members {
            if let Some(value) = value {
                if !json.is_object() {
                    json = Value::Object(Map::new());
                }
                json[name] = header_member(name, value);
            }
        }
        Ok(DynamicResponse { json, contents, path: self.info.path })
    }

    /// Sets what the first request of a list always has, and the defaults.
    pub fn start(&self, inputs: &mut Inputs) {
        let Some(paging) = &self.paging else { return };
        for (name, value) in paging.initial {
            inputs.insert((*name).to_owned(), (*value).into());
        }
        for (name, value) in paging.defaults {
            inputs.entry(*name).or_insert_with(|| (*value).into());
        }
    }

    /// Takes the response of a list apart.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when this is not a list, [`ErrorKind::Decode`] when its items are not a list.
    pub fn split(&self, mut output: Value) -> Result<Page<Value>> {
        let paging = self.paging.as_ref().ok_or_else(|| self.refuse(format!("{} is not a list", self.id())))?;
        let items = match output.get_mut(paging.items).map(Value::take) {
            Some(Value::Array(items)) => items,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => {
                return Err(
                    Error::new(ErrorKind::Decode, format!("{} is not a list", paging.items)).with_operation(self.id())
                );
            }
        };
        let next = match paging.turn {
            PageStyle::Single => Continuation::End,
            PageStyle::Token { response, .. } => {
                Continuation::from_token(output.get(response).and_then(Value::as_str).map(str::to_owned))
            }
            PageStyle::Index(_) | PageStyle::Number(_) => Continuation::Count,
            PageStyle::Body(member) => Continuation::from_body(output.get(member)),
        };
        Ok(Page::new(items, next))
    }

    /// Turns the inputs into those of the next page.
    ///
    /// # Errors
    /// When `next` is not of the kind that this list gives.
    pub fn advance(&self, inputs: &mut Inputs, next: &Continuation, received: usize) -> Result<()> {
        let count =
            |inputs: &Inputs, name: &str, by| next.index(inputs.get(name).and_then(Value::as_i64).unwrap_or(1), by);
        match self.paging.as_ref().map(|paging| paging.turn) {
            Some(PageStyle::Token { request, .. }) => {
                inputs.insert(request.to_owned(), next.token()?.into());
                for name in self.paging.iter().flat_map(|paging| paging.clears) {
                    inputs.remove(*name);
                }
            }
            Some(PageStyle::Index(name)) => {
                inputs.insert(name.to_owned(), count(inputs, name, received)?.into());
            }
            Some(PageStyle::Number(name)) => {
                inputs.insert(name.to_owned(), count(inputs, name, 1)?.into());
            }
            Some(PageStyle::Body(_)) => {
                let body: Inputs = next.body()?;
                inputs.extend(
                    body.into_iter()
                        .filter(|(name, _)| self.inputs.iter().any(|input| input.name == name && !input.required)),
                );
            }
            Some(PageStyle::Single) | None => next.refuse()?,
        }
        Ok(())
    }
}

/// What an operation answered.
#[non_exhaustive]
pub struct DynamicResponse {
    /// The JSON, with the members that come from headers; `null` for none.
    pub json: Value,
    /// The bytes, where the response is a stream.
    pub contents: Option<ByteStream>,
    /// The path of the call, which decides what `Debug` hides.
    path: &'static str,
}

impl std::fmt::Debug for DynamicResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut json = self.json.clone();
        crate::redact::json_of(self.path, &mut json);
        f.debug_struct("DynamicResponse").field("json", &json).field("contents", &self.contents.is_some()).finish()
    }
}

impl Wait {
    /// The inputs of the operation that shows the state.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the response lacks one.
    pub fn inputs(&self, inputs: &Inputs, output: &Value) -> Result<Inputs> {
        self.bind
            .iter()
            .map(|(name, source)| {
                let value = match source {
                    Source::Request(from) => inputs.get(*from),
                    Source::Response(from) => output.get(from).filter(|value| !value.is_null()),
                };
                crate::wait::required(value, name).map(|value| ((*name).to_owned(), value))
            })
            .collect()
    }

    /// The state in a response.
    pub fn state(&self, polled: &Value) -> WaitStatus {
        let follow = |path: &[&str]| {
            path.iter().try_fold(polled, |value, name| value.get(name)).and_then(Value::as_str).map(str::to_owned)
        };
        let message = if self.message.is_empty() { None } else { follow(self.message) };
        WaitStatus::new(follow(self.status).unwrap_or_default(), message)
    }
}

impl Lro {
    /// The state in a response.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the work is reported as done without a result that it should have.
    pub fn state(&self, output: &Value) -> Result<LroState<Value>> {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let error = output
            .get("error")
            .filter(|error| !error.is_null())
            .map(|error| (text(error, "error_code"), text(error, "message")));
        let done = output.get("done").and_then(Value::as_bool);
        let response = output.get("response").and_then(Value::as_object);
        match self.result {
            true => crate::lro::state(done, error, response),
            false => Ok(match crate::lro::state_without_result(done, error) {
                LroState::Running => LroState::Running,
                LroState::Done(()) => LroState::Done(Value::Null),
                LroState::Failed { code, message } => LroState::Failed { code, message },
            }),
        }
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Any => "JSON",
        }
    }
}

impl Input {
    /// The value as it is sent; `None` if it is of another kind.
    fn read(&self, value: &Value) -> Option<Value> {
        let fits = match self.kind {
            Kind::Text => value.is_string(),
            Kind::Integer => match value {
                Value::String(digits) => return digits.parse::<i64>().ok().map(Value::from),
                other => other.is_i64(),
            },
            Kind::Number => value.is_number(),
            Kind::Boolean => value.is_boolean(),
            Kind::List => value.is_array(),
            Kind::Object => value.is_object(),
            Kind::Any => true,
        };
        fits.then(|| value.clone())
    }
}

fn put(builder: RequestBuilder, place: Location, name: &str, value: &Value) -> RequestBuilder {
    let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match place {
        Location::Path => builder.path(name, &text()),
        Location::Segments => builder.segments(name, &text()),
        Location::Query => builder.query(name, value),
        Location::Header(header) => builder.header(header, &text()),
        Location::Member => builder.member(name, value),
        Location::Json => builder.json(name, value),
        Location::Field => builder.field(name, &text()),
        Location::Flag => builder.flag(name, &value.as_bool()),
    }
}

/// A header as a member: the length is a number (RFC 9110, section 8.6), the others are strings.
fn header_member(name: &str, value: String) -> Value {
    match value.parse::<u64>() {
        Ok(length) if name.eq_ignore_ascii_case("content-length") => length.into(),
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Payload, Scope};
    use serde_json::json;

    const INFO: &OperationInfo =
        &OperationInfo::new("things.do", http::Method::POST, "/api/2.0/{parent}/things/{id}", Scope::Workspace);
    const DO: OperationSchema = OperationSchema::new(
        INFO,
        "Does a thing.",
        &[
            Input::required("parent", Kind::Text, &[Location::Segments]),
            Input::required("id", Kind::Integer, &[Location::Path, Location::Member]),
            Input::optional("filter", Kind::Object, &[Location::Query]),
            Input::optional("Range", Kind::Text, &[Location::Header("range")]),
            Input::optional("key", Kind::Text, &[Location::Member]),
            Input::optional("page_token", Kind::Text, &[Location::Member]),
        ],
    )
    .object()
    .key("key")
    .constants(&[("mode", "full")])
    .paging(Paging::new("things", PageStyle::Token { request: "page_token", response: "next" }));

    fn inputs(value: Value) -> Inputs {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn the_length_of_a_body_is_a_number() {
        assert_eq!(header_member("content-length", "1234".to_owned()), 1234);
        assert_eq!(header_member("content-length", "x".to_owned()), "x");
        assert_eq!(header_member("etag", "1234".to_owned()), "1234");
    }

    #[test]
    fn inputs_go_where_the_table_says() {
        let mut given = inputs(json!({"parent": "a/b", "id": "7", "filter": {"x": [1, 2]}, "Range": "bytes=0-1"}));
        DO.prepare(&mut given);
        given.insert("key".into(), "k".into());
        let parts = DO.request(&given, None, &RequestContext::default()).unwrap();
        assert_eq!(parts.path_and_query(), "/api/2.0/a/b/things/7?mode=full&filter.x=1&filter.x=2");
        assert_eq!(parts.headers["range"], "bytes=0-1");
        assert!(matches!(parts.payload, Payload::Json(text) if text == r#"{"id":7,"key":"k"}"#));
    }

    #[test]
    fn wrong_inputs_are_named() {
        for (given, expected) in [
            (json!({"id": 1}), "parent is missing"),
            (json!({"parent": "a", "id": "seven"}), "id is not an integer"),
            (
                json!({"parent": "a", "id": 1, "name": "x"}),
                "there is no input name; things.do has the inputs parent, id,",
            ),
        ] {
            let error = DO.request(&inputs(given), None, &RequestContext::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn pages_turn() {
        let page = DO.split(json!({"things": [1, 2], "next": "t"})).unwrap();
        assert_eq!(page, Page::new(vec![json!(1), json!(2)], Continuation::Token("t".into())));
        let mut given = inputs(json!({"parent": "a", "id": 1}));
        DO.advance(&mut given, &page.next, 2).unwrap();
        assert_eq!(given["page_token"], "t");
        assert_eq!(DO.split(json!({})).unwrap(), Page::new(vec![], Continuation::End));

        let turn = PageStyle::Token { request: "page_token", response: "next" };
        let alone = OperationSchema::new(INFO, "", &[]).paging(Paging::new("r", turn).clears(&["filter"]));
        let mut given = inputs(json!({"id": 1, "filter": "f"}));
        alone.advance(&mut given, &Continuation::Token("t".into()), 2).unwrap();
        assert_eq!(Value::Object(given), json!({"id": 1, "page_token": "t"}));

        let counted = OperationSchema::new(INFO, "", &[])
            .paging(Paging::new("r", PageStyle::Index("start")).start(&[("start", 1)], &[("count", 100)]));
        let mut given = inputs(json!({"count": 5}));
        counted.start(&mut given);
        counted.advance(&mut given, &Continuation::Count, 5).unwrap();
        assert_eq!(Value::Object(given), json!({"start": 6, "count": 5}));
    }

    #[test]
    fn states_are_read_by_path() {
        let wait = Wait {
            poll: "things.get",
            bind: &[("id", Source::Response("id")), ("parent", Source::Request("parent"))],
            status: &["status", "state"],
            message: &["status", "message"],
            success: &["UP"],
            failure: &[],
            timeout_seconds: 1,
        };
        let next = wait.inputs(&inputs(json!({"parent": "p"})), &json!({"id": 7})).unwrap();
        assert_eq!(Value::Object(next), json!({"id": 7, "parent": "p"}));
        assert!(wait.inputs(&inputs(json!({"parent": "p"})), &json!({})).is_err());
        assert_eq!(
            wait.state(&json!({"status": {"state": "UP", "message": "m"}})),
            WaitStatus::new("UP", Some("m".into()))
        );
        let lro = Lro { poll: ("things.op", "name"), cancel: None, name: "name", result: false };
        assert!(matches!(lro.state(&json!({"done": true})).unwrap(), LroState::Done(Value::Null)));
    }
}
