//! Operations by name, with JSON in and JSON out.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::dynamic::{Completion, DynamicResponse, Inputs, OperationSchema};
use databricks_core::lro::LroState;
use databricks_core::{Body, Continuation, Error, ErrorKind, Page, RequestContext, Result, WaitStatus};
use databricks_models::dynamic::find;
use serde_json::Value;

use crate::client::Client;
use crate::options::Options;
use crate::pager::{Fetch, Flat, PageSource, Pager};
use crate::poll::{self, Assessment, PollOptions, Pollable, Poller, Verdict};
use crate::stream::ResultStream;
use crate::{failure_reason, lro};

impl Client {
    /// Calls an operation by its id, such as `clusters.list`, with JSON in and JSON out: what generic tools need.
    /// Programs that know at compile time what they call use the typed services instead.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when there is no such operation, or its package's feature is off.
    pub fn operation(&self, id: &str) -> Result<DynamicCall> {
        let operation = find(id).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "there is no operation {id}; its id is service.method, and its package's feature must be on, with \
                     `preview` for what is in preview"
                ),
            )
        })?;
        Ok(DynamicCall {
            client: self.clone(),
            operation,
            inputs: Inputs::new(),
            body: None,
            options: Options::default(),
        })
    }

    /// The former name of [`operation`](Self::operation).
    #[doc(hidden)]
    pub fn by_name(&self, id: &str) -> Result<DynamicCall> {
        self.operation(id)
    }
}

/// A call of an operation by name.
///
/// ```no_run
/// # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
/// let cluster = w.operation("clusters.get")?.input("cluster_id", "0923-164208-meows279").await?;
/// println!("{}", cluster.json["state"]);
/// let all = w.operation("clusters.list")?.input("page_size", 10).items()?.try_collect().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct DynamicCall {
    client: Client,
    operation: &'static OperationSchema,
    inputs: Inputs,
    body: Option<Body>,
    options: Options,
}

impl DynamicCall {
    /// What is known of the operation: its inputs, how it pages, what can be waited for.
    pub fn operation(&self) -> &'static OperationSchema {
        self.operation
    }

    /// Sets an input, by its name on the wire. Which there are is checked when the call is made.
    pub fn input(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs.insert(name.into(), value.into());
        self
    }

    /// Sets several inputs.
    pub fn inputs(mut self, inputs: Inputs) -> Self {
        self.inputs.extend(inputs);
        self
    }

    /// Sets the bytes to send, for operations that upload.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the timeout of the call as a whole, all attempts and the pauses between them included. Default: none.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout(timeout);
        self
    }

    /// Sets whether request and response are logged, redacted, whatever the client's settings.
    pub fn with_debug(mut self, on: bool) -> Self {
        self.options.debug(on);
        self
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when an input is not known, lacks or is of another kind; else as any call.
    pub async fn send(mut self) -> Result<DynamicResponse> {
        self.operation.prepare(&mut self.inputs);
        send(&self.client, self.operation, &self.inputs, self.body, &self.options).await
    }

    /// The pages of a list as a stream. A page that cannot be fetched ends it with an error, and so does a service that
    /// leads back to a page that was there before ([`ErrorKind::PaginationLoop`]).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the operation is not a list.
    pub fn pages(self) -> Result<ResultStream<Page<Value>>> {
        Ok(ResultStream::new(self.pager()?))
    }

    fn pager(self) -> Result<Pager<Self>> {
        if self.operation.paging.is_none() {
            return Err(
                Error::new(ErrorKind::InvalidInput, "this operation is not a list").with_operation(self.operation.id())
            );
        }
        Ok(Pager::new(self))
    }

    /// The items of a list as a stream, from as many pages as it takes; those that the service repeats are delivered
    /// once.
    ///
    /// # Errors
    /// As [`pages`](Self::pages).
    pub fn items(self) -> Result<ResultStream<Value>> {
        Ok(ResultStream::new(Flat::new(self.pager()?)))
    }

    /// Makes the call and waits until what it started has finished: the resource in the state waited for, or the result
    /// of long-running work (`null` for none). What was started goes on at the service however the wait ends.
    ///
    /// * `timeout`: of the wait. Default: what the API's description states (mostly 20 minutes), none for long-running
    ///   work.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when nothing can be waited for, [`ErrorKind::OperationFailed`],
    /// [`ErrorKind::WaitTimeout`], or the error of a call.
    pub async fn wait(mut self, timeout: Option<Duration>) -> Result<Value> {
        let called = self.operation.id();
        let Some(how) = &self.operation.completion else {
            return Err(Error::new(ErrorKind::InvalidInput, "this operation starts nothing that could be waited for")
                .with_operation(called));
        };
        self.operation.prepare(&mut self.inputs);
        let response = send(&self.client, self.operation, &self.inputs, self.body.take(), &self.options).await?.json;
        let (poll, inputs, timeout) = match how {
            Completion::State(wait) => {
                let limit = Duration::from_secs(wait.timeout_seconds);
                (wait.poll, wait.inputs(&self.inputs, &response)?, Some(timeout.unwrap_or(limit)))
            }
            Completion::Operation(lro) => {
                let name = response.get(lro.name).filter(|name| name.is_string()).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Decode,
                        format!("the response has no {}, by which the work is known", lro.name),
                    )
                    .with_operation(called)
                })?;
                let (poll, input) = lro.poll;
                (poll, Inputs::from_iter([(input.to_owned(), name.clone())]), timeout)
            }
            _ => return Err(unknown_wait(called)),
        };
        let target = Target { client: self.client, called, poll: follow_up(poll)?, inputs, how };
        let poller = Poller::new(&target.client, PollOptions::default().timeout(timeout));
        let resource = poller.until(&target).await.map_err(|error| error.with_operation(called))?;
        match how {
            Completion::Operation(lro) => match lro.state(&resource)? {
                LroState::Done(result) => Ok(result),
                _ => Err(unknown_wait(called)),
            },
            _ => Ok(resource),
        }
    }
}

