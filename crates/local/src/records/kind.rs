//! The description of one kind of record.

use super::call::Call;
use super::store::{Change, Record};
use crate::operations::Operation;
use crate::reply::ApiError;

/// How the identifier of a new record comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The caller states it, as a member of the record or in the query.
    Given,
    /// The caller may state it; a UUID otherwise.
    GivenOrUuid,
    /// Other members make it up: see [`Kind::computed`].
    Computed,
    /// Sixteen hexadecimal digits.
    Hex,
    /// A UUID.
    Uuid,
    /// A number.
    Number,
}

/// What an operation does to records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Get,
    List,
    /// Sets the members that the body states.
    Update,
    /// As `Update`, and unsets those that the body could state and does not.
    Replace,
    Delete,
}

/// Changes a record; the record it gets is as it was before, or as the body of a new one stated it.
pub(crate) type Edit = fn(&mut Record, &Call<'_>) -> Result<(), ApiError>;

/// Completes a new record by what other records have.
pub(crate) type Place = fn(&mut Record, &Call<'_>, &Change<'_>) -> Result<(), ApiError>;

/// Makes an identifier of other members.
pub(crate) type Computed = fn(&Record) -> Option<String>;

/// One kind of record and the operations that work on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The service, as in the operations' identifiers.
    pub(crate) service: &'static str,
    /// How messages call it.
    pub(crate) noun: &'static str,
    /// What follows the verb in the operations' names.
    pub(crate) suffixes: &'static [&'static str],
    /// The member that identifies.
    pub(crate) id: &'static str,
    pub(crate) identity: Identity,
    /// A member whose value only one record of a collection may have.
    pub(crate) unique: &'static str,
    pub(crate) required: &'static [&'static str],
    /// The member that the body of create and update is wrapped in.
    pub(crate) wrap: &'static str,
    pub(crate) on_create: Edit,
    pub(crate) on_update: Edit,
    /// Operations that change one record and return it or nothing.
    pub(crate) actions: &'static [(&'static str, Edit)],
    /// Operations whose verb the name does not state.
    pub(crate) verbs: &'static [(&'static str, Verb)],
    /// Error codes for a record that is missing and for one that is there already.
    pub(crate) codes: (&'static str, &'static str),
    /// Members of a new record that the path of the other operations names as its parents.
    pub(crate) parents: &'static [&'static str],
    pub(crate) on_place: Place,
    pub(crate) computed: Computed,
    /// What securable of Unity Catalog it is, in SQL's words; grants and files move when its name changes.
    pub(crate) securable: &'static str,
    /// Whether an update is answered with the record, although the API's description states no response.
    pub(crate) answers: bool,
}

fn as_stated(_: &mut Record, _: &Call<'_>, _: &Change<'_>) -> Result<(), ApiError> {
    Ok(())
}

fn none(_: &Record) -> Option<String> {
    None
}

fn unchanged(_: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    Ok(())
}

impl Kind {
    pub(crate) const fn new(service: &'static str, noun: &'static str, id: &'static str, identity: Identity) -> Self {
        Self {
            service,
            noun,
            suffixes: &[""],
            id,
            identity,
            unique: "",
            required: &[],
            wrap: "",
            on_create: unchanged,
            on_update: unchanged,
            actions: &[],
            verbs: &[],
            codes: ("RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"),
            parents: &[],
            on_place: as_stated,
            computed: none,
            securable: "",
            answers: false,
        }
    }

    pub(crate) const fn suffixes(self, suffixes: &'static [&'static str]) -> Self {
        Self { suffixes, ..self }
    }

    pub(crate) const fn unique(self, unique: &'static str) -> Self {
        Self { unique, ..self }
    }

    pub(crate) const fn required(self, required: &'static [&'static str]) -> Self {
        Self { required, ..self }
    }

    pub(crate) const fn wrap(self, wrap: &'static str) -> Self {
        Self { wrap, ..self }
    }

    pub(crate) const fn on_create(self, on_create: Edit) -> Self {
        Self { on_create, ..self }
    }

    pub(crate) const fn on_update(self, on_update: Edit) -> Self {
        Self { on_update, ..self }
    }

    pub(crate) const fn actions(self, actions: &'static [(&'static str, Edit)]) -> Self {
        Self { actions, ..self }
    }

    pub(crate) const fn verbs(self, verbs: &'static [(&'static str, Verb)]) -> Self {
        Self { verbs, ..self }
    }

    pub(crate) const fn codes(self, missing: &'static str, exists: &'static str) -> Self {
        Self { codes: (missing, exists), ..self }
    }

    pub(crate) const fn parents(self, parents: &'static [&'static str]) -> Self {
        Self { parents, ..self }
    }

    pub(crate) const fn on_place(self, on_place: Place) -> Self {
        Self { on_place, ..self }
    }

    pub(crate) const fn computed(self, computed: Computed) -> Self {
        Self { computed, identity: Identity::Computed, ..self }
    }

    pub(crate) const fn securable(self, securable: &'static str) -> Self {
        Self { securable, ..self }
    }

    pub(crate) const fn answers(self) -> Self {
        Self { answers: true, ..self }
    }

    /// What `operation` does to records of this kind.
    pub(crate) fn verb(&self, operation: &Operation) -> Option<Verb> {
        if operation.service() != self.service {
            return None;
        }
        let name = operation.name();
        if let Some((_, verb)) = self.verbs.iter().find(|(n, _)| *n == name) {
            return Some(*verb);
        }
        let (verb, rest) = name.split_once('_').unwrap_or((name, ""));
        if !self.suffixes.contains(&rest) {
            return None;
        }
        Some(match verb {
            "create" | "add" => Verb::Create,
            "get" | "read" => Verb::Get,
            "list" => Verb::List,
            "update" | "patch" if operation.method == http::Method::PUT => Verb::Replace,
            "update" | "patch" => Verb::Update,
            "edit" | "replace" => Verb::Replace,
            "delete" | "remove" | "trash" => Verb::Delete,
            _ => return None,
        })
    }

    /// The action of that operation.
    pub(crate) fn action(&self, operation: &Operation) -> Option<Edit> {
        let found = self.actions.iter().find(|(n, _)| operation.service() == self.service && *n == operation.name());
        found.map(|(_, edit)| *edit)
    }
}
