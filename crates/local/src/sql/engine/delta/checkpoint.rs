//! Checkpoints: a version's records in one Parquet file.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion::arrow::json::{LineDelimitedWriter, ReaderBuilder};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::log::{LOG, Snapshot, put, settle};
use super::records::{Action, Domain};
use super::{broken, io};
use crate::sql::Failure;

fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn structure(fields: Vec<Field>) -> DataType {
    DataType::Struct(Fields::from(fields))
}

fn texts() -> DataType {
    DataType::List(Arc::new(field("element", DataType::Utf8)))
}

fn pairs() -> DataType {
    let pair = vec![Field::new("key", DataType::Utf8, false), field("value", DataType::Utf8)];
    DataType::Map(Arc::new(Field::new("key_value", structure(pair), false)), false)
}

/// The records that are written.
fn schema() -> Arc<Schema> {
    let protocol = vec![
        field("minReaderVersion", DataType::Int32),
        field("minWriterVersion", DataType::Int32),
        field("readerFeatures", texts()),
        field("writerFeatures", texts()),
    ];
    let format = vec![field("provider", DataType::Utf8), field("options", pairs())];
    let metadata = vec![
        field("id", DataType::Utf8),
        field("name", DataType::Utf8),
        field("description", DataType::Utf8),
        field("format", structure(format)),
        field("schemaString", DataType::Utf8),
        field("partitionColumns", texts()),
        field("configuration", pairs()),
        field("createdTime", DataType::Int64),
    ];
    let add = vec![
        field("path", DataType::Utf8),
        field("partitionValues", pairs()),
        field("size", DataType::Int64),
        field("modificationTime", DataType::Int64),
        field("dataChange", DataType::Boolean),
        field("stats", DataType::Utf8),
    ];
    let domain = vec![
        field("domain", DataType::Utf8),
        field("configuration", DataType::Utf8),
        field("removed", DataType::Boolean),
    ];
    // Readers look for the columns of records that there are none of as well.
    let remove = vec![
        field("path", DataType::Utf8),
        field("deletionTimestamp", DataType::Int64),
        field("dataChange", DataType::Boolean),
    ];
    let txn = vec![field("appId", DataType::Utf8), field("version", DataType::Int64)];
    Arc::new(Schema::new(vec![
        field("txn", structure(txn)),
        field("add", structure(add)),
        field("remove", structure(remove)),
        field("metaData", structure(metadata)),
        field("protocol", structure(protocol)),
        field("domainMetadata", structure(domain)),
    ]))
}

/// Writes the checkpoint of a version, then says that it is there.
pub(super) fn write(directory: &Path, snapshot: &Snapshot, lasting: bool) -> Result<(), Failure> {
    let path = directory.join(format!("{LOG}/{:020}.checkpoint.parquet", snapshot.version));
    let mut actions = vec![Action::Protocol(snapshot.protocol.clone()), Action::MetaData(snapshot.metadata.clone())];
    actions.extend(snapshot.domains.iter().map(|(domain, configuration)| {
        Action::DomainMetadata(Domain { domain: domain.clone(), configuration: configuration.clone(), removed: false })
    }));
    actions.extend(
        snapshot.files.values().cloned().map(|add| Action::Add(super::records::Add { data_change: false, ..add })),
    );
    let failed = |e: &dyn std::fmt::Display| io("write the file", &path, e);
    let schema = schema();
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema))
        .with_batch_size(actions.len().max(1))
        .build_decoder()
        .map_err(|e| failed(&e))?;
    decoder.serialize(&actions).map_err(|e| failed(&e))?;
    let batch = decoder.flush().map_err(|e| failed(&e))?;
    let properties = WriterProperties::builder().build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(|e| failed(&e))?;
    if let Some(batch) = batch {
        writer.write(&batch).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    put(&path, &bytes, lasting, None)?;
    let last = json!({"version": snapshot.version, "size": actions.len()});
    put(&directory.join(LOG).join("_last_checkpoint"), last.to_string().as_bytes(), lasting, None)?;
    if lasting { settle(&directory.join(LOG)) } else { Ok(()) }
}