impl IntoFuture for DynamicCall {
    type Output = Result<DynamicResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<DynamicResponse>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl PageSource for DynamicCall {
    type Item = Value;

    fn operation(&self) -> &'static str {
        self.operation.id()
    }

    fn start(&mut self) {
        self.operation.start(&mut self.inputs);
        self.operation.prepare(&mut self.inputs);
    }

    fn advance(&mut self, next: &Continuation, received: usize) -> Result<()> {
        self.operation.advance(&mut self.inputs, next, received)
    }

    fn fetch(&self) -> Fetch<Value> {
        let (client, operation) = (self.client.clone(), self.operation);
        let (inputs, options) = (self.inputs.clone(), self.options.clone());
        Box::pin(async move { operation.split(send(&client, operation, &inputs, None, &options).await?.json) })
    }

    fn key<'a>(&self, item: &'a Value) -> Option<&'a str> {
        let key = self.operation.paging.as_ref()?.key?;
        item.get(key)?.as_str()
    }
}

async fn send(
    client: &Client,
    operation: &'static OperationSchema,
    inputs: &Inputs,
    body: Option<Body>,
    options: &Options,
) -> Result<DynamicResponse> {
    let context = client.context().await?;
    let request = operation.request(inputs, body, context)?;
    operation.response(client.execute(request, options).await?)
}

/// Finds the operation that is polled.
fn follow_up(id: &str) -> Result<&'static OperationSchema> {
    find(id).ok_or_else(|| {
        Error::new(ErrorKind::Other, format!("{id}, which is polled, is not built; turn its package's feature on"))
    })
}

/// What a wait polls.
struct Target {
    client: Client,
    /// The operation that was called.
    called: &'static str,
    poll: &'static OperationSchema,
    inputs: Inputs,
    how: &'static Completion,
}

impl Target {
    fn id(&self) -> String {
        let parts = self.poll.request(&self.inputs, None, &RequestContext::default());
        parts.map(|parts| poll::id_in(&parts)).unwrap_or_default()
    }
}

impl Pollable for Target {
    type Resource = Value;
    /// A string: what is called by name has no types of its own.
    type State = str;

    fn client(&self) -> &Client {
        &self.client
    }

    fn operation(&self) -> &'static str {
        self.called
    }

    fn name(&self) -> String {
        match self.how {
            Completion::Operation(_) => format!("operation {}", self.id()),
            _ => self.id(),
        }
    }

    fn goal(&self) -> String {
        match self.how {
            Completion::State(wait) => format!("reach {}", wait.success.join(" or ")),
            _ => "finish".to_owned(),
        }
    }

    async fn poll(&self, timeout: Option<Duration>) -> Result<Value> {
        let options = Options::default().for_poll(timeout);
        Ok(send(&self.client, self.poll, &self.inputs, None, &options).await?.json)
    }

    fn assess(&self, resource: &Value) -> Assessment {
        match self.how {
            Completion::State(wait) => {
                let status = wait.state(resource);
                let (existed, reason) = (poll::acts_on_existing(self.called), failure_reason::of_json(resource));
                let verdict =
                    poll::judge(&self.id(), self.called, (wait.success, wait.failure), &status, existed, reason);
                Assessment::new(status, verdict)
            }
            Completion::Operation(lro) => {
                let (state, verdict) = match lro.state(resource) {
                    Ok(LroState::Done(_)) => ("DONE", Verdict::Done),
                    Ok(LroState::Failed { code, message }) => {
                        ("FAILED", Verdict::Failed(lro::failure(&self.id(), code, message)))
                    }
                    Ok(_) => ("RUNNING", Verdict::Pending),
                    Err(error) => ("DONE", Verdict::Failed(error)),
                };
                Assessment::new(WaitStatus::new(state, None), verdict)
            }
            _ => Assessment::new(WaitStatus::new("", None), Verdict::Failed(unknown_wait(self.called))),
        }
    }

    fn state<'a>(&self, _resource: &'a Self::Resource, status: &'a WaitStatus) -> Option<&'a str> {
        Some(&status.state)
    }
}

fn unknown_wait(operation: &'static str) -> Error {
    Error::new(ErrorKind::Other, "this client does not know how the operation completes").with_operation(operation)
}
