//! The machine that a case describes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use databricks_auth::{Config, Environment};
use serde_json::Value;
use tempfile::TempDir;

use super::browser::ScriptedBrowser;
use super::case::Places;
use super::clock::MovableClock;
use super::keys::Keys;
use super::network::Network;
use super::text;

/// Home, programs and everything else of one case, with its placeholders replaced.
pub(crate) struct Machine {
    pub(crate) case: Value,
    pub(crate) clock: MovableClock,
    pub(crate) keys: Keys,
    pub(crate) network: Network,
    home: TempDir,
    bin: TempDir,
}

impl Machine {
    pub(crate) fn set_up(case: &Value) -> Result<Self, String> {
        let directory = || tempfile::tempdir().map_err(|error| error.to_string());
        let (home, bin) = (directory()?, directory()?);
        let case = Places { home: home.path(), bin: bin.path(), now: SystemTime::now() }.fill(case)?;
        for (name, file) in members(&case, "files") {
            let (content, mode) = match file {
                Value::String(content) => (content.clone(), "0600"),
                other => {
                    (padded(text(other, "content"), other), other.get("mode").and_then(Value::as_str).unwrap_or("0600"))
                }
            };
            write(&home.path().join(name), &content, mode).map_err(|error| format!("{name}: {error}"))?;
        }
        for (name, program) in members(&case, "executables") {
            write(&bin.path().join(name), &padded(text(program, "script"), program), "0755")
                .map_err(|error| format!("{name}: {error}"))?;
        }
        let network = Network::new(case.get("server"));
        let keys = Keys::new(case.get("keyring"));
        Ok(Self { clock: MovableClock::default(), keys, network, home, bin, case })
    }

    fn exec_log(&self) -> PathBuf {
        // Beside the programs, so that no file of the case can be in its place.
        self.bin.path().join(".exec_log")
    }

    /// What the programs noted.
    pub(crate) fn executed(&self) -> Vec<String> {
        fs::read_to_string(self.exec_log()).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The configuration of the case, on this machine.
    pub(crate) fn config(&self) -> Config {
        let path = |path: &Path| path.display().to_string();
        let mut variables = vec![
            ("HOME".to_owned(), path(self.home.path())),
            ("PATH".to_owned(), path(self.bin.path())),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("EXEC_LOG".to_owned(), path(&self.exec_log())),
        ];
        variables.extend(
            members(&self.case, "env")
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())),
        );
        let config = Config::new()
            .environment(Environment::from_iter(variables))
            .home(self.home.path())
            .clock(self.clock.clone())
            .key_store(self.keys.clone())
            .browser(ScriptedBrowser::new(self.case.get("browser"), self.network.clone()));
        members(&self.case, "args").fold(config, |config, (name, value)| match value {
            Value::Array(items) if name == "scopes" => config.scopes(items.iter().filter_map(Value::as_str)),
            Value::Array(items) => {
                config.set(name, items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
            }
            Value::String(text) => config.set(name, text.as_str()),
            other => config.set(name, other.to_string()),
        })
    }
}

fn members<'a>(case: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    case.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// Fills a string with `#` after its end, up to the size that the entry asks for.
fn padded(content: &str, entry: &Value) -> String {
    let size = entry.get("pad_to").and_then(Value::as_u64).unwrap_or(0) as usize;
    let mut content = content.to_owned();
    if content.len() < size {
        content.push('\n');
        content.push_str(&"#".repeat(size.saturating_sub(content.len())));
    }
    content
}

fn write(path: &Path, content: &str, mode: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = u32::from_str_radix(mode, 8).map_err(std::io::Error::other)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    Ok(())
}
