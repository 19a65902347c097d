//! Clusters and their life in time.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::extract::Fields;
use crate::reply::ApiError;
use crate::state::USER_NAME;
use events::Event;
use spec::Spec;

pub(crate) mod catalog;
pub(crate) mod events;
pub(crate) mod list;
mod spec;

/// Names of the states, as filters take them.
pub(crate) const STATES: [&str; 8] =
    ["ERROR", "PENDING", "RESIZING", "RESTARTING", "RUNNING", "TERMINATED", "TERMINATING", "UNKNOWN"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClusterState {
    Pending,
    Running,
    Restarting,
    Resizing,
    Terminating,
    Terminated,
}

impl ClusterState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Restarting => "RESTARTING",
            Self::Resizing => "RESIZING",
            Self::Terminating => "TERMINATING",
            Self::Terminated => "TERMINATED",
        }
    }

    /// As error messages of the platform write it.
    fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Restarting => "Restarting",
            Self::Resizing => "Resizing",
            Self::Terminating => "Terminating",
            Self::Terminated => "Terminated",
        }
    }
}

/// Milliseconds that changes of state take.
#[derive(Clone, Copy, Debug)]
struct Timings {
    start: i64,
    restart: i64,
    resize: i64,
    terminate: i64,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    /// Whose it is.
    owner: String,
    id: String,
    spec: Spec,
    state: ClusterState,
    since: i64,
    start_time: i64,
    last_restarted: Option<i64>,
    terminated: Option<i64>,
    reason: Option<Value>,
    last_used: i64,
    pinned: bool,
    /// Changes with every start: what ran on the cluster before is lost.
    spark_context_id: i64,
    events: Vec<Event>,
}

impl Cluster {
    fn new(id: &str, spec: Spec, spark_context_id: i64, now: i64) -> Self {
        let mut cluster = Self {
            owner: USER_NAME.to_owned(),
            id: id.to_owned(),
            spec,
            state: ClusterState::Pending,
            since: now,
            start_time: now,
            last_restarted: None,
            terminated: None,
            reason: None,
            last_used: now,
            pinned: false,
            spark_context_id,
            events: Vec::new(),
        };
        let attributes = json!({"user": USER_NAME, "attributes": cluster.spec.members()});
        cluster.note("CREATING", now, attributes);
        cluster
    }

    fn note(&mut self, kind: &'static str, at: i64, details: Value) {
        self.events.push(Event::new(kind, at, details));
    }

    /// Brings the state up to date with the time.
    fn catch_up(&mut self, now: i64, timings: Timings) {
        loop {
            let at = self.since
                + match self.state {
                    ClusterState::Pending => timings.start,
                    ClusterState::Restarting => timings.restart,
                    ClusterState::Resizing => timings.resize,
                    ClusterState::Terminating => timings.terminate,
                    ClusterState::Running if self.spec.autotermination_minutes > 0 => {
                        self.last_used.max(self.since) - self.since + self.spec.autotermination_minutes * 60_000
                    }
                    ClusterState::Running | ClusterState::Terminated => return,
                };
            if now < at {
                return;
            }
            match self.state {
                ClusterState::Pending | ClusterState::Restarting => {
                    self.enter(ClusterState::Running, at);
                    self.note("RUNNING", at, self.spec.size_details());
                    self.note("DRIVER_HEALTHY", at, json!({}));
                }
                ClusterState::Resizing => {
                    self.enter(ClusterState::Running, at);
                    self.note("UPSIZE_COMPLETED", at, self.spec.size_details());
                }
                ClusterState::Terminating => {
                    self.enter(ClusterState::Terminated, at);
                    self.terminated = Some(at);
                }
                ClusterState::Running => {
                    let minutes = self.spec.autotermination_minutes.to_string();
                    let reason = json!({
                        "code": "INACTIVITY",
                        "type": "SUCCESS",
                        "parameters": {"inactivity_duration_min": minutes},
                    });
                    self.terminate(reason, at);
                }
                ClusterState::Terminated => return,
            }
        }
    }

    fn enter(&mut self, state: ClusterState, at: i64) {
        self.state = state;
        self.since = at;
    }

    fn terminate(&mut self, reason: Value, at: i64) {
        self.enter(ClusterState::Terminating, at);
        self.note("TERMINATING", at, json!({"reason": reason}));
        self.reason = Some(reason);
    }

    fn unexpected(&self) -> ApiError {
        ApiError::invalid_state(format!("Cluster {} is in unexpected state {}.", self.id, self.state.word()))
    }

