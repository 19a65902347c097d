//! What happened to a cluster.

use serde_json::{Value, json};

use super::Clusters;
use crate::extract::Fields;
use crate::reply::ApiError;

/// One entry of the log.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    kind: &'static str,
    at: i64,
    details: Value,
}

impl Event {
    pub(super) fn new(kind: &'static str, at: i64, details: Value) -> Self {
        Self { kind, at, details }
    }

    #[cfg(test)]
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    fn to_json(&self, cluster: &str) -> Value {
        json!({
            "cluster_id": cluster,
            "timestamp": self.at,
            "type": self.kind,
            "details": self.details,
        })
    }
}

impl Clusters {
    /// The response of `clusters/events`: `next_page` is the whole body of the request for the following page.
    pub(crate) fn events(&mut self, fields: &Fields, now: i64) -> Result<Value, ApiError> {
        let id = fields.str("cluster_id")?;
        let start = fields.opt_i64("start_time")?.unwrap_or(0);
        let end = fields.opt_i64("end_time")?.unwrap_or(i64::MAX);
        let offset = usize::try_from(fields.opt_i64("offset")?.unwrap_or(0))
            .map_err(|_| ApiError::invalid_parameter("offset must not be negative"))?;
        let limit = match fields.opt_i64("limit")?.unwrap_or(50) {
            0 => 50,
            n @ 1..=500 => n as usize,
            n => {
                return Err(ApiError::invalid_parameter(format!("limit must be between 1 and 500, got {n}")));
            }
        };
        let order = fields.opt_enum("order", &["ASC", "DESC"])?.unwrap_or("DESC");
        let kinds = fields.opt_strings("event_types")?.unwrap_or_default();
        let cluster = self.get(id, now)?;
        let mut matching: Vec<_> = cluster
            .events
            .iter()
            .filter(|e| (start..=end).contains(&e.at))
            .filter(|e| kinds.is_empty() || kinds.iter().any(|k| k == e.kind))
            .collect();
        if order == "DESC" {
            matching.reverse();
        }
        let total = matching.len();
        let page: Vec<_> = matching.into_iter().skip(offset).take(limit).map(|e| e.to_json(id)).collect();
        let next = offset.saturating_add(page.len());
        let mut out = json!({"total_count": total});
        if next < total && !page.is_empty() {
            let mut body = fields.0.clone();
            body.insert("offset".to_owned(), json!(next));
            body.insert("limit".to_owned(), json!(limit));
            body.insert("end_time".to_owned(), json!(end.min(now)));
            out["next_page"] = Value::Object(body);
        }
        if !page.is_empty() {
            out["events"] = Value::Array(page);
        }
        Ok(out)
    }
}
