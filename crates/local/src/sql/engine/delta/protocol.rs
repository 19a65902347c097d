//! Which features of Delta a table asks its readers and writers to know.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;

use super::log::Snapshot;
use super::records::Protocol;
use crate::sql::Failure;
use crate::sql::engine::store::table::{Constraint, TableState};

/// Features of readers that are known here.
const KNOWN: [&str; 6] =
    ["timestampNtz", "vacuumProtocolCheck", "deletionVectors", "columnMapping", "v2Checkpoint", "typeWidening"];

fn has_ntz(kind: &DataType) -> bool {
    match kind {
        DataType::Timestamp(_, None) => true,
        DataType::List(f) | DataType::Map(f, _) => has_ntz(f.data_type()),
        DataType::Struct(fields) => fields.iter().any(|f| has_ntz(f.data_type())),
        _ => false,
    }
}

/// What a table of this state asks for; what it asked for before stays.
pub(super) fn of(state: &TableState, before: &Protocol) -> Protocol {
    let mut writers = BTreeSet::from(["appendOnly", "invariants"]);
    let mut readers = BTreeSet::new();
    let columns = &state.columns;
    if columns.iter().any(|c| has_ntz(&c.kind)) {
        readers.insert("timestampNtz");
        writers.insert("timestampNtz");
    }
    for (needed, feature) in [
        (state.constraints.values().any(|c| matches!(c, Constraint::Check(_))), "checkConstraints"),
        (columns.iter().any(|c| c.generated.is_some()), "generatedColumns"),
        (columns.iter().any(|c| c.identity.is_some()), "identityColumns"),
        (columns.iter().any(|c| c.default.is_some()), "allowColumnDefaults"),
        (super::feed::is_on(&state.about.properties), "changeDataFeed"),
        (!state.clusters.is_empty(), "clustering"),
        (!state.clusters.is_empty(), "domainMetadata"),
    ] {
        if needed {
            writers.insert(feature);
        }
    }
    let mut readers: BTreeSet<String> = readers.into_iter().map(str::to_owned).collect();
    let mut writers: BTreeSet<String> = writers.into_iter().map(str::to_owned).collect();
    readers.extend(before.reader_features.iter().flatten().cloned());
    writers.extend(before.writer_features.iter().flatten().cloned());
    if writers.len() == 2 {
        return Protocol { min_reader_version: 1, min_writer_version: 2, reader_features: None, writer_features: None };
    }
    let reads = !readers.is_empty();
    Protocol {
        min_reader_version: if reads { 3 } else { 1 },
        min_writer_version: 7,
        reader_features: reads.then(|| readers.into_iter().collect()),
        writer_features: Some(writers.into_iter().collect()),
    }
}

/// Refuses to read what would come out wrong.
pub(super) fn check(place: &str, snapshot: &Snapshot) -> Result<(), Failure> {
    let protocol = &snapshot.protocol;
    let mut unknown: Vec<String> = protocol.reader_features.iter().flatten().cloned().collect();
    unknown.retain(|name| !KNOWN.contains(&name.as_str()));
    if protocol.min_reader_version > 3 {
        unknown.push(format!("reader version {}", protocol.min_reader_version));
    }
    let mapping = snapshot.metadata.configuration.get("delta.columnMapping.mode");
    if mapping.is_some_and(|mode| !mode.eq_ignore_ascii_case("none")) {
        unknown.push("columnMapping".to_owned());
    }
    if snapshot.files.values().any(|add| add.deletion_vector.is_some()) {
        unknown.push("deletionVectors".to_owned());
    }
    if unknown.is_empty() { Ok(()) } else { Err(unsupported(place, &unknown.join(", "))) }
}

fn unsupported(place: &str, features: &str) -> Failure {
    let text = format!(
        "Unsupported Delta read feature: table \"{place}\" requires reader table feature(s) that are unsupported by the embedded \
         workspace: {features}. Write the table without them to read it here."
    );
    Failure::class("DELTA_UNSUPPORTED_FEATURES_FOR_READ", &text, "56038")
}

pub(super) fn unknown_checkpoint(place: &str) -> Failure {
    unsupported(place, "v2Checkpoint (checkpoints of several files)")
}
