//! Where a value came from.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where the value of an attribute came from. `Display` describes it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Set in code.
    Explicit,
    /// An environment variable.
    #[non_exhaustive]
    Environment {
        /// Its name.
        variable: String,
    },
    /// A profile of the profile file.
    #[non_exhaustive]
    Profile {
        /// The section.
        profile: String,
        /// The file.
        file: PathBuf,
        /// The line of the value, counted from 1; `None` for the choice of the profile itself.
        line: Option<usize>,
    },
    /// Another attribute that implies it: the query of `host`, or `token_endpoint`.
    #[non_exhaustive]
    Attribute {
        /// The name of that attribute.
        name: &'static str,
    },
    /// The host's metadata document, `/.well-known/databricks-config`.
    Metadata,
    /// A provider that found it, such as the tenant of an Azure workspace.
    #[non_exhaustive]
    Provider {
        /// The provider.
        name: String,
    },
    /// An entry of the key store; see [`Config::set_from_key_store`](crate::Config::set_from_key_store).
    #[non_exhaustive]
    KeyStore {
        /// Its service.
        service: String,
        /// Its account.
        account: String,
    },
    /// The default.
    Default,
}

impl Source {
    pub(crate) fn variable(name: &str) -> Self {
        Self::Environment { variable: name.to_owned() }
    }

    pub(crate) fn profile(profile: &str, file: &Path, line: Option<usize>) -> Self {
        Self::Profile { profile: profile.to_owned(), file: file.to_owned(), line }
    }

    /// Whether the value, or where it is kept, was set in code.
    pub(crate) fn is_code(&self) -> bool {
        matches!(self, Self::Explicit | Self::KeyStore { .. })
    }

    /// Whether both are the same named place: the same profile, or both the environment, or both code.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Profile { profile: a, file: f, .. }, Self::Profile { profile: b, file: g, .. }) => a == b && f == g,
            (Self::Environment { .. }, Self::Environment { .. }) => true,
            (a, b) => a == b,
        }
    }

    /// The attribute as its source spells it: the variable, or the key of the file.
    pub(crate) fn spelled(&self, attribute: &str) -> String {
        match self {
            Self::Environment { variable } => format!("environment variable {variable}"),
            Self::Profile { file, line: Some(line), .. } => format!("{attribute} in {} line {line}", file.display()),
            _ => attribute.to_owned(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit => f.write_str("set in code"),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Profile { profile, file, line } => {
                write!(f, "profile {profile} of {}", file.display())?;
                line.map_or(Ok(()), |line| write!(f, ", line {line}"))
            }
            Self::Attribute { name } => write!(f, "from {name}"),
            Self::KeyStore { service, account } => write!(f, "entry {account} of {service} in the key store"),
            Self::Metadata => f.write_str("metadata of the host"),
            Self::Provider { name } => write!(f, "found by {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}
