//! Members of requests by name.

use super::wire::{Struct, Value};

/// Why the members of a request cannot be read: the request is malformed.
pub(super) type Malformed = String;

/// Typed access to members. A member of another type than the service declares is a malformed request.
impl Struct {
    fn typed<'a, T>(
        &'a self,
        id: i16,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        match self.0.get(&id) {
            None => Ok(None),
            Some(value) => {
                read(value).map(Some).ok_or_else(|| format!("the member {name} ({id}) is not of its declared type"))
            }
        }
    }

    pub(super) fn boolean(&self, id: i16, name: &str) -> Result<Option<bool>, Malformed> {
        self.typed(id, name, |v| if let Value::Bool(b) = v { Some(*b) } else { None })
    }

    pub(super) fn i16(&self, id: i16, name: &str) -> Result<Option<i16>, Malformed> {
        self.typed(id, name, |v| if let Value::I16(n) = v { Some(*n) } else { None })
    }

    pub(super) fn i32(&self, id: i16, name: &str) -> Result<Option<i32>, Malformed> {
        self.typed(id, name, |v| if let Value::I32(n) = v { Some(*n) } else { None })
    }

    pub(super) fn i64(&self, id: i16, name: &str) -> Result<Option<i64>, Malformed> {
        self.typed(id, name, |v| if let Value::I64(n) = v { Some(*n) } else { None })
    }

    pub(super) fn double(&self, id: i16, name: &str) -> Result<Option<f64>, Malformed> {
        self.typed(id, name, |v| if let Value::Double(n) = v { Some(*n) } else { None })
    }

    pub(super) fn bytes(&self, id: i16, name: &str) -> Result<Option<&[u8]>, Malformed> {
        self.typed(id, name, |v| if let Value::Bytes(b) = v { Some(b.as_slice()) } else { None })
    }

    pub(super) fn string(&self, id: i16, name: &str) -> Result<Option<&str>, Malformed> {
        self.typed(id, name, text)
    }

    pub(super) fn strukt(&self, id: i16, name: &str) -> Result<Option<&Struct>, Malformed> {
        self.typed(id, name, |v| if let Value::Struct(s) = v { Some(s) } else { None })
    }

    pub(super) fn list(&self, id: i16, name: &str) -> Result<&[Value], Malformed> {
        let list = self.typed(id, name, |v| if let Value::List(_, l) = v { Some(l.as_slice()) } else { None })?;
        Ok(list.unwrap_or_default())
    }

    pub(super) fn strings(&self, id: i16, name: &str) -> Result<Vec<String>, Malformed> {
        let all = self.list(id, name)?.iter().map(|v| text(v).map(str::to_owned)).collect::<Option<_>>();
        all.ok_or_else(|| format!("the member {name} ({id}) is not a list of strings"))
    }

    /// A map of strings.
    pub(super) fn pairs(&self, id: i16, name: &str) -> Result<Vec<(String, String)>, Malformed> {
        let map = self.typed(id, name, |v| if let Value::Map(_, _, m) = v { Some(m.as_slice()) } else { None })?;
        let pair = |(k, v): &(Value, Value)| Some((text(k)?.to_owned(), text(v)?.to_owned()));
        let all = map.unwrap_or_default().iter().map(pair).collect::<Option<_>>();
        all.ok_or_else(|| format!("the member {name} ({id}) is not a map of strings"))
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// The two halves of a handle: who is meant, and what proves that the client was given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle {
    pub(super) guid: [u8; 16],
    pub(super) secret: [u8; 16],
}

impl Handle {
    /// Of a `TSessionHandle` or `TOperationHandle` in member 1; `None` if the halves have other lengths than the
    /// server's.
    pub(super) fn read(request: &Struct, name: &str) -> Result<Option<Self>, Malformed> {
        let missing = || format!("the request has no {name}");
        let handle = request.strukt(1, name)?.ok_or_else(missing)?;
        let id = handle.strukt(1, name)?.ok_or_else(missing)?;
        let half = |bytes: Option<&[u8]>| bytes.and_then(|b| <[u8; 16]>::try_from(b).ok());
        Ok(half(id.bytes(1, "guid")?).zip(half(id.bytes(2, "secret")?)).map(|(guid, secret)| Self { guid, secret }))
    }

    pub(super) fn to_value(self) -> Value {
        let halves =
            Struct::default().with(1, Value::Bytes(self.guid.to_vec())).with(2, Value::Bytes(self.secret.to_vec()));
        Value::Struct(halves)
    }
}

/// How many rows and bytes a response may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// Rows of a response to a client that states no number, as the service's own interface has it.
const DEFAULT_ROWS: i64 = 100_000;
/// Bytes of a response at most, whatever the client states: what bounds the memory that one request takes.
pub(super) const MOST_BYTES: u64 = 32 * 1024 * 1024;

impl Limits {
    pub(super) fn new(rows: Option<i64>, bytes: Option<i64>) -> Self {
        let positive = |n: i64| u64::try_from(n).ok().filter(|n| *n > 0);
        let rows = rows.and_then(positive).unwrap_or(DEFAULT_ROWS.unsigned_abs());
        Self { rows, bytes: bytes.and_then(positive).map_or(MOST_BYTES, |b| b.min(MOST_BYTES)) }
    }

    /// Of `getDirectResults`, which all requests that make an operation have as the same member; `None` if the client
    /// fetches results by calls of their own.
    pub(super) fn direct(request: &Struct) -> Result<Option<Self>, Malformed> {
        let Some(direct) = request.strukt(1281, "getDirectResults")? else { return Ok(None) };
        Ok(Some(Self::new(direct.i64(1, "maxRows")?, direct.i64(2, "maxBytes")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_their_types() {
        let s = Struct::default().with(1, Value::I32(5)).with_text(2, "x").with(3, Value::Bytes(vec![0xff]));
        assert_eq!(s.i32(1, "a"), Ok(Some(5)));
        assert_eq!(s.string(2, "b"), Ok(Some("x")));
        assert_eq!(s.i64(9, "c"), Ok(None));
        assert!(s.i64(1, "a").unwrap_err().contains("a (1)"));
        assert!(s.string(3, "c").is_err());
    }

    #[test]
    fn limits_have_bounds() {
        assert_eq!(Limits::new(None, None), Limits { rows: 100_000, bytes: MOST_BYTES });
        assert_eq!(Limits::new(Some(-1), Some(i64::MAX)), Limits { rows: 100_000, bytes: MOST_BYTES });
        assert_eq!(Limits::new(Some(3), Some(10)), Limits { rows: 3, bytes: 10 });
    }

    #[test]
    fn a_handle_of_another_length_is_none() {
        let id = Struct::default().with(1, Value::Bytes(vec![1; 16])).with(2, Value::Bytes(vec![2; 15]));
        let handle = Struct::default().with(1, Value::Struct(id));
        let request = Struct::default().with(1, Value::Struct(handle));
        assert_eq!(Handle::read(&request, "sessionHandle"), Ok(None));
        assert!(Handle::read(&Struct::default(), "sessionHandle").is_err());
    }
}
