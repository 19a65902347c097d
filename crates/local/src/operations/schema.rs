//! Messages of the API: their members, and what type each has.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use super::lines;

/// The members of a message.
#[derive(Debug)]
pub(crate) struct Schema {
    members: Vec<Member>,
}

/// One member of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) kind: MemberType,
    /// Whether the API's description requires it.
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// The JSON type of a member, as far as records care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberType {
    String,
    Integer,
    Boolean,
    Other,
}

/// The whole type of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// What is around the innermost type, from outside: `a` for a list, `m` for a map.
    pub(super) around: &'static str,
    pub(super) base: Base,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Text,
    /// A point in time as RFC 3339 has it.
    Time,
    Integer,
    Number,
    Boolean,
    Enum(&'static str),
    Object(&'static str),
    Any,
}

impl Shape {
    fn parse(text: &'static str) -> Self {
        let (letters, target) = text.split_once(':').map_or((text, None), |(letters, target)| (letters, Some(target)));
        let (around, letter) = letters.split_at(letters.len().saturating_sub(1));
        let base = match (letter, target) {
            ("s", _) => Base::Text,
            ("t", _) => Base::Time,
            ("i", _) => Base::Integer,
            ("n", _) => Base::Number,
            ("b", _) => Base::Boolean,
            ("e", Some(name)) => Base::Enum(name),
            ("o", Some(name)) => Base::Object(name),
            _ => Base::Any,
        };
        Self { around, base }
    }
}

impl Schema {
    pub(super) fn parse(members: &'static str) -> Self {
        let members = members.split(',').filter(|m| !m.is_empty()).map(|member| {
            let (name, text) = member.split_once(':').unwrap_or((member, "o"));
            let (name, required) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
            let shape = Shape::parse(text);
            let kind = match (shape.around, shape.base) {
                ("", Base::Text | Base::Time | Base::Enum(_)) => MemberType::String,
                ("", Base::Integer) => MemberType::Integer,
                ("", Base::Boolean) => MemberType::Boolean,
                _ => MemberType::Other,
            };
            Member { name, kind, required, shape }
        });
        Self { members: members.collect() }
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// The schema of the object that is the member `name`.
    pub(crate) fn inner(&self, name: &str) -> Option<&'static Self> {
        match self.member(name)?.shape {
            Shape { around: "", base: Base::Object(target) } => schema(target),
            _ => None,
        }
    }
}

/// A line of the table, parsed when it is first asked for.
struct Entry {
    members: &'static str,
    parsed: OnceLock<Schema>,
}

static SCHEMAS: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let entry = |fields: Vec<&'static str>| {
        Some((*fields.first()?, Entry { members: fields.get(1)?, parsed: OnceLock::new() }))
    };
    lines("schema").filter_map(entry).collect()
});

static ENUMS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| lines("enum").filter_map(|fields| Some((*fields.first()?, *fields.get(1)?))).collect());

/// The schema of that qualified name.
pub(super) fn schema(name: &str) -> Option<&'static Schema> {
    let entry = SCHEMAS.get(name)?;
    Some(entry.parsed.get_or_init(|| Schema::parse(entry.members)))
}

/// The values of an enum.
pub(crate) fn values(name: &str) -> impl Iterator<Item = &'static str> {
    ENUMS.get(name).into_iter().flat_map(|values| values.split(','))
}