    /// Refuses where code cannot run. While the cluster comes up, the message has the word that clients retry on.
    pub(crate) fn ready_for_code(&self) -> Result<(), ApiError> {
        match self.state {
            _ if self.is_running() => Ok(()),
            ClusterState::Pending | ClusterState::Restarting => Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "ClusterNotReadyException",
                format!("Cluster {} is in state {}", self.id, self.state.word()),
            )),
            _ => Err(self.unexpected()),
        }
    }

    /// Whether code can run on it now.
    fn is_running(&self) -> bool {
        matches!(self.state, ClusterState::Running | ClusterState::Resizing)
    }

    pub(crate) fn spark_context_id(&self) -> i64 {
        self.spark_context_id
    }

    /// Notes activity, which puts off the automatic termination.
    pub(crate) fn touch(&mut self, now: i64) {
        self.last_used = self.last_used.max(now);
    }

    fn state_message(&self) -> String {
        match self.state {
            ClusterState::Pending => "Finding instances for new nodes, acquiring more instances if necessary".into(),
            ClusterState::Restarting => format!("Restart requested by {USER_NAME}"),
            ClusterState::Resizing => "Resizing cluster".into(),
            ClusterState::Running => String::new(),
            ClusterState::Terminating | ClusterState::Terminated => {
                match self.reason.as_ref().and_then(|r| r["code"].as_str()) {
                    Some("INACTIVITY") => "Inactive cluster terminated".into(),
                    _ => format!("Terminated by {USER_NAME}"),
                }
            }
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut out: Map<String, Value> = self.spec.members().clone();
        let mut set = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        set("spec", Value::Object(self.spec.members().clone()));
        set("cluster_id", json!(self.id));
        set("cluster_name", json!(self.spec.name));
        set("creator_user_name", json!(self.owner));
        set("cluster_source", json!("API"));
        set("state", json!(self.state.name()));
        set("state_message", json!(self.state_message()));
        set("start_time", json!(self.start_time));
        set("last_state_loss_time", json!(self.last_restarted.unwrap_or(0)));
        set("spark_context_id", json!(self.spark_context_id));
        set("autotermination_minutes", json!(self.spec.autotermination_minutes));
        set("num_workers", json!(self.spec.num_workers));
        set(
            "default_tags",
            json!({
                "Vendor": "Databricks",
                "Creator": USER_NAME,
                "ClusterName": self.spec.name,
                "ClusterId": self.id,
            }),
        );
        if let Some(node) = self.spec.node_type() {
            let nodes = 1 + self.spec.num_workers;
            set("cluster_cores", json!(node.cores * nodes as f64));
            set("cluster_memory_mb", json!(node.memory_mb * nodes));
        }
        if let Some(at) = self.last_restarted {
            set("last_restarted_time", json!(at));
        }
        if self.is_running() {
            set("driver", self.node(0));
            let executors: Vec<_> = (1..=self.spec.num_workers).map(|n| self.node(n)).collect();
            set("executors", json!(executors));
            set("jdbc_port", json!(10000));
        }
        if matches!(self.state, ClusterState::Terminated | ClusterState::Terminating) {
            if let Some(reason) = &self.reason {
                set("termination_reason", reason.clone());
            }
            if let Some(at) = self.terminated {
                set("terminated_time", json!(at));
            }
        }
        Value::Object(out)
    }

    fn node(&self, number: i64) -> Value {
        let octet = number % 250 + 2;
        let ip = format!("10.0.{}.{octet}", number / 250);
        let id = format!("{}-{number}", self.id);
        json!({
            "node_id": id,
            "instance_id": format!("i-{id}"),
            "private_ip": ip,
            "host_private_ip": ip,
            "start_timestamp": self.start_time,
        })
    }
}

/// All clusters of the workspace.
#[derive(Debug)]
pub(crate) struct Clusters {
    all: BTreeMap<String, Cluster>,
    timings: Timings,
}

impl Clusters {
    pub(crate) fn new(clock: &Clock) -> Self {
        let seconds = |s| clock.scaled_ms(Duration::from_secs(s));
        Self {
            all: BTreeMap::new(),
            timings: Timings { start: seconds(60), restart: seconds(40), resize: seconds(20), terminate: seconds(20) },
        }
    }

    /// The cluster, up to date.
    pub(crate) fn get(&mut self, id: &str, now: i64) -> Result<&mut Cluster, ApiError> {
        let timings = self.timings;
        // The platform states 400 here, not 404; clients know this message.
        let cluster =
            self.all.get_mut(id).ok_or_else(|| ApiError::invalid_parameter(format!("Cluster {id} does not exist")))?;
        cluster.catch_up(now, timings);
        Ok(cluster)
    }

