//! A token with the moments at which it expires and is renewed.

use std::time::{Duration, Instant};

use databricks_core::Secret;

use crate::token::Token;

/// The remaining lifetime at which a token counts as expired: the platform refuses tokens in their last 30 seconds.
pub(crate) const MARGIN: Duration = Duration::from_secs(40);
/// The longest time before its expiry at which a token is renewed.
const MAX_WINDOW: Duration = Duration::from_secs(20 * 60);

/// A token of a [`TokenCache`](crate::TokenCache).
#[derive(Clone, Debug)]
pub struct CachedToken {
    token: Token,
    generation: u64,
    expires: Option<Instant>,
    renew_at: Option<Instant>,
}

impl CachedToken {
    /// A token that was received at `now`.
    pub(super) fn new(token: Token, generation: u64, now: Instant) -> Self {
        let expires = token.expires_in.and_then(|life| now.checked_add(life));
        let renew_at = match (expires, token.expires_in) {
            (Some(expires), Some(life)) => {
                let window = token.refresh_ahead.unwrap_or_else(|| (life / 2).min(MAX_WINDOW)).min(life);
                // A little later at random, so that many programs do not renew at the same moment.
                let late = window.mul_f64(0.03 * fastrand::f64());
                (expires - window).checked_add(late)
            }
            _ => None,
        };
        Self { token, generation, expires, renew_at }
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Distinguishes this token from later ones of the same cache; see
    /// [`TokenCache::invalidate`](crate::TokenCache::invalidate).
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the value of an `Authorization` header.
    pub(crate) fn authorization(&self) -> Secret {
        Secret::new(format!("{} {}", self.token.token_type, self.token.value.expose()))
    }

    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| now + MARGIN >= expires)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.renew_at.is_some_and(|renew_at| now >= renew_at)
    }

    /// Whether it expires before another one.
    pub(super) fn ends_before(&self, other: &Self) -> bool {
        match (self.expires, other.expires) {
            (Some(own), Some(other)) => own < other,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}
