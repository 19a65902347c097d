//! What connects an operation with others: paging, waiting, long-running work and data planes.

use super::{Input, Ty};

/// A step from a value to one of its members.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) required: bool,
    pub(crate) ty: Ty,
}

#[derive(Clone, Debug)]
pub(crate) struct Paging {
    pub(crate) items: Step,
    pub(crate) item: Ty,
    pub(crate) kind: PagingKind,
    /// Inputs that are set before the first request, with their values.
    pub(crate) initial: Vec<(Input, serde_json::Value)>,
    /// The same, unless the caller set them.
    pub(crate) defaults: Vec<(Input, serde_json::Value)>,
    /// The member of an item that identifies it.
    pub(crate) key: Option<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum PagingKind {
    /// One page only.
    Single,
    Token {
        request: Input,
        response: Step,
        /// Inputs that must not stand beside the token.
        clears: Vec<Input>,
    },
    /// Count on by the number of items.
    Index { request: Input },
    /// Count on by one.
    Page { request: Input },
    /// The response spells out the next request.
    Body { response: Step, inputs: Vec<(Input, Step)> },
}

#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) poll: OperationRef,
    /// Names on the wire of the polling operation's arguments, in order.
    pub(crate) poll_inputs: Vec<String>,
    /// Where each comes from.
    pub(crate) arguments: Vec<Argument>,
    pub(crate) status: Vec<Step>,
    pub(crate) message: Option<Vec<Step>>,
    pub(crate) success: Vec<String>,
    pub(crate) failure: Vec<String>,
    pub(crate) timeout_seconds: u64,
}

/// Where an argument of a following operation comes from.
#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Request(Input),
    Response(Step),
}

/// An operation of the same package.
#[derive(Clone, Debug)]
pub(crate) struct OperationRef {
    pub(crate) id: String,
    pub(crate) module: String,
    pub(crate) name: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Lro {
    pub(crate) poll: OperationRef,
    /// The polling operation's one argument, as on the wire.
    pub(crate) poll_input: String,
    /// With its one argument.
    pub(crate) cancel: Option<(OperationRef, String)>,
    pub(crate) result: Option<Ty>,
    pub(crate) metadata: Option<Ty>,
    pub(crate) members: LroMembers,
}

/// The members of an `Operation` resource.
#[derive(Clone, Debug)]
pub(crate) struct LroMembers {
    pub(crate) name: Step,
    pub(crate) done: Step,
    pub(crate) error: Step,
    pub(crate) error_code: Step,
    pub(crate) error_message: Step,
    pub(crate) response: Step,
    pub(crate) metadata: Step,
}

#[derive(Clone, Debug)]
pub(crate) struct DataPlane {
    pub(crate) control: OperationRef,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) url: Vec<Step>,
    pub(crate) authorization_details: Vec<Step>,
}