    pub(crate) fn create(&mut self, id: &str, fields: &Fields, context: i64, now: i64) -> Result<(), ApiError> {
        let spec = match fields.opt_object("clone_from")? {
            None => Spec::new(fields, id)?,
            Some(clone) => {
                // The source's attributes, under whatever the request itself states.
                let source = self.get(clone.str("source_cluster_id")?, now)?;
                let mut merged = Fields(source.spec.members().clone());
                merged.0.extend(fields.0.clone());
                merged.0.remove("clone_from");
                Spec::new(&merged, id)?
            }
        };
        self.all.insert(id.to_owned(), Cluster::new(id, spec, context, now));
        Ok(())
    }

    pub(crate) fn start(&mut self, id: &str, context: i64, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if cluster.state != ClusterState::Terminated {
            return Err(cluster.unexpected());
        }
        cluster.enter(ClusterState::Pending, now);
        cluster.start_time = now;
        cluster.last_used = now;
        cluster.spark_context_id = context;
        cluster.reason = None;
        cluster.terminated = None;
        cluster.note("STARTING", now, json!({"user": USER_NAME}));
        Ok(())
    }

    /// Starts the cluster if it is terminated, notes activity, and gives the milliseconds until it runs.
    pub(crate) fn acquire(&mut self, id: &str, context: i64, now: i64) -> Result<i64, ApiError> {
        let timings = self.timings;
        if self.get(id, now)?.state == ClusterState::Terminated {
            self.start(id, context, now)?;
        }
        let cluster = self.get(id, now)?;
        cluster.touch(now);
        let takes = match cluster.state {
            ClusterState::Pending => timings.start,
            ClusterState::Restarting => timings.restart,
            ClusterState::Running | ClusterState::Resizing => return Ok(0),
            ClusterState::Terminating | ClusterState::Terminated => return Err(cluster.unexpected()),
        };
        Ok((cluster.since + takes - now).max(0))
    }

    pub(crate) fn restart(&mut self, id: &str, context: i64, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if !cluster.is_running() {
            return Err(cluster.unexpected());
        }
        cluster.enter(ClusterState::Restarting, now);
        cluster.last_restarted = Some(now);
        cluster.last_used = now;
        cluster.spark_context_id = context;
        cluster.note("RESTARTING", now, json!({"user": USER_NAME}));
        Ok(())
    }

    /// Terminates; a cluster that is already down or going down stays as it is.
    pub(crate) fn delete(&mut self, id: &str, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if !matches!(cluster.state, ClusterState::Terminated | ClusterState::Terminating) {
            let reason = json!({
                "code": "USER_REQUEST",
                "type": "SUCCESS",
                "parameters": {"username": USER_NAME},
            });
            cluster.terminate(reason, now);
        }
        Ok(())
    }

    pub(crate) fn permanent_delete(&mut self, id: &str, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if cluster.pinned {
            return Err(ApiError::invalid_state(format!(
                "Cluster {id} is pinned; unpin it before it is permanently deleted."
            )));
        }
        self.all.remove(id);
        Ok(())
    }

    /// Replaces the whole specification. A running cluster restarts to take it up.
    pub(crate) fn edit(&mut self, id: &str, fields: &Fields, context: i64, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        let running = cluster.state == ClusterState::Running;
        if !running && cluster.state != ClusterState::Terminated {
            return Err(cluster.unexpected());
        }
        let spec = Spec::new(fields, id)?;
        let before = std::mem::replace(&mut cluster.spec, spec);
        let details = json!({
            "user": USER_NAME,
            "previous_attributes": before.members(),
            "attributes": cluster.spec.members(),
        });
        cluster.note("EDITED", now, details);
        if running {
            self.restart(id, context, now)?;
        }
        Ok(())
    }

