//! Secrets by the names that `dbutils.secrets` and configurations use.

use std::fmt;
use std::str::FromStr;

use databricks_core::{Error, ErrorKind, Result, Secret};

use crate::SecretBytes;
use crate::services::workspace::Secrets;

impl Secrets {
    /// The names of the scopes: `dbutils.secrets.listScopes()`.
    ///
    /// # Errors
    /// As any call.
    pub async fn scope_names(&self) -> Result<Vec<String>> {
        let scopes = self.list_scopes().items().try_collect().await?;
        Ok(scopes.into_iter().filter_map(|scope| scope.name).collect())
    }

    /// The keys of a scope: `dbutils.secrets.list(scope)`.
    ///
    /// # Errors
    /// [`is_not_found`](Error::is_not_found) when there is no such scope; else as any call.
    pub async fn keys(&self, scope: impl Into<String>) -> Result<Vec<String>> {
        let secrets = self.list_secrets(scope).items().try_collect().await?;
        Ok(secrets.into_iter().filter_map(|secret| secret.key).collect())
    }

    /// The value that a configuration refers to, as bytes.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub async fn resolve_bytes(&self, reference: &SecretReference) -> Result<SecretBytes> {
        self.value(reference.scope(), reference.key()).await
    }

    /// The value that a configuration refers to, as a string.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// let password = w.secrets().resolve(&"{{secrets/jdbc/password}}".parse()?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub async fn resolve(&self, reference: &SecretReference) -> Result<Secret> {
        self.text(reference.scope(), reference.key()).await
    }
}

/// The name of a secret as Spark settings, environment variables of clusters and serving endpoints have it:
/// `{{secrets/<scope>/<key>}}`. It is not a secret itself.
///
/// ```
/// use databricks_sdk::SecretReference;
///
/// let reference: SecretReference = "{{secrets/jdbc/password}}".parse().unwrap();
/// assert_eq!((reference.scope(), reference.key()), ("jdbc", "password"));
/// assert_eq!(reference.to_string(), "{{secrets/jdbc/password}}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretReference {
    scope: String,
    key: String,
}

impl SecretReference {
    /// A reference to the secret of a scope.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a name is empty or has characters that names of scopes and keys cannot have.
    pub fn new(scope: impl Into<String>, key: impl Into<String>) -> Result<Self> {
        let (scope, key) = (scope.into(), key.into());
        // A key may have letters, digits, `-`, `_` and `.`; a scope also `@`, spaces and `/`.
        let is_key = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_scope = |c: char| is_key(c) || matches!(c, '@' | ' ' | '/');
        for (what, name, fits) in
            [("scope", &scope, scope.chars().all(is_scope)), ("key", &key, key.chars().all(is_key))]
        {
            if name.is_empty() || !fits {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("{name:?} is not the name of a secret's {what}"),
                ));
            }
        }
        Ok(Self { scope, key })
    }

    /// The name of the scope.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The name of the secret in the scope.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{secrets/{}/{}}}}}", self.scope, self.key)
    }
}

impl FromStr for SecretReference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let names = inner.and_then(|inner| inner.trim().strip_prefix("secrets/")?.rsplit_once('/'));
        let (scope, key) = names.ok_or_else(|| {
            // What was meant as a reference may be the value itself.
            Error::new(ErrorKind::InvalidInput, "the string is not a reference to a secret: {{secrets/<scope>/<key>}}")
        })?;
        Self::new(scope, key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_references_are_read() {
        for wrong in
            ["", "hunter2", "{{secrets/a}}", "{secrets/a/b}", "{{secrets//b}}", "{{secrets/a/}}", "{{secret/a/b}}"]
        {
            let error = wrong.parse::<SecretReference>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert_eq!(" {{ secrets/a/b }} ".parse::<SecretReference>().unwrap(), SecretReference::new("a", "b").unwrap());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(scope in "[a-zA-Z0-9@_. /-]{1,20}", key in "[a-zA-Z0-9_.-]{1,20}") {
            let reference = SecretReference::new(scope, key).unwrap();
            prop_assert_eq!(reference.to_string().parse::<SecretReference>().unwrap(), reference);
        }
    }
}
