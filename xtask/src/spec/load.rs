//! Reading a directory of documents.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{Document, Method, Operation, Overrides, Preview, Retired, Sensitive, Signatures, Texts};

/// All documents of a directory, with their texts and data files.
#[derive(Debug)]
pub(crate) struct Documents {
    /// By package.
    pub(crate) packages: BTreeMap<String, Document>,
    pub(crate) texts: BTreeMap<String, Texts>,
    pub(crate) overrides: Overrides,
    pub(crate) signatures: Signatures,
    pub(crate) sensitive: Sensitive,
    pub(crate) preview: Preview,
}

/// Files of the directory that are no documents.
const OTHERS: &[&str] = &["index", "names", "overrides", "preview", "retired", "sensitive", "signatures"];

impl Documents {
    /// Reads the documents, and what was retired beside them.
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let mut contents = raw(directory)?;
        Retired::read(directory)?.merge(&mut contents)?;
        Self::parse(directory, contents)
    }

    /// Reads the documents alone.
    pub(crate) fn without_retired(directory: &Path) -> Result<Self> {
        Self::parse(directory, raw(directory)?)
    }

    fn parse(directory: &Path, contents: BTreeMap<String, String>) -> Result<Self> {
        let mut packages = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for (stem, text) in contents {
            let shown = directory.join(format!("{stem}.json"));
            let shown = shown.display();
            let document: Document =
                serde_json::from_str(&text).with_context(|| format!("{shown} has something unknown"))?;
            ensure!(
                document.info.title == stem,
                "{shown}: the title is {}, not the name of the file",
                document.info.title
            );
            texts.insert(stem.clone(), Texts::read(&directory.join("docs").join(format!("{stem}.json")))?);
            packages.insert(stem, document);
        }
        Ok(Self {
            packages,
            texts,
            overrides: Overrides::read(&directory.join("overrides.json"))?,
            signatures: Signatures::read(&directory.join("signatures.json"))?,
            sensitive: Sensitive::read(&directory.join("sensitive.json"))?,
            preview: Preview::read(&directory.join("preview.json"))?,
        })
    }

    /// The version of the source, the same in all documents.
    pub(crate) fn version(&self) -> Result<&str> {
        let mut versions = self.packages.values().map(|document| document.info.version.as_str());
        let first = versions.next().unwrap_or_default();
        if let Some(other) = versions.find(|version| *version != first) {
            bail!("documents of the versions {first} and {other} are mixed");
        }
        Ok(first)
    }
}

/// The documents of a directory as they stand in the files, by package.
///
/// # Errors
/// When there are none, or one is not OpenAPI 3.1 with our extensions: that is stated before anything else of it.
pub(crate) fn raw(directory: &Path) -> Result<BTreeMap<String, String>> {
    let mut contents = BTreeMap::new();
    for entry in std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = entry?.path();
        let (Some(stem), Some("json")) =
            (path.file_stem().and_then(|s| s.to_str()), path.extension().and_then(|e| e.to_str()))
        else {
            continue;
        };
        if OTHERS.contains(&stem) {
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let head: Head = serde_json::from_str(&text)
            .with_context(|| format!("{} is not valid JSON of a document", path.display()))?;
        head.check().with_context(|| format!("{} cannot be generated from", path.display()))?;
        contents.insert(stem.to_owned(), text);
    }
    ensure!(!contents.is_empty(), "no documents in {}", directory.display());
    Ok(contents)
}

/// What is tested before a document is read in earnest.
#[derive(Deserialize)]
struct Head {
    openapi: Option<Value>,
    swagger: Option<Value>,
    #[serde(default)]
    paths: BTreeMap<String, Value>,
}

impl Head {
    fn check(&self) -> Result<()> {
        match (&self.openapi, &self.swagger) {
            (Some(Value::String(version)), _) if version == "3.1" || version.starts_with("3.1.") => {}
            (Some(Value::String(version)), _) => bail!("it is OpenAPI {version}, not 3.1"),
            (_, Some(Value::String(version))) => bail!("it is Swagger {version}, not OpenAPI 3.1"),
            _ => bail!("it states no version of OpenAPI; 3.1 is needed"),
        }
        for (path, item) in &self.paths {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let lacks = ["operationId", "x-databricks-level"].into_iter().find(|key| operation.get(key).is_none());
                if let Some(key) = lacks {
                    bail!(
                        "{} {path} has no {key}; the extensions that the generator needs are in \
                         crates/models/openapi/README.md",
                        method.to_uppercase()
                    );
                }
            }
        }
        Ok(())
    }
}

/// All operations of a document with method and path, those of shared endpoints included.
pub(crate) fn operations_of(document: &Document) -> impl Iterator<Item = (&str, Method, &Operation)> {
    document.paths.iter().flat_map(|(path, methods)| {
        methods.iter().flat_map(move |(method, operation)| {
            std::iter::once(operation)
                .chain(&operation.same_endpoint)
                .map(move |operation| (path.as_str(), *method, operation))
        })
    })
}

/// Splits `compute.json#/components/schemas/X` or `#/components/schemas/X` into package and name.
pub(crate) fn schema_name<'a>(reference: &'a str, package: &'a str) -> Result<(&'a str, &'a str)> {
    let Some((file, name)) = reference.split_once("#/components/schemas/") else {
        bail!("{package}: a reference to {reference}")
    };
    match file {
        "" => Ok((package, name)),
        _ => Ok((file.strip_suffix(".json").with_context(|| format!("{package}: a reference to {reference}"))?, name)),
    }
}
