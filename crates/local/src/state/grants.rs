//! The access tokens, refresh tokens and authorization codes in circulation.

use std::sync::{Mutex, PoisonError};

use crate::caller::{Caller, TokenHash, TokenState};
use crate::random;

const DAY_MS: i64 = 24 * 3600 * 1000;
/// How long a code can be exchanged.
const CODE_LIFE_MS: i64 = 10 * 60 * 1000;
/// How long a refresh token can be used.
const REFRESH_LIFE_MS: i64 = 14 * DAY_MS;

#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    access: Vec<Issued<()>>,
    refresh: Vec<Issued<Grant>>,
    codes: Vec<Issued<Code>>,
}

#[derive(Debug)]
struct Issued<T> {
    hash: TokenHash,
    expires_ms: i64,
    caller: Caller,
    more: T,
}

/// What a refresh token renews.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) scope: String,
}

/// What an authorization code was given for.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    /// RFC 7636: the S256 challenge.
    pub(crate) challenge: String,
}

impl Grants {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes an access token.
    pub(crate) fn access(&self, caller: Caller, now: i64, lifetime_ms: i64) -> std::io::Result<String> {
        let token = format!("eyJ{}", random::to_hex(&random::bytes::<32>()?));
        self.with(|state| {
            // Tokens expired for a day are forgotten, so that a long-lived workspace does not grow.
            state.access.retain(|t| now - t.expires_ms < DAY_MS);
            let expires_ms = now.saturating_add(lifetime_ms);
            state.access.push(Issued { hash: TokenHash::of(&token), expires_ms, caller, more: () });
        });
        Ok(token)
    }

    pub(crate) fn lookup(&self, token: &str, now: i64) -> TokenState {
        let hash = TokenHash::of(token);
        self.with(|state| match state.access.iter().find(|t| t.hash.same(&hash)) {
            None => TokenState::Unknown,
            Some(t) if t.expires_ms <= now => TokenState::Expired,
            Some(t) => TokenState::Valid(t.caller.clone()),
        })
    }

    /// Makes a refresh token.
    pub(crate) fn refresh(&self, caller: Caller, grant: Grant, now: i64) -> std::io::Result<String> {
        let token = format!("dort{}", random::to_hex(&random::bytes::<32>()?));
        self.with(|state| {
            state.refresh.retain(|t| t.expires_ms > now);
            let expires_ms = now.saturating_add(REFRESH_LIFE_MS);
            state.refresh.push(Issued { hash: TokenHash::of(&token), expires_ms, caller, more: grant });
        });
        Ok(token)
    }

    /// Takes a refresh token out of circulation: each works once.
    pub(crate) fn take_refresh(&self, token: &str, now: i64) -> Option<(Caller, Grant)> {
        self.with(|state| take(&mut state.refresh, token, now))
    }

    /// Makes an authorization code.
    pub(crate) fn code(&self, caller: Caller, code: Code, now: i64) -> std::io::Result<String> {
        let text = format!("dcod{}", random::to_hex(&random::bytes::<16>()?));
        self.with(|state| {
            state.codes.retain(|t| t.expires_ms > now);
            let expires_ms = now.saturating_add(CODE_LIFE_MS);
            state.codes.push(Issued { hash: TokenHash::of(&text), expires_ms, caller, more: code });
        });
        Ok(text)
    }

    /// Takes a code out of circulation: each works once.
    pub(crate) fn take_code(&self, text: &str, now: i64) -> Option<(Caller, Code)> {
        self.with(|state| take(&mut state.codes, text, now))
    }
}

fn take<T>(all: &mut Vec<Issued<T>>, text: &str, now: i64) -> Option<(Caller, T)> {
    let hash = TokenHash::of(text);
    let index = all.iter().position(|t| t.hash.same(&hash) && t.expires_ms > now)?;
    let issued = all.swap_remove(index);
    Some((issued.caller, issued.more))
}
