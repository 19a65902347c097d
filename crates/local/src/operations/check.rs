//! Bodies of requests against the API's description: the service reads what means the same and refuses the rest.

use serde_json::{Map, Number, Value};

use super::Operation;
use super::schema::{Base, Schema, Shape, schema, values};
use crate::extract::{missing, one_of, wrong_type};
use crate::reply::ApiError;

/// Members that the description requires and the service does without.
///
/// Parameters of statements without a name are those of question marks.
const OPTIONAL: [(&str, &str); 1] = [("sql.StatementParameterListItem", "name")];

/// Values of enums that the service takes and the description leaves out.
const ALSO: [(&str, &str); 1] = [("sql.Disposition", "INLINE_OR_EXTERNAL_LINKS")];

/// Brings the members of a body to their types: digits in strings to numbers, numbers to strings. Members that the
/// description does not have stay, and `null` is as good as none. What is required, but of items of lists, can be stated by
/// the path's `parameters` as well; changes of a part state what they change alone.
///
/// Of several operations of one path, the first that takes the body is the one.
///
/// # Errors
///
/// Names the member, what it has to be, and what it is.
pub(crate) fn check(
    operations: &[&Operation],
    parameters: &[(&'static str, String)],
    body: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let mut first = None;
    for operation in operations {
        let mut read = body.clone();
        let check = Check { parameters, is_whole: operation.method != http::Method::PATCH };
        match check.object(&mut read, &operation.body, "", "") {
            Ok(()) => {
                *body = read;
                return Ok(());
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    first.map_or(Ok(()), Err)
}

/// Makes sure that a change has left what is required: members of the message itself that it had before, and those of
/// objects inside of it that were changed.
///
/// # Errors
///
/// Names the member that is missing.
pub(crate) fn still_whole(
    schema: &Schema,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<(), ApiError> {
    let is_there = |record: &Map<String, Value>, name: &str| record.get(name).is_some_and(|value| !value.is_null());
    let check = Check { parameters: &[], is_whole: true };
    for member in schema.members() {
        match after.get(member.name).filter(|value| !value.is_null()) {
            Some(value) if before.get(member.name) != Some(value) => {
                check.conform(&mut value.clone(), member.shape, member.name)?;
            }
            None if member.required && is_there(before, member.name) => return Err(missing(member.name)),
            _ => {}
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Check<'a> {
    parameters: &'a [(&'static str, String)],
    /// Whether what is required has to be there.
    is_whole: bool,
}

impl Check<'_> {
    /// `name` is that of the schema, `path` is empty for the body itself.
    fn object(self, members: &mut Map<String, Value>, schema: &Schema, name: &str, path: &str) -> Result<(), ApiError> {
        let below = |member: &str| if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") };
        for (member, value) in members.iter_mut().filter(|(_, value)| !value.is_null()) {
            if let Some(known) = schema.member(member) {
                self.conform(value, known.shape, &below(member))?;
            }
        }
        let is_stated = |member: &str| {
            members.get(member).is_some_and(|value| !value.is_null())
                || (!path.contains('[') && self.parameters.iter().any(|(parameter, _)| *parameter == member))
                || OPTIONAL.contains(&(name, member))
        };
        if let Some(absent) = schema.members().iter().find(|m| self.is_whole && m.required && !is_stated(m.name)) {
            return Err(missing(&below(absent.name)));
        }
        // A change of a part can take a member of the body away.
        if self.is_whole || !path.is_empty() {
            members.retain(|_, value| !value.is_null());
        }
        Ok(())
    }

    fn conform(self, value: &mut Value, shape: Shape, path: &str) -> Result<(), ApiError> {
        let mut around = shape.around.chars();
        let outermost = around.next();
        let inner = Shape { around: around.as_str(), base: shape.base };
        match (outermost, &mut *value) {
            (Some('a'), Value::Array(items)) => {
                // An item of a list is a whole one, also where a part of the rest is changed.
                let check = Self { is_whole: true, ..self };
                items
                    .iter_mut()
                    .enumerate()
                    .try_for_each(|(n, item)| check.conform(item, inner, &format!("{path}[{n}]")))
            }
            (Some('a'), other) => Err(wrong_type(path, "a list", other)),
            (Some(_), Value::Object(entries)) => {
                entries.retain(|_, entry| !entry.is_null());
                entries.iter_mut().try_for_each(|(key, entry)| self.conform(entry, inner, &format!("{path}.{key}")))
            }
            (Some(_), other) => Err(wrong_type(path, "an object", other)),
            (None, Value::Object(members)) => match shape.base {
                Base::Object(name) => schema(name).map_or(Ok(()), |schema| self.object(members, schema, name, path)),
                base => self.single(value, base, path),
            },
            (None, _) => self.single(value, shape.base, path),
        }
    }

    fn single(self, value: &mut Value, base: Base, path: &str) -> Result<(), ApiError> {
        let read = match (base, &*value) {
            (Base::Any, _) | (Base::Text, Value::String(_)) | (Base::Boolean, Value::Bool(_)) => return Ok(()),
            (Base::Number, Value::Number(_)) => return Ok(()),
            (Base::Text, Value::Number(number)) => Value::String(number.to_string()),
            (Base::Text, other) => return Err(wrong_type(path, "a string", other)),
            (Base::Boolean, Value::String(text)) if text == "true" || text == "false" => Value::Bool(text == "true"),
            (Base::Boolean, other) => return Err(wrong_type(path, "a boolean", other)),
            (Base::Time, Value::String(text)) => {
                let is_time = text.contains(['T', 't']) && text.parse::<jiff::Timestamp>().is_ok();
                return if is_time { Ok(()) } else { Err(wrong_time(path, text)) };
            }
            (Base::Time, other) => return Err(wrong_type(path, "a string", other)),
            (Base::Integer, other) => integer(other).ok_or_else(|| wrong_type(path, "an integer", other))?,
            (Base::Number, other) => {
                let digits = other.as_str().and_then(|text| text.parse().ok()).and_then(Number::from_f64);
                Value::Number(digits.ok_or_else(|| wrong_type(path, "a number", other))?)
            }
            (Base::Enum(name), Value::String(text)) => {
                if ALSO.contains(&(name, text)) {
                    return Ok(());
                }
                let allowed: Vec<&'static str> = values(name).collect();
                return one_of(path, text, &allowed).map(|_| ());
            }
            (Base::Enum(_), other) => return Err(wrong_type(path, "a string", other)),
            (Base::Object(_), other) => return Err(wrong_type(path, "an object", other)),
        };
        *value = read;
        Ok(())
    }
}

fn wrong_time(path: &str, text: &str) -> ApiError {
    ApiError::malformed(format!(
        "Could not parse request object: field '{path}' must be a timestamp such as 2026-01-31T12:00:00Z, got '{text}'"
    ))
}

/// A whole number, also as `5.0` or as digits in a string.
fn integer(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.clone()),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15)?;
            Some(Value::from(whole as i64))
        }
        Value::String(text) => text.parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operations::by_id;

    fn checked(id: &str, mut body: Value) -> Result<Value, String> {
        let operation = by_id(id).unwrap();
        let members = body.as_object_mut().unwrap();
        check(&[operation], &[], members).map_err(|e| e.message().to_owned())?;
        Ok(body)
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        let updated = |time: &str| {
            checked(
                "feature_engineering.update_feature",
                json!({"function": {"aggregation_function": {"time_window": {
                "continuous": {"offset": "3s", "window_duration": "4s"}}}}, "created_at": time}),
            )
        };
        assert!(updated("2026-01-31T12:00:00.5+02:00").is_ok());
        for wrong in ["", "2026-01-31", "2026-13-31T12:00:00Z", "yesterday"] {
            let message = updated(wrong).unwrap_err();
            assert!(
                message.contains("'created_at' must be a timestamp") && message.ends_with(&format!("'{wrong}'")),
                "{message}"
            );
        }
    }

    #[test]
    fn what_means_the_same_is_read() {
        let body = json!({
            "spark_version": "17.3", "cluster_name": 5, "num_workers": "3", "spark_conf": {"a": 1, "b": null}, "enable_elastic_disk": "true",
            "autoscale": {"min_workers": 1.0, "max_workers": null, "more": [1]}, "unknown": {"x": null}, "idempotency_token": null
        });
        assert_eq!(
            checked("clusters.create", body).unwrap(),
            json!({
                "spark_version": "17.3", "cluster_name": "5", "num_workers": 3, "spark_conf": {"a": "1"}, "enable_elastic_disk": true,
                "autoscale": {"min_workers": 1, "more": [1]}, "unknown": {"x": null}
            })
        );
    }

    #[test]
    fn what_does_not_is_refused_with_its_place() {
        let refused = |mut body: Value| {
            body["spark_version"] = json!("17.3.x-scala2.13");
            checked("clusters.create", body).unwrap_err()
        };
        assert!(refused(json!({"cluster_name": {}})).contains("field 'cluster_name' must be a string, got an object"));
        assert!(refused(json!({"num_workers": 1.5})).contains("field 'num_workers' must be an integer, got a number"));
        assert!(refused(json!({"autoscale": {"min_workers": []}})).contains("field 'autoscale.min_workers' must be"));
        assert!(
            refused(json!({"ssh_public_keys": ["a", null]}))
                .contains("'ssh_public_keys[1]' must be a string, got null")
        );
        assert!(refused(json!({"spark_conf": []})).contains("field 'spark_conf' must be an object, got a list"));
        let tags = |body| checked("tag_policies.create_tag_policy", body).unwrap_err();
        assert!(tags(json!({"tag_key": "a", "values": [{}]})).contains("Missing required field: values[0].name"));
        assert!(tags(json!({})).contains("Missing required field: tag_key"));
        let enums = refused(json!({"runtime_engine": "FAST"}));
        assert!(enums.contains("'FAST' is not a valid value of 'runtime_engine'; expected one of"), "{enums}");
    }

    #[test]
    fn parameters_of_the_path_state_no_members_of_items() {
        let operation = by_id("serving_endpoints.update_config").unwrap();
        let name = [("name", "mine".to_owned())];
        let mut body = json!({"served_entities": [{"external_model": {"provider": "cohere", "task": "chat"}}]});
        let error = check(&[operation], &name, body.as_object_mut().unwrap()).unwrap_err();
        assert!(error.message().contains("served_entities[0].external_model.name"), "{}", error.message());
    }
}
