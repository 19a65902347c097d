//! The parts of SCIM (RFC 7643, RFC 7644) that concern values alone: filters, patches and the selection of attributes.

mod filter;
mod patch;

use serde_json::Value;

pub(crate) use filter::Filter;
pub(crate) use patch::patch;

/// RFC 7644 section 3.9, top-level attributes only; `schemas` and `id` always come.
pub(crate) fn select(resource: Value, wanted: Option<&str>, excluded: Option<&str>) -> Value {
    let has = |list: &str, name: &str| {
        list.split(',').filter_map(|a| a.trim().split('.').next()).any(|a| a.eq_ignore_ascii_case(name))
    };
    let Value::Object(members) = resource else {
        return resource;
    };
    members
        .into_iter()
        .filter(|(name, _)| {
            matches!(name.as_str(), "schemas" | "id")
                || wanted.is_none_or(|list| has(list, name)) && !excluded.is_some_and(|list| has(list, name))
        })
        .collect()
}
