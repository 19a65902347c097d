//! The environment variables of the process, or of a test.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A set of environment variables, read once and passed around, so that nothing reads or changes those of the process.
///
/// An empty value counts as unset.
///
/// ```
/// use databricks_transport::Environment;
///
/// let env = Environment::from_iter([("DATABRICKS_HOST", "https://example.com"), ("DATABRICKS_TOKEN", "")]);
/// assert_eq!(env.var("DATABRICKS_HOST").as_deref(), Some("https://example.com"));
/// assert_eq!(env.var("DATABRICKS_TOKEN"), None);
/// ```
#[derive(Clone, Default)]
pub struct Environment(Arc<BTreeMap<String, String>>);

impl Environment {
    /// The variables of this process, as they are now. Those that are not Unicode are left out.
    pub fn process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// No variables at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The value of a variable; `None` if it is unset or empty.
    ///
    /// Names are compared exactly, on Windows in any case of letters.
    pub fn var(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// As [`var`](Self::var), without a copy.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = if cfg!(windows) {
            self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        } else {
            self.0.get(name)
        };
        value.map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether the variable is there at all, even if empty.
    pub fn contains(&self, name: &str) -> bool {
        self.0.keys().any(|other| other == name || (cfg!(windows) && other.eq_ignore_ascii_case(name)))
    }

    /// The names of all variables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All variables, also empty ones, sorted by name. For the environment of a child process.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        Self(Arc::new(iter.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset_but_present() {
        let env = Environment::from_iter([("A", ""), ("B", "secret")]);
        assert_eq!((env.var("A"), env.get("B"), env.var("C")), (None, Some("secret"), None));
        assert!(env.contains("A") && !env.contains("C"));
        assert_eq!(env.names().collect::<Vec<_>>(), ["A", "B"]);
        assert!(!format!("{env:?}").contains("secret"));
    }
}
