//! Logins of `external-browser`, in the location and form of the official Python SDK, so that each finds the other's.
//!
//! `~/.config/databricks-sdk-py/oauth/<digest>.json` with `{"token": {…}}`. The digest is of host, client, scopes and
//! profile.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::entry::Entry;
use crate::timestamps;

/// What distinguishes one login from another.
#[derive(Debug)]
pub(crate) struct SessionKey<'a> {
    pub(crate) host: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) profile: &'a str,
    pub(crate) group_id: Option<&'a str>,
}

impl SessionKey<'_> {
    /// The digest of the JSON that Python writes: sorted members, a space after commas and colons, ASCII only.
    fn digest(&self) -> String {
        let mut text = format!("{{\"client_id\": {}", ascii(self.client_id));
        if let Some(group) = self.group_id {
            text.push_str(&format!(", \"group_id\": {}", ascii(group)));
        }
        let scopes: Vec<_> = self.scopes.iter().map(|scope| ascii(scope)).collect();
        let scopes = scopes.join(", ");
        text.push_str(&format!(
            ", \"host\": {}, \"profile\": {}, \"scopes\": [{scopes}]}}",
            ascii(self.host),
            ascii(self.profile)
        ));
        hmac_sha256::Hash::hash(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A JSON string in ASCII.
fn ascii(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let mut out = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// The file of one login.
pub(crate) struct SessionFile {
    path: PathBuf,
}

impl fmt::Debug for SessionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFile").field("path", &self.path).finish()
    }
}

impl SessionFile {
    pub(crate) fn new(home: &Path, key: &SessionKey<'_>) -> Self {
        Self { path: home.join(".config/databricks-sdk-py/oauth").join(key.digest()).with_extension("json") }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The login; `None` if there is none that can be read. Its expiry is in UTC then.
    ///
    /// `zone` is the variable `TZ`: Python writes local time.
    pub(crate) fn get(&self, zone: Option<&str>, now: SystemTime) -> Option<Entry> {
        let document: Value = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        let mut token = document.get("token")?.clone();
        let text = token.get("expiry").and_then(Value::as_str)?.to_owned();
        let has_zone = text.ends_with('Z') || text.get(19..).is_some_and(|tail| tail.contains(['+', '-']));
        if !has_zone {
            let left = timestamps::local(&text, zone, now)?;
            token["expiry"] = timestamps::stamp(left, now)?.into();
        }
        Entry::from_json(&token)
    }

    /// Stores a login, readable by its owner only.
    pub(crate) fn put(&self, entry: &Entry, now: SystemTime) -> std::io::Result<()> {
        let mut token = entry.to_json();
        // Whole seconds and an offset in digits: what every version of Python reads.
        let whole = std::time::Duration::from_secs(entry.left(now).as_secs());
        let at = jiff::Timestamp::try_from(now + whole).map_err(std::io::Error::other)?;
        token["expiry"] = at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string().into();
        super::token_file::create_private(self.path.parent().unwrap_or(Path::new(".")))?;
        crate::platform::replace_file(&self.path, &json!({ "token": token }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::Token;

    fn key<'a>(scopes: &'a [String], host: &'a str) -> SessionKey<'a> {
        SessionKey { host, client_id: "databricks-cli", scopes, profile: "", group_id: None }
    }

    #[test]
    fn digests_are_those_of_python() {
        let scopes = ["all-apis".to_owned(), "offline_access".to_owned()];
        // hashlib.sha256(json.dumps({...}, sort_keys=True).encode()).hexdigest()
        assert_eq!(
            key(&scopes, "https://ws.example.com").digest(),
            "ceb248e829cba1589245979a264048ac72e1ed49ff55ea38ccaf94768e92c7c0"
        );
        let odd = SessionKey { profile: "prö\"f", group_id: Some("7"), ..key(&scopes, "https://ws.example.com") };
        assert_eq!(odd.digest(), "c3fd1c1286eb7e45fcf854b6f0b49c2d19b0cb9b32f8350fc984ec0080a485b8");
    }

    #[test]
    fn ends_with_and_without_zone() {
        let home = tempfile::tempdir().unwrap();
        let scopes = ["all-apis".to_owned()];
        let file = SessionFile::new(home.path(), &key(&scopes, "https://h"));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert!(file.get(None, now).is_none());
        let mut entry = Entry::default();
        entry.renew(&Token::new("at").expires_in(Duration::from_millis(60_500)), Some("rt"), now);
        file.put(&entry, now).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(text.contains("2023-11-14T22:14:20+00:00"), "{text}");
        assert_eq!(file.get(None, now).unwrap().left(now), Duration::from_secs(60));
        for (expiry, zone) in [("2023-11-14T22:14:20.500000", "UTC"), ("2023-11-14T23:14:20", "Etc/GMT-1")] {
            fs::write(file.path(), text.replace("2023-11-14T22:14:20+00:00", expiry)).unwrap();
            assert_eq!(file.get(Some(zone), now).unwrap().left(now).as_secs(), 60, "{expiry}");
        }
        for broken in ["", "{}", "{\"token\": 1}", "{\"token\": {\"expiry\": \"soon\"}}"] {
            fs::write(file.path(), broken).unwrap();
            assert!(file.get(None, now).is_none(), "{broken}");
        }
    }
}
