//! Operations by name: what generic tools need to call any operation with JSON in and JSON out.
//!
//! A [`OperationSchema`] operation is a table of facts instead of a type: its inputs by wire name and where each goes,
//! how its list pages, what to poll after it. The tables are generated; the code that reads them is here, once for all
//! operations.

mod schema;

use serde_json::{Map, Value};

pub use schema::{Completion, Input, Kind, Location, Lro, OperationSchema, PageStyle, Paging, Source, Wait};

use crate::body::Body;
use crate::lro::LroState;
use crate::operation::{Content, RequestContext, RequestParts, ResponseKind, ResponseParts};
use crate::page::{Continuation, Page};
use crate::request::RequestBuilder;
use crate::wait::WaitStatus;
use crate::{ByteStream, Error, ErrorKind, Result};

/// The inputs of a call, by wire name.
pub type Inputs = Map<String, Value>;

impl OperationSchema {
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
            builder.object();
        }
        for (name, value) in self.constants {
            builder.constant(name, value);
        }
        if let Some((of, entries)) = self.mask {
            builder.masked(of, entries);
        }
        for input in self.inputs {
            let Some(value) = inputs.get(input.name).filter(|value| !value.is_null()) else {
                if input.required {
                    return Err(self.refuse(format!("{} is missing", input.name)));
                }
                for place in input.places {
                    match place {
                        Location::Mask => {
                            builder.mask(input.name, &None);
                        }
                        Location::MaskMember => {
                            builder.mask_member(input.name, &None);
                        }
                        _ => {}
                    }
                }
                continue;
            };
            let value =
                input.read(value).ok_or_else(|| self.refuse(format!("{} is not {}", input.name, input.kind.name())))?;
            for place in input.places {
                put(&mut builder, *place, input.name, &value);
            }
        }
        match (self.stream, body) {
            (Some((_, Some(media_type))), Some(body)) => return builder.raw(media_type, Some(body)).build(),
            (Some((name, None)), Some(body)) => return builder.file(name, Some(body)).build(),
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

/// What an operation returned.
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
            Self::Text => "a string",
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

fn put(builder: &mut RequestBuilder, place: Location, name: &str, value: &Value) {
    let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match place {
        Location::Path => builder.path(name, &text()),
        Location::Segments => builder.segments(name, &text()),
        Location::Query | Location::Mask => builder.query(name, value),
        Location::Header(header) => builder.header(header, &text()),
        Location::Member | Location::MaskMember => builder.member(name, value),
        Location::Json => builder.json(name, value),
        Location::Field => builder.field(name, &text()),
        Location::Flag => builder.flag(name, &value.as_bool()),
    };
}

/// A header as a member: the length is a number (RFC 9110, section 8.6), the others are strings.
fn header_member(name: &str, value: String) -> Value {
    match value.parse::<u64>() {
        Ok(length) if name.eq_ignore_ascii_case("content-length") => length.into(),
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests;
