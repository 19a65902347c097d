//! The tables.

use crate::operation::OperationInfo;

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
    /// How the mask of an update follows from what is set: the input that holds what is updated, and the paths that
    /// the mask can hold.
    pub mask: Option<(&'static str, &'static str)>,
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
    /// Into the query; the mask of an update, computed unless it is given.
    Mask,
    /// Into the JSON object of the body; the mask of an update, computed unless it is given.
    MaskMember,
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
            mask: None,
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

    /// Computes the mask of an update from what is set in the input `of`, unless it is given.
    #[must_use]
    pub const fn masked(mut self, of: &'static str, entries: &'static str) -> Self {
        self.mask = Some((of, entries));
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
}
