//! The system's key store: Secret Service on Linux and its like, the Keychain on macOS, the Credential Manager on
//! Windows.
//!
//! Entries have the form that the library of the official CLI uses, so that both find each other's logins.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_core::Secret;
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};

use super::key_store::{KeyStore, KeyStoreError};

/// What the CLI's library puts before a secret on macOS, where it passes secrets through a program that takes plain
/// strings only.
const ENCODED: &str = "go-keyring-base64:";

/// The store of this system. It is reached anew by every operation: a connection that is kept would be closed wherever its
/// last owner ends, and closing the Secret Service's blocks, which panics on a thread of an async runtime.
#[derive(Debug)]
pub(crate) struct SystemKeyStore;

/// The system's key store, if this build has it.
pub(crate) fn system() -> Option<Arc<dyn KeyStore>> {
    Some(Arc::new(SystemKeyStore))
}

impl SystemKeyStore {
    fn entry(service: &str, account: &str) -> Result<Entry, KeyStoreError> {
        let target = format!("{service}:{account}");
        // The name that an entry has on Windows; elsewhere service and account are attributes.
        let modifiers = cfg!(windows).then(|| HashMap::from([("target", target.as_str())]));
        let store = open().map_err(|error| KeyStoreError::Unavailable(error.to_string()))?;
        store.build(service, account, modifiers.as_ref()).map_err(failed)
    }
}

#[cfg(any(target_os = "linux", target_os = "freebsd", target_os = "openbsd"))]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "freebsd", target_os = "openbsd", target_os = "macos", windows)))]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NotSupportedByStore("this system has no supported key store".to_owned()))
}

/// What an error means for falling back to the file.
fn failed(error: Error) -> KeyStoreError {
    match error {
        Error::NoDefaultStore | Error::NotSupportedByStore(_) => KeyStoreError::Unavailable(error.to_string()),
        // Errors may hold what they could not read.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            KeyStoreError::Failed("the entry is not valid UTF-8".to_owned())
        }
        error => KeyStoreError::Failed(error.to_string()),
    }
}

impl KeyStore for SystemKeyStore {
    fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, KeyStoreError> {
        match Self::entry(service, account)?.get_secret() {
            Ok(bytes) => {
                decode(bytes).map(Some).ok_or_else(|| KeyStoreError::Failed("the entry is not valid UTF-8".to_owned()))
            }
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn set(&self, service: &str, account: &str, secret: &Secret) -> Result<(), KeyStoreError> {
        Self::entry(service, account)?.set_secret(secret.expose().as_bytes()).map_err(failed)
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), KeyStoreError> {
        match Self::entry(service, account)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

/// The secret as a string, with the CLI's encoding undone.
fn decode(bytes: Vec<u8>) -> Option<Secret> {
    let text = String::from_utf8(bytes).ok()?;
    match text.strip_prefix(ENCODED) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok().map(Secret::from),
        None => Some(Secret::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_and_plain_entries() {
        assert_eq!(decode(b"{\"token\":1}".to_vec()).unwrap().expose(), "{\"token\":1}");
        assert_eq!(decode(b"go-keyring-base64:e30=".to_vec()).unwrap().expose(), "{}");
        assert!(decode(b"go-keyring-base64:%%".to_vec()).is_none());
        assert!(decode(vec![0xff]).is_none());
    }
}
