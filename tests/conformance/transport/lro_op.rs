//! `lro`: long-running work that a case spells out.

use std::cell::RefCell;
use std::time::Duration;

use databricks_core::lro::{self, LroState};
use databricks_core::operation::{OperationInfo, Scope};
use databricks_core::{
    Error, ErrorKind, LongRunning, Operation, RequestContext, RequestParts, ResponseParts, Result, wait,
};
use databricks_sdk::OperationWaiter;
use http::Method;
use serde_json::Value;

use super::drive::{Came, Case};
use super::{http_op, text};

thread_local! {
    /// Where the work of this thread's case is polled and cancelled: an operation knows it statically, a case does
    /// not.
    static PATHS: RefCell<(&'static str, &'static str)> = const { RefCell::new(("", "")) };
}

/// A string that lives as long as the program: cases are few.
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// The call that starts the work.
struct Start(Value);

/// A poll of the work, or its cancellation.
struct ByName {
    info: &'static OperationInfo,
    name: String,
}

impl Operation for Start {
    type Output = Value;

    const INFO: &'static OperationInfo = &OperationInfo::new("lro.start", Method::POST, "/", Scope::Workspace);

    fn request(&self, _: &RequestContext) -> Result<RequestParts> {
        http_op::parts(&self.0)
    }

    fn response(parts: ResponseParts) -> Result<Value> {
        parts.json()
    }
}

impl Operation for ByName {
    type Output = Value;

    const INFO: &'static OperationInfo = &OperationInfo::new("lro.get", Method::GET, "/", Scope::Workspace);

    fn request(&self, context: &RequestContext) -> Result<RequestParts> {
        RequestParts::new(self.info, context)?.multi_segment_param("name", &self.name)
    }

    fn response(parts: ResponseParts) -> Result<Value> {
        parts.json()
    }
}

fn by_name(method: Method, path: &'static str, name: &str) -> ByName {
    let info = Box::leak(Box::new(OperationInfo::new("lro.get", method, path, Scope::Workspace)));
    ByName { info, name: name.to_owned() }
}

impl LongRunning for Start {
    type Poll = ByName;
    type Cancel = ByName;
    type Result = Value;
    type Metadata = Value;

    fn name(output: &Value) -> Result<String> {
        wait::required(output["name"].as_str().map(str::to_owned).as_ref(), "name")
    }

    fn poll(name: &str) -> ByName {
        by_name(Method::GET, PATHS.with_borrow(|paths| paths.0), name)
    }

    fn cancel(name: &str) -> Option<ByName> {
        Some(by_name(Method::POST, PATHS.with_borrow(|paths| paths.1), name))
    }

    fn state(output: &Value) -> Result<LroState<Value>> {
        let member = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
        let error = output
            .get("error")
            .filter(|error| error.is_object())
            .map(|error| (member(error, "error_code"), member(error, "message")));
        lro::state(output["done"].as_bool(), error, output["response"].as_object())
    }

    fn metadata(output: &Value) -> Result<Option<Value>> {
        Ok(output.get("metadata").cloned())
    }
}

pub(crate) async fn run(case: &Case<'_>) -> Came {
    let request = case.request;
    PATHS.set((leak(text(request, "operation_path")), leak(text(request, "cancel_path"))));
    let client = http_op::client(case)?;
    let mut waiter = OperationWaiter::new(client.call(Start(request["start"].clone())));
    if let Some(limit) = request["timeout_ms"].as_u64() {
        waiter = waiter.timeout(Duration::from_millis(limit));
    }
    let mut handle = waiter.start().await?;
    match text(request, "action") {
        "wait" => handle.wait().await,
        "done" => Ok(Value::from(handle.done().await?)),
        "name" => Ok(Value::from(handle.name())),
        "metadata" => Ok(handle.metadata()?.unwrap_or_default()),
        "cancel" => handle.cancel().await.map(|()| Value::Null),
        action => Err(Error::new(ErrorKind::Other, format!("there is no action {action}"))),
    }
}
