//! What is generated, free of how the documents spell it and of how Rust source is laid out.

mod build;
mod flow;
mod gates;
mod marks;
mod masks;
mod messages;
mod names;
mod operations;
mod outputs;
mod recursion;
mod signatures;
mod traits;

pub(crate) use build::{Stale, build, pending};
pub(crate) use flow::{Argument, DataPlane, Lro, LroMembers, OperationRef, Paging, PagingKind, Step, Wait};
pub(crate) use names::{camel, setter};

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::{Method, Scope, Stage};

/// The whole API, packages in alphabetical order.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) version: String,
    pub(crate) packages: BTreeMap<String, Package>,
    /// Packages whose features are on by default.
    pub(crate) default_packages: BTreeSet<String>,
    pub(crate) hidden: HiddenNames,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) module: String,
    /// Whether the service may change all of it at any time.
    pub(crate) preview: Option<Stage>,
    /// Other packages whose types this one names.
    pub(crate) uses: BTreeSet<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) services: Vec<Service>,
}

impl Package {
    /// The feature that it stands behind: its name, unless the service may change it at any time.
    pub(crate) fn feature(&self) -> String {
        match self.preview {
            Some(_) => format!("preview-{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// An object of the API.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) name: String,
    /// Whether it stands behind the feature `preview`.
    pub(crate) gated: bool,
    pub(crate) doc: Doc,
    pub(crate) required: Vec<Member>,
    pub(crate) optional: Vec<Member>,
    /// The member that holds the body stream; such a message is not valid JSON.
    pub(crate) stream: Option<Member>,
}

impl Message {
    pub(crate) fn members(&self) -> impl Iterator<Item = (&Member, bool)> {
        self.required.iter().map(|member| (member, true)).chain(self.optional.iter().map(|member| (member, false)))
    }

    /// Whether it has a member of this name on the wire, the body's stream included.
    pub(crate) fn has(&self, wire: &str) -> bool {
        self.members().map(|(member, _)| member).chain(&self.stream).any(|member| member.wire == wire)
    }

    pub(crate) fn member(&self, wire: &str) -> Option<(&Member, bool)> {
        self.members().find(|(member, _)| member.wire == wire)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) ty: Ty,
    pub(crate) doc: Doc,
    /// Filled from the response header of the wire name.
    pub(crate) header: bool,
    /// Whether only the service sets it.
    pub(crate) read_only: bool,
    pub(crate) mark: Mark,
}

/// What a member needs beside its type.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mark {
    #[default]
    None,
    /// Hidden in `Debug` and logs.
    Secret,
    /// The values of its entries are hidden.
    Settings,
    /// A wrong type is an error.
    Essential,
}

impl Mark {
    /// The mark in a declaration.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Secret => " (secret)",
            Self::Settings => " (settings)",
            Self::Essential => " (essential)",
        }
    }
}

/// Names of members that are hidden in logs, where no type states what a member is.
#[derive(Debug, Default)]
pub(crate) struct HiddenNames {
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) settings: BTreeSet<String>,
    pub(crate) plain: BTreeSet<String>,
    /// Names that are those of secrets in some calls only, with the paths of these.
    pub(crate) secrets_in_calls: BTreeMap<String, BTreeSet<String>>,
    pub(crate) settings_in_calls: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) name: String,
    /// Whether it stands behind the feature `preview`.
    pub(crate) gated: bool,
    pub(crate) doc: Doc,
    pub(crate) values: Vec<Value>,
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) doc: Doc,
}

/// What a doc comment states: our text, then facts in the form of sentences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doc {
    pub(crate) text: Option<String>,
    pub(crate) facts: Vec<String>,
    pub(crate) deprecated: bool,
    /// The release of the source that removed it; it is kept for a while.
    pub(crate) retired: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Ty {
    String,
    Bool,
    /// All integers, whatever width the description states.
    Int,
    Float,
    Timestamp,
    Duration,
    FieldMask,
    /// Any JSON value.
    Any,
    /// Any JSON object.
    Object,
    /// A form's field that is sent as `true` or not at all.
    Flag,
    List(Box<Ty>),
    Map(Box<Ty>),
    Message(TypeRef),
    Enum(TypeRef),
    /// A message that holds itself, directly or not.
    Boxed(TypeRef),
    /// A value or an explicit `null`.
    Nullable(Box<Ty>),
}

