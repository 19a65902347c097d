//! The statement as a poller sees it.

use std::time::Duration;

use databricks_core::{Operation, Result, WaitStatus};
use databricks_models::sql::{StatementState, statement_execution as operations};

use super::send;
use crate::client::Client;
use crate::options::Options;
use crate::poll::{Assessment, Pollable, Verdict};
use crate::sql::wire::StatementResponse;

/// Whether a statement in this state goes through no other.
pub(super) fn is_final(state: &StatementState) -> bool {
    use StatementState::{Canceled, Closed, Failed, Succeeded};
    matches!(state, Succeeded | Failed | Canceled | Closed)
}

/// A statement by its id.
pub(super) struct Target {
    pub(super) client: Client,
    pub(super) id: String,
}

impl Pollable for Target {
    type Resource = StatementResponse;
    type State = str;

    fn client(&self) -> &Client {
        &self.client
    }

    fn operation(&self) -> &'static str {
        operations::GetStatement::INFO.id
    }

    fn name(&self) -> String {
        format!("statement {}", self.id)
    }

    fn goal(&self) -> String {
        "end".to_owned()
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<StatementResponse> {
        send(&self.client, &operations::GetStatement::new(self.id.clone()), &Options::default().for_poll(timeout)).await
    }

    fn assess(&self, response: &StatementResponse) -> Assessment {
        let state = response.status.as_ref().and_then(|status| status.state.as_deref()).unwrap_or_default();
        let verdict = if is_final(&StatementState::from(state)) { Verdict::Done } else { Verdict::Pending };
        Assessment::new(WaitStatus::new(state, None), verdict)
    }

    fn state<'a>(&self, _resource: &'a Self::Resource, status: &'a WaitStatus) -> Option<&'a str> {
        Some(&status.state)
    }
}
