//! Files of volumes as tables: `read_files('/Volumes/…')` and ``csv.`/Volumes/…` ``.
//!
//! The planner knows no files: they are read before a text is planned, under a name that is made of what the text
//! writes, and the text is planned with that name in place of the call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, ObjectName, Statement, TableFactor, UnaryOperator, Value, Visit as _, Visitor,
};

use super::errors;
use super::host::HostFile;
use super::rewrite::parse;
use super::rights;
use super::scope::{Named, Scope};
use super::spark::value::{V, build};
use super::spark::{cast, json, pattern_like, types};
use super::store::missing::feature;
use super::store::table::{Rows, SPELLING};
use super::store::{Name, Relation};
use crate::sql::Failure;

mod csv;
mod infer;

/// What the names of files begin with.
pub(super) const PREFIX: &str = "file:";
/// Formats that a name may begin with.
const FORMATS: [&str; 9] = ["csv", "json", "text", "parquet", "orc", "avro", "binaryfile", "delta", "xml"];
/// Bytes of all files of one call.
const LIMIT: usize = 256 << 20;
/// Views that are looked through for files.
const VIEWS: usize = 100;
/// The column of what did not fit the others.
const RESCUED: &str = "_rescued_data";

/// Options that are known here, in lower case.
const OPTIONS: [&str; 27] = [
    "format",
    "header",
    "sep",
    "delimiter",
    "quote",
    "escape",
    "comment",
    "nullvalue",
    "multiline",
    "inferschema",
    "infercolumntypes",
    "schema",
    "schemahints",
    "mode",
    "pathglobfilter",
    "globfilter",
    "filenamepattern",
    "recursivefilelookup",
    "dateformat",
    "timestampformat",
    "encoding",
    "charset",
    "wholetext",
    "schemaevolutionmode",
    "rescueddatacolumn",
    "partitioncolumns",
    "ignoremissingfiles",
];

/// A call or name of files, as a text writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileQuery {
    path: String,
    options: BTreeMap<String, String>,
    /// `read_files` infers types and keeps what does not fit; a format as a name does neither for CSV.
    function: bool,
}

impl FileQuery {
    /// The name that the rows have for the planner.
    pub(super) fn key(&self) -> String {
        format!("{PREFIX}{}:{:?}:{}", u8::from(self.function), self.options, self.path)
    }

    /// The files that a part of a text names, if it names any.
    pub(super) fn of(factor: &TableFactor) -> Option<Result<Self, Failure>> {
        match factor {
            TableFactor::Table { name, args: None, .. } => Self::named(name).map(Ok),
            TableFactor::Table { name, args: Some(args), .. } if is_read_files(name) => Some(Self::called(&args.args)),
            TableFactor::Function { name, args, .. } if is_read_files(name) => Some(Self::called(args)),
            _ => None,
        }
    }

    fn named(name: &ObjectName) -> Option<Self> {
        let parts: Vec<&str> = name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.as_str()).collect();
        let [format, path] = parts.as_slice() else { return None };
        let format = format.to_ascii_lowercase();
        if !FORMATS.contains(&format.as_str()) || !path.contains('/') {
            return None;
        }
        let options = BTreeMap::from([("format".to_owned(), format)]);
        Some(Self { path: (*path).to_owned(), options, function: false })
    }

    fn called(args: &[FunctionArg]) -> Result<Self, Failure> {
        let mut path = None;
        let mut options = BTreeMap::new();
        for argument in args {
            let (name, value) = match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (None, value),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                    (Some(name.value.to_ascii_lowercase()), value)
                }
                FunctionArg::ExprNamed { name: Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), .. } => {
                    (Some(name.value.to_ascii_lowercase()), value)
                }
                other => return Err(feature(&format!("the argument {other} of read_files"))),
            };
            let value = constant(value)
                .ok_or_else(|| feature(&format!("the argument {value} of read_files, which is not a literal")))?;
            match name {
                None if path.is_none() => path = Some(value),
                Some(name) if name == "path" => path = Some(value),
                Some(name) if OPTIONS.contains(&name.as_str()) => {
                    options.insert(name, value);
                }
                Some(name) => return Err(feature(&format!("the option {name} of read_files"))),
                None => return Err(feature("read_files with two paths")),
            }
        }
        let path = path.ok_or_else(|| {
            Failure::class(
                "REQUIRED_PARAMETER_NOT_FOUND",
                "Cannot invoke routine `read_files` without a path.",
                "4274K",
            )
        })?;
        Ok(Self { path, options, function: true })
    }

    fn option(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.options.get(*name)).map(String::as_str)
    }

    fn is_true(&self, name: &str) -> bool {
        self.option(&[name]).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    fn sign(&self, names: &[&str], default: Option<char>) -> Result<Option<char>, Failure> {
        let Some(text) = self.option(names) else { return Ok(default) };
        let text = text.replace("\\t", "\t");
        let mut signs = text.chars();
        match (signs.next(), signs.next()) {
            (Some(sign), None) => Ok(Some(sign)),
            _ => Err(feature(&format!("the option {} with more or less than one sign", names.join("/")))),
        }
    }
}

