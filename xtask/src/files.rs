//! A set of files that is written as a whole or compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Files by path relative to the workspace.
#[derive(Debug, Default)]
pub(crate) struct Files {
    contents: BTreeMap<PathBuf, String>,
    /// Directories that hold nothing but files of this set.
    owned: Vec<PathBuf>,
}

impl Files {
    pub(crate) fn add(&mut self, path: impl Into<PathBuf>, content: String) {
        self.contents.insert(path.into(), content);
    }

    /// States that a directory belongs to this set: other files in it are orphans.
    pub(crate) fn own(&mut self, directory: impl Into<PathBuf>) {
        self.owned.push(directory.into());
    }

    /// Everything in one text.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.contents.values().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Writes what differs and removes orphans. Returns how many files changed.
    pub(crate) fn write(&self, root: &Path) -> Result<usize> {
        let differing = self.differing(root)?;
        for path in &differing {
            let full = root.join(path);
            match self.contents.get(path) {
                Some(content) => {
                    let directory = full.parent().context("a file without a directory")?;
                    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
                    fs::write(&full, content).with_context(|| format!("cannot write {}", full.display()))?;
                }
                None => fs::remove_file(&full).with_context(|| format!("cannot remove {}", full.display()))?,
            }
        }
        Ok(differing.len())
    }

    /// Compares bytes and the set of files.
    pub(crate) fn check(&self, root: &Path, command: &str) -> Result<()> {
        let differing = self.differing(root)?;
        if differing.is_empty() {
            return Ok(());
        }
        let list: String = differing
            .iter()
            .map(|path| {
                let what = match (self.contents.contains_key(path), root.join(path).exists()) {
                    (true, true) => "differs",
                    (true, false) => "is missing",
                    (false, _) => "is not generated",
                };
                format!("  {} {what}\n", path.display())
            })
            .collect();
        bail!("{} generated files are not what the description gives:\n{list}run `{command}`", differing.len())
    }

    fn differing(&self, root: &Path) -> Result<BTreeSet<PathBuf>> {
        let mut differing = BTreeSet::new();
        for (path, content) in &self.contents {
            if fs::read_to_string(root.join(path)).ok().as_deref() != Some(content) {
                differing.insert(path.clone());
            }
        }
        for directory in &self.owned {
            for path in walk(&root.join(directory))? {
                let relative = path.strip_prefix(root)?.to_owned();
                if !self.contents.contains_key(&relative) {
                    differing.insert(relative);
                }
            }
        }
        Ok(differing)
    }
}

fn walk(directory: &Path) -> Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(walk(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// The text of a file, or an error that names it.
pub(crate) fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touched_missing_and_orphaned_files_are_told_and_mended() {
        let root = std::env::temp_dir().join(format!("xtask-files-{}", std::process::id()));
        let mut files = Files::default();
        files.own("gen");
        files.add("gen/a.rs", "a".to_owned());
        files.add("gen/deep/b.rs", "b".to_owned());
        assert_eq!(files.write(&root).unwrap(), 2);
        files.check(&root, "x").unwrap();

        fs::write(root.join("gen/a.rs"), "touched").unwrap();
        fs::remove_file(root.join("gen/deep/b.rs")).unwrap();
        fs::write(root.join("gen/deep/c.rs"), "orphan").unwrap();
        let text = files.check(&root, "cargo xtask codegen").unwrap_err().to_string();
        for part in
            ["gen/a.rs differs", "gen/deep/b.rs is missing", "gen/deep/c.rs is not generated", "cargo xtask codegen"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(files.write(&root).unwrap(), 3);
        assert_eq!(files.write(&root).unwrap(), 0);
        files.check(&root, "x").unwrap();
        fs::remove_dir_all(&root).unwrap();
    }
}
