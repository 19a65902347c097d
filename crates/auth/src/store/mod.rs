//! Where logins are stored: the CLI's file, or the system's key store.

mod entry;
pub(crate) mod key_store;
#[cfg(feature = "keyring")]
mod keyring;
mod lock;
mod logins;
mod session_file;
pub(crate) mod storage;
pub(crate) mod system;
mod token_file;

pub(crate) use entry::Entry;
pub use key_store::{KeyStore, KeyStoreError};
pub(crate) use lock::Lock;
pub(crate) use logins::Logins;
pub(crate) use session_file::{SessionFile, SessionKey};
pub use storage::Storage;