    /// Replaces the members that the mask names. A running cluster restarts to take them up.
    pub(crate) fn update(
        &mut self,
        id: &str,
        mask: &str,
        stated: &Fields,
        context: i64,
        now: i64,
    ) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        let mut members = Fields(cluster.spec.members().clone());
        members.0.insert("cluster_name".to_owned(), json!(cluster.spec.name));
        if !members.0.contains_key("autoscale") {
            members.0.insert("num_workers".to_owned(), json!(cluster.spec.num_workers));
        }
        members.0.insert("autotermination_minutes".to_owned(), json!(cluster.spec.autotermination_minutes));
        for path in mask.split(',').map(str::trim) {
            let name = if path == "*" { None } else { Some(path.split('.').next().unwrap_or(path)) };
            match name {
                None => members.0.extend(stated.0.clone()),
                Some(name) => {
                    // Workers are a number or a range, not both.
                    match name {
                        "autoscale" => drop(members.0.remove("num_workers")),
                        "num_workers" => drop(members.0.remove("autoscale")),
                        _ => {}
                    }
                    match stated.0.get(name) {
                        Some(value) => drop(members.0.insert(name.to_owned(), value.clone())),
                        None => drop(members.0.remove(name)),
                    }
                }
            }
        }
        self.edit(id, &members, context, now)
    }

    /// Gives a terminated cluster to another user.
    pub(crate) fn change_owner(&mut self, id: &str, owner: &str, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if cluster.state != ClusterState::Terminated {
            return Err(ApiError::invalid_state(format!(
                "Cluster {id} is in state {}; it must be terminated before its owner changes.",
                cluster.state.word()
            )));
        }
        owner.clone_into(&mut cluster.owner);
        Ok(())
    }

    pub(crate) fn resize(&mut self, id: &str, fields: &Fields, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if cluster.state != ClusterState::Running {
            return Err(cluster.unexpected());
        }
        cluster.spec.resize(fields)?;
        cluster.enter(ClusterState::Resizing, now);
        cluster.touch(now);
        cluster.note("RESIZING", now, cluster.spec.size_details());
        Ok(())
    }

    pub(crate) fn pin(&mut self, id: &str, pinned: bool, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if cluster.pinned != pinned {
            cluster.pinned = pinned;
            let kind = if pinned { "PINNED" } else { "UNPINNED" };
            cluster.note(kind, now, json!({"user": USER_NAME}));
        }
        Ok(())
    }

    /// Every cluster, up to date.
    fn caught_up(&mut self, now: i64) -> impl Iterator<Item = &Cluster> {
        let timings = self.timings;
        self.all.values_mut().map(move |c| {
            c.catch_up(now, timings);
            &*c
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Clusters {
        let mut clusters =
            Clusters { all: BTreeMap::new(), timings: Timings { start: 100, restart: 50, resize: 20, terminate: 10 } };
        let fields = Fields::parse(body.as_bytes()).unwrap();
        clusters.create("c", &fields, 1, 0).unwrap();
        clusters
    }

    const PLAIN: &str = r#"{"spark_version": "15.4.x-scala2.12", "node_type_id": "m5d.large", "num_workers": 1}"#;

    fn state(c: &mut Clusters, now: i64) -> &'static str {
        c.get("c", now).unwrap().state.name()
    }

    #[test]
    fn the_whole_life() {
        let mut c = one(PLAIN);
        assert_eq!(state(&mut c, 99), "PENDING");
        assert!(c.start("c", 2, 99).unwrap_err().message().contains("unexpected state Pending"));
        assert_eq!(state(&mut c, 100), "RUNNING");
        c.restart("c", 2, 200).unwrap();
        assert_eq!(state(&mut c, 249), "RESTARTING");
        assert_eq!(state(&mut c, 250), "RUNNING");
        c.delete("c", 300).unwrap();
        assert_eq!(state(&mut c, 309), "TERMINATING");
        assert_eq!(state(&mut c, 310), "TERMINATED");
        assert!(c.restart("c", 3, 311).is_err());
        let json = c.get("c", 311).unwrap().to_json();
        assert_eq!(json["termination_reason"]["code"], "USER_REQUEST");
        assert_eq!(json["terminated_time"], 310);
        c.start("c", 3, 400).unwrap();
        assert_eq!(state(&mut c, 500), "RUNNING");
        c.permanent_delete("c", 500).unwrap();
        assert!(c.get("c", 500).unwrap_err().message().contains("Cluster c does not exist"));
    }

    #[test]
    fn idleness_terminates_and_use_puts_it_off() {
        let mut c = one(&PLAIN.replace('}', r#", "autotermination_minutes": 10}"#));
        assert_eq!(state(&mut c, 100), "RUNNING");
        c.get("c", 1000).unwrap().touch(1000);
        assert_eq!(state(&mut c, 1000 + 599_999), "RUNNING");
        assert_eq!(state(&mut c, 1000 + 600_000), "TERMINATING");
        assert_eq!(state(&mut c, 10_000_000), "TERMINATED");
        let json = c.get("c", 10_000_000).unwrap().to_json();
        assert_eq!(json["termination_reason"]["code"], "INACTIVITY");
        assert_eq!(json["terminated_time"], 1000 + 600_000 + 10);
    }

    #[test]
    fn a_long_silence_passes_through_every_state() {
        let mut c = one(&PLAIN.replace('}', r#", "autotermination_minutes": 10}"#));
        assert_eq!(state(&mut c, 100_000_000), "TERMINATED");
        let kinds: Vec<_> = c.get("c", 100_000_000).unwrap().events.iter().map(Event::kind).collect();
        assert_eq!(kinds, ["CREATING", "RUNNING", "DRIVER_HEALTHY", "TERMINATING"]);
    }
}
