//! Versions of a table as statements name them: by number or by time.

use super::super::errors;
use super::super::spark::cast::cast;
use super::super::spark::times::timestamp_text;
use super::super::spark::types;
use super::super::spark::value::V;
use crate::sql::Failure;
use datafusion::arrow::datatypes::DataType;

/// Separates the name of a table from the version of it that a query reads; no name of the platform's has it.
const MARK: char = '\u{3}';

/// A version of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum At {
    Version(u64),
    /// Microseconds since 1970.
    Time(i64),
}

impl At {
    /// The name under which the planner asks for the version.
    pub(in super::super) fn name(self, table: &str) -> String {
        match self {
            Self::Version(version) => format!("{table}{MARK}v{version}"),
            Self::Time(time) => format!("{table}{MARK}t{time}"),
        }
    }

    /// The table and the version of such a name.
    pub(in super::super) fn of(name: &str) -> Option<(&str, Self)> {
        let (table, at) = name.split_once(MARK)?;
        let version = at.strip_prefix('v').and_then(|n| n.parse().ok()).map(Self::Version);
        Some((table, version.or_else(|| at.strip_prefix('t')?.parse().ok().map(Self::Time))?))
    }

    /// The time that a string stands for.
    pub(in super::super) fn text(text: &str) -> Result<Self, Failure> {
        let value = cast(&V::Str(text.to_owned()), &DataType::Utf8, &types::timestamp());
        match value.map_err(|e| errors::failure(&e))? {
            V::Ts(time) => Ok(Self::Time(time)),
            _ => Err(invalid(text)),
        }
    }
}

pub(in super::super) fn invalid(expression: &str) -> Failure {
    let text = format!("The provided timestamp ({expression}) cannot be converted to a valid timestamp.");
    Failure::class("DELTA_TIMESTAMP_INVALID", &text, "42816")
}

/// A version that is not a number.
pub(in super::super) fn invalid_version(written: &str) -> Failure {
    let text = format!("The provided version ({written}) is not a valid version.");
    Failure::class("DELTA_VERSION_INVALID", &text, "42815")
}

/// NULL in place of a version.
pub(in super::super) fn no_bound() -> Failure {
    let text = "CDC read start/end parameters cannot be null. Please provide a valid version or timestamp.";
    Failure::class("DELTA_CDC_READ_NULL_RANGE_BOUNDARY", text, "22004")
}

pub(super) fn no_version(wanted: u64, earliest: u64, latest: u64) -> Failure {
    let text =
        format!("Cannot time travel Delta table to version {wanted}. Available versions: [{earliest}, {latest}].");
    Failure::class("DELTA_VERSION_NOT_FOUND", &text, "22003")
}

/// A time as the errors of Delta write it.
fn shown(ms: i64) -> String {
    let text = timestamp_text(ms.saturating_mul(1000));
    if text.contains('.') { text } else { format!("{text}.0") }
}

pub(super) fn too_late(wanted: i64, latest: i64) -> Failure {
    let text = format!(
        "The provided timestamp ({}) is after the latest version available to this table ({}). Please use a timestamp before or at {}.",
        shown(wanted),
        shown(latest),
        timestamp_text(latest.saturating_mul(1000))
    );
    Failure::class("DELTA_TIMESTAMP_GREATER_THAN_COMMIT", &text, "42816")
}

pub(super) fn too_early(wanted: i64, earliest: i64) -> Failure {
    let text = format!(
        "The provided timestamp ({}) is before the earliest version available to this table ({}). Please use a timestamp after {}.",
        shown(wanted),
        shown(earliest),
        timestamp_text(earliest.saturating_mul(1000))
    );
    Failure::class("DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION", &text, "42816")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_versions() {
        for at in [At::Version(0), At::Version(u64::MAX), At::Time(-1), At::Time(1_700_000_000_123_456)] {
            assert_eq!(At::of(&at.name("a b")), Some(("a b", at)));
        }
        assert_eq!(At::of("t"), None);
        assert_eq!(At::of("t\u{3}x1"), None);
        assert_eq!(At::text("1970-01-02").unwrap(), At::Time(86_400_000_000));
        assert!(At::text("yesterday-ish").is_err());
    }
}
