//! What this release does not know yet: members of messages and inputs of operations, by their names on the wire.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Serialize;
use serde::de::MapAccess;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::model::{Mark, Message, Mode, Wire};
use crate::operation::Payload;
use crate::{Error, ErrorKind, RequestParts, Result};

/// Members of a message that this release does not know, as the service sent them or the caller set them.
///
/// They are sent back with the message, so that reading, changing and writing an object loses nothing. `Debug` shows
/// their names, and values only where they cannot be secrets.
#[derive(Clone, Default)]
pub struct Extra(Option<Box<Kept>>);

/// At least one member.
#[derive(Clone, Default)]
struct Kept {
    /// The members as they came, an object without its closing bracket: most programs never ask for them. Empty once they
    /// were taken apart to be changed.
    text: String,
    members: OnceLock<BTreeMap<String, Value>>,
}

impl Kept {
    fn members(&self) -> &BTreeMap<String, Value> {
        self.members.get_or_init(|| parse(&self.text))
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut BTreeMap<String, Value>) -> T) -> T {
        let mut members = self.members.take().unwrap_or_else(|| parse(&self.text));
        self.text = String::new();
        let changed = change(&mut members);
        self.members = OnceLock::from(members);
        changed
    }

    /// Adds a member as it is written.
    fn push(&mut self, name: &str, value: &str) {
        self.text.reserve(name.len() + value.len() + 4);
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte)) {
            self.text.push('"');
            self.text.push_str(name);
            self.text.push('"');
        } else {
            self.text.push_str(&Value::from(name).to_string());
        }
        self.text.push(':');
        self.text.push_str(value);
    }
}

/// The members of an object without its closing bracket; of several of one name the last.
fn parse(text: &str) -> BTreeMap<String, Value> {
    let whole = if text.is_empty() { String::new() } else { format!("{text}}}") };
    let raw: BTreeMap<String, &RawValue> = serde_json::from_str(&whole).unwrap_or_default();
    let read = |(name, raw): (String, &RawValue)| match serde_json::from_str(raw.get()) {
        Ok(value) => Some((name, value)),
        Err(_) => {
            tracing::warn!(
                target: "databricks_core::model",
                member = %name,
                "left out a value of the response that cannot be represented"
            );
            None
        }
    };
    raw.into_iter().filter_map(read).collect()
}

impl Extra {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the member of this name on the wire.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.members().get(name)
    }

    /// Returns names and values, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().flat_map(|kept| kept.members()).map(|(name, value)| (name.as_str(), value))
    }

    /// Removes the member of this name, and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let (value, empty) = self.0.as_mut()?.change(|members| (members.remove(name), members.is_empty()));
        if empty {
            self.0 = None;
        }
        value
    }

    /// Keeps a member as it is, whether or not this release knows it.
    #[doc(hidden)]
    pub fn put(&mut self, name: &str, value: Value) {
        self.0.get_or_insert_default().change(|members| members.insert(name.to_owned(), value));
    }

    /// Reads the value of a member that is not known.
    #[doc(hidden)]
    #[cold]
    pub fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, mode: Mode) -> Result<(), A::Error> {
        if !mode.text {
            let value = map.next_value()?;
            self.put(name, value);
            return Ok(());
        }
        let value: &RawValue = map.next_value()?;
        self.0.get_or_insert_default().push(name, value.get());
        Ok(())
    }

    /// Sets a member of `message` by its name on the wire: the typed one if there is one, else one of these.
    #[doc(hidden)]
    pub fn set<M: Message>(message: &mut M, name: &str, value: Value, extra: fn(&mut M) -> &mut Self) {
        extra(message).remove(name);
        let null = value.is_null();
        let mut entry = serde::de::value::MapDeserializer::new(std::iter::once((name, value)));
        // The name is known already; what remains in the entry is the value. Reading is lenient: it warns and goes on.
        let named: Result<Option<String>, serde_json::Error> = entry.next_key();
        let _ = named.map(|_| message.member(name, &mut entry, Mode::default()));
        if null {
            extra(message).put(name, Value::Null);
        }
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(other)) => own.members() == other.members(),
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}

/// The members of a message on their way out: those that have a field, then those that have none.
#[doc(hidden)]
#[derive(Debug)]
pub struct Members<'a, M> {
    map: M,
    extra: &'a Extra,
    /// Names that were written; kept only beside extra members, since the same name must not be written twice.
    written: Vec<&'static str>,
}

