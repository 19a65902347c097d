//! The official CLI's token cache file.
//!
//! `{"version": 1, "tokens": {"<key>": {…}}}`, readable by its owner only, replaced as a whole. Entries of other logins
//! and unknown members are kept.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::entry::Entry;

const VERSION: i64 = 1;

/// The file at a path.
#[derive(Clone, Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The entry of a key. The error is a sentence that names the path.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Entry>, String> {
        let Some(document) = self.read()? else { return Ok(None) };
        Ok(document.pointer("/tokens").and_then(|tokens| tokens.get(key)).and_then(Entry::from_json))
    }

    /// Stores an entry under some keys, unless one stored there meanwhile expires later.
    pub(crate) fn put(&self, keys: &[&str], entry: &Entry) -> Result<(), String> {
        self.change(|tokens| {
            for key in keys {
                let have = tokens.get(*key).and_then(Entry::from_json);
                if have.is_none_or(|have| !ends_later(&have, entry)) {
                    tokens.insert((*key).to_owned(), entry.to_json());
                }
            }
        })
    }

    /// Removes entries.
    pub(crate) fn delete(&self, keys: &[&str]) -> Result<(), String> {
        if self.read()?.is_none() {
            return Ok(());
        }
        self.change(|tokens| {
            for key in keys {
                tokens.remove(*key);
            }
        })
    }

    fn failed(&self, why: impl std::fmt::Display) -> String {
        format!("the token cache {} {why}", self.path.display())
    }

    fn read(&self) -> Result<Option<Value>, String> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(format_args!("cannot be read: {error}"))),
        };
        parse(&bytes).map(Some).map_err(|why| self.failed(why))
    }

    fn change(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), String> {
        let mut document = self.read()?.unwrap_or_else(|| json!({ "version": VERSION, "tokens": {} }));
        let tokens = document.as_object_mut().map(|members| members.entry("tokens").or_insert_with(|| json!({})));
        let Some(tokens) = tokens.and_then(Value::as_object_mut) else {
            return Err(self.failed("has no object of tokens"));
        };
        change(tokens);
        self.replace(&document).map_err(|error| self.failed(format_args!("cannot be written: {error}")))
    }

    fn replace(&self, document: &Value) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        create_private(directory)?;
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.is_symlink()) {
            let target = fs::canonicalize(&self.path)?;
            if target.parent() != Some(&*fs::canonicalize(directory)?) {
                return Err(io::Error::other("it is a link that leads out of its directory"));
            }
        }
        // Created with mode 0600, so that no other user can open it before the rename either.
        let mut file = tempfile::Builder::new().prefix(".token-cache-").suffix(".tmp").tempfile_in(directory)?;
        let mut text = serde_json::to_vec_pretty(document)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// Reads the document and checks its version.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| {
        format!("is damaged (line {}, column {}); log in again after removing it", error.line(), error.column())
    })?;
    match document.get("version").and_then(Value::as_i64) {
        Some(VERSION) if document.get("tokens").is_none_or(|tokens| tokens.is_object() || tokens.is_null()) => {
            Ok(document)
        }
        Some(VERSION) => Err("has no object of tokens; log in again after removing it".to_owned()),
        Some(other) => Err(format!("has version {other}, and only version {VERSION} is known here")),
        None => Err("states no version; log in again after removing it".to_owned()),
    }
}

fn ends_later(a: &Entry, b: &Entry) -> bool {
    let end = |entry: &Entry| entry.expiry().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match (end(a), end(b)) {
        (Some(a), Some(b)) => a > b,
        _ => false,
    }
}

/// Creates a directory that only its owner can enter.
pub(crate) fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;
    use crate::token::Token;

    fn entry(token: &str, seconds: u64) -> Entry {
        let mut entry = Entry::default();
        entry.renew(
            &Token::new(token).expires_in(Duration::from_secs(seconds)),
            Some("rt"),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        );
        entry
    }

    fn file() -> (tempfile::TempDir, TokenFile) {
        let home = tempfile::tempdir().unwrap();
        let file = TokenFile::new(home.path().join(".databricks").join("token-cache.json"));
        (home, file)
    }

    #[test]
    fn form_of_the_cli() {
        let (_home, file) = file();
        file.put(&["https://h"], &entry("at", 3600)).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        let expected = json!({"version": 1, "tokens": {"https://h": {
            "access_token": "at", "token_type": "Bearer", "refresh_token": "rt", "expiry": "2023-11-14T23:13:20Z"}}});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(file.path()), mode(file.path().parent().unwrap())), (0o600, 0o700));
        }
    }

    #[test]
    fn other_entries_and_unknown_members_are_kept() {
        let (_home, file) = file();
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        fs::write(
            file.path(),
            r#"{"version": 1, "new": true, "tokens": {"a": {"access_token": "x", "odd": 1}, "b": {"odd": 2, "access_token": "old"}}}"#,
        )
        .unwrap();
        let mut b = file.get("b").unwrap().unwrap();
        b.renew(&Token::new("fresh").expires_in(Duration::from_secs(60)), None, SystemTime::UNIX_EPOCH);
        file.put(&["b"], &b).unwrap();
        file.delete(&["c"]).unwrap();
        let document: Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
        assert_eq!(
            (&document["new"], &document["tokens"]["a"]["odd"], &document["tokens"]["b"]["odd"]),
            (&json!(true), &json!(1), &json!(2))
        );
        assert_eq!(document["tokens"]["b"]["access_token"], "fresh");
        file.delete(&["b"]).unwrap();
        assert!(file.get("b").unwrap().is_none() && file.get("a").unwrap().is_some());
    }

    #[test]
    fn a_later_token_of_another_program_stays() {
        let (_home, file) = file();
        file.put(&["k"], &entry("later", 7200)).unwrap();
        file.put(&["k"], &entry("sooner", 3600)).unwrap();
        assert_eq!(file.get("k").unwrap().unwrap().access_token(), Some("later"));
    }

    #[test]
    fn what_cannot_be_read_is_kept() {
        let (_home, file) = file();
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        for text in [
            "{\"version\":1,\"tokens\":{",
            "{\"version\": 2, \"tokens\": {}}",
            "{}",
            "[]",
            "{\"version\":1,\"tokens\":[]}",
        ] {
            fs::write(file.path(), text).unwrap();
            for error in [file.get("k").unwrap_err(), file.put(&["k"], &entry("t", 1)).unwrap_err()] {
                assert!(error.contains("token-cache.json"), "{error}");
            }
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_directory_is_not_followed() {
        let (home, file) = file();
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        let elsewhere = home.path().join("elsewhere.json");
        fs::write(&elsewhere, r#"{"version": 1, "tokens": {}}"#).unwrap();
        std::os::unix::fs::symlink(&elsewhere, file.path()).unwrap();
        assert!(file.put(&["k"], &entry("t", 1)).unwrap_err().contains("link"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn odd_documents_give_errors_or_entries(tokens in "\\{\"k\":(null|1|\"x\"|\\[\\]|\\{\\}|\\{\"access_token\":1\\}|\\{\"expiry\":\"[0-9TZ:-]{0,25}\"\\})\\}") {
            let document = parse(format!("{{\"version\":1,\"tokens\":{tokens}}}").as_bytes()).unwrap();
            if let Some(entry) = Entry::from_json(&document["tokens"]["k"]) {
                let _ = (entry.token(SystemTime::UNIX_EPOCH), entry.left(SystemTime::UNIX_EPOCH));
            }
        }
    }
}
