//! Update masks: which members of a body an update takes.

use serde_json::{Map, Value};

use super::call::Call;

/// The paths of an update, or all that the body states.
#[derive(Debug)]
pub(super) struct Mask(Option<Vec<String>>);

impl Mask {
    pub(super) fn of(call: &Call<'_>) -> Self {
        let given = call.query.get("update_mask").or_else(|| call.body.0.get("update_mask").and_then(Value::as_str));
        Self(given.filter(|mask| *mask != "*").map(|mask| mask.split(',').map(|p| p.trim().to_owned()).collect()))
    }

    /// Sets in `record` what the mask names and `stated` has; what it names and `stated` has not is removed.
    pub(super) fn apply(&self, record: &mut Map<String, Value>, stated: &Map<String, Value>) {
        let Some(paths) = &self.0 else {
            record.extend(stated.clone());
            return;
        };
        for path in paths {
            copy(record, stated, path);
        }
    }
}

fn copy(to: &mut Map<String, Value>, from: &Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => match from.get(path) {
            Some(value) => {
                to.insert(path.to_owned(), value.clone());
            }
            None => {
                to.remove(path);
            }
        },
        Some((first, rest)) => {
            let Some(Value::Object(source)) = from.get(first) else { return };
            let target = to.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            match target {
                Value::Object(target) => copy(target, source, rest),
                other => *other = Value::Object(source.clone()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(mask: Option<&str>, record: Value, stated: Value) -> Value {
        let (Value::Object(mut record), Value::Object(stated)) = (record, stated) else { panic!("objects") };
        Mask(mask.map(|m| m.split(',').map(str::to_owned).collect())).apply(&mut record, &stated);
        Value::Object(record)
    }

    #[test]
    fn a_mask_takes_what_it_names_and_removes_what_is_not_stated() {
        let record = || json!({"a": 1, "b": {"x": 1, "y": 2}, "c": 3});
        assert_eq!(applied(None, record(), json!({"a": 9})), json!({"a": 9, "b": {"x": 1, "y": 2}, "c": 3}));
        assert_eq!(applied(Some("c"), record(), json!({"a": 9})), json!({"a": 1, "b": {"x": 1, "y": 2}}));
        assert_eq!(
            applied(Some("b.y"), record(), json!({"b": {"x": 7, "y": 8}})),
            json!({"a": 1, "b": {"x": 1, "y": 8}, "c": 3})
        );
    }
}
