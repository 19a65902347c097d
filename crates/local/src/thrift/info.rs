//! What `GetInfo` states of the server.

use super::Context;
use super::door::Fault;
use super::reply::{Refusal, success};
use super::wire::{Struct, Value};

/// The version of the platform's runtime whose SQL the engine follows.
pub(crate) const VERSION: &str = "3.5.0";

pub(super) fn get(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    context.door.session(&context.app, &context.caller, request)?;
    let kind = request.i32(2, "infoType")?.ok_or_else(|| "the request has no infoType".to_owned())?;
    let value = value(kind)?;
    Ok(Struct::default().with(1, success()).with(2, Value::Struct(value)))
}

/// `TGetInfoValue` of a `TGetInfoType`.
pub(super) fn value(kind: i32) -> Result<Struct, Refusal> {
    let text = |text: &str| Ok(Struct::default().with_text(1, text));
    let small = |n: i16| Ok(Struct::default().with(2, Value::I16(n)));
    let length = |n: i64| Ok(Struct::default().with(6, Value::I64(n)));
    match kind {
        // 0 stands for no limit that is known.
        0 | 1 => small(0),
        2 | 13 | 17 => text("Spark SQL"),
        14 => text("\\"),
        18 => text(VERSION),
        19 => text("Y"),
        20 | 25 => text("N"),
        // There are no transactions over several statements.
        46 => small(0),
        // Identifiers keep their case and are compared without it.
        28 => small(4),
        29 => text("`"),
        30 | 32 | 34 | 35 | 10005 => length(255),
        97..=101 | 106 => small(0),
        105 => length(16 * 1024 * 1024),
        // NULL is the least value.
        85 => small(1),
        90 => text("N"),
        94 => text(""),
        10003 => text("Y"),
        _ => Err(Refusal::not_supported(&format!("the information {kind} of GetInfo"))),
    }
}
