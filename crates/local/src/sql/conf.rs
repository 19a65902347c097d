//! Settings that clients state for a session or a statement.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Failure;

/// What the settings of a session or statement come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) catalog: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) timeout: Option<Duration>,
    /// What SET statements of the session start from.
    pub(crate) settings: BTreeMap<String, String>,
    /// Whether timestamps are strings in Arrow results.
    pub(crate) timestamps_as_text: Option<bool>,
}

impl Config {
    /// Reads settings. What would change a result and is not done is refused, as is a name that does not exist.
    pub(crate) fn read(pairs: &[(String, String)]) -> Result<Self, Failure> {
        let mut config = Self::default();
        for (name, value) in pairs {
            config.set(name, value)?;
        }
        Ok(config)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let bare = ["set:hiveconf:", "set:hivevar:", "set:"].iter().find_map(|prefix| name.strip_prefix(prefix));
        let lower = bare.unwrap_or(name).to_ascii_lowercase();
        match lower.as_str() {
            "use:catalog" => self.catalog = Some(value.to_lowercase()),
            "use:database" | "use:schema" => self.schema = Some(value.to_lowercase()),
            "spark.thriftserver.arrowbasedrowset.timestampasstring" => {
                self.timestamps_as_text = Some(boolean(name, value)?);
            }
            "statement_timeout" => {
                let seconds: u64 = value.trim().parse().map_err(|_| invalid(name, value))?;
                self.timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
                self.settings.insert(lower, seconds.to_string());
            }
            "ansi_mode" | "spark.sql.ansi.enabled" => {
                if !boolean(name, value)? {
                    return Err(not_supported(&format!("{name} = {value}: its SQL follows the ANSI mode")));
                }
            }
            "timezone" | "spark.sql.session.timezone" => {
                #[cfg(feature = "engine")]
                super::engine::time_zone(value)?;
                self.settings.insert("timezone".to_owned(), value.trim().to_owned());
            }
            "legacy_time_parser_policy" | "spark.sql.legacy.timeparserpolicy" => {
                if value.eq_ignore_ascii_case("legacy") {
                    return Err(not_supported(&format!("{name} = {value}")));
                }
            }
            // No result depends on these.
            "use_cached_result"
            | "enable_photon"
            | "query_tags"
            | "max_file_partition_bytes"
            | "spark.sql.files.maxpartitionbytes"
            | "read_only_external_metastore" => {}
            // How the service makes its responses; what they may be is bounded by what the client states it can read.
            _ if lower.starts_with("spark.thriftserver.") || lower.starts_with("spark.sql.thriftserver.") => {}
            _ => {
                return Err(Failure::class(
                    "CONFIG_NOT_AVAILABLE",
                    &format!("Configuration {name} is not available."),
                    "42K0I",
                ));
            }
        }
        Ok(())
    }
}

fn not_supported(what: &str) -> Failure {
    Failure::class("UNSUPPORTED_FEATURE", &format!("The embedded workspace does not support {what}."), "0A000")
}

fn boolean(name: &str, value: &str) -> Result<bool, Failure> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(name, value)),
    }
}

fn invalid(name: &str, value: &str) -> Failure {
    let text = format!("The value '{value}' of the configuration {name} is not one that it can have.");
    Failure::class("INVALID_CONF_VALUE", &text, "22022")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Config::read(&pairs).map_err(|e| format!("{e:?}"))
    }

    #[test]
    fn settings_are_done_or_refused() {
        let config = read(&[
            ("use:catalog", "Main"),
            ("use:database", "S"),
            ("STATEMENT_TIMEOUT", "30"),
            ("set:hiveconf:ANSI_MODE", "true"),
            ("spark.thriftserver.arrowBasedRowSet.timestampAsString", "false"),
            ("timezone", "Europe/Berlin"),
        ]);
        let config = config.unwrap();
        assert_eq!(config.settings["timezone"], "Europe/Berlin");
        assert_eq!((config.catalog.as_deref(), config.schema.as_deref()), (Some("main"), Some("s")));
        assert_eq!((config.timeout, config.timestamps_as_text), (Some(Duration::from_secs(30)), Some(false)));
        for (name, value, why) in [
            ("ansi_mode", "false", "UNSUPPORTED_FEATURE"),
            #[cfg(feature = "engine")]
            ("timezone", "Europe/Nowhere", "INVALID_CONF_VALUE"),
            ("statement_timeout", "soon", "INVALID_CONF_VALUE"),
            ("spark.some.thing", "1", "CONFIG_NOT_AVAILABLE"),
        ] {
            assert!(read(&[(name, value)]).unwrap_err().contains(why), "{name}");
        }
    }
}
