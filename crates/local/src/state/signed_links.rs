//! What links to files are signed with.

use std::io;
use std::time::Duration;

use super::settings::Settings;
use crate::random;
use crate::sql::links::Signer;

/// What links to files are signed with, those to results and those to volumes alike.
#[derive(Debug)]
pub(crate) struct SignedLinks {
    pub(crate) signer: Signer,
    /// The value of the header that links ask for besides their signature, if they do.
    pub(crate) key: Option<String>,
    lifetime: Duration,
}

impl SignedLinks {
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        let key = if settings.link_headers { Some(random::to_hex(&random::bytes::<16>()?)) } else { None };
        Ok(Self { signer: Signer::new()?, key, lifetime: settings.link_lifetime })
    }

    /// When a link ends that is made at `now`; both in milliseconds since the Unix epoch.
    pub(crate) fn end(&self, now: i64) -> i64 {
        now.saturating_add(i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX))
    }
}
