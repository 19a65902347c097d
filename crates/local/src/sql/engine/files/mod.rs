//! Files of volumes as tables: `read_files('/Volumes/…')` and ``csv.`/Volumes/…` ``.
//!
//! The planner knows no files: they are read before a text is planned, under a name that is made of what the text
//! writes, and the text is planned with that name in place of the call.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Statement, TableFactor, Visitor};

use super::host::HostFile;
use super::rewrite::parse;
use super::rights;
use super::scope::{Named, Read, Scope};
use super::spark::pattern_like;
use super::spark::value::V;
use super::store::missing::feature;
use super::store::table::Rows;
use super::store::{Name, Properties, Relation};
use super::walk;
use crate::sql::Failure;
pub(super) use query::FileQuery;

mod csv;
mod infer;
#[cfg(feature = "parquet")]
pub(super) mod parquet;
mod query;
mod tables;
#[cfg(feature = "parquet")]
mod together;

/// What the names of files begin with.
pub(super) const PREFIX: &str = "file:";
/// Bytes of all files of one call.
const LIMIT: u64 = 256 << 20;
/// Views that are looked through for files.
const VIEWS: usize = 100;
/// The column of what did not fit the others.
const RESCUED: &str = "_rescued_data";

/// What a text names.
#[derive(Default)]
struct Found {
    files: Vec<Result<FileQuery, Failure>>,
    relations: Vec<Vec<String>>,
}

impl Visitor for Found {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.files.extend(FileQuery::of(factor));
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.relations.push(name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.to_lowercase()).collect());
        }
        ControlFlow::Continue(())
    }
}

/// The rows of all files that a query and the views in it name.
pub(super) fn load(scope: &Scope<'_>, text: &str) -> Result<Named, Failure> {
    let mut rows = Named::new();
    let mut seen = BTreeSet::new();
    let mut work = vec![(text.to_owned(), scope.catalog.clone(), scope.schema.clone())];
    while let Some((text, catalog, schema)) = work.pop() {
        let Ok(Statement::Query(query)) = parse(&text) else { continue };
        let mut found = Found::default();
        let _: ControlFlow<()> = walk::read(&query, &mut found);
        for file in found.files {
            let file = file?;
            if let std::collections::btree_map::Entry::Vacant(entry) = rows.entry(file.key()) {
                entry.insert(Arc::new(read(scope, &file)?));
            }
        }
        for parts in found.relations {
            let view = match parts.as_slice() {
                [one] => scope.session.lock().views.get(one).cloned(),
                _ => None,
            };
            let full = match parts.as_slice() {
                [o] => Name { catalog: catalog.clone(), schema: schema.clone(), object: o.clone() },
                [s, o] => Name { catalog: catalog.clone(), schema: s.clone(), object: o.clone() },
                [c, s, o] => Name { catalog: c.clone(), schema: s.clone(), object: o.clone() },
                _ => continue,
            };
            let ((Some(view), _) | (None, Some(Relation::View(view)))) = (view, scope.core.store.relation(&full))
            else {
                continue;
            };
            if seen.len() < VIEWS && seen.insert(parts) {
                work.push((view.text.clone(), view.catalog.clone(), view.schema.clone()));
            }
        }
    }
    Ok(rows)
}

