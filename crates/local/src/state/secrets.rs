//! Secret scopes, the secrets in them, and who may use them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::kept::Kept;
use crate::records::store::Record;
use crate::reply::ApiError;

/// The most bytes of a secret.
const LARGEST: usize = 128 * 1024;
/// The most secrets of a scope.
const MOST: usize = 1000;

/// What a principal may do with a scope; a later one includes those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permission {
    Read,
    Write,
    Manage,
}

impl Permission {
    pub(crate) const NAMES: &[&'static str] = &["READ", "WRITE", "MANAGE"];

    pub(crate) fn of(name: &str) -> Self {
        match name {
            "MANAGE" => Self::Manage,
            "WRITE" => Self::Write,
            _ => Self::Read,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Manage => "MANAGE",
        }
    }
}

/// Who asks: a name and the groups it is in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) groups: &'static [&'static str],
}

/// All scopes by name.
#[derive(Debug, Default)]
pub(crate) struct SecretScopes {
    all: BTreeMap<String, Scope>,
    kept: Kept,
}

#[derive(Clone, Default)]
struct Scope {
    secrets: BTreeMap<String, SecretValue>,
    acls: BTreeMap<String, Permission>,
}

#[derive(Clone)]
struct SecretValue {
    bytes: Vec<u8>,
    updated_ms: i64,
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("secrets", &self.secrets.len()).field("acls", &self.acls).finish()
    }
}

impl Scope {
    /// As it is kept on disk.
    fn record(&self) -> Record {
        let secrets = self
            .secrets
            .iter()
            .map(|(key, it)| (key.clone(), json!({"value": STANDARD.encode(&it.bytes), "updated": it.updated_ms})));
        let acls = self.acls.iter().map(|(principal, it)| (principal.clone(), json!(it.name())));
        Record::from_iter([
            ("secrets".to_owned(), Value::Object(secrets.collect())),
            ("acls".to_owned(), Value::Object(acls.collect())),
        ])
    }

    fn of(record: &Record) -> Self {
        let members = |name: &str| record.get(name).and_then(Value::as_object).into_iter().flatten();
        let secrets = members("secrets").filter_map(|(key, it)| {
            let bytes = STANDARD.decode(it["value"].as_str()?).ok()?;
            Some((key.clone(), SecretValue { bytes, updated_ms: it["updated"].as_i64().unwrap_or_default() }))
        });
        let acls = members("acls").filter_map(|(name, it)| Some((name.clone(), Permission::of(it.as_str()?))));
        Self { secrets: secrets.collect(), acls: acls.collect() }
    }
}

impl SecretScopes {
    /// Those that were kept.
    pub(crate) fn new(kept: Kept) -> Self {
        let all = kept.all().into_iter().map(|(name, record)| (name, Scope::of(&record))).collect();
        Self { all, kept }
    }

    /// Changes a scope that the caller may change, on disk first.
    fn edit<T>(
        &mut self,
        name: &str,
        caller: &Caller,
        needs: Permission,
        change: impl FnOnce(&mut Scope) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut scope = self.scope(name, caller, needs)?.clone();
        let out = change(&mut scope)?;
        self.kept.put(name, scope.record())?;
        self.all.insert(name.to_owned(), scope);
        Ok(out)
    }

    pub(crate) fn create(&mut self, name: &str, caller: &Caller, initial: Option<&str>) -> Result<(), ApiError> {
        check_name("scope", name)?;
        if self.all.contains_key(name) {
            let message = format!("Scope {name} already exists!");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
        }
        let manager = match initial {
            None => caller.name.clone(),
            Some("users") => "users".to_owned(),
            Some(_) => {
                return Err(ApiError::invalid_parameter("initial_manage_principal can only be 'users'"));
            }
        };
        let acls = BTreeMap::from([(manager, Permission::Manage)]);
        let scope = Scope { secrets: BTreeMap::new(), acls };
        self.kept.put(name, scope.record())?;
        self.all.insert(name.to_owned(), scope);
        Ok(())
    }