impl<'a, M: SerializeMap> Members<'a, M> {
    /// Begins.
    #[inline]
    pub fn new(map: M, extra: &'a Extra) -> Self {
        Self { map, extra, written: Vec::new() }
    }

    /// Writes a member.
    #[inline]
    pub fn required<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        if !self.extra.is_empty() {
            self.written.push(name);
        }
        self.map.serialize_entry(name, value)
    }

    /// Writes a member that is set.
    #[inline]
    pub fn optional<T: Serialize>(&mut self, name: &'static str, value: &Option<T>) -> Result<(), M::Error> {
        match value {
            Some(value) => self.required(name, value),
            None => Ok(()),
        }
    }

    /// Writes the members that have no field, and the explicit `null`s of fields that are unset.
    #[inline]
    pub fn finish(self) -> Result<M::Ok, M::Error> {
        let Self { mut map, extra, written } = self;
        for (name, value) in extra.iter().filter(|(name, _)| !written.contains(name)) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Map<String, Value> = self.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        Value::Object(members).show(Mark::Settings, f)
    }
}

impl RequestParts {
    /// Adds an input that the operation does not have: a member of its JSON object, or a query parameter where the
    /// request has no body.
    ///
    /// * `name`: as on the wire.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the request has an input of this name, or a body that is not a JSON object.
    pub fn extra_input(mut self, name: &str, value: &Value) -> Result<Self> {
        let info = self.info;
        let refuse = |why: &str| {
            Err(Error::new(ErrorKind::InvalidInput, format!("the extra input {name} {why}")).with_operation(info.id))
        };
        match &self.payload {
            Payload::None => {
                let taken = self.query_string().split('&').any(|pair| pair.split('=').next() == Some(name));
                if taken { refuse("is set already; use its setter") } else { self.query(name, value) }
            }
            Payload::Json(text) => match serde_json::from_slice(text) {
                Ok(Value::Object(mut members)) => {
                    if members.insert(name.to_owned(), value.clone()).is_some() {
                        return refuse("is set already; use its setter");
                    }
                    let text = Value::Object(members).to_string();
                    self.payload = Payload::Json(text.into());
                    self.extend_mask(name)
                }
                _ => refuse("has no place, since the body is not a JSON object"),
            },
            Payload::Body { .. } | Payload::Multipart(_) => refuse("has no place, since the body is not a JSON object"),
        }
    }
}