/// The records of a checkpoint.
pub(super) fn read(path: &str, bytes: Vec<u8>) -> Result<Vec<Action>, Failure> {
    let wrong = |why: &dyn std::fmt::Display| broken(path, &why.to_string());
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(bytes), options);
    let reader = reader.and_then(|r| r.build()).map_err(|e| wrong(&e))?;
    let mut out = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|e| wrong(&e))?;
        // Statistics as columns are of types that JSON has no room for, and are not read.
        let known = ["txn", "add", "remove", "metaData", "protocol", "domainMetadata"];
        let schema = batch.schema();
        let places: Vec<usize> =
            (0..schema.fields().len()).filter(|at| known.contains(&schema.field(*at).name().as_str())).collect();
        let batch = batch.project(&places).map_err(|e| wrong(&e))?;
        let mut lines = LineDelimitedWriter::new(Vec::new());
        lines.write(&without_parsed(&batch)).and_then(|()| lines.finish()).map_err(|e| wrong(&e))?;
        let lines = lines.into_inner();
        for line in lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let line: Value = serde_json::from_slice(line).map_err(|e| wrong(&e))?;
            out.extend(Action::read(&line).map_err(|e| wrong(&e))?);
        }
    }
    Ok(out)
}

/// The records without the members that hold values of the table's own types.
fn without_parsed(
    batch: &datafusion::arrow::record_batch::RecordBatch,
) -> datafusion::arrow::record_batch::RecordBatch {
    use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, StructArray};
    let columns = batch.columns().iter().map(|column| -> ArrayRef {
        let Some(records) = column.as_struct_opt() else { return Arc::clone(column) };
        let kept: Vec<(Arc<Field>, ArrayRef)> = records
            .fields()
            .iter()
            .cloned()
            .zip(records.columns().iter().cloned())
            .filter(|(field, _)| !field.name().ends_with("_parsed"))
            .collect();
        if kept.is_empty() || kept.len() == records.columns().len() {
            return Arc::clone(column);
        }
        let (fields, arrays): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
        Arc::new(StructArray::new(Fields::from(fields), arrays, records.nulls().cloned()))
    });
    let columns: Vec<ArrayRef> = columns.collect();
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> = fields.map(|(f, c)| f.as_ref().clone().with_data_type(c.data_type().clone())).collect();
    datafusion::arrow::record_batch::RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .unwrap_or_else(|_| batch.clone())
}

#[cfg(test)]
mod tests {
    use super::super::log::{Directory, append};
    use super::super::records::{Add, Metadata, Protocol, Remove, key};
    use super::*;

