//! Personal access tokens.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::auth::{TokenHash, TokenState};
use crate::reply::ApiError;

/// The tokens of the one user.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Vec<Token>>);

#[derive(Debug)]
struct Token {
    id: String,
    hash: TokenHash,
    comment: String,
    scopes: Option<Vec<String>>,
    created_ms: i64,
    /// `None`: never.
    expires_ms: Option<i64>,
}

impl Token {
    fn info(&self) -> Value {
        let mut info = json!({
            "token_id": self.id,
            "comment": self.comment,
            "creation_time": self.created_ms,
            "expiry_time": self.expires_ms.unwrap_or(-1),
        });
        if let Some(scopes) = &self.scopes {
            info["scopes"] = json!(scopes);
        }
        info
    }
}

/// What a new token is to be like.
#[derive(Debug, Default)]
pub(crate) struct NewToken {
    pub(crate) comment: String,
    pub(crate) lifetime_seconds: Option<i64>,
    pub(crate) scopes: Option<Vec<String>>,
}

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, Vec<Token>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the token that the workspace starts with.
    pub(crate) fn add_first(&self, value: &str, id: String, now: i64) {
        let new = NewToken { comment: "made at the start of the local workspace".to_owned(), ..NewToken::default() };
        self.add(value, id, new, now);
    }

    /// Registers a token and gives what may be shown of it.
    pub(crate) fn add(&self, value: &str, id: String, new: NewToken, now: i64) -> Value {
        let token = Token {
            id,
            hash: TokenHash::of(value),
            comment: new.comment,
            scopes: new.scopes,
            created_ms: now,
            expires_ms: new.lifetime_seconds.map(|s| now.saturating_add(s.saturating_mul(1000))),
        };
        let info = token.info();
        self.lock().push(token);
        info
    }

    pub(crate) fn lookup(&self, value: &str, now: i64) -> TokenState {
        let hash = TokenHash::of(value);
        match self.lock().iter().find(|t| t.hash.same(&hash)) {
            None => TokenState::Unknown,
            Some(t) if t.expires_ms.is_some_and(|e| e <= now) => TokenState::Expired,
            Some(_) => TokenState::Valid,
        }
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.lock().iter().map(Token::info).collect()
    }

    pub(crate) fn delete(&self, id: &str) -> Result<(), ApiError> {
        let mut all = self.lock();
        let before = all.len();
        all.retain(|t| t.id != id);
        if all.len() == before {
            return Err(no_token(id));
        }
        Ok(())
    }

    /// Changes comment or scopes; `None` leaves them.
    pub(crate) fn update(
        &self,
        id: &str,
        comment: Option<String>,
        scopes: Option<Vec<String>>,
    ) -> Result<(), ApiError> {
        let mut all = self.lock();
        let token = all.iter_mut().find(|t| t.id == id).ok_or_else(|| no_token(id))?;
        if let Some(comment) = comment {
            token.comment = comment;
        }
        if scopes.is_some() {
            token.scopes = scopes;
        }
        Ok(())
    }
}

fn no_token(id: &str) -> ApiError {
    ApiError::not_found(format!("Token with id {id} does not exist"))
}
