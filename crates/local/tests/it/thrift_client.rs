//! A client of the Thrift door: the crate's own protocol over bare HTTP, without any opinion of a connector's.

use std::collections::BTreeMap;
use std::io::Cursor;

use databricks_local::LocalWorkspace;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TFieldIdentifier, TInputProtocol, TListIdentifier, TMapIdentifier,
    TMessageIdentifier, TMessageType, TOutputProtocol, TStructIdentifier, TType,
};

use crate::client::{Response, send};

/// A value of a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum V {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    F64(f64),
    Bytes(Vec<u8>),
    Struct(BTreeMap<i16, V>),
    List(Vec<V>),
    Map(Vec<(V, V)>),
}

/// A struct of these members.
pub(crate) fn st<const N: usize>(members: [(i16, V); N]) -> V {
    V::Struct(members.into_iter().collect())
}

pub(crate) fn text(text: &str) -> V {
    V::Bytes(text.as_bytes().to_vec())
}

impl V {
    /// The member at the end of a path of identifiers.
    pub(crate) fn at(&self, path: &[i16]) -> &Self {
        path.iter().fold(self, |value, id| match value {
            Self::Struct(members) => members.get(id).unwrap_or_else(|| panic!("no member {id} of {path:?}: {value:?}")),
            other => panic!("{other:?} has no members"),
        })
    }

    pub(crate) fn has(&self, id: i16) -> bool {
        matches!(self, Self::Struct(members) if members.contains_key(&id))
    }

    pub(crate) fn i32(&self, path: &[i16]) -> i32 {
        match self.at(path) {
            Self::I32(n) => *n,
            other => panic!("{other:?} at {path:?}"),
        }
    }

    pub(crate) fn bool(&self, path: &[i16]) -> bool {
        matches!(self.at(path), Self::Bool(true))
    }

    pub(crate) fn str(&self, path: &[i16]) -> String {
        match self.at(path) {
            Self::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            other => panic!("{other:?} at {path:?}"),
        }
    }

    pub(crate) fn list(&self, path: &[i16]) -> &[Self] {
        match self.at(path) {
            Self::List(values) => values,
            other => panic!("{other:?} at {path:?}"),
        }
    }

    fn kind(&self) -> TType {
        match self {
            Self::Bool(_) => TType::Bool,
            Self::I8(_) => TType::I08,
            Self::I16(_) => TType::I16,
            Self::I32(_) => TType::I32,
            Self::I64(_) => TType::I64,
            Self::F64(_) => TType::Double,
            Self::Bytes(_) => TType::String,
            Self::Struct(_) => TType::Struct,
            Self::List(_) => TType::List,
            Self::Map(_) => TType::Map,
        }
    }

    fn write(&self, o: &mut impl TOutputProtocol) -> thrift::Result<()> {
        match self {
            Self::Bool(b) => o.write_bool(*b),
            Self::I8(n) => o.write_i8(*n),
            Self::I16(n) => o.write_i16(*n),
            Self::I32(n) => o.write_i32(*n),
            Self::I64(n) => o.write_i64(*n),
            Self::F64(n) => o.write_double(*n),
            Self::Bytes(b) => o.write_bytes(b),
            Self::Struct(members) => {
                o.write_struct_begin(&TStructIdentifier::new(""))?;
                for (id, value) in members {
                    o.write_field_begin(&TFieldIdentifier::new("", value.kind(), *id))?;
                    value.write(o)?;
                    o.write_field_end()?;
                }
                o.write_field_stop()?;
                o.write_struct_end()
            }
            Self::List(values) => {
                let kind = values.first().map_or(TType::String, Self::kind);
                o.write_list_begin(&TListIdentifier::new(kind, values.len() as i32))?;
                values.iter().try_for_each(|v| v.write(o))?;
                o.write_list_end()
            }
            Self::Map(entries) => {
                o.write_map_begin(&TMapIdentifier::new(TType::String, TType::String, entries.len() as i32))?;
                for (k, v) in entries {
                    k.write(o)?;
                    v.write(o)?;
                }
                o.write_map_end()
            }
        }
    }

