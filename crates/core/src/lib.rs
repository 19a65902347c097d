//! The vocabulary of the Databricks SDK for Rust.
//!
//! This crate states what an API call *is* without making one: an [`Operation`] turns itself into [`RequestParts`] and
//! reads its output back from [`ResponseParts`]; an [`Error`] states what went wrong; [`Credentials`] return the
//! headers that authenticate. Nothing here does IO or needs an async runtime, so that any crate can speak this
//! vocabulary at little cost.
//!
//! | module | holds |
//! |---|---|
//! | [`operation`](mod@operation), [`request`] | the [`Operation`] trait, request and response parts, path and query writers, the macro of operations |
//! | [`page`], [`wait`], [`lro`], [`data_plane`] | traits of operations that list, complete later, run long, or go to another host |
//! | [`body`] | request and response bodies: bytes, replayable streams, one-pass streams |
//! | [`error`], [`api_error`] | the one error of every call, and what the service stated |
//! | [`credentials`] | the trait that every credentials provider implements |
//! | [`secret`], [`redact`] | keeping secrets and control characters out of logs, errors and `Debug` |
//! | [`model`](mod@model), [`open_enum`](mod@open_enum) | the macros that generated types are written in |
//! | [`nullable`], [`extra`] | explicit `null`; members and inputs that this release does not know |
//! | `dynamic`, with the feature of that name | operations as tables of facts, for generic tools |
//! | [`time`] | timestamps and durations as they are on the wire |
//! | [`field_mask`] | which members an update touches |
//! | [`idempotency`] | which calls may be sent twice |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod api_error;
pub mod body;
pub mod credentials;
pub mod data_plane;
#[cfg(feature = "dynamic")]
#[cfg_attr(docsrs, doc(cfg(feature = "dynamic")))]
pub mod dynamic;
pub mod error;
pub mod extra;
pub mod field_mask;
pub mod idempotency;
pub mod lro;
pub mod model;
pub mod nullable;
pub mod open_enum;
pub mod operation;
pub mod page;
pub mod redact;
pub mod request;
pub mod secret;
pub mod time;
pub mod wait;

pub use api_error::ApiError;
pub use body::{Body, ByteStream};
pub use credentials::{AuthHeaders, Credentials, Origin, SharedCredentials};
pub use data_plane::DataPlane;
pub use error::{Error, ErrorKind, Result, StatementFailure};
pub use extra::Extra;
pub use field_mask::FieldMask;
pub use idempotency::Idempotency;
pub use lro::LongRunning;
pub use nullable::Nullable;
pub use operation::{Operation, OperationInfo, RequestContext, RequestParts, ResponseParts};
pub use page::{Continuation, Page, Paginated};
pub use secret::Secret;
pub use time::{ProtoDuration, Timestamp};
// The longer name is that of the facade, where it stands beside the standard library's.
#[doc(hidden)]
pub use time::ProtoDuration as Duration;
pub use wait::{WaitStatus, Waitable};

/// Names that the macros of this crate expand to. Not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use http;
    pub use serde;
    pub use serde_json;
}

/// The code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
