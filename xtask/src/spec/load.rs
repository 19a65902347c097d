//! Reading a directory of documents.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{Document, Method, Operation, Overrides, Sensitive, Signatures, Texts};

/// All documents of a directory, with their texts and data files.
#[derive(Debug)]
pub(crate) struct Documents {
    /// By package.
    pub(crate) packages: BTreeMap<String, Document>,
    pub(crate) texts: BTreeMap<String, Texts>,
    pub(crate) overrides: Overrides,
    pub(crate) signatures: Signatures,
    pub(crate) sensitive: Sensitive,
}

/// Files of the directory that are no documents.
const OTHERS: &[&str] = &["index", "overrides", "sensitive", "signatures"];

impl Documents {
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let mut packages = BTreeMap::new();
        let mut texts = BTreeMap::new();
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
            let document: Document =
                serde_json::from_str(&text).with_context(|| format!("{} has something unknown", path.display()))?;
            ensure!(
                document.openapi.starts_with("3.1"),
                "{}: OpenAPI {} is not supported",
                path.display(),
                document.openapi
            );
            ensure!(
                document.info.title == stem,
                "{}: the title is {}, not the name of the file",
                path.display(),
                document.info.title
            );
            texts.insert(stem.to_owned(), Texts::read(&directory.join("docs").join(format!("{stem}.json")))?);
            packages.insert(stem.to_owned(), document);
        }
        ensure!(!packages.is_empty(), "no documents in {}", directory.display());
        Ok(Self {
            packages,
            texts,
            overrides: Overrides::read(&directory.join("overrides.json"))?,
            signatures: Signatures::read(&directory.join("signatures.json"))?,
            sensitive: Sensitive::read(&directory.join("sensitive.json"))?,
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
