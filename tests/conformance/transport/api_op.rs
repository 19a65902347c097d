//! `api`, `list`, `wait`: operations by name, with JSON in and JSON out.

use std::collections::BTreeSet;
use std::time::Duration;

use databricks_core::dynamic::{Completion, Input, Location, OperationSchema};
use databricks_sdk::{Client, DynamicCall, Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::drive::{Came, Case};
use super::{http_op, text};

/// What an operation came to; `None` if it is not built into this client.
pub(crate) type Maybe = Option<Came>;

fn by_name(client: &Client, request: &Value) -> Option<Result<DynamicCall>> {
    let call = client.by_name(text(request, "call")).ok()?;
    let inputs = inputs(call.operation(), &request["params"]);
    Some(Ok(call.inputs(inputs)))
}

/// The parameters of a case as inputs of the operation. Cases name them as the Python SDK does, which differs from the
/// wire in two ways: names of API 1.2 are in snake case there, and members of a body that is a resource stand beside
/// the other parameters.
fn inputs(operation: &OperationSchema, params: &Value) -> Map<String, Value> {
    let mut inputs = Map::new();
    let whole_body =
        operation.inputs.iter().find(|input| input.places.contains(&Location::Json)).map(|input| input.name);
    for (name, value) in params.as_object().into_iter().flatten() {
        let known = |input: &&Input| input.name == name || snake(input.name) == *name;
        match (operation.inputs.iter().find(known), whole_body) {
            (Some(input), _) => drop(inputs.insert(input.name.to_owned(), value.clone())),
            (None, Some(body)) => inputs.entry(body).or_insert_with(|| json!({}))[name] = value.clone(),
            (None, None) => drop(inputs.insert(name.clone(), value.clone())),
        }
    }
    inputs
}

fn snake(name: &str) -> String {
    name.chars()
        .flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c.to_ascii_lowercase()]))
        .collect()
}

macro_rules! built {
    ($case:expr) => {
        match http_op::client($case) {
            Err(error) => return Some(Err(error)),
            Ok(client) => match by_name(&client, $case.request)? {
                Ok(call) => call,
                Err(error) => return Some(Err(error)),
            },
        }
    };
}

/// One generated operation.
pub(crate) async fn api(case: &Case<'_>) -> Maybe {
    let call = built!(case);
    Some(call.await.map(|response| if response.json.is_null() { json!({}) } else { response.json }))
}

/// A list, as far as the case wants it: what identifies each item.
pub(crate) async fn list(case: &Case<'_>) -> Maybe {
    let call = built!(case);
    Some(walk(call, case.request["take"].as_u64().unwrap_or(u64::MAX)).await)
}

async fn walk(call: DynamicCall, take: u64) -> Came {
    let key = call.operation().paging.as_ref().and_then(|paging| paging.key);
    let mut pages = call.pages()?;
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    while (found.len() as u64) < take
        && let Some(page) = pages.try_next().await?
    {
        for item in page.items {
            // Where the service may repeat items, the client leaves repetitions out.
            let repeated = key.and_then(|key| item.get(key)).is_some_and(|key| !seen.insert(key.to_string()));
            if !repeated && (found.len() as u64) < take {
                found.push(identity(&item));
            }
        }
    }
    Ok(Value::from(found))
}

/// The identifying member of an item.
fn identity(item: &Value) -> Value {
    const NAMES: &[&str] = &["job_id", "run_id", "timestamp", "id", "name", "path", "statement_id", "cluster_id"];
    NAMES.iter().find_map(|name| item.get(name)).unwrap_or(item).clone()
}

/// Starts something and waits for it.
pub(crate) async fn wait(case: &Case<'_>) -> Maybe {
    let request = case.request;
    // The progress of a wait has no form by name.
    if request.get("collect_progress").is_some() {
        return None;
    }
    let call = built!(case);
    if request["inspect"] == "handle" {
        return Some(handle(call, request).await);
    }
    Some(call.wait(request["timeout_ms"].as_u64().map(Duration::from_millis)).await)
}

/// The first response, and the ids by which the wait would poll what was started.
async fn handle(call: DynamicCall, request: &Value) -> Came {
    let operation = call.operation();
    let Some(Completion::State(wait)) = &operation.completion else {
        return Err(Error::new(ErrorKind::InvalidInput, "nothing can be waited for"));
    };
    let response = call.await?.json;
    let mut result = wait.inputs(&inputs(operation, &request["params"]), &response)?;
    result.insert("response".to_owned(), response);
    Ok(Value::Object(result))
}