/// The files of a path: itself, those below it, or those that fit its pattern.
fn chosen(scope: &Scope<'_>, query: &FileQuery) -> Result<Vec<HostFile>, Failure> {
    let path = query.path.strip_prefix("dbfs:").unwrap_or(&query.path);
    if !path.starts_with("/Volumes/") {
        return Err(feature(&format!("files at '{}'; files are read from volumes (/Volumes/…)", query.path)));
    }
    rights::check_volume(scope, path)?;
    let base = match path.find(['*', '?', '[', '{']) {
        Some(at) if path[at..].starts_with(['[', '{']) => return Err(feature("sets of letters in paths of files")),
        Some(at) => path[..at].rsplit_once('/').map_or(path, |(directory, _)| directory),
        None => path.trim_end_matches('/'),
    };
    let mut files = scope.host.files(base)?;
    if base.len() < path.trim_end_matches('/').len() {
        let depth = path.matches('/').count();
        let hidden = |f: &HostFile| f.path.rsplit('/').next().is_some_and(|name| name.starts_with(['_', '.']));
        files.retain(|f| !hidden(f) && f.path.matches('/').count() == depth && pattern_like(path, &f.path));
    } else if files.len() != 1 || files.iter().any(|f| f.path != base) {
        let deep = query.function || query.is_true("recursivefilelookup");
        let hidden = |f: &HostFile| {
            let inside = f.path.strip_prefix(base).unwrap_or(&f.path);
            inside.split('/').any(|part| part.starts_with(['_', '.'])) || (!deep && inside.matches('/').count() > 1)
        };
        files.retain(|f| !hidden(f));
    }
    if let Some(pattern) = query.option(&["pathglobfilter", "globfilter", "filenamepattern"]) {
        files.retain(|f| pattern_like(pattern, f.path.rsplit('/').next().unwrap_or_default()));
    }
    if files.is_empty() {
        let text = format!("Path does not exist: {}.", query.path);
        return Err(Failure::class("PATH_NOT_FOUND", &text, "42K03"));
    }
    if files.iter().any(|f| f.path.split('/').any(|part| part.contains('='))) {
        return Err(feature("directories that stand for columns (name=value)"));
    }
    Ok(files)
}

fn read(scope: &Scope<'_>, query: &FileQuery) -> Result<Rows, Failure> {
    for name in ["schemaevolutionmode", "rescueddatacolumn", "partitioncolumns", "schemahints"] {
        if query.options.contains_key(name) && !(name == "schemaevolutionmode" && query.option(&[name]) == Some("none"))
        {
            return Err(feature(&format!("the option {name} of read_files")));
        }
    }
    if query
        .option(&["mode"])
        .is_some_and(|m| !m.eq_ignore_ascii_case("permissive") && !m.eq_ignore_ascii_case("failfast"))
    {
        return Err(feature("the mode DROPMALFORMED of files"));
    }
    if query.option(&["encoding", "charset"]).is_some_and(|e| !["utf-8", "utf8"].contains(&e.to_lowercase().as_str())) {
        return Err(feature("files that are not in UTF-8"));
    }
    if query.option(&["format"]).is_some_and(|format| format.eq_ignore_ascii_case("delta")) {
        return delta_rows(scope, query);
    }
    let files = chosen(scope, query)?;
    let format = match query.option(&["format"]) {
        Some(format) => format.to_ascii_lowercase(),
        None => format_of(&files)?,
    };
    let total: u64 = files.iter().map(|file| file.length).sum();
    if total > LIMIT {
        return Err(feature(&format!("more than {LIMIT} bytes of files in one query")));
    }
    if format == "parquet" {
        return parquet_rows(scope, query, &files);
    }
    let mut texts = Vec::new();
    for file in &files {
        texts.push(text_of(&file.path, scope.host.content(&file.path)?)?);
    }
    let schema = query.option(&["schema"]).map(tables::schema).transpose()?;
    let mut table = match format.as_str() {
        "csv" => tables::csv(query, &texts, schema.as_deref())?,
        "json" => tables::json_lines(query, &texts, schema.as_deref())?,
        "text" => tables::text(query, &texts),
        other => return Err(feature(&format!("files in the format {other}; CSV, JSON, text and Parquet are read"))),
    };
    if query.function && schema.is_none() && query.option(&["schemaevolutionmode"]).is_none() && format != "text" {
        // Types that are inferred fit all values, so that nothing is left to rescue.
        table.columns.push((RESCUED.to_owned(), DataType::Utf8));
        table.rows.iter_mut().for_each(|row| row.push(V::Null));
    }
    tables::provider(&table)
}