    fn read(i: &mut impl TInputProtocol, kind: TType) -> thrift::Result<Self> {
        Ok(match kind {
            TType::Bool => Self::Bool(i.read_bool()?),
            TType::I08 => Self::I8(i.read_i8()?),
            TType::I16 => Self::I16(i.read_i16()?),
            TType::I32 => Self::I32(i.read_i32()?),
            TType::I64 => Self::I64(i.read_i64()?),
            TType::Double => Self::F64(i.read_double()?),
            TType::String => Self::Bytes(i.read_bytes()?),
            TType::Struct => {
                i.read_struct_begin()?;
                let mut members = BTreeMap::new();
                loop {
                    let field = i.read_field_begin()?;
                    if field.field_type == TType::Stop {
                        break;
                    }
                    members.insert(field.id.unwrap(), Self::read(i, field.field_type)?);
                    i.read_field_end()?;
                }
                i.read_struct_end()?;
                Self::Struct(members)
            }
            TType::List => {
                let list = i.read_list_begin()?;
                Self::List((0..list.size).map(|_| Self::read(i, list.element_type)).collect::<Result<_, _>>()?)
            }
            TType::Map => {
                let map = i.read_map_begin()?;
                let entry = |i: &mut _| {
                    Ok::<_, thrift::Error>((
                        Self::read(i, map.key_type.unwrap())?,
                        Self::read(i, map.value_type.unwrap())?,
                    ))
                };
                Self::Map((0..map.size).map(|_| entry(i)).collect::<Result<_, _>>()?)
            }
            other => panic!("{other:?} in a response"),
        })
    }
}

/// The bytes of a call.
pub(crate) fn call_bytes(method: &str, request: &V) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut output = TBinaryOutputProtocol::new(&mut bytes, true);
    output.write_message_begin(&TMessageIdentifier::new(method, TMessageType::Call, 7)).unwrap();
    st([(1, request.clone())]).write(&mut output).unwrap();
    output.write_message_end().unwrap();
    bytes
}

pub(crate) fn path(w: &LocalWorkspace) -> String {
    format!("/sql/1.0/warehouses/{}", w.warehouse_id())
}

/// Sends bytes with the workspace's token.
pub(crate) async fn raw(w: &LocalWorkspace, target: &str, body: &[u8]) -> Response {
    let bearer = format!("Bearer {}", w.token());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-thrift")];
    send(w, "POST", target, &headers, body).await.unwrap()
}

/// The message of a response: its type and its body.
pub(crate) fn message(response: &Response) -> (TMessageType, V) {
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/x-thrift"));
    let mut input = TBinaryInputProtocol::new(Cursor::new(&response.body), true);
    let message = input.read_message_begin().unwrap();
    assert_eq!(message.sequence_number, 7);
    let body = V::read(&mut input, TType::Struct).unwrap();
    assert_eq!(input.transport.position(), response.body.len() as u64);
    (message.message_type, body)
}

/// Calls a method and gives its response.
pub(crate) async fn call(w: &LocalWorkspace, method: &str, request: V) -> V {
    let (kind, body) = message(&raw(w, &path(w), &call_bytes(method, &request)).await);
    assert_eq!(kind, TMessageType::Reply);
    body.at(&[0]).clone()
}

/// Opens a session and gives its handle.
pub(crate) async fn open(w: &LocalWorkspace) -> V {
    let response = call(w, "OpenSession", st([(1282, V::I64(0xa507)), (1285, V::Bool(true))])).await;
    assert_eq!(response.i32(&[1, 1]), 0, "{response:?}");
    response.at(&[3]).clone()
}

/// Runs a statement with direct results; `more` are further members of the request.
pub(crate) async fn execute<const N: usize>(w: &LocalWorkspace, session: &V, sql: &str, more: [(i16, V); N]) -> V {
    let V::Struct(mut request) = st([
        (1, session.clone()),
        (2, text(sql)),
        (4, V::Bool(true)),
        (1281, st([(1, V::I64(1000)), (2, V::I64(1_000_000))])),
    ]) else {
        unreachable!()
    };
    request.extend(more);
    let mut response = call(w, "ExecuteStatement", V::Struct(request)).await;
    // A busy machine may take longer than the call waits.
    while response.has(1281) && matches!(response.i32(&[1281, 1, 2]), 1 | 7) {
        let status = call(w, "GetOperationStatus", st([(1, response.at(&[2]).clone())])).await;
        if !matches!(status.i32(&[2]), 1 | 7) {
            let handle = response.at(&[2]).clone();
            let V::Struct(outer) = &mut response else { unreachable!() };
            let mut direct = BTreeMap::from([(1, status.clone())]);
            if status.i32(&[2]) == 2 {
                let fetch = st([(1, handle.clone()), (3, V::I64(1000)), (1283, V::Bool(true))]);
                let fetched = call(w, "FetchResults", fetch).await;
                direct.insert(2, fetched.at(&[1281]).clone());
                direct.insert(3, fetched);
            }
            outer.insert(1281, V::Struct(direct));
        }
    }
    response
}
