//! What runs at the moment, for the page at `/`.

use std::fmt::Write as _;

use serde_json::Value;

use crate::html::escape;
use crate::state::clusters::Cluster;
use crate::state::handles::PagesHandle;
use crate::state::lock;

/// How many of a kind are shown.
const SHOWN: usize = 25;

/// Compute that is up or on its way, and the work on it. Texts of statements are not shown: the page needs no credentials.
pub(super) fn table(state: &PagesHandle) -> String {
    let mut rows = String::new();
    for (kind, found) in [
        ("Cluster", clusters(state)),
        ("SQL warehouse", warehouses(state)),
        ("Execution context", contexts(state)),
        ("Run of a job", runs(state)),
        ("SQL statement", statements(state)),
    ] {
        let more = found.len().saturating_sub(SHOWN);
        for Thing { name, id, state } in found.into_iter().take(SHOWN) {
            let (name, id, state) = (escape(&name), escape(&id), escape(&state));
            let _ = write!(rows, "<tr><td>{kind}</td><td>{name}</td><td><code>{id}</code></td><td>{state}</td></tr>");
        }
        if more > 0 {
            let _ = write!(rows, "<tr><td>{kind}</td><td>and {more} more</td><td></td><td></td></tr>");
        }
    }
    if rows.is_empty() {
        return "<p>Nothing.</p>".to_owned();
    }
    format!("<table><tr><th>What</th><th>Name</th><th>ID</th><th>State</th></tr>{rows}</table>")
}

struct Thing {
    name: String,
    id: String,
    state: String,
}

fn clusters(state: &PagesHandle) -> Vec<Thing> {
    let mut clusters = lock(&state.sql.clusters);
    let up = clusters.up(state.sql.clock.now_ms());
    up.map(Cluster::to_json).map(|c| thing(&c, "cluster_name", "cluster_id", text(&c["state"]))).collect()
}

fn warehouses(state: &PagesHandle) -> Vec<Thing> {
    let now = state.sql.clock.now_ms();
    let all = lock(&state.sql.warehouses).list(&state.place.host, state.place.port, now);
    let all = all.iter().map(|w| thing(w, "name", "id", text(&w["state"])));
    all.filter(|w| !matches!(w.state.as_str(), "STOPPED" | "DELETED")).collect()
}

fn contexts(state: &PagesHandle) -> Vec<Thing> {
    let all = state.contexts.all().into_iter();
    all.map(|(id, context)| Thing {
        name: context.language.name().to_owned(),
        id,
        state: context.status().name().to_owned(),
    })
    .collect()
}

fn runs(state: &PagesHandle) -> Vec<Thing> {
    let jobs = lock(&state.jobs);
    let active = jobs.runs().filter(|run| run.is_active()).map(|run| run.listed(false));
    active.map(|run| thing(&run, "run_name", "run_id", text(&run["state"]["life_cycle_state"]))).collect()
}

fn statements(state: &PagesHandle) -> Vec<Thing> {
    let running = state.sql.history.list().into_iter().filter(|entry| entry.ended_ms.is_none());
    running.map(|e| Thing { name: e.kind().to_owned(), id: e.id.clone(), state: e.status.to_owned() }).collect()
}

fn thing(value: &Value, name: &str, id: &str, state: String) -> Thing {
    Thing { name: text(&value[name]), id: text(&value[id]), state }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
