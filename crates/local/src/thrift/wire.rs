//! Messages of the binary protocol as trees of values, read within bounds.
//!
//! The service has many messages of which it looks at few members, so that a tree whose members go by their identifiers
//! is shorter than a type for each of them; `request` and `reply` give the members their names.

use std::collections::BTreeMap;
use std::io::Cursor;

use thrift::TConfiguration;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TFieldIdentifier, TInputProtocol, TListIdentifier, TMapIdentifier,
    TMessageIdentifier, TMessageType, TOutputProtocol, TStructIdentifier, TType,
};

/// How deep structs, lists and maps of a request may lie inside each other. The deepest that clients send is 6.
const DEPTH: usize = 16;
/// How many values a request may have in all: what bounds its size in memory, whatever the lengths it states.
const VALUES: usize = 100_000;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    Double(f64),
    /// Strings too, whose encoding is looked at where they are used.
    Bytes(Vec<u8>),
    Struct(Struct),
    /// Lists and sets.
    List(TType, Vec<Value>),
    Map(TType, TType, Vec<(Value, Value)>),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Bytes(text.into().into_bytes())
    }

    fn kind(&self) -> TType {
        match self {
            Self::Bool(_) => TType::Bool,
            Self::I8(_) => TType::I08,
            Self::I16(_) => TType::I16,
            Self::I32(_) => TType::I32,
            Self::I64(_) => TType::I64,
            Self::Double(_) => TType::Double,
            Self::Bytes(_) => TType::String,
            Self::Struct(_) => TType::Struct,
            Self::List(_, _) => TType::List,
            Self::Map(_, _, _) => TType::Map,
        }
    }
}

/// Members by their identifiers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Struct(pub(super) BTreeMap<i16, Value>);

impl Struct {
    /// With one more member.
    pub(super) fn with(mut self, id: i16, value: Value) -> Self {
        self.0.insert(id, value);
        self
    }

    /// With one more member, if there is a value.
    pub(super) fn with_some(self, id: i16, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.with(id, value),
            None => self,
        }
    }

    pub(super) fn with_text(self, id: i16, text: impl Into<String>) -> Self {
        self.with(id, Value::text(text))
    }
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) sequence: i32,
    /// The request, which every method of the service takes as its only argument.
    pub(super) request: Struct,
}

/// Reads a call that takes up all of `bytes`.
///
/// # Errors
///
/// Why the bytes are not one.
pub(super) fn read_call(bytes: &[u8]) -> Result<Call, String> {
    // The crate reserves what a length states before it reads: no string is longer than the message.
    let limits = TConfiguration::builder()
        .max_message_size(Some(bytes.len().max(1)))
        .max_frame_size(None)
        .max_string_size(Some(bytes.len()))
        .max_container_size(Some(VALUES))
        .max_recursion_depth(Some(DEPTH))
        .build()
        .map_err(|e| e.to_string())?;
    let mut reader =
        Reader { input: TBinaryInputProtocol::with_config(Cursor::new(bytes), true, limits), left: VALUES };
    let call =
        reader.call().map_err(|e| format!("the request is not a message of the binary protocol: {}", reason(&e)))?;
    let end = reader.input.transport.position();
    if usize::try_from(end).ok() != Some(bytes.len()) {
        return Err(format!("the request has {} bytes after its end", bytes.len().saturating_sub(end as usize)));
    }
    Ok(call)
}

struct Reader<'a> {
    input: TBinaryInputProtocol<Cursor<&'a [u8]>>,
    /// Values that may still come.
    left: usize,
}

