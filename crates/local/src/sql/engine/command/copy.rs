//! COPY INTO: files of volumes, each loaded once.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;

use super::super::core::rows_name;
use super::super::host::HostFile;
use super::super::scope::{Listing, Named, Read, Reply, Scope};
use super::super::spark::value::{V, build};
use super::super::spark::{pattern_like, types};
use super::super::store::missing::feature;
use super::super::store::operation::Operation;
use super::super::store::table::{Rows, TableState};
use super::super::store::{Name, Properties, quoted};
use super::super::{errors, files};
use super::assemble::{self, Source};
use super::cursor::Cursor;
use super::{evolve, properties};
use crate::sql::Failure;

struct Copy {
    path: String,
    format: String,
    files: Vec<String>,
    pattern: Option<String>,
    options: Properties,
    force: bool,
    /// Whether the table gets columns that files have and it lacks.
    merge: bool,
}

fn truth(options: &Properties, name: &str) -> bool {
    options.iter().any(|(k, v)| k.eq_ignore_ascii_case(name) && v.eq_ignore_ascii_case("true"))
}

fn parse(c: &mut Cursor<'_>) -> Result<Copy, Failure> {
    c.expect("FROM")?;
    if c.is("(") {
        return Err(feature("COPY INTO from a query"));
    }
    let path = c.string()?;
    if c.is("WITH") {
        return Err(feature("credentials in COPY INTO; files come from volumes"));
    }
    c.expect("FILEFORMAT =")?;
    let mut copy = Copy {
        path,
        format: c.identifier()?.to_lowercase(),
        files: Vec::new(),
        pattern: None,
        options: Properties::new(),
        force: false,
        merge: false,
    };
    loop {
        if c.eat("VALIDATE") {
            return Err(feature("COPY INTO … VALIDATE"));
        } else if c.eat("FILES =") {
            copy.files = c.list(Cursor::string)?;
        } else if c.eat("PATTERN =") {
            copy.pattern = Some(c.string()?);
        } else if c.eat("FORMAT_OPTIONS") {
            copy.options = properties::pairs(c)?;
        } else if c.eat("COPY_OPTIONS") {
            let options = properties::pairs(c)?;
            copy.force = truth(&options, "force");
            copy.merge = truth(&options, "mergeSchema");
        } else {
            c.done()?;
            return Ok(copy);
        }
    }
}

fn chosen(scope: &Scope<'_>, copy: &Copy) -> Result<Vec<HostFile>, Failure> {
    let path = copy.path.strip_prefix("dbfs:").unwrap_or(&copy.path);
    if !path.starts_with("/Volumes/") {
        return Err(feature(&format!("files at '{}'; COPY INTO loads files of volumes (/Volumes/…)", copy.path)));
    }
    super::super::rights::check_volume(scope, path)?;
    let base = path.trim_end_matches('/');
    if copy.files.is_empty() {
        let mut all = scope.host.files(base)?;
        if let Some(pattern) = &copy.pattern {
            all.retain(|f| {
                let inside = f.path.strip_prefix(base).unwrap_or(&f.path).trim_start_matches('/');
                pattern_like(pattern, inside)
            });
        }
        return Ok(all);
    }
    let mut all = Vec::new();
    for file in &copy.files {
        all.extend(scope.host.files(&format!("{base}/{file}"))?);
    }
    Ok(all)
}

pub(super) async fn copy(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let (name, table) = scope.table(&c.name()?)?;
    if c.is("(") {
        return Err(feature("COPY INTO with a list of columns"));
    }
    let copy = parse(c)?;
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    let before = (state.schema(), state.batches.len());
    let mut count = 0;
    #[cfg(feature = "parquet")]
    let mut left = files::parquet::LIMIT;
    for file in chosen(scope, &copy)? {
        let mark = (file.path.clone(), file.modified_ms);
        if !copy.force && state.loaded.contains(&mark) {
            continue;
        }
        let bytes = scope.host.content(&file.path)?;
        if copy.merge {
            evolve(&name, &mut state, &file.path, &bytes, &copy)?;
        }
        let read = match copy.format.as_str() {
            "csv" => files::csv_strings(&file.path, bytes, &copy.options)?,
            "json" => json(scope, &bytes, &copy.options, &state).await?,
            "text" => text(&bytes)?,
            #[cfg(feature = "parquet")]
            "parquet" => files::parquet::read(&file.path, bytes, &mut left)?,
            #[cfg(not(feature = "parquet"))]
            "parquet" => return Err(files::without_parquet()),
            other => return Err(feature(&format!("COPY INTO from files in the format {other}"))),
        };
        let named = matches!(copy.format.as_str(), "json" | "parquet") || truth(&copy.options, "header");
        let sources = sources(&name, &state, &read, named)?;
        let made = assemble::rows(scope, &name, &mut state, &read, &sources).await?;
        count += read.rows();
        state.batches.extend(made);
        state.loaded.insert(mark);
    }
    if state.loaded != table.state().loaded || count > 0 {
        let mut operation = Operation::new("COPY INTO").counting("numOutputRows", count);
        if state.schema() != before.0 && before.1 > 0 {
            // Files that are there are written anew with the new columns.
            for batch in &state.batches[before.1..] {
                operation = operation.feeding("insert", batch.clone());
            }
        }
        table.commit(state, &scope.change(operation))?;
    }
    Ok(Listing::counts(&[("num_affected_rows", count), ("num_inserted_rows", count), ("num_skipped_corrupt_files", 0)]))
}