    fn add(path: &str, part: Option<&str>) -> Add {
        Add {
            path: path.to_owned(),
            partition_values: [("p".to_owned(), part.map(str::to_owned))].into(),
            size: 7,
            modification_time: 3,
            data_change: false,
            stats: Some(r#"{"numRecords":1}"#.to_owned()),
            deletion_vector: None,
        }
    }

    /// A log of six versions with a checkpoint at the fourth.
    fn log() -> (tempfile::TempDir, Vec<Snapshot>) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(LOG)).unwrap();
        let protocol = Protocol {
            min_reader_version: 3,
            min_writer_version: 7,
            reader_features: Some(vec!["timestampNtz".to_owned()]),
            writer_features: Some(vec!["timestampNtz".to_owned()]),
        };
        let metadata = Metadata {
            id: "i".to_owned(),
            description: Some("ü \" {}".to_owned()),
            schema_string: "{}".to_owned(),
            partition_columns: vec!["p".to_owned()],
            configuration: [("a".to_owned(), "b".to_owned())].into(),
            created_time: Some(-1),
            ..Metadata::default()
        };
        let mut commits = vec![vec![Action::Protocol(protocol), Action::MetaData(metadata)]];
        let removed = |path: &str| Action::Remove(Remove { path: path.to_owned(), ..Remove::default() });
        let domain = Domain { domain: "d".to_owned(), configuration: "{}".to_owned(), removed: false };
        commits.push(vec![Action::Add(add("a", Some("x"))), Action::Add(add("b", None))]);
        commits.push(vec![Action::DomainMetadata(domain.clone()), removed("a")]);
        // A file that is removed and added in one commit is there.
        commits.push(vec![Action::Add(add("b", Some(""))), removed("b"), Action::Add(add("c", None))]);
        commits.push(vec![removed("b")]);
        commits.push(vec![Action::DomainMetadata(Domain { removed: true, ..domain }), Action::Add(add("d", None))]);
        let source = Directory(directory.path().to_owned());
        let mut all = Vec::new();
        for (version, mut actions) in commits.into_iter().enumerate() {
            let info = json!({"timestamp": version * 10}).as_object().unwrap().clone();
            actions.insert(0, Action::CommitInfo(info));
            append(directory.path(), version as u64, &actions, 0, false).unwrap();
            all.push(Snapshot::read(&source, None).unwrap());
            if version == 3 {
                write(directory.path(), &all[3], true).unwrap();
            }
        }
        (directory, all)
    }

    fn shown(snapshot: &Snapshot) -> String {
        let mut snapshot = snapshot.clone();
        // NULL in a partition is the same as no value.
        snapshot.files.values_mut().for_each(|add| add.partition_values.retain(|_, v| v.is_some()));
        format!("{snapshot:?}")
    }

    #[test]
    fn versions_are_the_same_with_and_without_the_checkpoint() {
        let (directory, all) = log();
        let source = Directory(directory.path().to_owned());
        assert_eq!(all[3].files.len(), 2);
        assert!(all[3].files.contains_key(&key("b", None)));
        for (version, before) in all.iter().enumerate() {
            let now = Snapshot::read(&source, Some(version as u64)).unwrap();
            assert_eq!((now.version, now.timestamp), (version as u64, version as i64 * 10));
            assert_eq!(shown(&now), shown(before), "{version}");
        }
        for version in 0..3 {
            std::fs::remove_file(directory.path().join(super::super::log::commit_path(version))).unwrap();
        }
        assert_eq!(shown(&Snapshot::read(&source, None).unwrap()), shown(&all[5]));
        let gone = Snapshot::read(&source, Some(2)).unwrap_err().message;
        assert!(gone.contains("Available versions: [3, 5]"), "{gone}");
    }

    #[test]
    fn a_log_that_lacks_a_version_or_is_broken_is_not_read() {
        let (directory, _) = log();
        let source = Directory(directory.path().to_owned());
        let commit = |version| directory.path().join(super::super::log::commit_path(version));
        // What a kill leaves of a commit is none.
        std::fs::write(directory.path().join(LOG).join(format!("{:020}.json.part", 6)), "{").unwrap();
        assert_eq!(Snapshot::read(&source, None).unwrap().version, 5);
        assert!(append(directory.path(), 5, &[], 0, false).is_err(), "a version is written once");
        let whole = std::fs::read(commit(5)).unwrap();
        std::fs::write(commit(5), &whole[..whole.len() - 9]).unwrap();
        assert!(Snapshot::read(&source, None).unwrap_err().message.starts_with("[DELTA_STATE_RECOVER_ERROR]"));
        std::fs::write(commit(5), &whole).unwrap();
        std::fs::remove_file(commit(4)).unwrap();
        let missing = Snapshot::read(&source, None).unwrap_err().message;
        assert!(missing.contains("version 4 is missing"), "{missing}");
        let checkpoint = directory.path().join(LOG).join(format!("{:020}.checkpoint.parquet", 3));
        std::fs::write(checkpoint, b"PAR1").unwrap();
        assert!(Snapshot::read(&source, Some(3)).unwrap_err().message.starts_with("[DELTA_STATE_RECOVER_ERROR]"));
    }
}