impl Reader<'_> {
    fn call(&mut self) -> thrift::Result<Call> {
        let message = self.input.read_message_begin()?;
        if message.message_type != TMessageType::Call {
            return Err(refused("it is not a call"));
        }
        let mut arguments = self.members(DEPTH)?;
        self.input.read_message_end()?;
        match arguments.0.remove(&1) {
            Some(Value::Struct(request)) => {
                Ok(Call { method: message.name, sequence: message.sequence_number, request })
            }
            _ => Err(refused("the call has no request as its first argument")),
        }
    }

    fn members(&mut self, depth: usize) -> thrift::Result<Struct> {
        self.input.read_struct_begin()?;
        let mut all = Struct::default();
        loop {
            let field = self.input.read_field_begin()?;
            if field.field_type == TType::Stop {
                break;
            }
            let id = field.id.ok_or_else(|| refused("a member has no identifier"))?;
            let value = self.value(field.field_type, depth)?;
            self.input.read_field_end()?;
            all.0.insert(id, value);
        }
        self.input.read_struct_end()?;
        Ok(all)
    }

    fn value(&mut self, kind: TType, depth: usize) -> thrift::Result<Value> {
        self.left = self.left.checked_sub(1).ok_or_else(|| refused(&format!("it has more than {VALUES} values")))?;
        let inner = depth.checked_sub(1).ok_or_else(|| refused(&format!("its values lie deeper than {DEPTH}")));
        Ok(match kind {
            TType::Bool => Value::Bool(self.input.read_bool()?),
            TType::I08 => Value::I8(self.input.read_i8()?),
            TType::I16 => Value::I16(self.input.read_i16()?),
            TType::I32 => Value::I32(self.input.read_i32()?),
            TType::I64 => Value::I64(self.input.read_i64()?),
            TType::Double => Value::Double(self.input.read_double()?),
            TType::String => Value::Bytes(self.input.read_bytes()?),
            TType::Struct => Value::Struct(self.members(inner?)?),
            TType::List | TType::Set => {
                let inner = inner?;
                let list = self.input.read_list_begin()?;
                // Nothing is reserved for the stated size.
                let mut values = Vec::new();
                for _ in 0..list.size {
                    values.push(self.value(list.element_type, inner)?);
                }
                Value::List(list.element_type, values)
            }
            TType::Map => {
                let inner = inner?;
                let map = self.input.read_map_begin()?;
                let (Some(key), Some(value)) = (map.key_type, map.value_type) else {
                    return Err(refused("a map has no types"));
                };
                let mut entries = Vec::new();
                for _ in 0..map.size {
                    entries.push((self.value(key, inner)?, self.value(value, inner)?));
                }
                Value::Map(key, value, entries)
            }
            other => return Err(refused(&format!("a value has the type {other:?}"))),
        })
    }
}

/// What an error states, which its own display leaves out.
fn reason(error: &thrift::Error) -> &str {
    match error {
        thrift::Error::Transport(e) => &e.message,
        thrift::Error::Protocol(e) => &e.message,
        thrift::Error::Application(e) => &e.message,
        thrift::Error::User(_) => "it cannot be read",
    }
}

fn refused(why: &str) -> thrift::Error {
    thrift::Error::Protocol(thrift::ProtocolError::new(thrift::ProtocolErrorKind::InvalidData, why))
}

/// The response to a call.
pub(super) fn reply(call: &Call, response: Struct) -> Result<Vec<u8>, String> {
    // The result of a method is its member 0; exceptions, which the service does not declare, would follow.
    write(call, TMessageType::Reply, &Struct::default().with(0, Value::Struct(response)))
}

/// The response to a call of a method that the service does not have.
pub(super) fn unknown_method(call: &Call) -> Result<Vec<u8>, String> {
    let kind = thrift::ApplicationErrorKind::UnknownMethod as i32;
    let body = Struct::default()
        .with_text(1, format!("the method '{}' is not served by the embedded workspace", call.method))
        .with(2, Value::I32(kind));
    write(call, TMessageType::Exception, &body)
}

fn write(call: &Call, kind: TMessageType, body: &Struct) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut output = TBinaryOutputProtocol::new(&mut bytes, true);
    let message = TMessageIdentifier::new(call.method.as_str(), kind, call.sequence);
    let written = output
        .write_message_begin(&message)
        .and_then(|()| write_struct(&mut output, body))
        .and_then(|()| output.write_message_end());
    written.map_err(|e| format!("the response could not be written: {}", reason(&e)))?;
    Ok(bytes)
}

fn write_struct(output: &mut impl TOutputProtocol, members: &Struct) -> thrift::Result<()> {
    output.write_struct_begin(&TStructIdentifier::new(""))?;
    for (id, value) in &members.0 {
        output.write_field_begin(&TFieldIdentifier::new("", value.kind(), *id))?;
        write_value(output, value)?;
        output.write_field_end()?;
    }
    output.write_field_stop()?;
    output.write_struct_end()
}

