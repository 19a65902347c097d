//! The data files beside the documents: reviewed overrides and frozen signatures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Pagination, Schema, Wait};

/// What the documents do not state or state wrongly; each entry is reviewed by a person. Notes are for that person.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overrides {
    /// Why the file exists.
    #[serde(rename = "note", default)]
    pub(crate) _note: String,
    /// Packages whose features are on by default.
    #[serde(default)]
    pub(crate) default_packages: BTreeSet<String>,
    /// Operations with another method than `GET` and `HEAD` that only read.
    #[serde(default)]
    pub(crate) read_only: BTreeSet<String>,
    /// Operations with another method than `PUT` and `DELETE` whose repetition leaves the same state.
    #[serde(default)]
    pub(crate) idempotent: BTreeSet<String>,
    /// Operations of methods that promise more than they keep.
    #[serde(default)]
    pub(crate) not_idempotent: BTreeSet<String>,
    /// Inputs by which the service recognises a repetition; filled when the caller leaves them empty.
    #[serde(default)]
    pub(crate) idempotency_keys: BTreeMap<String, String>,
    /// Required members (`package.Schema.member`) that a caller may leave out.
    #[serde(default)]
    pub(crate) optional: BTreeSet<String>,
    /// Values that enums (`package.Schema`) have beyond those described.
    #[serde(default)]
    pub(crate) enum_values: BTreeMap<String, Vec<String>>,
    /// Members (`package.Schema.member`) whose type is stated wrongly, with the schema that is right.
    #[serde(default)]
    pub(crate) types: BTreeMap<String, Schema>,
    /// Optional inputs (`service.operation.input`) and members (`package.Schema.member`) of updates in which the service
    /// tells `null` from absent.
    #[serde(default)]
    pub(crate) nullable: BTreeSet<String>,
    /// Lists whose paging is not marked.
    #[serde(default)]
    pub(crate) pagination: IndexMap<String, Pagination>,
    /// Waits whose marking is wrong.
    #[serde(default)]
    pub(crate) wait: IndexMap<String, Wait>,
    /// Lists whose token stands for all other inputs, with the optional inputs that may stand beside it.
    #[serde(default)]
    pub(crate) token_alone: BTreeMap<String, Vec<String>>,
    /// Masks of updates of which the API's texts state more than that they name what is updated.
    #[serde(default)]
    pub(crate) field_masks: IndexMap<String, MaskOverride>,
    /// Path parameters (`service.operation.parameter`) whose values may have slashes, beside those marked.
    #[serde(default)]
    pub(crate) multi_segment: BTreeSet<String>,
}

/// What the texts state of a mask. Paths start from the message that is updated.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaskOverride {
    /// Why it is not computed and stays an argument.
    pub(crate) none: Option<String>,
    /// The only paths that it can hold.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// Objects that are named as a whole.
    #[serde(default)]
    pub(crate) whole: Vec<String>,
    /// Maps whose entries are named one by one.
    #[serde(default)]
    pub(crate) into: Vec<String>,
    /// Members that no mask names.
    #[serde(default)]
    pub(crate) except: Vec<String>,
    /// Members that the mask names by another path.
    #[serde(default)]
    pub(crate) named: BTreeMap<String, String>,
}

impl Overrides {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        read(path)
    }

    /// Removes an entry of a section, if it is there.
    pub(crate) fn remove(&mut self, section: &str, entry: &str) {
        match section {
            "default_packages" => _ = self.default_packages.remove(entry),
            "read_only" => _ = self.read_only.remove(entry),
            "idempotent" => _ = self.idempotent.remove(entry),
            "not_idempotent" => _ = self.not_idempotent.remove(entry),
            "idempotency_keys" => _ = self.idempotency_keys.remove(entry),
            "optional" => _ = self.optional.remove(entry),
            "types" => _ = self.types.remove(entry),
            "nullable" => _ = self.nullable.remove(entry),
            "enum_values" => _ = self.enum_values.remove(entry),
            "pagination" => _ = self.pagination.shift_remove(entry),
            "wait" => _ = self.wait.shift_remove(entry),
            "token_alone" => _ = self.token_alone.remove(entry),
            "field_masks" => _ = self.field_masks.shift_remove(entry),
            "multi_segment" => _ = self.multi_segment.remove(entry),
            _ => {}
        }
    }
}

fn read<T: Default + DeserializeOwned>(path: &Path) -> Result<T> {
    if !path.exists() {
        return Ok(T::default());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))
}

