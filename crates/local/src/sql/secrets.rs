//! The secrets of the workspace's scopes, as statements read them.

use super::engine::host::Secrets;
use crate::state::secrets::{Caller, SecretScopes};
use crate::state::{Shared, lock};

/// The secrets of all scopes, and who reads them.
#[derive(Debug)]
pub(super) struct SecretsOf {
    scopes: Shared<SecretScopes>,
    caller: Caller,
}

impl SecretsOf {
    pub(super) fn new(scopes: &Shared<SecretScopes>, user: &str, is_admin: bool) -> Self {
        let groups: &'static [&'static str] = if is_admin { &["users", "admins"] } else { &["users"] };
        Self { scopes: Shared::clone(scopes), caller: Caller { name: user.to_owned(), groups } }
    }
}

impl Secrets for SecretsOf {
    fn value(&self, scope: &str, key: &str) -> Option<Vec<u8>> {
        lock(&self.scopes).get(scope, key, &self.caller).ok()
    }

    fn keys(&self, scope: Option<&str>) -> Option<Vec<(String, String)>> {
        let mut scopes = lock(&self.scopes);
        let text = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let names = match scope {
            Some(scope) => vec![scope.to_owned()],
            None => scopes.list(&self.caller).iter().map(|scope| text(scope, "name")).collect(),
        };
        let mut all = Vec::new();
        for name in names {
            let keys = scopes.keys(&name, &self.caller).ok()?;
            all.extend(keys.iter().map(|secret| (name.clone(), text(secret, "key"))));
        }
        Some(all)
    }
}
