//! Whether a case came out as expected.

use std::time::Duration;

use databricks_core::api_error::{ApiErrorKind, ErrorDetails};
use databricks_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::compare;
use super::drive::Came;
use super::script::Script;
use crate::report::Outcome;
use databricks_tests::JumpClock;

pub(crate) fn judge(expect: &Value, came: Came, script: &Script, clock: &JumpClock, log: &str) -> Outcome {
    let mut problems = script.problems();
    match (&came, expect.get("error")) {
        (Err(error), None) => problems.push(format!("an error was not expected: {}", error.report())),
        (Err(error), Some(wanted)) => error_problems(wanted, error, script, &mut problems),
        (Ok(value), Some(wanted)) => problems.push(format!("wanted the error {wanted}, got {value}")),
        (Ok(value), None) => {
            problems.extend(expect.get("result").and_then(|wanted| compare::json(wanted, value, script.captures())));
            problems.extend(
                expect.get("result_subset").and_then(|wanted| compare::subset(wanted, value, script.captures())),
            );
        }
    }
    let number = |name: &str| expect[name].as_u64();
    if let Some(wanted) = number("attempts")
        && wanted != script.requests()
    {
        problems.push(format!("wanted {wanted} attempts, got {}", script.requests()));
    }
    let milliseconds = |name: &str| number(name).map(Duration::from_millis);
    if milliseconds("slept_at_least_ms").is_some_and(|least| clock.slept() < least)
        || milliseconds("slept_at_most_ms").is_some_and(|most| clock.slept() > most)
    {
        problems.push(format!("slept {:?}", clock.slept()));
    }
    if milliseconds("elapsed_at_least_ms").is_some_and(|least| clock.elapsed() < least) {
        problems.push(format!("only {:?} elapsed", clock.elapsed()));
    }
    for wanted in texts(&expect["log_contains"]).into_iter().filter(|wanted| !log.contains(wanted.as_str())) {
        problems.push(format!("the log lacks {wanted:?}: {log}"));
    }
    for unwanted in texts(&expect["log_excludes"]).into_iter().filter(|unwanted| log.contains(unwanted.as_str())) {
        problems.push(format!("the log has {unwanted:?}: {log}"));
    }
    if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems.join("\n")) }
}

/// A string or a list of strings.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn error_problems(wanted: &Value, error: &Error, script: &Script, problems: &mut Vec<String>) {
    let mut complain = |what: &str| problems.push(format!("{what}: wanted {wanted}, got {error:?}"));
    if let Some(kinds) = wanted.get("kind")
        && !texts(kinds).iter().any(|name| name == kind(error))
    {
        complain(&format!("the kind is {}", kind(error)));
    }
    for broader in texts(&wanted["is_a"]) {
        let is_a = error.api().is_some_and(|api| {
            std::iter::successors(Some(api.kind()), |kind| kind.broader()).any(|kind| api_kind(kind) == broader)
        });
        if !is_a {
            complain(&format!("it is no {broader}"));
        }
    }
    if let Some(status) = wanted["status"].as_u64()
        && error.status().map(|status| u64::from(status.as_u16())) != Some(status)
    {
        complain("the status");
    }
    if let Some(code) = wanted.get("error_code")
        && error
            .api()
            .and_then(|api| api.code())
            .or_else(|| error.statement().and_then(|statement| statement.error_code()))
            != code.as_str()
    {
        complain("the code");
    }
    let statement = error.statement();
    if let Some(state) = wanted["sql_state"].as_str()
        && statement.and_then(|statement| statement.sql_state()) != Some(state)
    {
        complain("the SQLSTATE");
    }
    if let Some(id) = wanted["statement_id"].as_str()
        && statement.map(|statement| statement.statement_id()) != Some(id)
    {
        complain("the statement");
    }
    let shown = error.to_string();
    if let Some(message) = wanted["message"].as_str()
        && error.api().map_or(error.message(), |api| api.message()) != message
    {
        complain("the message");
    }
    if texts(&wanted["message_contains"]).iter().any(|part| !shown.contains(part.as_str())) {
        complain("the message lacks something");
    }
    if texts(&wanted["message_excludes"]).iter().any(|part| {
        shown.contains(part.as_str())
            || error.report().contains(part.as_str())
            || format!("{error:?}").contains(part.as_str())
    }) {
        complain("the message has something");
    }
    if let Some(exhausted) = wanted["budget_exhausted"].as_bool()
        && exhausted != error.retries_exhausted()
    {
        complain("whether the retries are exhausted");
    }
    if let Some(details) = wanted.get("details") {
        let got = error.api().map_or(Value::Null, |api| details_json(api.details()));
        if let Some(why) = compare::subset(details, &got, script.captures()) {
            complain(&why);
        }
    }
}

