//! Parameters of a run that take the place of those of its tasks, by the kind of task.

use serde_json::{Map, Value};

use crate::extract::Fields;
use crate::reply::ApiError;

/// Parameter of a run, the kinds of tasks that it is for, and their member that it changes.
const LISTS: [(&str, &[&str], &str); 2] = [
    ("python_params", &["spark_python_task", "python_wheel_task"], "parameters"),
    ("dbt_commands", &["dbt_task"], "commands"),
];
const MAPS: [(&str, &str, &str); 3] = [
    ("notebook_params", "notebook_task", "base_parameters"),
    ("python_named_params", "python_wheel_task", "named_parameters"),
    ("sql_params", "sql_task", "parameters"),
];
/// What a run states in place of its tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides(Map<String, Value>);

impl Overrides {
    /// Those of the body that starts a run.
    ///
    /// # Errors
    ///
    /// If one has the wrong form.
    pub(crate) fn parse(fields: &Fields) -> Result<Self, ApiError> {
        let mut all = Map::new();
        for (name, _, _) in LISTS {
            if let Some(list) = fields.opt_strings(name)? {
                all.insert(name.to_owned(), list.into());
            }
        }
        for (name, _, _) in MAPS {
            if let Some(members) = fields.opt_object(name)? {
                for member in members.0.keys() {
                    members.opt_str(member)?;
                }
                all.insert(name.to_owned(), Value::Object(members.0));
            }
        }
        Ok(Self(all))
    }

    /// Those of a task that starts a run of another job.
    pub(crate) fn of_task(task: &Value) -> Result<Self, ApiError> {
        let members = task.as_object().cloned().unwrap_or_default();
        Self::parse(&Fields(members))
    }

    /// Writes them into a task, and into the one that it repeats.
    pub(crate) fn apply(&self, task: &mut Value) {
        for (name, kinds, member) in LISTS {
            let Some(list) = self.0.get(name) else { continue };
            for kind in kinds {
                if let Some(own) = task.get_mut(*kind).and_then(Value::as_object_mut) {
                    own.insert(member.to_owned(), list.clone());
                }
            }
        }
        for (name, kind, member) in MAPS {
            let Some(Value::Object(stated)) = self.0.get(name) else { continue };
            let Some(own) = task.get_mut(kind).and_then(Value::as_object_mut) else { continue };
            let kept = own.entry(member.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(kept) = kept {
                kept.extend(stated.clone());
            }
        }
        if let Some(inner) = task.get_mut("for_each_task").and_then(|each| each.get_mut("task")) {
            self.apply(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn maps_are_laid_over_and_lists_take_the_place() {
        let fields = json!({"notebook_params": {"a": "2"}, "python_params": ["x"], "python_named_params": {"n": "1"}});
        let overrides = Overrides::of_task(&fields).unwrap();
        for (mut task, expected) in [
            (
                json!({"notebook_task": {"base_parameters": {"a": "1", "b": "1"}}}),
                json!({"notebook_task": {"base_parameters": {"a": "2", "b": "1"}}}),
            ),
            (json!({"notebook_task": {}}), json!({"notebook_task": {"base_parameters": {"a": "2"}}})),
            (
                json!({"spark_python_task": {"parameters": ["a", "b"]}}),
                json!({"spark_python_task": {"parameters": ["x"]}}),
            ),
            (
                json!({"python_wheel_task": {"named_parameters": {"m": "0"}}}),
                json!({"python_wheel_task": {"parameters": ["x"], "named_parameters": {"m": "0", "n": "1"}}}),
            ),
            (
                json!({"for_each_task": {"task": {"notebook_task": {}}}}),
                json!({"for_each_task": {"task": {"notebook_task": {"base_parameters": {"a": "2"}}}}}),
            ),
            (json!({"sql_task": {"parameters": {"p": "1"}}}), json!({"sql_task": {"parameters": {"p": "1"}}})),
        ] {
            overrides.apply(&mut task);
            assert_eq!(task, expected);
        }
        assert!(Overrides::of_task(&json!({"notebook_params": ["a"]})).is_err());
        assert!(Overrides::of_task(&json!({"python_params": "a"})).is_err());
    }
}
