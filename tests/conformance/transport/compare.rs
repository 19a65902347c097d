//! Comparing what came with what was wanted.

use std::collections::BTreeMap;
use std::sync::Mutex;

use fancy_regex::Regex;
use serde_json::Value;

/// Values that a case captures at their first sight; they must be the same later.
#[derive(Default)]
pub(crate) struct Captures(Mutex<BTreeMap<String, Value>>);

impl Captures {
    fn same(&self, name: &str, value: &Value) -> bool {
        let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
        let mut known = self.0.lock().unwrap();
        match known.get(name) {
            Some(first) => json_equal(first, value),
            None => {
                known.insert(name.to_owned(), value.clone());
                !empty
            }
        }
    }
}

pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).expect("a regular expression of a case").is_match(text).expect("a regular expression that ends")
}

/// JSON equality in which whole numbers are exact and `1` equals `1.0`.
fn json_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || (x.is_f64() || y.is_f64()) && x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| json_equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| json_equal(x, y)))
        }
        _ => a == b,
    }
}

/// Why JSON is not as wanted, or `None` if it is. The wanted side may hold `$matches`, `$any` and `$capture`.
pub(crate) fn json(wanted: &Value, got: &Value, captures: &Captures) -> Option<String> {
    differs(wanted, got, captures, false, "")
}

/// As [`json`], but objects may have more members than wanted.
pub(crate) fn subset(wanted: &Value, got: &Value, captures: &Captures) -> Option<String> {
    differs(wanted, got, captures, true, "")
}

fn differs(wanted: &Value, got: &Value, captures: &Captures, more: bool, at: &str) -> Option<String> {
    let no = || Some(format!("at `{at}`: wanted {wanted}, got {got}"));
    match (wanted, got) {
        (Value::Object(w), _) if w.len() == 1 && w.contains_key("$matches") => {
            let pattern = w["$matches"].as_str().unwrap_or_default();
            if got.as_str().is_some_and(|text| matches(pattern, text)) { None } else { no() }
        }
        (Value::Object(w), _) if w.len() == 1 && w.contains_key("$any") => {
            if got.is_null() {
                no()
            } else {
                None
            }
        }
        (Value::Object(w), _) if w.len() == 1 && w.contains_key("$capture") => {
            if captures.same(w["$capture"].as_str().unwrap_or_default(), got) { None } else { no() }
        }
        (Value::Object(w), Value::Object(g)) => {
            for (key, wanted) in w {
                match g.get(key) {
                    Some(got) => {
                        if let Some(why) = differs(wanted, got, captures, more, &format!("{at}.{key}")) {
                            return Some(why);
                        }
                    }
                    None => return Some(format!("at `{at}`: `{key}` is missing, got {got}")),
                }
            }
            let extra = g.keys().find(|key| !w.contains_key(*key)).filter(|_| !more);
            extra.map(|key| format!("at `{at}`: `{key}` was not wanted, got {got}"))
        }
        (Value::Array(w), Value::Array(g)) => {
            if w.len() != g.len() {
                return no();
            }
            w.iter()
                .zip(g)
                .enumerate()
                .find_map(|(i, (wanted, got))| differs(wanted, got, captures, more, &format!("{at}[{i}]")))
        }
        _ => {
            if json_equal(wanted, got) {
                None
            } else {
                no()
            }
        }
    }
}

/// Why a string is not as wanted. `wanted` is a string or a matcher; `got` is `None` if it is not there.
pub(crate) fn text(wanted: &Value, got: Option<&str>, captures: &Captures) -> Option<String> {
    let no = || Some(format!("wanted {wanted}, got {got:?}"));
    let flag = |name: &str| wanted.get(name).and_then(Value::as_bool).unwrap_or(false);
    if flag("absent") {
        return if got.is_none() { None } else { no() };
    }
    if let Some(pattern) = wanted.get("not_matches").and_then(Value::as_str) {
        return if got.is_none_or(|got| !matches(pattern, got)) { None } else { no() };
    }
    let Some(value) = got else { return no() };
    if let Some(pattern) = wanted.get("matches").and_then(Value::as_str)
        && !matches(pattern, value)
    {
        return no();
    }
    if let Some(name) = wanted.get("capture").and_then(Value::as_str)
        && !captures.same(name, &Value::from(value))
    {
        return no();
    }
    match wanted {
        Value::String(exact) if exact != value => no(),
        _ => None,
    }
}
