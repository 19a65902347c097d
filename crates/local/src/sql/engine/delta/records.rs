//! The records of a log, as the protocol of Delta names them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which readers and writers a table asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Protocol {
    pub(super) min_reader_version: i32,
    pub(super) min_writer_version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reader_features: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) writer_features: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Format {
    pub(super) provider: String,
    #[serde(default)]
    pub(super) options: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) format: Format,
    pub(super) schema_string: String,
    pub(super) partition_columns: Vec<String>,
    pub(super) configuration: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_time: Option<i64>,
}

/// A data file of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Add {
    /// Relative to the table's directory, in the form of a URL.
    pub(super) path: String,
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    pub(super) size: i64,
    pub(super) modification_time: i64,
    pub(super) data_change: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stats: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deletion_vector: Option<Map<String, Value>>,
}

/// A data file that a version does not have any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Remove {
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deletion_timestamp: Option<i64>,
    pub(super) data_change: bool,
    pub(super) extended_file_metadata: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) partition_values: Option<BTreeMap<String, Option<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deletion_vector: Option<Map<String, Value>>,
}

/// A file of rows that a version has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Cdc {
    pub(super) path: String,
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    pub(super) size: i64,
    pub(super) data_change: bool,
}

/// What a feature states of a table, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Domain {
    pub(super) domain: String,
    pub(super) configuration: String,
    pub(super) removed: bool,
}

/// One record; of those that are not listed here, readers need none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Action {
    CommitInfo(Map<String, Value>),
    Protocol(Protocol),
    MetaData(Metadata),
    Add(Add),
    Remove(Remove),
    Cdc(Cdc),
    DomainMetadata(Domain),
}

impl Action {
    /// The record of a line; `None` for kinds that do not change what a reader sees.
    pub(super) fn read(line: &Value) -> Result<Option<Self>, serde_json::Error> {
        let Some((kind, _)) = line.as_object().and_then(|members| members.iter().find(|(_, v)| !v.is_null())) else {
            return Ok(None);
        };
        match kind.as_str() {
            "commitInfo" | "protocol" | "metaData" | "add" | "remove" | "cdc" | "domainMetadata" => {
                serde_json::from_value(stated(line)).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// A value without the members that are NULL, which are as good as missing.
fn stated(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), stated(v))).collect())
        }
        other => other.clone(),
    }
}

/// What a file is told by: its path, and which of its rows a version has lost.
pub(super) fn key(path: &str, deletions: Option<&Map<String, Value>>) -> (String, String) {
    let part = |name: &str| deletions.and_then(|d| d.get(name)).map(ToString::to_string).unwrap_or_default();
    (path.to_owned(), format!("{}{}{}", part("storageType"), part("pathOrInlineDv"), part("offset")))
}
