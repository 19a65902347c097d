//! What dashboards and queries can do beside being records.

use serde_json::{Value, json};

use super::Run;
use crate::records::call::{Call, set, text};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("lakeview.publish", publish),
    ("lakeview.get_published", published),
    ("lakeview.unpublish", unpublish),
    ("queries.list_visualizations", visualizations),
    ("queries.delete", |call| trash(call, "queries/")),
    ("alerts.delete", |call| trash(call, "alerts/")),
    ("alerts_v2.trash_alert", |call| trash(call, "alerts_v2/alert")),
    ("queries_legacy.list", legacy_queries),
    ("queries_legacy.delete", |call| archive(call, true)),
    ("queries_legacy.restore", |call| archive(call, false)),
];

const PUBLISHED: &str = "lakeview_published/";

fn publish(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let embed = call.body.opt_bool("embed_credentials")?.unwrap_or(true);
    call.transact(|change| {
        let dashboard = change.get("lakeview/", id).ok_or_else(|| missing(id))?;
        let warehouse = call.body.opt_str("warehouse_id")?.unwrap_or_else(|| text(dashboard, "warehouse_id"));
        let mut record = crate::records::store::Record::new();
        set(&mut record, "display_name", text(dashboard, "display_name"));
        set(&mut record, "embed_credentials", embed);
        set(&mut record, "warehouse_id", warehouse);
        set(&mut record, "revision_create_time", crate::clock::Clock::rfc3339(call.now()));
        change.put(PUBLISHED, id, record.clone());
        Ok(Json(Value::Object(record)))
    })
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("Dashboard '{id}' does not exist."))
}

fn published(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let kept = call.desk.records.get(PUBLISHED, id);
    kept.map(|r| Json(Value::Object(r)))
        .ok_or_else(|| ApiError::not_found(format!("Dashboard '{id}' is not published.")))
}

fn unpublish(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        change
            .remove(PUBLISHED, id)
            .ok_or_else(|| ApiError::not_found(format!("Dashboard '{id}' is not published.")))?;
        Ok(Json::empty())
    })
}

fn visualizations(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    let all = call.desk.records.list("query_visualizations/");
    let own = all.into_iter().filter(|v| text(v, "query_id") == id).map(Value::Object).collect();
    listing(call, own, "visualizations")
}

/// Moves to the trash: the record is kept, and neither read nor listed from then on.
fn trash(call: &Call<'_>, collection: &str) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        let removed = change.remove(collection, id);
        let mut record = removed.ok_or_else(|| ApiError::not_found(format!("'{id}' does not exist.")))?;
        set(&mut record, "lifecycle_state", "TRASHED");
        change.put(&format!("trash/{collection}"), id, record);
        Ok(Json::empty())
    })
}

fn legacy_queries(call: &Call<'_>) -> Reply {
    let number = |name: &str, usual: usize| match call.query.get(name) {
        None => Ok(usual),
        Some(n) => n.parse::<usize>().map_err(|_| ApiError::invalid_parameter(format!("{name} must be a number"))),
    };
    let (page, size) = (number("page", 1)?.max(1), number("page_size", 25)?.clamp(1, 1000));
    let search = call.query.get("q").unwrap_or_default().to_lowercase();
    let all = call.desk.records.list("queries_legacy/");
    let all: Vec<_> = all
        .into_iter()
        .filter(|q| q.get("is_archived") != Some(&json!(true)))
        .filter(|q| text(q, "name").to_lowercase().contains(&search))
        .collect();
    let count = all.len();
    let results: Vec<_> = all.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    Ok(Json(json!({"count": count, "page": page, "page_size": size, "results": results})))
}

fn archive(call: &Call<'_>, archived: bool) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        let record = change.get("queries_legacy/", id).cloned();
        let mut record = record.ok_or_else(|| ApiError::not_found(format!("Query '{id}' does not exist.")))?;
        set(&mut record, "is_archived", archived);
        change.put("queries_legacy/", id, record);
        Ok(Json::empty())
    })
}
