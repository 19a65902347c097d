//! What a workspace begins with: statements of SQL, or a description of its objects in YAML.

use std::fmt;
#[cfg(feature = "seed")]
use std::path::Path;
use std::path::PathBuf;

use crate::sql::{notebook, statements};
use crate::state::Parts;

#[cfg(feature = "seed")]
mod desk;
#[cfg(feature = "seed")]
mod document;
#[cfg(feature = "seed")]
mod files;
#[cfg(feature = "seed")]
mod identities;
#[cfg(feature = "seed")]
mod names;
#[cfg(feature = "seed")]
mod securables;
#[cfg(feature = "seed")]
mod tables;

/// What a workspace begins with.
#[derive(Debug, Default)]
pub(crate) enum Seed {
    #[default]
    None,
    /// Statements, apart by semicolons.
    Sql(String),
    /// A description of objects; paths in it begin at the working directory.
    #[cfg(feature = "seed")]
    Yaml(String),
    /// A file of either kind.
    #[cfg(feature = "seed")]
    File(PathBuf),
}

/// Why a seed could not be applied, and where in it the reason is.
#[derive(Debug)]
pub(crate) struct SeedError {
    file: Option<PathBuf>,
    line: Option<u64>,
    message: String,
}

impl SeedError {
    fn at(line: impl Into<Option<u64>>, message: impl Into<String>) -> Self {
        Self { file: None, line: line.into(), message: message.into() }
    }

    #[cfg(feature = "seed")]
    fn within(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, Some(line)) => write!(f, "the seed's line {line}: ")?,
            (None, None) => f.write_str("the seed: ")?,
        }
        f.write_str(&self.message)
    }
}

impl Seed {
    /// Makes what it states. What is there already stays as it is, except for what statements do to it.
    pub(crate) async fn apply(self, parts: &Parts) -> Result<(), SeedError> {
        match self {
            Self::None => Ok(()),
            Self::Sql(text) => run_all(parts, &text).await,
            #[cfg(feature = "seed")]
            Self::Yaml(text) => described(parts, &text, Path::new("")).await,
            #[cfg(feature = "seed")]
            Self::File(file) => from_file(parts, &file).await.map_err(|error| error.within(&file)),
        }
    }
}

#[cfg(feature = "seed")]
async fn from_file(parts: &Parts, file: &Path) -> Result<(), SeedError> {
    let text =
        std::fs::read_to_string(file).map_err(|error| SeedError::at(None, format!("cannot read it: {error}")))?;
    let ending = file.extension().and_then(std::ffi::OsStr::to_str).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("yaml" | "yml") => described(parts, &text, file.parent().unwrap_or(Path::new(""))).await,
        Some("sql") => run_all(parts, &text).await,
        _ => Err(SeedError::at(
            None,
            "a seed is a description that ends in .yaml, or statements in a file that ends in .sql",
        )),
    }
}

/// Runs the statements of a text.
async fn run_all(parts: &Parts, text: &str) -> Result<(), SeedError> {
    for (index, statement) in statements(text).into_iter().enumerate() {
        notebook::rows(&parts.sql, &statement).await.map_err(|failure| {
            SeedError::at(line_of(text, index), format!("the statement '{statement}' failed: {}", failure.message))
        })?;
    }
    Ok(())
}

/// The line on which a statement of a text begins.
fn line_of(text: &str, index: usize) -> Option<u64> {
    let ends = text.match_indices('\n').map(|(at, _)| at + 1).chain([text.len()]);
    // As many statements have begun by the end of a line as the text up to there has.
    let begun = ends.into_iter().position(|end| statements(&text[..end]).len() > index)?;
    Some(begun as u64 + 1)
}

/// Makes the objects of a description; paths in it begin at `directory`.
#[cfg(feature = "seed")]
async fn described(parts: &Parts, text: &str, directory: &Path) -> Result<(), SeedError> {
    let document = document::read(text)?;
    let desk = desk::Desk::new(parts);
    let mut names = names::Names::new(parts);
    identities::users(&desk, &document.users).await?;
    identities::groups(&desk, &document.groups).await?;
    identities::secrets(&desk, &document.secrets).await?;
    securables::catalogs(&desk, parts, &document.catalogs, directory).await?;
    files::workspace(&desk, &document.workspace, directory).await?;
    names.clusters(&desk, &document.clusters).await?;
    names.warehouses(&desk, &document.warehouses).await?;
    for text in &document.sql {
        run_all(parts, &text.value).await.map_err(|error| SeedError::at(text.referenced.line(), error.message))?;
    }
    names.jobs(&desk, &document.jobs).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_begin_where_their_first_word_is() {
        let text = "-- all; of it\nSELECT 1;\n\n/* two\nlines */ SELECT\n 2; SELECT ';\n';\nSELECT 4";
        let lines: Vec<_> = (0..5).map(|index| line_of(text, index)).collect();
        assert_eq!(lines, [Some(2), Some(5), Some(6), Some(8), None]);
    }
}
