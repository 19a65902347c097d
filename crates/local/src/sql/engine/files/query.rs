//! Calls and names of files, as a text writes them.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, ObjectName, TableFactor, TableVersion, UnaryOperator, Value,
};

use super::PREFIX;
use crate::sql::Failure;
use crate::sql::engine::store::Properties;
use crate::sql::engine::store::missing::feature;

/// Formats that a name may begin with.
const FORMATS: [&str; 9] = ["csv", "json", "text", "parquet", "orc", "avro", "binaryfile", "delta", "xml"];

/// Options of CSV that COPY INTO knows.
const COPIED: [&str; 8] = ["header", "sep", "delimiter", "quote", "escape", "comment", "nullvalue", "multiline"];

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
pub(in super::super) struct FileQuery {
    pub(super) path: String,
    pub(super) options: BTreeMap<String, String>,
    /// `read_files` infers types and keeps what does not fit; a format as a name does neither for CSV.
    pub(super) function: bool,
}

impl FileQuery {
    /// The name that the rows have for the planner.
    pub(in super::super) fn key(&self) -> String {
        format!("{PREFIX}{}:{:?}:{}", u8::from(self.function), self.options, self.path)
    }

    /// The files that a part of a text names, if it names any.
    pub(in super::super) fn of(factor: &TableFactor) -> Option<Result<Self, Failure>> {
        match factor {
            TableFactor::Table { name, args: None, version, .. } => {
                Self::named(name).map(|query| query.of_version(version))
            }
            TableFactor::Table { name, args: Some(args), .. } if is_read_files(name) => Some(Self::called(&args.args)),
            TableFactor::Function { name, args, .. } if is_read_files(name) => Some(Self::called(args)),
            _ => None,
        }
    }

    /// The query of a version, which Delta tables have.
    fn of_version(mut self, version: &Option<TableVersion>) -> Result<Self, Failure> {
        let (name, value) = match version {
            None => return Ok(self),
            Some(TableVersion::VersionAsOf(value)) => ("versionasof", constant(value)),
            Some(TableVersion::TimestampAsOf(value)) => ("timestampasof", constant(value)),
            Some(_) => ("", None),
        };
        let delta = self.option(&["format"]) == Some("delta");
        let value = value.filter(|_| delta).ok_or_else(|| feature("this form of versions of files"))?;
        self.options.insert(name.to_owned(), value);
        Ok(self)
    }

    /// A CSV file with the options of COPY INTO.
    pub(super) fn stated(path: &str, stated: &Properties) -> Result<Self, Failure> {
        let mut options = BTreeMap::from([("format".to_owned(), "csv".to_owned())]);
        for (name, value) in stated {
            let name = name.to_ascii_lowercase();
            let known = COPIED.contains(&name.as_str());
            // Types are those of the table.
            if !known && !["inferschema", "mergeschema"].contains(&name.as_str()) {
                return Err(feature(&format!("the option {name} of COPY INTO")));
            }
            options.insert(name, value.clone());
        }
        options.remove("inferschema");
        Ok(Self { path: path.to_owned(), options, function: false })
    }

    /// A file whose columns COPY INTO asks for; `infers` types of CSV.
    pub(super) fn copied(format: &str, path: &str, stated: &Properties, infers: bool) -> Result<Self, Failure> {
        if format == "json" {
            let options = stated.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
            let options = options.chain([("format".to_owned(), format.to_owned())]).collect();
            return Ok(Self { path: path.to_owned(), options, function: false });
        }
        let mut query = Self::stated(path, stated)?;
        query.options.insert("inferschema".to_owned(), infers.to_string());
        Ok(query)
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

    pub(super) fn option(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.options.get(*name)).map(String::as_str)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.option(&[name]).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    pub(super) fn sign(&self, names: &[&str], default: Option<char>) -> Result<Option<char>, Failure> {
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