fn is_read_files(name: &ObjectName) -> bool {
    name.to_string().replace('`', "").eq_ignore_ascii_case("read_files")
}

fn constant(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(s) | Value::DoubleQuotedString(s) => Some(s.clone()),
            Value::Boolean(b) => Some(b.to_string()),
            Value::Number(n, _) => Some(n.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => constant(expr).map(|n| format!("-{n}")),
        _ => None,
    }
}

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
        let _: ControlFlow<()> = query.visit(&mut found);
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

/// Columns and the values of their rows.
struct Table {
    columns: Vec<(String, DataType)>,
    rows: Vec<Vec<V>>,
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
    let files = chosen(scope, query)?;
    let format = match query.option(&["format"]) {
        Some(format) => format.to_ascii_lowercase(),
        None => format_of(&files)?,
    };
    let mut texts = Vec::new();
    let mut total = 0;
    for file in &files {
        total += usize::try_from(file.length).unwrap_or(usize::MAX);
        if total > LIMIT {
            return Err(feature(&format!("more than {LIMIT} bytes of files in one query")));
        }
        let bytes = scope.host.content(&file.path)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| feature(&format!("the file {}, which is not text in UTF-8", file.path)))?;
        texts.push(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned));
    }
    let schema = query.option(&["schema"]).map(schema).transpose()?;
    let mut table = match format.as_str() {
        "csv" => csv(query, &texts, schema.as_deref())?,
        "json" => json_lines(query, &texts, schema.as_deref())?,
        "text" => text(query, &texts),
        other => return Err(feature(&format!("files in the format {other}; CSV, JSON and text are read"))),
    };
    if query.function && schema.is_none() && query.option(&["schemaevolutionmode"]).is_none() && format != "text" {
        // Types that are inferred fit all values, so that nothing is left to rescue.
        table.columns.push((RESCUED.to_owned(), DataType::Utf8));
        table.rows.iter_mut().for_each(|row| row.push(V::Null));
    }
    provider(&table)
}

fn format_of(files: &[HostFile]) -> Result<String, Failure> {
    let ending = files.first().and_then(|f| f.path.rsplit('.').next()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "csv" | "json" | "parquet" | "avro" | "orc" | "xml" => Ok(ending),
        "txt" => Ok("text".to_owned()),
        _ => Err(feature("files whose format is neither stated nor known by their ending; set the option `format`")),
    }
}

fn schema(text: &str) -> Result<Vec<(String, DataType)>, Failure> {
    match types::parse_schema(text).map_err(|e| errors::failure(&e))? {
        DataType::Struct(fields) => Ok(fields.iter().map(|f| (f.name().clone(), f.data_type().clone())).collect()),
        _ => Err(feature("a schema that is not a list of columns")),
    }
}

/// A value that does not fit is NULL, or an error where the mode says so.
fn fitted(query: &FileQuery, value: V, kind: &DataType) -> Result<V, Failure> {
    if query.option(&["mode"]).is_some_and(|m| m.eq_ignore_ascii_case("failfast")) {
        return cast::cast(&value, &DataType::Utf8, kind).map_err(|_| {
            Failure::class(
                "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                "Malformed records are detected in record parsing. Parse Mode: FAILFAST.",
                "22023",
            )
        });
    }
    Ok(match &value {
        V::Str(text) if types::is_time(kind) => json::read_time(text, kind, &query.options),
        value => cast::attempt(value, &DataType::Utf8, kind),
    })
}

