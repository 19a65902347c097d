//! The API's description as it stands in the files: OpenAPI 3.1 with extensions, one document per package.
//!
//! Every struct denies unknown members, so that a construct which the generator does not know stops it.

mod data;
mod docs;
mod extensions;
mod kept;
mod load;
mod retired;

pub(crate) use data::{
    MaskOverride, Overrides, PREVIEW_OPERATIONS, PREVIEW_PACKAGES, PREVIEW_PROMISED, Preview, Sensitive, Signatures,
    Stage,
};
pub(crate) use docs::Texts;
pub(crate) use extensions::{
    Bind, BindSource, DataPlane, FieldMask, Generate, Idempotency, Lro, PageKind, Pagination, TokenPlace, Wait,
};
pub(crate) use kept::KeptFile;
pub(crate) use load::{Documents, operations_of, raw, schema_name};
pub(crate) use retired::{Retired, series};

use indexmap::IndexMap;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// Tested before the rest is read.
    #[serde(rename = "openapi")]
    pub(crate) _openapi: String,
    pub(crate) info: Info,
    pub(crate) tags: Vec<Tag>,
    pub(crate) paths: IndexMap<String, IndexMap<Method, Operation>>,
    pub(crate) components: Components,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Info {
    pub(crate) title: String,
    pub(crate) version: String,
}

/// A service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tag {
    pub(crate) name: String,
    #[serde(rename = "x-databricks-level")]
    pub(crate) scope: Option<Scope>,
    #[serde(rename = "x-databricks-accessor")]
    pub(crate) accessor: Option<String>,
    #[serde(rename = "x-databricks-deprecated", default)]
    pub(crate) deprecated: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    Workspace,
    Account,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it stands in a request line and as a constant of `http::Method`.
    pub(crate) fn upper(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Components {
    pub(crate) schemas: IndexMap<String, Schema>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    #[serde(rename = "operationId")]
    pub(crate) id: String,
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) parameters: Vec<Parameter>,
    #[serde(rename = "requestBody")]
    pub(crate) request_body: Option<RequestBody>,
    pub(crate) responses: IndexMap<String, Response>,
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(rename = "x-databricks-level")]
    pub(crate) scope: Scope,
    #[serde(rename = "x-databricks-accessor")]
    pub(crate) accessor: Option<String>,
    #[serde(rename = "x-databricks-request-name")]
    pub(crate) request_name: Option<String>,
    #[serde(rename = "x-databricks-request-name-predicted")]
    pub(crate) _request_name_predicted: Option<String>,
    #[serde(rename = "x-databricks-workspace-header", default)]
    pub(crate) workspace_header: bool,
    #[serde(rename = "x-databricks-same-endpoint", default)]
    pub(crate) same_endpoint: Vec<Operation>,
    #[serde(rename = "x-databricks-raw", default)]
    pub(crate) raw: bool,
    #[serde(rename = "x-databricks-response-schema")]
    pub(crate) response_schema: Option<Schema>,
    #[serde(rename = "x-databricks-idempotency")]
    pub(crate) idempotency: Option<Idempotency>,
    #[serde(rename = "x-databricks-field-mask")]
    pub(crate) field_mask: Option<FieldMask>,
    #[serde(rename = "x-databricks-data-plane")]
    pub(crate) data_plane: Option<DataPlane>,
    #[serde(rename = "x-databricks-origin")]
    pub(crate) _origin: Option<Origin>,
    #[serde(rename = "x-databricks-pagination")]
    pub(crate) pagination: Option<Pagination>,
    #[serde(rename = "x-databricks-wait")]
    pub(crate) wait: Option<Wait>,
    #[serde(rename = "x-databricks-lro")]
    pub(crate) lro: Option<Lro>,
    /// The release of the source that removed it.
    #[serde(rename = "x-databricks-retired")]
    pub(crate) retired: Option<String>,
}

/// Where a fact comes from that is not in the generated part of the source.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    Handwritten,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    #[serde(rename = "in")]
    pub(crate) place: ParameterPlace,
    pub(crate) required: bool,
    pub(crate) schema: Schema,
    #[serde(default)]
    pub(crate) deprecated: bool,
    pub(crate) style: Option<Style>,
    pub(crate) explode: Option<bool>,
    #[serde(rename = "x-databricks-flatten")]
    pub(crate) flatten: Option<Flatten>,
    #[serde(rename = "x-databricks-name")]
    pub(crate) snake: Option<String>,
    #[serde(rename = "x-databricks-from-config")]
    pub(crate) from_config: Option<String>,
    #[serde(rename = "x-databricks-multi-segment", default)]
    pub(crate) multi_segment: bool,
    #[serde(rename = "x-databricks-resource-patterns", default)]
    pub(crate) patterns: Vec<String>,
    #[serde(rename = "x-databricks-retired")]
    pub(crate) retired: Option<String>,
    #[serde(rename = "x-databricks-origin")]
    pub(crate) _origin: Option<Origin>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ParameterPlace {
    Path,
    Query,
    Header,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Style {
    DeepObject,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Flatten {
    Dotted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestBody {
    pub(crate) content: IndexMap<String, MediaType>,
    pub(crate) required: bool,
    #[serde(rename = "x-databricks-body-param")]
    pub(crate) param: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MediaType {
    pub(crate) schema: Schema,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Response {
    /// Required by OpenAPI and always empty.
    #[serde(rename = "description")]
    pub(crate) _description: String,
    #[serde(default)]
    pub(crate) content: IndexMap<String, MediaType>,
    #[serde(default)]
    pub(crate) headers: IndexMap<String, Header>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) schema: Schema,
    #[serde(rename = "x-databricks-name")]
    pub(crate) snake: Option<String>,
    #[serde(rename = "x-databricks-origin")]
    pub(crate) origin: Option<Origin>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schema {
    #[serde(rename = "$ref")]
    pub(crate) reference: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<Kind>,
    pub(crate) format: Option<String>,
    pub(crate) properties: Option<IndexMap<String, Schema>>,
    #[serde(default)]
    pub(crate) required: Vec<String>,
    pub(crate) items: Option<Box<Schema>>,
    #[serde(rename = "additionalProperties")]
    pub(crate) additional: Option<Box<Schema>>,
    #[serde(rename = "enum")]
    pub(crate) values: Option<Vec<String>>,
    #[serde(rename = "const")]
    pub(crate) constant: Option<String>,
    #[serde(default)]
    pub(crate) examples: Vec<String>,
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(rename = "readOnly", default)]
    pub(crate) read_only: bool,
    #[serde(rename = "x-databricks-deprecated-values", default)]
    pub(crate) deprecated_values: Vec<String>,
    /// Integers are read as numbers and as text anyway.
    #[serde(rename = "x-databricks-int64-string", default)]
    pub(crate) _int64_string: bool,
    #[serde(rename = "x-databricks-width-inferred", default)]
    pub(crate) _width_inferred: bool,
    #[serde(rename = "x-databricks-wkt")]
    pub(crate) wkt: Option<Wkt>,
    #[serde(rename = "x-databricks-name")]
    pub(crate) snake: Option<String>,
    #[serde(rename = "x-databricks-source")]
    pub(crate) source: Option<Source>,
    #[serde(rename = "x-databricks-retired")]
    pub(crate) retired: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

/// A well-known type of protobuf.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub(crate) enum Wkt {
    Timestamp,
    Duration,
    FieldMask,
}

/// Where a member of a result comes from if not from the JSON body.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    Header,
    Stream,
}
