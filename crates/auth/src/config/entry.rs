//! Settings that the key store keeps.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use databricks_core::Secret;

use super::attributes::Key;
use crate::error::{AuthError, AuthErrorKind, feature_off};
use crate::store::key_store::{KeyStore, KeyStoreError, LIMIT};
use crate::store::system::given_or_system;

/// Reads an entry, which must be there.
///
/// On a thread of its own: key stores may block, and some panic on a thread of an async runtime.
pub(super) fn read(
    given: Option<Arc<dyn KeyStore>>,
    key: Key,
    service: &str,
    account: &str,
) -> Result<Secret, AuthError> {
    let name = key.name();
    let failed = |what: String| AuthError::new(AuthErrorKind::InvalidValue, what);
    let Some(store) = given_or_system(given) else {
        let what = format!("{name} is to come from the system's key store, and {}", feature_off("keyring"));
        return Err(failed(what).with_hint("enable it, or set a key store in code"));
    };
    let (sender, receiver) = mpsc::channel();
    let (of, whose) = (service.to_owned(), account.to_owned());
    // A store that does not respond keeps its thread; it is no longer waited for.
    let reader = thread::Builder::new().spawn(move || sender.send(store.get(&of, &whose)));
    let outcome = match reader {
        Err(error) => Err(KeyStoreError::Failed(format!("no thread could be started for it: {error}"))),
        Ok(_) => receiver.recv_timeout(LIMIT).unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => KeyStoreError::Timeout,
                RecvTimeoutError::Disconnected => KeyStoreError::Failed("it panicked".to_owned()),
            })
        }),
    };
    match outcome {
        Ok(Some(secret)) if !secret.expose().trim().is_empty() => Ok(secret),
        Ok(_) => {
            Err(failed(format!("{name} is to come from the key store, which has no entry {account} of {service}"))
                .with_hint("store the secret under these names, or correct them"))
        }
        Err(error) => Err(failed(format!("{name} is to come from entry {account} of {service}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::config::Source;

    #[derive(Debug)]
    enum Store {
        One(&'static str),
        Locked,
        Broken,
    }

    impl KeyStore for Store {
        fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, KeyStoreError> {
            match self {
                Self::One(secret) => {
                    Ok(((service, account) == ("databricks", "work")).then(|| Secret::from((*secret).to_owned())))
                }
                Self::Locked => Err(KeyStoreError::Failed("it is locked".to_owned())),
                Self::Broken => panic!("a store of the caller's own"),
            }
        }
        fn set(&self, _: &str, _: &str, _: &Secret) -> Result<(), KeyStoreError> {
            Ok(())
        }
        fn delete(&self, _: &str, _: &str) -> Result<(), KeyStoreError> {
            Ok(())
        }
    }

    fn config(store: Store) -> Config {
        Config::hermetic().host("ws.example.com").key_store(store)
    }

    #[test]
    fn a_token_comes_from_the_key_store() {
        let config = config(Store::One("dapi-from-store\n")).set_from_key_store("token", "databricks", "work");
        assert!(!format!("{config:?}").contains("dapi"), "{config:?}");
        // A token that was taken for the name of an entry.
        let mistaken =
            Config::hermetic().set_from_key_store("token", "databricks", "dapi0123456789abcdef0123456789abcdef");
        assert!(!format!("{mistaken:?}").contains("dapi0123456789abcdef"), "{mistaken:?}");
        let resolved = config.resolve().unwrap();
        assert_eq!(resolved.secret_of(Key::Token).unwrap().expose(), "dapi-from-store");
        let source = resolved.source("token").unwrap();
        assert_eq!(source.to_string(), "entry work of databricks in the key store");
        assert!(matches!(source, Source::KeyStore { .. }));
        assert!(resolved.warnings().is_empty(), "{:?}", resolved.warnings());
    }

    #[test]
    fn what_fails_names_the_setting_and_the_entry() {
        for (store, account, says) in [
            (Store::One("x"), "other", "no entry other of databricks"),
            (Store::One(" "), "work", "no entry work of databricks"),
            (Store::Locked, "work", "it is locked"),
            (Store::Broken, "work", "it panicked"),
        ] {
            let error =
                config(store).set_from_key_store("token", "databricks", account).resolve().unwrap_err().to_string();
            assert!(error.contains("token") && error.contains(says), "{error}");
        }
        let error = config(Store::Locked).set_from_key_store("tokn", "a", "b").resolve().unwrap_err().to_string();
        assert!(error.contains("no attribute is named tokn"), "{error}");
    }

    #[test]
    fn the_last_of_two_settings_counts() {
        let both = config(Store::One("stored")).token("given").set_from_key_store("token", "databricks", "work");
        assert_eq!(both.resolve().unwrap().secret_of(Key::Token).unwrap().expose(), "stored");
        let both = config(Store::Locked).set_from_key_store("token", "databricks", "work").token("given");
        assert_eq!(both.resolve().unwrap().secret_of(Key::Token).unwrap().expose(), "given");
    }
}
