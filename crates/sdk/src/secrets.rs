//! Values of secrets.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_core::{Error, ErrorKind, Result, Secret};
use databricks_models::workspace::secrets::GetSecret;
use zeroize::Zeroizing;

use crate::services::workspace::Secrets;

impl Secrets {
    /// The value of a secret as bytes.
    ///
    /// # Errors
    /// [`is_not_found`](Error::is_not_found) when there is no such scope or key; else as any call.
    pub async fn value(&self, scope: impl Into<String>, key: impl Into<String>) -> Result<SecretBytes> {
        let response = self.client.call(GetSecret::new(scope, key)).await?;
        let encoded = Zeroizing::new(response.value.unwrap_or_default());
        let decoded = STANDARD.decode(encoded.as_bytes());
        // The cause would name a character of the value.
        decoded.map(|bytes| SecretBytes(Zeroizing::new(bytes))).map_err(|_| {
            Error::new(ErrorKind::Decode, "the value of the secret is not base64").with_operation("secrets.get_secret")
        })
    }

    /// The value of a secret as a string.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// let password = w.secrets().text("jdbc", "password").await?;
    /// println!("{password:?}"); // **REDACTED**
    /// let url = format!("postgres://app:{}@db.example.com", password.expose());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`value`](Self::value); [`ErrorKind::Decode`] when it is not UTF-8.
    pub async fn text(&self, scope: impl Into<String>, key: impl Into<String>) -> Result<Secret> {
        self.value(scope, key).await?.text()
    }
}

/// The value of a secret. `Debug` does not show it, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes themselves. Never print them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a string.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when they are not UTF-8.
    pub fn text(&self) -> Result<Secret> {
        std::str::from_utf8(&self.0).map(Secret::from).map_err(|_| {
            Error::new(ErrorKind::Decode, "the value of the secret is not UTF-8").with_hint("take it as bytes")
        })
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(databricks_core::redact::REDACTED)
    }
}
