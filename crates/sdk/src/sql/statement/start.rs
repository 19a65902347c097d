//! Starting a statement so that none is left behind by a caller that stops waiting.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use databricks_core::Result;
use databricks_models::sql::statement_execution as operations;
use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tracing::Instrument as _;

use super::target::is_final;
use super::{WAIT, send};
use crate::client::Client;
use crate::options::Options;
use crate::sql::wire::StatementResponse;

/// Starts a statement.
///
/// The service holds its response back while the statement runs, and the id is not known before: a caller that stops
/// waiting could not cancel what was started. So the request goes on if its future is dropped, and what it started is
/// cancelled then.
pub(super) async fn execute(client: &Client, request: operations::ExecuteStatement) -> Result<StatementResponse> {
    let runtime = crate::runtime::current()?;
    let sender = client.clone();
    let sending = Box::pin(async move { send(&sender, &request, &Options::default()).await });
    Starting { sending: Some(sending), client: client.clone(), runtime }.await
}

type Sending = Pin<Box<dyn Future<Output = Result<StatementResponse>> + Send>>;

/// A request on its way that starts a statement.
struct Starting {
    /// `None` once it has responded.
    sending: Option<Sending>,
    client: Client,
    /// Where the request goes on if this is dropped.
    runtime: Handle,
}

impl Future for Starting {
    type Output = Result<StatementResponse>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(sending) = &mut self.sending else { return Poll::Pending };
        let response = ready!(sending.as_mut().poll(cx));
        self.sending = None;
        Poll::Ready(response)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(sending) = self.sending.take() {
            let work = cancel_when_started(self.client.clone(), sending).instrument(tracing::Span::current());
            self.client.background().spawn_on(&self.runtime, work);
        }
    }
}

async fn cancel_when_started(client: Client, sending: Sending) {
    let response = match select(sending, client.clock().sleep(WAIT * 2)).await {
        Either::Left((response, _)) => response,
        Either::Right(_) => {
            tracing::warn!(
                "a statement that was dropped while it was being started may run on: the service did not respond"
            );
            return;
        }
    };
    if let Ok(StatementResponse { statement_id: Some(id), status, .. }) = response
        && !status.and_then(|status| status.state).is_some_and(|state| is_final(&state.as_str().into()))
    {
        let cancel = operations::CancelExecution::new(id);
        client.call_in_background(cancel, "a statement that was dropped could not be cancelled");
    }
}