/// Gives the table the columns of a file that it lacks, and types that hold the file's where the table allows that.
fn evolve(name: &Name, state: &mut TableState, path: &str, bytes: &[u8], copy: &Copy) -> Result<(), Failure> {
    let found = match copy.format.as_str() {
        "csv" if !truth(&copy.options, "header") => return Ok(()),
        "csv" | "json" => files::columns(&copy.format, path, bytes.to_vec(), &copy.options)?,
        #[cfg(feature = "parquet")]
        "parquet" => {
            let mut left = files::parquet::LIMIT;
            let read = files::parquet::read(path, bytes.to_vec(), &mut left)?;
            read.names.into_iter().zip(read.kinds).collect()
        }
        _ => return Ok(()),
    };
    let place = |name: &str| state.position(name);
    let added: Vec<_> = found.iter().filter(|(name, _)| place(name).is_none()).cloned().collect();
    let given: Vec<_> = found.iter().filter_map(|(name, kind)| Some((place(name)?, kind.clone()))).collect();
    evolve::widen(state, &given, name)?;
    evolve::add(state, &added)
}

/// Columns by name where the file has names, else by position.
fn sources(name: &Name, state: &TableState, read: &Read, named: bool) -> Result<Vec<Source>, Failure> {
    let mut sources = vec![Source::Absent; state.columns.len()];
    for (at, column) in read.names.iter().enumerate() {
        let position = if named { state.position(column) } else { Some(at).filter(|at| *at < state.columns.len()) };
        let position = position.ok_or_else(|| {
            Failure::class(
                "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE",
                &format!("A schema mismatch was detected while copying into the Delta table {}: it has no column `{column}`.", name.quoted()),
                "42KDG",
            )
        })?;
        sources[position] = Source::Given(at);
    }
    Ok(sources)
}

fn strings(names: Vec<String>, batches: Vec<RecordBatch>) -> Read {
    let kinds = vec![DataType::Utf8; names.len()];
    Read { names, kinds, batches }
}

fn lines(values: Vec<V>) -> Result<RecordBatch, Failure> {
    let array = build(&DataType::Utf8, &values).map_err(|e| errors::failure(&e))?;
    RecordBatch::try_from_iter_with_nullable([("value", array, true)]).map_err(|e| errors::failure(&e.into()))
}

fn text(bytes: &[u8]) -> Result<Read, Failure> {
    let whole = String::from_utf8_lossy(bytes);
    let batch = lines(whole.lines().map(V::from).collect())?;
    Ok(strings(vec!["value".to_owned()], vec![batch]))
}

async fn json(scope: &Scope<'_>, bytes: &[u8], options: &Properties, state: &TableState) -> Result<Read, Failure> {
    let whole = String::from_utf8_lossy(bytes);
    let values: Vec<V> = if truth(options, "multiLine") {
        let parsed: serde_json::Value = serde_json::from_str(&whole).map_err(|e| malformed(&e.to_string()))?;
        match parsed {
            serde_json::Value::Array(all) => all.iter().map(|v| V::Str(v.to_string())).collect(),
            one => vec![V::Str(one.to_string())],
        }
    } else {
        let mut all = Vec::new();
        for line in whole.lines().filter(|l| !l.trim().is_empty()) {
            let parsed: serde_json::Value = serde_json::from_str(line).map_err(|e| malformed(&e.to_string()))?;
            all.push(V::Str(parsed.to_string()));
        }
        all
    };
    let batch = lines(values)?;
    let rows: Named = [("lines".to_owned(), Arc::new(Rows { schema: batch.schema(), batches: vec![batch] }))].into();
    let given: Vec<_> = state.columns.iter().filter(|c| c.generated.is_none() && c.identity.is_none()).collect();
    let fields: Vec<_> = given.iter().map(|c| format!("{} {}", quoted(&[&c.name]), types::name(&c.kind))).collect();
    let members: Vec<_> = (0..given.len()).map(|at| format!("j.{} AS c{at}", quoted(&[&given[at].name]))).collect();
    let query = format!(
        "SELECT {} FROM (SELECT from_json(value, '{}') AS j FROM {})",
        members.join(", "),
        fields.join(", ").replace('\'', "''"),
        rows_name("lines")
    );
    let mut read = scope.read(&query, rows).await?;
    read.names = given.iter().map(|c| c.name.clone()).collect();
    Ok(read)
}

fn malformed(why: &str) -> Failure {
    Failure::class(
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        &format!("Malformed records are detected in record parsing: {why}."),
        "22023",
    )
}