fn csv(query: &FileQuery, texts: &[String], schema: Option<&[(String, DataType)]>) -> Result<Table, Failure> {
    let signs = csv::Signs {
        separator: query.sign(&["sep", "delimiter"], Some(','))?.unwrap_or(','),
        quote: query.sign(&["quote"], Some('"'))?.unwrap_or('"'),
        escape: query.sign(&["escape"], Some('\\'))?.unwrap_or('\\'),
        comment: query.sign(&["comment"], None)?,
        lines: query.is_true("multiline"),
    };
    let header = query.is_true("header");
    let null = query.option(&["nullvalue"]);
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    for text in texts {
        let mut records = csv::records(text, &signs)?.into_iter();
        let mut own: Vec<String> = Vec::new();
        if header {
            let Some(first) = records.next() else { continue };
            own = first.into_iter().enumerate().map(|(at, n)| n.unwrap_or_else(|| format!("_c{at}"))).collect();
        }
        let records: Vec<_> = records.collect();
        let width = records.iter().map(Vec::len).max().unwrap_or(0);
        if header && width > own.len() {
            return Err(feature("CSV records with more values than the header has names"));
        }
        own.extend((own.len()..width).map(|at| format!("_c{at}")));
        let places: Vec<usize> = own
            .iter()
            .map(|name| match names.iter().position(|n| n.eq_ignore_ascii_case(name)) {
                Some(at) => at,
                None => {
                    names.push(name.clone());
                    names.len() - 1
                }
            })
            .collect();
        if places.iter().collect::<BTreeSet<_>>().len() != places.len() {
            let text = "The column names of the CSV header are not unique.";
            return Err(Failure::class("COLUMN_ALREADY_EXISTS", text, "42711"));
        }
        for record in records {
            let mut row = vec![None; names.len()];
            for (value, at) in record.into_iter().zip(&places) {
                row[*at] = value.filter(|v| null != Some(v.as_str()));
            }
            rows.push(row);
        }
    }
    let columns: Vec<(String, DataType)> = match schema {
        Some(given) => {
            let differs = header && given.iter().zip(&names).any(|((n, _), own)| !n.eq_ignore_ascii_case(own));
            if differs || given.len() < names.len() {
                return Err(feature("a schema whose columns are not those of the CSV files, in their order"));
            }
            given.to_vec()
        }
        None => {
            let inferred = match query.option(&["inferschema", "infercolumntypes"]) {
                Some(stated) => stated.eq_ignore_ascii_case("true"),
                None => query.function,
            };
            let kind = |at: usize| {
                if inferred {
                    infer::column(rows.iter().filter_map(|r| r.get(at).and_then(Option::as_deref)))
                } else {
                    DataType::Utf8
                }
            };
            let kinds: Vec<_> = (0..names.len()).map(kind).collect();
            names.into_iter().zip(kinds).collect()
        }
    };
    let rows = rows.into_iter().map(|row| {
        let cells = columns.iter().enumerate();
        let cells = cells.map(|(at, (_, kind))| match row.get(at).cloned().flatten() {
            Some(text) => fitted(query, V::Str(text), kind),
            None => Ok(V::Null),
        });
        cells.collect::<Result<Vec<_>, _>>()
    });
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(Table { columns, rows })
}

fn json_lines(query: &FileQuery, texts: &[String], schema: Option<&[(String, DataType)]>) -> Result<Table, Failure> {
    let malformed = |why: String| {
        Failure::class(
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
            &format!("Malformed records are detected in record parsing: {why}."),
            "22023",
        )
    };
    let mut values = Vec::new();
    for text in texts {
        let parts: Vec<&str> = if query.is_true("multiline") { vec![text] } else { text.lines().collect() };
        for part in parts.into_iter().filter(|p| !p.trim().is_empty()) {
            match serde_json::from_str(part).map_err(|e| malformed(e.to_string()))? {
                serde_json::Value::Array(all) => values.extend(all),
                one => values.push(one),
            }
        }
    }
    if let Some(other) = values.iter().find(|v| !v.is_object()) {
        return Err(malformed(format!("{other} is not an object")));
    }
    let columns: Vec<(String, DataType)> = match schema {
        Some(given) => given.to_vec(),
        None => {
            let kind = values.iter().map(infer::json).fold(DataType::Null, |a, b| infer::json_merged(&a, &b));
            match infer::known(&kind) {
                DataType::Struct(fields) => fields.iter().map(|f| (f.name().clone(), f.data_type().clone())).collect(),
                _ => Vec::new(),
            }
        }
    };
    let kind = types::structure(columns.iter().map(|(name, kind)| (name.clone(), kind.clone())));
    let rows = values.iter().map(|v| json::from_value(v, &kind, &query.options).items().to_vec()).collect();
    Ok(Table { columns, rows })
}

fn text(query: &FileQuery, texts: &[String]) -> Table {
    let whole = query.is_true("wholetext");
    let rows = texts.iter().flat_map(|text| {
        let parts: Vec<V> = if whole { vec![text.as_str().into()] } else { text.lines().map(V::from).collect() };
        parts.into_iter().map(|v| vec![v])
    });
    Table { columns: vec![("value".to_owned(), DataType::Utf8)], rows: rows.collect() }
}

fn provider(table: &Table) -> Result<Rows, Failure> {
    let fields = table.columns.iter().map(|(name, kind)| {
        let spelled = HashMap::from([(SPELLING.to_owned(), name.clone())]);
        Field::new(name.to_lowercase(), kind.clone(), true).with_metadata(spelled)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = table.columns.iter().enumerate().map(|(at, (_, kind))| {
        let cells: Vec<V> = table.rows.iter().map(|r| r.get(at).cloned().unwrap_or(V::Null)).collect();
        build(kind, &cells)
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>().map_err(|e| errors::failure(&e))?;
    let options = datafusion::arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(table.rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
        .map_err(|e| errors::failure(&e.into()))?;
    Ok(Rows { schema, batches: vec![batch] })
}
