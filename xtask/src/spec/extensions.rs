//! What the extensions of an operation state: keys of idempotency, masks, data planes, pages, waits.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::Schema;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Idempotency {
    pub(crate) param: String,
    #[serde(rename = "in")]
    pub(crate) _place: TokenPlace,
    pub(crate) generate: Generate,
}

/// The mask of an update.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldMask {
    /// The input that is the mask.
    pub(crate) input: String,
    /// The input that holds what is updated, which the paths of the mask start from.
    pub(crate) of: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Generate {
    Uuid4,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenPlace {
    Query,
    Body,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataPlane {
    pub(crate) control_operation: String,
    pub(crate) bind: IndexMap<String, Bind>,
    /// Dotted path of the URL in the control operation's response.
    pub(crate) url: String,
    pub(crate) authorization_details: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bind {
    pub(crate) from: BindSource,
    pub(crate) field: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BindSource {
    Request,
    Response,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pagination {
    pub(crate) kind: PageKind,
    #[serde(rename = "in")]
    pub(crate) place: Option<TokenPlace>,
    pub(crate) request_token: Option<String>,
    pub(crate) response_token: Option<String>,
    pub(crate) items: String,
    pub(crate) item: Schema,
    #[serde(default)]
    pub(crate) initial: IndexMap<String, Value>,
    #[serde(default)]
    pub(crate) defaults: IndexMap<String, Value>,
    pub(crate) dedup: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageKind {
    Token,
    StartIndex,
    Page,
    NextBody,
    Single,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    #[serde(rename = "name")]
    pub(crate) _name: String,
    pub(crate) poll: String,
    pub(crate) bind: IndexMap<String, Bind>,
    pub(crate) status: String,
    pub(crate) message: Option<String>,
    pub(crate) success: Vec<String>,
    pub(crate) failure: Vec<String>,
    pub(crate) timeout_seconds: u64,
    pub(crate) result: Schema,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lro {
    pub(crate) operation: Schema,
    pub(crate) poll: String,
    pub(crate) bind: IndexMap<String, Bind>,
    pub(crate) done: String,
    pub(crate) error: String,
    pub(crate) response: String,
    pub(crate) metadata: String,
    pub(crate) result_type: Option<Schema>,
    pub(crate) metadata_type: Option<Schema>,
    pub(crate) cancel: Option<String>,
}
