//! Who may call, and the tokens by which callers are known.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::credentials::Secrets;
use super::grants::Grants;
use super::integrations::Integrations;
use super::tokens::Tokens;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::records::store::Records;

/// Who may call, and the tokens by which callers are known.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) clock: Clock,
    pub(crate) secrets: Secrets,
    /// Whom the workspace's token and password belong to.
    pub(crate) user: Caller,
    /// Whom the workspace's client belongs to.
    pub(crate) principal: Caller,
    /// What code in contexts authenticates with. It ends with the workspace.
    pub(crate) internal_token: String,
    pub(crate) token_lifetime: Duration,
    pub(crate) grants: Grants,
    /// OAuth clients that the account registered.
    pub(crate) custom: Shared<Integrations>,
    pub(crate) records: Arc<Records>,
}

impl Identity {
    /// The personal access tokens.
    pub(crate) fn tokens(&self) -> Tokens<'_> {
        Tokens(&self.records)
    }
}