/// Which members hold secrets, decided by a person. An entry is a name on the wire or a path, `package.Schema.member`
/// or `service.operation.input`, which wins over the name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sensitive {
    #[serde(rename = "note", default)]
    pub(crate) _note: String,
    /// Members that are secrets.
    #[serde(default)]
    pub(crate) secrets: BTreeSet<String>,
    /// Members of free form, of which some entries may be secrets.
    #[serde(default)]
    pub(crate) settings: BTreeSet<String>,
    /// Members that sound like secrets, or are of free form, and hold none.
    #[serde(default)]
    pub(crate) plain: BTreeSet<String>,
}

impl Sensitive {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        read(path)
    }

    /// Removes a decision, if it is there.
    pub(crate) fn remove(&mut self, entry: &str) {
        for list in [&mut self.secrets, &mut self.settings, &mut self.plain] {
            list.remove(entry);
        }
    }

    /// Hides a member that is not decided; `free`: one of free form.
    pub(crate) fn decide(&mut self, path: String, free: bool) {
        if free { &mut self.settings } else { &mut self.secrets }.insert(path);
    }
}

/// Sections of `preview.json`, as [`Preview::remove`] knows them.
pub(crate) const PREVIEW_OPERATIONS: &str = "operations of preview.json";
pub(crate) const PREVIEW_PROMISED: &str = "promised of preview.json";
pub(crate) const PREVIEW_PACKAGES: &str = "packages of preview.json";

/// What the service may change at any time: outside of the promise that a release of ours breaks no caller.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preview {
    #[serde(rename = "note", default)]
    pub(crate) _note: String,
    /// Where the stages were read.
    #[serde(rename = "source", default)]
    pub(crate) _source: String,
    /// Packages that are in preview as a whole, with the stage.
    #[serde(default)]
    pub(crate) packages: BTreeMap<String, Stage>,
    /// Operations in preview that stable parts of the facade are made of, so that they stand behind no feature.
    #[serde(default)]
    pub(crate) promised: BTreeSet<String>,
    /// Services and operations (`service` or `service.operation`) that are, with the stage.
    #[serde(default)]
    pub(crate) operations: BTreeMap<String, Stage>,
}

/// How far a preview is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    Experimental,
    /// Not known to the source of the stages, and so taken for one that may change.
    Unlisted,
    Private,
    Beta,
    Public,
}

impl Stage {
    /// Whether the service may break it at any time. A public preview has a stable interface.
    pub(crate) fn is_unstable(self) -> bool {
        self != Self::Public
    }

    /// The sentence of a doc comment.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Experimental => {
                "**Experimental**: the service may change it without notice, and any release may then."
            }
            Self::Unlisted => "**New**: how stable it is was not stated yet; may change in any release.",
            Self::Private => "**In private preview**: may change in any release.",
            Self::Beta => "**In beta**: may change in any release.",
            Self::Public => "In public preview.",
        }
    }
}

impl Preview {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        read(path)
    }

    /// Removes an entry of a section, as [`Overrides::remove`] names it.
    pub(crate) fn remove(&mut self, section: &str, entry: &str) {
        match section {
            PREVIEW_OPERATIONS => _ = self.operations.remove(entry),
            PREVIEW_PACKAGES => _ = self.packages.remove(entry),
            PREVIEW_PROMISED => _ = self.promised.remove(entry),
            _ => {}
        }
    }

    /// The stage of an operation: its own, else that of its service or package.
    pub(crate) fn operation(&self, package: &str, id: &str) -> Option<Stage> {
        let service = id.split('.').next().unwrap_or_default();
        let own = self.operations.get(id).or_else(|| self.operations.get(service));
        own.or_else(|| self.packages.get(package)).copied()
    }
}

/// Which inputs are arguments: frozen when an operation or a message is first generated, so that callers do not break
/// when the service relaxes or adds a requirement.
#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signatures {
    /// Arguments by operation id, in order, named as on the wire.
    pub(crate) operations: BTreeMap<String, Vec<String>>,
    /// Arguments of `new` by `package.Schema`, for messages that have any.
    pub(crate) messages: BTreeMap<String, Vec<String>>,
}

impl Signatures {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        read(path)
    }

    /// One line per entry, so that a review sees what was added.
    pub(crate) fn render(&self) -> String {
        let section = |entries: &BTreeMap<String, Vec<String>>| {
            entries
                .iter()
                .map(|(key, names)| format!("    {}: {}", serde_json::json!(key), serde_json::json!(names)))
                .collect::<Vec<_>>()
                .join(",\n")
        };
        let block = |entries: &BTreeMap<String, Vec<String>>| {
            if entries.is_empty() { "{}".to_owned() } else { format!("{{\n{}\n  }}", section(entries)) }
        };
        format!("{{\n  \"operations\": {},\n  \"messages\": {}\n}}\n", block(&self.operations), block(&self.messages))
    }
}
