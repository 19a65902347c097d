//! Paths into JSON.

use serde_json::Value;

pub(super) enum Step {
    Name(String),
    Index(usize),
    All,
}

pub(super) fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() {
                return None;
            }
            steps.push(if name == "*" { Step::All } else { Step::Name(name.to_owned()) });
            rest = &after[end..];
        } else {
            let after = rest.strip_prefix('[')?;
            let end = after.find(']')?;
            let inner = after[..end].trim();
            steps.push(if inner == "*" {
                Step::All
            } else if let Some(name) = inner.strip_prefix(['\'', '"']) {
                Step::Name(name.strip_suffix(['\'', '"'])?.to_owned())
            } else {
                Step::Index(inner.parse().ok()?)
            });
            rest = &after[end + 1..];
        }
    }
    Some(steps)
}

pub(super) fn select(root: &Value, steps: &[Step]) -> Vec<Value> {
    let mut now = vec![root.clone()];
    for s in steps {
        now = now
            .iter()
            .flat_map(|v| match s {
                Step::Name(name) => match v {
                    Value::Array(items) => items.iter().filter_map(|i| i.get(name).cloned()).collect(),
                    v => v.get(name).cloned().into_iter().collect::<Vec<_>>(),
                },
                Step::Index(i) => v.get(*i).cloned().into_iter().collect(),
                Step::All => match v {
                    Value::Array(items) => items.clone(),
                    Value::Object(o) => o.values().cloned().collect(),
                    _ => Vec::new(),
                },
            })
            .collect();
    }
    now
}