/// The records of a CSV file as strings, for COPY INTO.
pub(super) fn csv_strings(path: &str, bytes: Vec<u8>, options: &Properties) -> Result<Read, Failure> {
    let query = FileQuery::stated(path, options)?;
    let table = tables::csv(&query, &[text_of(path, bytes)?], None)?;
    let names = table.columns.iter().map(|(name, _)| name.clone()).collect();
    let kinds = table.columns.iter().map(|(_, kind)| kind.clone()).collect();
    Ok(Read { names, kinds, batches: tables::provider(&table)?.batches })
}

/// The columns of a CSV or JSON file, for COPY INTO: strings in CSV unless types are to be inferred.
pub(super) fn columns(
    format: &str,
    path: &str,
    bytes: Vec<u8>,
    options: &Properties,
) -> Result<Vec<(String, DataType)>, Failure> {
    let texts = [text_of(path, bytes)?];
    let infers = options.iter().find(|(name, _)| name.eq_ignore_ascii_case("inferschema"));
    let query =
        FileQuery::copied(format, path, options, infers.is_some_and(|(_, value)| value.eq_ignore_ascii_case("true")))?;
    let table = match format {
        "json" => tables::json_lines(&query, &texts, None)?,
        _ => tables::csv(&query, &texts, None)?,
    };
    Ok(table.columns)
}

/// The text of a file, without the mark of its order of bytes.
fn text_of(path: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    let text =
        String::from_utf8(bytes).map_err(|_| feature(&format!("the file {path}, which is not text in UTF-8")))?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

#[cfg(feature = "parquet")]
fn parquet_rows(scope: &Scope<'_>, query: &FileQuery, files: &[HostFile]) -> Result<Rows, Failure> {
    let stated = query.option(&["schema"]).map(tables::schema).transpose()?;
    let mut left = parquet::LIMIT;
    let read = files.iter().map(|file| parquet::read(&file.path, scope.host.content(&file.path)?, &mut left));
    together::rows(query, &read.collect::<Result<Vec<_>, _>>()?, stated.as_deref())
}

/// A Delta table on a volume.
#[cfg(feature = "delta")]
fn delta_rows(scope: &Scope<'_>, query: &FileQuery) -> Result<Rows, Failure> {
    use super::delta::at::At;
    let path = query.path.strip_prefix("dbfs:").unwrap_or(&query.path);
    if !path.starts_with("/Volumes/") {
        return Err(feature(&format!("Delta tables at '{}'; they are read from volumes (/Volumes/…)", query.path)));
    }
    rights::check_volume(scope, path)?;
    let at = match (query.option(&["versionasof"]), query.option(&["timestampasof"])) {
        (Some(version), _) => {
            let version = version.parse().map_err(|_| feature(&format!("the version {version} of a table")))?;
            Some(At::Version(version))
        }
        (None, Some(time)) => Some(At::text(time)?),
        (None, None) => None,
    };
    super::delta::outside::read(scope.host, path, at)
}

#[cfg(not(feature = "delta"))]
fn delta_rows(_: &Scope<'_>, _: &FileQuery) -> Result<Rows, Failure> {
    Err(feature("Delta tables on volumes in this build: turn on the feature `delta` of databricks-local"))
}

#[cfg(not(feature = "parquet"))]
fn parquet_rows(_: &Scope<'_>, _: &FileQuery, _: &[HostFile]) -> Result<Rows, Failure> {
    Err(without_parquet())
}

/// The refusal of a build that does not read Parquet.
#[cfg(not(feature = "parquet"))]
pub(super) fn without_parquet() -> Failure {
    feature("Parquet files in this build: turn on the feature `parquet` of databricks-local")
}

fn format_of(files: &[HostFile]) -> Result<String, Failure> {
    let ending = files.first().and_then(|f| f.path.rsplit('.').next()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "csv" | "json" | "parquet" | "avro" | "orc" | "xml" => Ok(ending),
        "txt" => Ok("text".to_owned()),
        _ => Err(feature("files whose format is neither stated nor known by their ending; set the option `format`")),
    }
}