impl Ty {
    /// The type named within, through lists and maps.
    pub(crate) fn reference(&self) -> Option<&TypeRef> {
        match self {
            Self::Message(name) | Self::Enum(name) | Self::Boxed(name) => Some(name),
            Self::List(inner) | Self::Map(inner) | Self::Nullable(inner) => inner.reference(),
            _ => None,
        }
    }
}

/// A type of a package.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct TypeRef {
    pub(crate) package: String,
    pub(crate) name: String,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// Whether all of it stands behind the feature `preview`.
    pub(crate) gated: bool,
    pub(crate) module: String,
    /// Name of the handle.
    pub(crate) handle: String,
    pub(crate) doc: Doc,
    /// The client and the methods on it that lead to the handle; none for models that no client offers.
    pub(crate) accessor: Option<Accessor>,
    pub(crate) operations: Vec<Operation>,
}

#[derive(Debug)]
pub(crate) struct Accessor {
    pub(crate) scope: Scope,
    /// One method, or a group and a method.
    pub(crate) path: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Operation {
    /// `service.method`.
    pub(crate) id: String,
    /// Name of the type.
    pub(crate) name: String,
    /// Name of the handle's method.
    pub(crate) method_name: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) scope: Scope,
    pub(crate) workspace_header: bool,
    pub(crate) class: Class,
    /// How far it is, if it is not generally available.
    pub(crate) preview: Option<Stage>,
    /// Whether it stands behind the feature `preview`.
    pub(crate) gated: bool,
    pub(crate) doc: Doc,
    pub(crate) inputs: Vec<Input>,
    /// Query parameters that are always the same.
    pub(crate) constants: Vec<(String, String)>,
    /// Whether the body is a JSON object made of inputs, possibly none.
    pub(crate) json_object: bool,
    /// The input that is a body stream.
    pub(crate) stream: Option<StreamInput>,
    pub(crate) output: Output,
    /// Members of the output that are filled from headers.
    pub(crate) header_members: Vec<Member>,
    pub(crate) paging: Option<Paging>,
    pub(crate) wait: Option<Wait>,
    pub(crate) lro: Option<Lro>,
    /// The input that carries an idempotency key.
    pub(crate) key: Option<String>,
    /// The mask that is computed unless it is set.
    pub(crate) mask: Option<UpdateMask>,
    pub(crate) data_plane: Option<DataPlane>,
}

impl Operation {
    pub(crate) fn required(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter().filter(|input| input.required)
    }

    pub(crate) fn optional(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter().filter(|input| !input.required)
    }

    pub(crate) fn input(&self, wire: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.wire == wire)
    }
}

/// How the mask of an update follows from what is set in it.
#[derive(Clone, Debug)]
pub(crate) struct UpdateMask {
    /// The input that is the mask, on the wire.
    pub(crate) input: String,
    /// The input that holds what is updated, on the wire.
    pub(crate) of: String,
    /// Which paths it can hold, in the form that the request's builder reads.
    pub(crate) entries: String,
}

/// Whether an operation may be sent twice, where that is not what its method promises.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    OfMethod,
    ReadOnly,
    Idempotent,
    Keyed,
    NotIdempotent,
}

#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) ty: Ty,
    pub(crate) doc: Doc,
    /// An argument of `new`.
    pub(crate) required: bool,
    /// What the description states, whatever is frozen.
    pub(crate) stated_required: bool,
    pub(crate) places: Vec<Place>,
    pub(crate) mark: Mark,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Path,
    Segments,
    Query,
    Header,
    Member,
    /// The whole JSON body.
    Json,
    Form,
    /// The mask of an update, in the query.
    Mask,
    /// The mask of an update, in the JSON object.
    MaskMember,
}

#[derive(Clone, Debug)]
pub(crate) struct StreamInput {
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) doc: Doc,
    /// The media type; `None` for a file of a form.
    pub(crate) media_type: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Output {
    Empty,
    Json(Ty),
    /// A message that is filled from headers alone.
    Headers(TypeRef),
    /// The bare body.
    Bytes {
        accept: String,
    },
    /// A message that holds the body beside headers.
    Stream {
        accept: String,
        message: TypeRef,
    },
}

impl Output {
    pub(crate) fn ty(&self) -> Option<Ty> {
        match self {
            Self::Json(ty) => Some(ty.clone()),
            Self::Headers(name) | Self::Stream { message: name, .. } => Some(Ty::Message(name.clone())),
            Self::Empty | Self::Bytes { .. } => None,
        }
    }
}
