//! Cases of the transport: `TRANSPORT.md` of the cases states their form.

mod api_op;
mod codec;
mod compare;
mod drive;
mod files_op;
mod helper_op;
mod http_op;
mod lro_op;
mod outcome;
mod raw_op;
mod script;
mod server;
mod wire;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use crate::report::{Outcome, Report};

/// Runs the cases of `transport_cases.json` whose names contain one of the filters.
pub(crate) fn run(directory: &Path, filters: &[String]) -> Report {
    let mut report = Report::new("transport");
    let path = directory.join("transport_cases.json");
    let cases = std::fs::read(&path)
        .map_err(|e| e.to_string())
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| e.to_string()));
    let cases: Vec<Value> = match cases {
        Ok(cases) => cases,
        Err(error) => {
            report.add(
                "file",
                "transport_cases.json",
                Outcome::Failed(format!("{} cannot be read: {error}", path.display())),
            );
            return report;
        }
    };
    let wanted =
        |case: &Value| filters.is_empty() || filters.iter().any(|part| text(case, "name").contains(part.as_str()));
    let queue: Mutex<VecDeque<Value>> = Mutex::new(cases.into_iter().filter(wanted).collect());
    let done = Mutex::new(Vec::new());
    // Cases wait for real only where the server is slow, so a few threads are busy with one another's waits.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = { queue.lock().unwrap().pop_front() } {
                    let outcome = drive::run_case(&case);
                    done.lock().unwrap().push((
                        text(&case, "feature").to_owned(),
                        text(&case, "name").to_owned(),
                        outcome,
                    ));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by(|a, b| a.1.cmp(&b.1));
    for (feature, name, outcome) in done {
        report.add(&feature, &name, outcome);
    }
    report
}

/// A string member, empty if it is missing.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}
