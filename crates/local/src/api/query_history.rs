//! The query history, API 2.0.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use crate::extract::{Fields, Query};
use crate::paging::{Limits, page};
use crate::reply::{ApiError, Json, Reply};
use crate::state::history::{Entry, History};

const LIMITS: Limits = Limits { usual: 100, max: 1000 };

pub(super) fn routes(history: Arc<History>) -> Router {
    Router::new().route("/api/2.0/sql/history/queries", get(list)).with_state(history)
}

/// What the caller wants to see: in the query, or in a body that some clients send with their GET.
struct Wanted {
    statuses: Vec<String>,
    warehouses: Vec<String>,
    users: Vec<String>,
    statements: Vec<String>,
    from: Option<i64>,
    to: Option<i64>,
}

impl Wanted {
    fn read(query: &Query, fields: &Fields) -> Result<Self, ApiError> {
        let body = fields.opt_object("filter_by")?.unwrap_or_default();
        let strings = |name: &str| -> Vec<String> {
            let stated = query.all(&format!("filter_by.{name}")).map(str::to_owned).collect::<Vec<_>>();
            let listed = body.0.get(name).and_then(Value::as_array).into_iter().flatten();
            let listed = listed.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            stated.into_iter().chain(listed).collect()
        };
        let range = body.opt_object("query_start_time_range")?.unwrap_or_default();
        let bound = |name: &str| -> Result<Option<i64>, ApiError> {
            let stated = query.opt_i64(&format!("filter_by.query_start_time_range.{name}"))?;
            Ok(stated.or(range.opt_i64(name)?))
        };
        Ok(Self {
            statuses: strings("statuses"),
            warehouses: strings("warehouse_ids"),
            users: strings("user_ids"),
            statements: strings("statement_ids"),
            from: bound("start_time_ms")?,
            to: bound("end_time_ms")?,
        })
    }

    fn fits(&self, entry: &Entry) -> bool {
        let among = |list: &[String], value: &str| list.is_empty() || list.iter().any(|v| v == value);
        among(&self.statuses, entry.status)
            && among(&self.warehouses, &entry.warehouse_id)
            && among(&self.users, &entry.user.id)
            && among(&self.statements, &entry.id)
            && self.from.is_none_or(|from| entry.started_ms >= from)
            && self.to.is_none_or(|to| entry.started_ms <= to)
    }
}

async fn list(State(history): State<Arc<History>>, query: Query, fields: Fields) -> Reply {
    let wanted = Wanted::read(&query, &fields)?;
    let all: Vec<Value> = history.list().iter().filter(|e| wanted.fits(e)).map(Entry::to_json).collect();
    let size = query.opt_i64("max_results")?.or(fields.opt_i64("max_results")?);
    let page = page(all, "query-history", size, query.get("page_token"), LIMITS)?;
    let mut out = json!({"res": page.items, "has_next_page": page.next.is_some()});
    if let Some(next) = page.next {
        out["next_page_token"] = json!(next);
    }
    Ok(Json(out))
}