/// The name that cases give to an error.
fn kind(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Api if error.status().is_some_and(|status| status.as_u16() == 412) && !error.is_already_exists() => {
            "precondition_failed"
        }
        ErrorKind::Api => error.api().map_or("api", |api| api_kind(api.kind())),
        ErrorKind::Io if file_exists(error) => "local_file_exists",
        ErrorKind::Connect | ErrorKind::ConnectionLost => "connection",
        ErrorKind::Timeout | ErrorKind::DeadlineExceeded => "timeout",
        ErrorKind::Redirect => "redirect",
        ErrorKind::Decode => "decode",
        ErrorKind::InvalidInput => "argument",
        ErrorKind::WaitTimeout => "wait_timeout",
        ErrorKind::OperationFailed => "operation_failed",
        ErrorKind::StatementFailed => "statement_failed",
        ErrorKind::StatementCanceled => "statement_canceled",
        ErrorKind::PaginationLoop => "pagination_loop",
        _ => "other",
    }
}

/// Whether a file of this machine is there that must not be replaced.
fn file_exists(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|source| source.kind() == std::io::ErrorKind::AlreadyExists)
}

fn api_kind(kind: ApiErrorKind) -> &'static str {
    use ApiErrorKind as K;
    match kind {
        K::BadRequest => "bad_request",
        K::InvalidState => "invalid_state",
        K::InvalidParameterValue => "invalid_parameter_value",
        K::Unauthenticated => "unauthenticated",
        K::PermissionDenied => "permission_denied",
        K::PrivateLinkValidation => "private_link_validation",
        K::NotFound => "not_found",
        K::ResourceDoesNotExist => "resource_does_not_exist",
        K::ResourceConflict => "resource_conflict",
        K::Aborted => "aborted",
        K::AlreadyExists => "already_exists",
        K::ResourceAlreadyExists => "resource_already_exists",
        K::TooManyRequests => "too_many_requests",
        K::ResourceExhausted => "resource_exhausted",
        K::RequestLimitExceeded => "request_limit_exceeded",
        K::Cancelled => "cancelled",
        K::InternalError => "internal_error",
        K::Unknown => "unknown",
        K::DataLoss => "data_loss",
        K::NotImplemented => "not_implemented",
        K::TemporarilyUnavailable => "temporarily_unavailable",
        K::DeadlineExceeded => "deadline_exceeded",
        _ => "api",
    }
}

/// The details by the names of the wire.
fn details_json(details: &ErrorDetails) -> Value {
    let mut all = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            all.insert(name.to_owned(), value);
        }
    };
    put(
        "error_info",
        details.error_info.as_ref().map(|i| json!({"reason": i.reason, "domain": i.domain, "metadata": i.metadata})),
    );
    put(
        "request_info",
        details.request_info.as_ref().map(|i| json!({"request_id": i.request_id, "serving_data": i.serving_data})),
    );
    put("retry_info", details.retry_info.as_ref().map(|i| json!({"retry_delay_seconds": i.retry_delay.as_secs_f64()})));
    put(
        "debug_info",
        details.debug_info.as_ref().map(|i| json!({"stack_entries": i.stack_entries, "detail": i.detail})),
    );
    put("quota_failure", details.quota_failure.as_ref().map(|all| json!({"violations": all.iter().map(|v| json!({"subject": v.subject, "description": v.description})).collect::<Vec<_>>()})));
    put("precondition_failure", details.precondition_failure.as_ref().map(|all| json!({"violations": all.iter().map(|v| json!({"type": v.kind, "subject": v.subject, "description": v.description})).collect::<Vec<_>>()})));
    put("bad_request", details.bad_request.as_ref().map(|all| json!({"field_violations": all.iter().map(|v| json!({"field": v.field, "description": v.description})).collect::<Vec<_>>()})));
    put(
        "resource_info",
        details.resource_info.as_ref().map(
            |i| json!({"resource_type": i.resource_type, "resource_name": i.resource_name, "owner": i.owner, "description": i.description}),
        ),
    );
    put(
        "help",
        details
            .help
            .as_ref()
            .map(|all| json!({"links": all.iter().map(|v| json!({"description": v.description, "url": v.url})).collect::<Vec<_>>()})),
    );
    put("unknown", (!details.unknown.is_empty()).then(|| Value::from(details.unknown.clone())));
    Value::Object(all)
}
