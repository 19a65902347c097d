//! Which key store is used.

use std::sync::Arc;

use super::key_store::KeyStore;

/// The key store that was given, or else the system's, if this build has it.
pub(crate) fn given_or_system(given: Option<Arc<dyn KeyStore>>) -> Option<Arc<dyn KeyStore>> {
    #[cfg(feature = "keyring")]
    let given = given.or_else(super::keyring::system);
    given
}