#[cfg(test)]
#[allow(dead_code, unreachable_pub)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Operation, RequestContext, ResponseParts};

    crate::model! {
        /// A message.
        Lamp {
            required {
                /// Name.
                name: String = "name",
            }
            optional {
                /// Brightness.
                lumen: i64 = "lumen",
            }
        }
    }

    #[test]
    fn unknown_members_are_read_kept_and_sent_back() {
        let lamp: Lamp =
            crate::model::from_json(br#"{"name":"a","hue":{"deg":120},"lumen":3,"token":"hunter2"}"#).unwrap();
        assert_eq!(lamp.extra().get("hue"), Some(&json!({"deg": 120})));
        assert_eq!(lamp.extra().iter().map(|(name, _)| name).collect::<Vec<_>>(), ["hue", "token"]);
        let back = serde_json::to_value(&lamp).unwrap();
        assert_eq!(back, json!({"name": "a", "lumen": 3, "hue": {"deg": 120}, "token": "hunter2"}));
        let shown = format!("{lamp:?}");
        assert!(shown.contains("hue") && !shown.contains("hunter2"), "{shown}");
        assert!(!format!("{:?}", Lamp::new("a")).contains("extra"));
    }

    #[test]
    fn members_are_set_by_their_names_on_the_wire() {
        let lamp = Lamp::new("a").with_extra("hue", 7).with_extra("lumen", 9);
        assert_eq!((lamp.lumen, lamp.extra().get("lumen")), (Some(9), None));
        let null = lamp.clone().with_extra("lumen", Value::Null);
        assert_eq!(null.lumen, None);
        assert_eq!(serde_json::to_value(&null).unwrap(), json!({"name": "a", "hue": 7, "lumen": null}));
        // A member that is set after all wins, in whatever way; nothing is written twice.
        let text = |lamp: &Lamp| serde_json::to_string(lamp).unwrap();
        assert_eq!(text(&null.clone().lumen(4)), r#"{"name":"a","lumen":4,"hue":7}"#);
        let mut assigned = Lamp::new("a").with_extra("lumen", Value::Null);
        assigned.lumen = Some(5);
        assert_eq!(text(&assigned), r#"{"name":"a","lumen":5}"#);
        assigned.extra_mut().put("name", json!("b"));
        assert_eq!(text(&assigned), r#"{"name":"a","lumen":5}"#);
        assigned.lumen = None;
        assert_eq!(text(&assigned), r#"{"name":"a","lumen":null}"#);
        let again = null.with_extra("lumen", 1);
        assert_eq!(serde_json::to_value(&again).unwrap(), json!({"name": "a", "hue": 7, "lumen": 1}));
        let mut none = again;
        assert_eq!(none.extra_mut().remove("hue"), Some(json!(7)));
        assert!(none.extra().is_empty());
    }

    #[test]
    fn members_are_kept_as_they_are_written() {
        let read = |text: &str| crate::model::from_json::<Lamp>(text.as_bytes()).unwrap();
        // Names with escapes, names that come twice, and a change of what was not looked at before.
        let lamp = read(r#"{"a\"b":1,"hue":[1, 2.50,"\u00e9"],"name":"x","hue":{"deg": 7},"e\u0301":null}"#);
        let members: Vec<_> = lamp.extra().iter().map(|(name, value)| (name, value.clone())).collect();
        assert_eq!(members, [("a\"b", json!(1)), ("e\u{301}", Value::Null), ("hue", json!({"deg": 7}))]);
        assert_eq!(lamp, read(r#"{"e\u0301":null,"hue":{"deg":7},"a\"b":1,"name":"x"}"#));
        assert_ne!(lamp, read(r#"{"e\u0301":null,"hue":{"deg":8},"a\"b":1,"name":"x"}"#));
        let mut changed = lamp.clone().with_extra("hue", 3);
        assert_eq!((changed.extra().get("hue"), lamp.extra().get("hue")), (Some(&json!(3)), Some(&json!({"deg": 7}))));
        assert_eq!(changed.extra_mut().remove("a\"b"), Some(json!(1)));
        assert_eq!(serde_json::to_value(&changed).unwrap(), json!({"name": "x", "hue": 3, "e\u{301}": null}));
        // From anything but text, too.
        let value: Lamp = serde_json::from_value(json!({"name": "x", "hue": [1]})).unwrap();
        assert_eq!(value.extra().get("hue"), Some(&json!([1])));
        // A number beyond all floats costs itself alone.
        let odd = read(r#"{"name":"x","far":1e999,"hue":1}"#);
        assert_eq!(odd.extra().iter().collect::<Vec<_>>(), [("hue", &json!(1))]);
    }

    crate::operation! {
        /// Changes a lamp.
        Change {
            info: "lamps.change", POST "/api/lamps/{id}", Workspace;
            output: () = ResponseParts::empty;
            request { object() }
            required {
                /// Which.
                id: String = path "id",
                /// Name.
                name: String = member "name",
            }
        }
    }

    crate::operation! {
        /// Lists lamps.
        List {
            info: "lamps.list", GET "/api/lamps", Workspace;
            output: () = ResponseParts::empty;
            optional {
                /// Room.
                room: String = query "room",
            }
        }
    }

    #[test]
    fn inputs_that_are_not_known_go_where_the_others_go() {
        let change = || Change::new("1", "n").request(&RequestContext::default()).unwrap();
        let parts = change().extra_input("hue", &json!([1])).unwrap();
        let Payload::Json(text) = parts.payload else { panic!("not JSON") };
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), json!({"name": "n", "hue": [1]}));
        let error = change().extra_input("name", &json!(1)).err().unwrap();
        assert!(error.to_string().contains("the extra input name is set already"), "{error}");

        let mut list = List::new();
        list.room = Some("x".to_owned());
        let list = || list.request(&RequestContext::default()).unwrap();
        assert_eq!(list().extra_input("hue", &json!(["a", "b"])).unwrap().query_string(), "room=x&hue=a&hue=b");
        assert!(list().extra_input("room", &json!("y")).is_err());
    }
}
