//! Cases of configuration and authentication: the `README.md` of the cases states their form.
//!
//! Every case gets a machine of its own: an empty home, programs, environment, key store, browser, clock, and a
//! scripted network that no request leaves. The code under test is the client as programs use it.

#![allow(clippy::unwrap_used)]

mod browser;
mod case;
mod clock;
mod drive;
mod expect;
mod failure;
mod jwt;
mod keys;
mod machine;
mod matcher;
mod network;

use std::path::Path;

use serde_json::Value;

use crate::report::{Outcome, Report};

/// Runs the cases of `config_cases.json`, and of `config_own_cases.json` if it is there, whose names or features
/// contain one of the filters.
pub(crate) fn run(directory: &Path, filters: &[String]) -> Report {
    let mut report = Report::new("config");
    let own = directory.join("config_own_cases.json");
    for path in std::iter::once(directory.join("config_cases.json")).chain(own.is_file().then_some(own)) {
        let cases = match read(&path) {
            Ok(cases) => cases,
            Err(error) => {
                report.add("file", &path.display().to_string(), Outcome::Failed(error));
                continue;
            }
        };
        for case in &cases {
            let (name, feature) = (text(case, "name"), text(case, "feature"));
            if filters.is_empty()
                || filters.iter().any(|part| name.contains(part.as_str()) || feature.contains(part.as_str()))
            {
                let outcome = match drive::run(case) {
                    Ok(()) => Outcome::Passed,
                    Err(why) => Outcome::Failed(why),
                };
                report.add(feature, name, outcome);
            }
        }
    }
    report
}

fn read(path: &Path) -> Result<Vec<Value>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let document: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    document.get("cases").and_then(Value::as_array).cloned().ok_or_else(|| "it has no list of cases".to_owned())
}

/// A string member, empty if it is missing.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}
