//! The messages of Spark Connect that statements need, as the service describes them. Plans that the engine gives back are
//! bytes: they go to it again as they came.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExecutePlanRequest {
    #[prost(string, tag = "1")]
    pub(super) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(super) user: Option<UserContext>,
    #[prost(message, optional, tag = "3")]
    pub(super) plan: Option<Plan>,
    #[prost(string, optional, tag = "4")]
    pub(super) client_type: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReleaseSessionRequest {
    #[prost(string, tag = "1")]
    pub(super) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(super) user: Option<UserContext>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UserContext {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Plan {
    #[prost(oneof = "Operation", tags = "1, 2")]
    pub(super) operation: Option<Operation>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Operation {
    /// A `Relation` that came from the engine.
    #[prost(bytes = "bytes", tag = "1")]
    Root(Bytes),
    #[prost(message, tag = "2")]
    Command(Command),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Command {
    #[prost(message, optional, tag = "5")]
    pub(super) sql: Option<SqlCommand>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SqlCommand {
    #[prost(message, optional, tag = "6")]
    pub(super) input: Option<Relation>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Relation {
    #[prost(message, optional, tag = "1")]
    pub(super) common: Option<RelationCommon>,
    #[prost(message, optional, tag = "10")]
    pub(super) sql: Option<Sql>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RelationCommon {
    #[prost(int64, optional, tag = "2")]
    pub(super) plan_id: Option<i64>,
}

/// A statement with the values of its markers.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Sql {
    #[prost(string, tag = "1")]
    pub(super) query: String,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(super) named: BTreeMap<String, Expression>,
    #[prost(message, repeated, tag = "5")]
    pub(super) positional: Vec<Expression>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Expression {
    #[prost(message, optional, tag = "1")]
    pub(super) literal: Option<Literal>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Literal {
    #[prost(oneof = "Value", tags = "1, 3, 4, 5, 6, 7, 10, 11, 12, 13, 16, 17, 18")]
    pub(super) value: Option<Value>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Value {
    #[prost(message, tag = "1")]
    Null(DataType),
    #[prost(bool, tag = "3")]
    Boolean(bool),
    #[prost(int32, tag = "4")]
    Byte(i32),
    #[prost(int32, tag = "5")]
    Short(i32),
    #[prost(int32, tag = "6")]
    Integer(i32),
    #[prost(int64, tag = "7")]
    Long(i64),
    #[prost(float, tag = "10")]
    Float(f32),
    #[prost(double, tag = "11")]
    Double(f64),
    #[prost(message, tag = "12")]
    Decimal(Decimal),
    #[prost(string, tag = "13")]
    Text(String),
    /// Days since 1970.
    #[prost(int32, tag = "16")]
    Date(i32),
    /// Microseconds since 1970.
    #[prost(int64, tag = "17")]
    Timestamp(i64),
    #[prost(int64, tag = "18")]
    TimestampNtz(i64),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Decimal {
    #[prost(string, tag = "1")]
    pub(super) value: String,
    #[prost(int32, optional, tag = "2")]
    pub(super) precision: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(super) scale: Option<i32>,
}

/// The type of a NULL.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DataType {
    #[prost(oneof = "Kind", tags = "1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "1")]
    Null(Plain),
    #[prost(message, tag = "3")]
    Boolean(Plain),
    #[prost(message, tag = "4")]
    Byte(Plain),
    #[prost(message, tag = "5")]
    Short(Plain),
    #[prost(message, tag = "6")]
    Integer(Plain),
    #[prost(message, tag = "7")]
    Long(Plain),
    #[prost(message, tag = "8")]
    Float(Plain),
    #[prost(message, tag = "9")]
    Double(Plain),
    #[prost(message, tag = "10")]
    Decimal(DecimalKind),
    #[prost(message, tag = "11")]
    Text(Plain),
    #[prost(message, tag = "14")]
    Date(Plain),
    #[prost(message, tag = "15")]
    Timestamp(Plain),
    #[prost(message, tag = "16")]
    TimestampNtz(Plain),
}

/// A type without parameters.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Plain {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DecimalKind {
    #[prost(int32, optional, tag = "1")]
    pub(super) scale: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(super) precision: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExecutePlanResponse {
    #[prost(message, optional, tag = "2")]
    pub(super) batch: Option<ArrowBatch>,
    #[prost(message, optional, tag = "5")]
    pub(super) sql_result: Option<SqlCommandResult>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ArrowBatch {
    /// A stream of Arrow's own.
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SqlCommandResult {
    /// A `Relation`.
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) relation: Bytes,
}

/// What `grpc-status-details-bin` has: `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Details {
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ErrorInfo {
    #[prost(btree_map = "string, string", tag = "3")]
    pub(super) metadata: BTreeMap<String, String>,
}