    /// The scope, if the caller may do that with it.
    fn scope(&mut self, name: &str, caller: &Caller, needs: Permission) -> Result<&mut Scope, ApiError> {
        let scope =
            self.all.get_mut(name).ok_or_else(|| ApiError::not_found(format!("Scope {name} does not exist!")))?;
        let of = |principal: &str| scope.acls.get(principal).copied();
        let held = caller.groups.iter().copied().chain([caller.name.as_str()]).filter_map(of).max();
        if held.is_none_or(|held| held < needs) {
            let message = format!("User {} does not have {} permission on scope {name}", caller.name, needs.name());
            return Err(ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message));
        }
        Ok(scope)
    }

    pub(crate) fn delete(&mut self, name: &str, caller: &Caller) -> Result<(), ApiError> {
        self.scope(name, caller, Permission::Manage)?;
        self.kept.remove(name)?;
        self.all.remove(name);
        Ok(())
    }

    /// The scopes that the caller may read.
    pub(crate) fn list(&mut self, caller: &Caller) -> Vec<Value> {
        let names: Vec<_> = self.all.keys().cloned().collect();
        let visible = names.into_iter().filter(|name| self.scope(name, caller, Permission::Read).is_ok());
        visible.map(|name| json!({"name": name, "backend_type": "DATABRICKS"})).collect()
    }

    pub(crate) fn put(
        &mut self,
        (scope, key): (&str, &str),
        caller: &Caller,
        bytes: Vec<u8>,
        now: i64,
    ) -> Result<(), ApiError> {
        check_name("key", key)?;
        let limit = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "RESOURCE_LIMIT_EXCEEDED", message);
        self.edit(scope, caller, Permission::Write, |scope| {
            if bytes.len() > LARGEST {
                return Err(limit(format!("The value has {} bytes; at most {LARGEST} are kept", bytes.len())));
            }
            if scope.secrets.len() >= MOST && !scope.secrets.contains_key(key) {
                return Err(limit(format!("A scope has at most {MOST} secrets")));
            }
            scope.secrets.insert(key.to_owned(), SecretValue { bytes, updated_ms: now });
            Ok(())
        })
    }

    pub(crate) fn get(&mut self, scope: &str, key: &str, caller: &Caller) -> Result<Vec<u8>, ApiError> {
        let found = self.scope(scope, caller, Permission::Read)?.secrets.get(key).map(|secret| secret.bytes.clone());
        found.ok_or_else(|| ApiError::not_found(format!("Secret does not exist with scope: {scope} and key: {key}")))
    }

    pub(crate) fn keys(&mut self, scope: &str, caller: &Caller) -> Result<Vec<Value>, ApiError> {
        let scope = self.scope(scope, caller, Permission::Read)?;
        let secrets = scope.secrets.iter();
        Ok(secrets.map(|(key, it)| json!({"key": key, "last_updated_timestamp": it.updated_ms})).collect())
    }

    pub(crate) fn remove(&mut self, scope: &str, key: &str, caller: &Caller) -> Result<(), ApiError> {
        let missing = || ApiError::not_found(format!("Secret does not exist with scope: {scope} and key: {key}"));
        self.edit(scope, caller, Permission::Write, |it| it.secrets.remove(key).map(drop).ok_or_else(missing))
    }

    pub(crate) fn put_acl(
        &mut self,
        scope: &str,
        principal: &str,
        permission: Permission,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        self.edit(scope, caller, Permission::Manage, |scope| {
            scope.acls.insert(principal.to_owned(), permission);
            Ok(())
        })
    }

    pub(crate) fn acls(&mut self, scope: &str, caller: &Caller) -> Result<Vec<Value>, ApiError> {
        let scope = self.scope(scope, caller, Permission::Manage)?;
        Ok(scope.acls.iter().map(|(principal, it)| acl(principal, *it)).collect())
    }

    pub(crate) fn acl(&mut self, scope: &str, principal: &str, caller: &Caller) -> Result<Value, ApiError> {
        let found = self.scope(scope, caller, Permission::Manage)?.acls.get(principal).copied();
        found.map(|found| acl(principal, found)).ok_or_else(|| no_acl(principal))
    }

    pub(crate) fn delete_acl(&mut self, scope: &str, principal: &str, caller: &Caller) -> Result<(), ApiError> {
        self.edit(scope, caller, Permission::Manage, |scope| {
            scope.acls.remove(principal).map(drop).ok_or_else(|| no_acl(principal))
        })
    }
}

fn acl(principal: &str, permission: Permission) -> Value {
    json!({"principal": principal, "permission": permission.name()})
}

fn no_acl(principal: &str) -> ApiError {
    ApiError::not_found(format!("Failed to find an ACL for {principal}"))
}

/// Names of scopes and keys have letters, digits and `-_.@`, at most 128 of them.
fn check_name(what: &str, name: &str) -> Result<(), ApiError> {
    let sound = (1..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@/ ".contains(&byte));
    if sound {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(format!(
        "The {what} must have 1 to 128 of letters, digits, dashes, underscores, at signs and periods"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Caller {
        Caller { name: name.to_owned(), groups: &["users"] }
    }

    #[test]
    fn access_lists_decide() {
        let mut scopes = SecretScopes::default();
        let (owner, other) = (caller("owner"), caller("other"));
        scopes.create("s", &owner, None).unwrap();
        scopes.put(("s", "k"), &owner, b"v".to_vec(), 1).unwrap();
        assert!(scopes.get("s", "k", &other).is_err() && scopes.list(&other).is_empty());
        scopes.put_acl("s", "other", Permission::Read, &owner).unwrap();
        assert_eq!(scopes.get("s", "k", &other).unwrap(), b"v");
        assert!(scopes.put(("s", "k"), &other, Vec::new(), 2).is_err());
        assert!(scopes.acls("s", &other).is_err());
        scopes.delete_acl("s", "other", &owner).unwrap();
        assert!(scopes.keys("s", &other).is_err());
        scopes.create("all", &owner, Some("users")).unwrap();
        scopes.put(("all", "k"), &other, Vec::new(), 3).unwrap();
        scopes.delete("all", &other).unwrap();
    }

    #[test]
    fn names_and_sizes_have_limits() {
        let mut scopes = SecretScopes::default();
        let owner = caller("owner");
        assert!(scopes.create("a:b", &owner, None).is_err() && scopes.create("", &owner, None).is_err());
        scopes.create("s", &owner, None).unwrap();
        assert!(scopes.create("s", &owner, None).is_err());
        assert!(scopes.put(("s", "k"), &owner, vec![0; LARGEST + 1], 1).is_err());
        assert!(scopes.remove("s", "k", &owner).is_err());
    }
}
