//! How a mask follows from what is set in a message.

use serde_json::{Map, Value};

use super::FieldMask;
use crate::operation::OperationInfo;
use crate::{Error, ErrorKind, Result};

/// Which paths the mask of an operation can hold, as the description states it.
///
/// Written as one string, so that it costs a generated operation one literal: entries divided by blanks, each a dotted
/// path from the message that is updated.
///
/// | entry | states |
/// |---|---|
/// | `spec/` | an object or a map whose members are named one by one; all others are named as a whole |
/// | `-name` | left out: it identifies the resource, or only the service sets it |
/// | `=spec.size` | the mask can hold this path; once there is one such entry, it can hold no other |
/// | `spec.disk>spec.volume` | the mask names it by another path |
/// | `?` | the mask may be empty; it is not sent then |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaskRule {
    /// The input that holds what is updated.
    pub(crate) of: &'static str,
    pub(crate) entries: &'static str,
}

/// Where a mask goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MaskPlace {
    Query,
    Member,
}

/// A mask that the caller did not set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingMask {
    pub(crate) name: &'static str,
    pub(crate) place: MaskPlace,
}

impl MaskRule {
    /// The mask of what is set; `None` if it is empty and may be.
    ///
    /// * `mask`: the name of its input, for errors.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when nothing is set, or something that the mask cannot name.
    pub(crate) fn mask(self, info: &'static OperationInfo, mask: &str, resource: &Value) -> Result<Option<FieldMask>> {
        let refuse = |why: String| Error::new(ErrorKind::InvalidInput, why).with_operation(info.id);
        let mut paths = Vec::new();
        if let Value::Object(members) = resource {
            self.walk(members, "", &mut paths)
                .map_err(|why| refuse(format!("{mask} cannot be computed: {why}; set {mask}")))?;
        }
        // The order of members depends on how the JSON library was built.
        paths.sort_unstable();
        paths.dedup();
        match paths.is_empty() {
            false => Ok(Some(paths.into_iter().collect())),
            true if self.has(|entry| entry == "?") => Ok(None),
            true => Err(refuse(format!("nothing is set in {}: set what is to be updated, or {mask}", self.of))),
        }
    }

    fn walk(self, members: &Map<String, Value>, prefix: &str, paths: &mut Vec<String>) -> Result<(), String> {
        for (name, value) in members {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if self.has(|entry| entry.strip_prefix('-') == Some(&path)) {
                continue;
            }
            if name.is_empty() || name.contains(['.', ',']) {
                return Err(format!("the name {name:?} within {} has no place in a path", self.of));
            }
            if let Some(named) = self.entries().find_map(|entry| entry.strip_prefix(&path)?.strip_prefix('>')) {
                paths.push(named.to_owned());
                continue;
            }
            let inner = value.as_object().filter(|inner| !inner.is_empty());
            if !self.has(|entry| entry.starts_with('=')) {
                match inner.filter(|_| self.has(|entry| entry.strip_suffix('/') == Some(&path))) {
                    Some(inner) => self.walk(inner, &path, paths)?,
                    None => paths.push(path),
                }
            } else if self
                .has(|entry| entry.strip_prefix('=') == Some(&path) || entry.strip_suffix('/') == Some(prefix))
            {
                paths.push(path);
            } else {
                match inner.filter(|_| self.is_above(&path) || self.has(|entry| entry.strip_suffix('/') == Some(&path)))
                {
                    Some(inner) => self.walk(inner, &path, paths)?,
                    None => return Err(format!("{path} is set, which it cannot name")),
                }
            }
        }
        Ok(())
    }

    fn entries(self) -> impl Iterator<Item = &'static str> {
        self.entries.split_ascii_whitespace()
    }

    fn has(self, wanted: impl Fn(&'static str) -> bool) -> bool {
        self.entries().any(wanted)
    }

    /// Whether the mask can hold paths within this one.
    fn is_above(self, path: &str) -> bool {
        self.has(|entry| {
            let named = entry.strip_prefix('=').unwrap_or(entry);
            named.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
        })
    }
}

