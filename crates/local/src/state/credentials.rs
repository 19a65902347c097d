//! The credentials and identifiers of the workspace itself.

use std::io;

use serde_json::Value;

use crate::random::{self, Ids};
use crate::records::call::{set, text};
use crate::records::store::{Record, Records};

/// What a client has to know to get in; made anew at each start.
pub(crate) struct Secrets {
    pub(crate) token: String,
    pub(crate) password: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) account_id: String,
    pub(crate) workspace_id: u64,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// Where secrets are kept among the records.
pub(super) const LOCAL: &str = "local/workspace";

impl Secrets {
    /// Those of the records, or new ones.
    pub(super) fn of(records: &Records, ids: &Ids, token: Option<&str>) -> io::Result<Self> {
        let mut secrets = Self::new(ids)?;
        if let Some(kept) = records.get(LOCAL, "secrets") {
            for (own, name) in [
                (&mut secrets.token, "token"),
                (&mut secrets.password, "password"),
                (&mut secrets.client_id, "client_id"),
                (&mut secrets.client_secret, "client_secret"),
                (&mut secrets.account_id, "account_id"),
            ] {
                *own = text(&kept, name).to_owned();
            }
            let id = kept.get("workspace_id").and_then(Value::as_u64);
            secrets.workspace_id = id.ok_or(io::ErrorKind::InvalidData)?;
        }
        if let Some(token) = token {
            token.clone_into(&mut secrets.token);
        }
        let mut record = Record::new();
        set(&mut record, "token", secrets.token.as_str());
        set(&mut record, "password", secrets.password.as_str());
        set(&mut record, "client_id", secrets.client_id.as_str());
        set(&mut record, "client_secret", secrets.client_secret.as_str());
        set(&mut record, "account_id", secrets.account_id.as_str());
        set(&mut record, "workspace_id", secrets.workspace_id);
        let mut change = records.change();
        change.put(LOCAL, "secrets", record);
        change.commit()?;
        Ok(secrets)
    }

    fn new(ids: &Ids) -> io::Result<Self> {
        let secret = || Ok::<_, io::Error>(random::to_hex(&random::bytes::<16>()?));
        Ok(Self {
            token: format!("dapi{}", secret()?),
            password: secret()?,
            client_id: ids.uuid(),
            client_secret: format!("dose{}", secret()?),
            account_id: ids.uuid(),
            workspace_id: 1_000_000_000_000_000 + ids.number() % 1_000_000_000_000_000,
        })
    }
}