fn write_value(output: &mut impl TOutputProtocol, value: &Value) -> thrift::Result<()> {
    match value {
        Value::Bool(b) => output.write_bool(*b),
        Value::I8(n) => output.write_i8(*n),
        Value::I16(n) => output.write_i16(*n),
        Value::I32(n) => output.write_i32(*n),
        Value::I64(n) => output.write_i64(*n),
        Value::Double(n) => output.write_double(*n),
        Value::Bytes(bytes) => {
            size(bytes.len())?;
            output.write_bytes(bytes)
        }
        Value::Struct(members) => write_struct(output, members),
        Value::List(kind, values) => {
            output.write_list_begin(&TListIdentifier::new(*kind, size(values.len())?))?;
            for value in values {
                write_value(output, value)?;
            }
            output.write_list_end()
        }
        Value::Map(key, kind, entries) => {
            output.write_map_begin(&TMapIdentifier::new(*key, *kind, size(entries.len())?))?;
            for (key, value) in entries {
                write_value(output, key)?;
                write_value(output, value)?;
            }
            output.write_map_end()
        }
    }
}

fn size(length: usize) -> thrift::Result<i32> {
    i32::try_from(length).map_err(|_| refused("a string or list is longer than the protocol can state"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_of(method: &str, request: Struct) -> Vec<u8> {
        let call = Call { method: method.to_owned(), sequence: 7, request: Struct::default() };
        write(&call, TMessageType::Call, &Struct::default().with(1, Value::Struct(request))).unwrap()
    }

    #[test]
    fn a_call_is_read_as_it_was_written() {
        let request = Struct::default()
            .with_text(1, "é")
            .with(2, Value::Bool(true))
            .with(3, Value::I8(-1))
            .with(4, Value::I16(-2))
            .with(5, Value::I32(3))
            .with(1281, Value::I64(i64::MIN))
            .with(6, Value::Double(1.5))
            .with(7, Value::List(TType::I32, vec![Value::I32(1), Value::I32(2)]))
            .with(8, Value::Map(TType::String, TType::String, vec![(Value::text("a"), Value::text("b"))]))
            .with(9, Value::Struct(Struct::default().with(1, Value::Bytes(vec![0, 255]))));
        let call = read_call(&bytes_of("OpenSession", request.clone())).unwrap();
        assert_eq!((call.method.as_str(), call.sequence), ("OpenSession", 7));
        assert_eq!(call.request, request);
    }

    #[test]
    fn bounds_hold_before_memory_is_taken() {
        // A list that states 2^31-1 members, and a string of as many bytes.
        for tail in [&[15, 0, 1, 2, 0x7f, 0xff, 0xff, 0xff][..], &[11, 0, 1, 0x7f, 0xff, 0xff, 0xff]] {
            let mut bytes = bytes_of("m", Struct::default());
            bytes.truncate(bytes.len() - 2);
            bytes.extend_from_slice(tail);
            assert!(read_call(&bytes).is_err());
        }
        // More values than a request may have, which are all there.
        let many = Value::List(TType::Bool, vec![Value::Bool(true); VALUES]);
        let error = read_call(&bytes_of("m", Struct::default().with(1, many))).unwrap_err();
        assert!(error.contains("more than 100000 values"), "{error}");
        let error = read_call(&nested_lists(100_000)).unwrap_err();
        assert!(error.contains("deeper than 16"), "{error}");
    }

    /// Lists of one list each, that many levels deep.
    fn nested_lists(levels: usize) -> Vec<u8> {
        let mut bytes = bytes_of("m", Struct::default());
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(&[15, 0, 1]);
        for _ in 0..levels {
            bytes.extend_from_slice(&[15, 0, 0, 0, 1]);
        }
        bytes
    }

    #[test]
    fn what_is_not_one_call_is_refused() {
        let mut bytes = bytes_of("m", Struct::default());
        bytes.push(0);
        assert!(read_call(&bytes).unwrap_err().contains("1 bytes after its end"));
        assert!(read_call(b"").is_err());
        assert!(read_call(b"{\"statement\": 1}").is_err());
        let call = Call { method: "m".into(), sequence: 0, request: Struct::default() };
        assert!(read_call(&reply(&call, Struct::default()).unwrap()).unwrap_err().contains("not a call"));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = read_call(&bytes);
        }

        #[test]
        fn no_damage_breaks_the_reader(at in 0usize..64, with in any::<u8>(), cut in 0usize..80) {
            let request = Struct::default()
                .with_text(2, "SELECT 1")
                .with(7, Value::List(TType::Struct, vec![Value::Struct(Struct::default().with_text(1, "x"))]))
                .with(3, Value::Map(TType::String, TType::String, vec![(Value::text("a"), Value::text("b"))]));
            let mut bytes = bytes_of("ExecuteStatement", request);
            let at = at % bytes.len();
            bytes[at] = with;
            bytes.truncate(bytes.len().saturating_sub(cut % 8));
            let _ = read_call(&bytes);
        }
    }
}