/// Finds the message that is updated in a body: all of it, or a member of it.
pub(crate) fn resource(body: &[u8], member: Option<&str>) -> Value {
    // What is written here was written by this crate.
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    match member {
        Some(name) => body.get_mut(name).map(Value::take).unwrap_or_default(),
        None => body,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operation::Scope;

    const INFO: &OperationInfo =
        &OperationInfo::new("rooms.update", http::Method::PATCH, "/api/2.0/rooms/{name}", Scope::Workspace);

    fn mask(entries: &'static str, value: Value) -> Result<Option<String>> {
        let rule = MaskRule { of: "room", entries };
        Ok(rule.mask(INFO, "update_mask", &value)?.map(|mask| mask.to_string()))
    }

    fn refusal(entries: &'static str, value: Value) -> String {
        mask(entries, value).unwrap_err().to_string()
    }

    #[test]
    fn what_is_set_is_named() {
        let room = json!({"size": 3, "tags": {"a": 1}, "doors": [{"width": 2}], "owner": null, "later": {"x": 1}});
        assert_eq!(mask("", room).unwrap().as_deref(), Some("doors,later,owner,size,tags"));
    }

    #[test]
    fn objects_are_named_member_by_member_where_the_rule_states_it() {
        let room = json!({"spec": {"size": 3, "heat": {"max": 1, "min": null}, "light": {}}, "name": "r"});
        assert_eq!(
            mask("spec/ spec.heat/ spec.light/ -name", room.clone()).unwrap().as_deref(),
            Some("spec.heat.max,spec.heat.min,spec.light,spec.size")
        );
        assert_eq!(mask("spec/ -name", room.clone()).unwrap().as_deref(), Some("spec.heat,spec.light,spec.size"));
        assert_eq!(mask("-name -spec.heat spec/", room).unwrap().as_deref(), Some("spec.light,spec.size"));
        assert_eq!(mask("spec/", json!({"spec": null})).unwrap().as_deref(), Some("spec"));
    }

    #[test]
    fn a_mask_that_can_hold_few_paths_holds_no_other() {
        let rule = "=comment =spec.size spec.oak>spec.wood spec.ash>spec.wood -name";
        let room = json!({"name": "r", "comment": null, "spec": {"size": 1, "oak": {"age": 3}, "ash": {}}});
        assert_eq!(mask(rule, room).unwrap().as_deref(), Some("comment,spec.size,spec.wood"));
        for (room, path) in [(json!({"owner": 1}), "owner"), (json!({"spec": {"heat": 1}}), "spec.heat")] {
            let error = refusal(rule, room);
            let expected =
                format!("update_mask cannot be computed: {path} is set, which it cannot name; set update_mask");
            assert!(error.contains(&expected), "{error}");
        }
        // The entries of a map, one by one.
        let issue = json!({"title": "t", "metadata": {"k": 1, "l": null}});
        assert_eq!(mask("=title metadata/", issue).unwrap().as_deref(), Some("metadata.k,metadata.l,title"));
        assert!(refusal("=title metadata/", json!({"metadata": {}})).contains("metadata is set"));
        // A whole where only parts can be named.
        assert!(refusal(rule, json!({"spec": null})).contains("spec is set"));
    }

    #[test]
    fn nothing_set_is_refused_unless_the_mask_may_be_empty() {
        let error = refusal("-name", json!({"name": "r"}));
        assert!(error.contains("nothing is set in room: set what is to be updated, or update_mask"), "{error}");
        assert!(mask("", Value::Null).is_err());
        assert_eq!(mask("? -name", json!({"name": "r"})).unwrap(), None);
    }

    #[test]
    fn names_that_a_path_cannot_hold_are_refused() {
        for name in ["a.b", "a,b", ""] {
            assert!(refusal("meta/", json!({"meta": {name: 1}})).contains("has no place in a path"), "{name}");
        }
    }

    #[test]
    fn the_message_is_found_in_the_body() {
        assert_eq!(resource(br#"{"room":{"a":1},"b":2}"#, Some("room")), json!({"a": 1}));
        assert_eq!(resource(br#"{"a":1}"#, None), json!({"a": 1}));
        assert_eq!(resource(b"{}", Some("room")), Value::Null);
    }
}
