//! The listing of clusters: filter, order, pages.

use serde_json::{Value, json};

use super::{Cluster, ClusterState, Clusters, STATES};
use crate::extract::Query;
use crate::paging::{Limits, page};
use crate::reply::ApiError;

const SOURCES: [&str; 7] = ["API", "JOB", "MODELS", "PIPELINE", "PIPELINE_MAINTENANCE", "SQL", "UI"];
const LIMITS: Limits = Limits { usual: 20, max: 100 };

impl Clusters {
    pub(crate) fn list(&mut self, query: &Query, now: i64) -> Result<Value, ApiError> {
        let states = query.enums("filter_by.cluster_states", &STATES)?;
        let sources = query.enums("filter_by.cluster_sources", &SOURCES)?;
        let pinned = query.opt_bool("filter_by.is_pinned")?;
        let policy = query.get("filter_by.policy_id");
        let by_name = query.enums("sort_by.field", &["CLUSTER_NAME", "DEFAULT"])?.first() == Some(&"CLUSTER_NAME");
        let direction = query.enums("sort_by.direction", &["ASC", "DESC"])?;

        let mut found: Vec<&Cluster> = self
            .caught_up(now)
            .filter(|c| states.is_empty() || states.contains(&c.state.name()))
            // Every cluster here was made through the API.
            .filter(|_| sources.is_empty() || sources.contains(&"API"))
            .filter(|c| pinned.is_none_or(|p| c.pinned == p))
            .filter(|c| policy.is_none_or(|p| c.spec.members().get("policy_id") == Some(&json!(p))))
            .collect();
        if by_name {
            found.sort_by(|a, b| (&a.spec.name, &a.id).cmp(&(&b.spec.name, &b.id)));
            if direction.first() == Some(&"DESC") {
                found.reverse();
            }
        } else {
            // What is up or pinned first, then the latest.
            found.sort_by_key(|c| {
                let down = c.state == ClusterState::Terminated;
                (!c.pinned, down, std::cmp::Reverse(c.start_time), c.id.clone())
            });
            if direction.first() == Some(&"ASC") {
                found.reverse();
            }
        }
        let size = query.opt_i64("page_size")?;
        let page = page(found, "clusters", size, query.get("page_token"), LIMITS)?;
        let mut out = json!({});
        if !page.items.is_empty() {
            out["clusters"] = page.items.into_iter().map(Cluster::to_json).collect();
        }
        out["next_page_token"] = json!(page.next.unwrap_or_default());
        out["prev_page_token"] = json!(page.previous.unwrap_or_default());
        Ok(out)
    }
}
