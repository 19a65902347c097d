//! Personal access tokens, kept by their hashes.

use serde_json::{Value, json};

use crate::caller::{Caller, TokenHash, TokenState};
use crate::records::call::{set, text};
use crate::records::store::{Record, Records, commit};
use crate::reply::ApiError;

const COLLECTION: &str = "local/tokens";
/// How many tokens a user can have.
const MOST: usize = 600;

/// What a new token is to be like.
#[derive(Debug, Default)]
pub(crate) struct NewToken {
    pub(crate) comment: String,
    pub(crate) lifetime_seconds: Option<i64>,
    pub(crate) scopes: Option<Vec<String>>,
}

/// The tokens among the workspace's records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a>(pub(crate) &'a Records);

/// Whose tokens are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    Everyone,
    Owner(&'a Caller),
}

impl Of<'_> {
    fn fits(self, record: &Record) -> bool {
        match self {
            Self::Everyone => true,
            Self::Owner(owner) => text(record, "owner") == owner.id,
        }
    }
}

fn expiry(record: &Record) -> i64 {
    record.get("expiry_time").and_then(Value::as_i64).unwrap_or(-1)
}

/// What the owner sees of a token.
fn info(record: &Record) -> Value {
    let mut out = Record::new();
    for member in ["token_id", "comment", "creation_time", "expiry_time", "scopes"] {
        if let Some(value) = record.get(member).filter(|v| !v.is_null()) {
            set(&mut out, member, value.clone());
        }
    }
    Value::Object(out)
}

/// What an administrator sees of a token.
fn managed(record: &Record) -> Value {
    let mut out = info(record);
    out["owner_id"] = json!(text(record, "owner").parse::<i64>().unwrap_or_default());
    out["created_by_id"] = json!(text(record, "creator").parse::<i64>().unwrap_or_default());
    out["created_by_username"] = record.get("creator_name").cloned().unwrap_or_default();
    out
}

impl Tokens<'_> {
    /// Registers a token and gives what may be shown of it.
    pub(crate) fn add(
        self,
        value: &str,
        id: &str,
        new: NewToken,
        owner: &Caller,
        creator: &Caller,
        now: i64,
    ) -> Result<Value, ApiError> {
        let expires = new.lifetime_seconds.map_or(-1, |s| now.saturating_add(s.saturating_mul(1000)));
        let mut record = Record::new();
        set(&mut record, "token_id", id);
        set(&mut record, "hash", TokenHash::of(value).to_hex());
        set(&mut record, "owner", owner.id.as_str());
        set(&mut record, "owner_name", owner.name.as_str());
        set(&mut record, "owner_is_service_principal", owner.is_service_principal());
        set(&mut record, "creator", creator.id.as_str());
        set(&mut record, "creator_name", creator.name.as_str());
        set(&mut record, "comment", new.comment);
        set(&mut record, "creation_time", now);
        set(&mut record, "expiry_time", expires);
        set(&mut record, "scopes", json!(new.scopes));
        let mut change = self.0.change();
        let own = change.list(COLLECTION).into_iter().filter(|(_, r)| Of::Owner(owner).fits(r)).count();
        if own >= MOST {
            return Err(ApiError::new(
                http::StatusCode::BAD_REQUEST,
                "QUOTA_EXCEEDED",
                format!("A user can have {MOST} tokens; delete some of them"),
            ));
        }
        let shown = info(&record);
        change.put(COLLECTION, id, record);
        commit(change)?;
        Ok(shown)
    }

    pub(crate) fn lookup(self, value: &str, now: i64) -> TokenState {
        let hash = TokenHash::of(value);
        let change = self.0.change();
        let all = change.list(COLLECTION).into_iter().map(|(_, record)| record);
        let found = all.into_iter().find(|r| TokenHash::from_hex(text(r, "hash")).is_some_and(|kept| kept.same(&hash)));
        let Some(record) = found else { return TokenState::Unknown };
        if (0..=now).contains(&expiry(record)) {
            return TokenState::Expired;
        }
        let (id, name) = (text(record, "owner").to_owned(), text(record, "owner_name"));
        TokenState::Valid(match record.get("owner_is_service_principal") {
            Some(Value::Bool(true)) => Caller::service_principal(id, name),
            _ => Caller::user(id, name),
        })
    }

    pub(crate) fn list(self, of: Of<'_>) -> Vec<Value> {
        self.0.list(COLLECTION).iter().filter(|r| of.fits(r)).map(info).collect()
    }

    /// As administrators see them.
    pub(crate) fn list_managed(self) -> Vec<Value> {
        self.0.list(COLLECTION).iter().map(managed).collect()
    }

    pub(crate) fn get_managed(self, id: &str) -> Result<Value, ApiError> {
        self.0.get(COLLECTION, id).map(|r| managed(&r)).ok_or_else(|| no_token(id))
    }

    pub(crate) fn delete(self, id: &str, of: Of<'_>) -> Result<(), ApiError> {
        let mut change = self.0.change();
        if !change.get(COLLECTION, id).is_some_and(|r| of.fits(r)) {
            return Err(no_token(id));
        }
        change.remove(COLLECTION, id);
        commit(change)
    }

    /// Changes comment or scopes; `None` leaves them.
    pub(crate) fn update(
        self,
        id: &str,
        of: Of<'_>,
        comment: Option<String>,
        scopes: Option<Vec<String>>,
    ) -> Result<Value, ApiError> {
        let mut change = self.0.change();
        let kept = change.get(COLLECTION, id).filter(|r| of.fits(r)).cloned();
        let mut record = kept.ok_or_else(|| no_token(id))?;
        if let Some(comment) = comment {
            set(&mut record, "comment", comment);
        }
        if scopes.is_some() {
            set(&mut record, "scopes", json!(scopes));
        }
        let shown = managed(&record);
        change.put(COLLECTION, id, record);
        commit(change)?;
        Ok(shown)
    }
}

fn no_token(id: &str) -> ApiError {
    ApiError::not_found(format!("Token with id {id} does not exist"))
}
