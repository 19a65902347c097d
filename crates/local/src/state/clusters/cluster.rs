//! One cluster: its state in time, and how it is shown.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::events::Event;
use super::spec::Spec;
use crate::extract::Fields;
use crate::records::store::Record;
use crate::reply::ApiError;
use crate::state::USER_NAME;

/// Names of the states, as filters take them.
pub(crate) const STATES: [&str; 8] =
    ["ERROR", "PENDING", "RESIZING", "RESTARTING", "RUNNING", "TERMINATED", "TERMINATING", "UNKNOWN"];

/// How many events of a cluster are remembered.
const EVENTS: usize = 1_000;

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
    pub(super) fn word(self) -> &'static str {
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
pub(super) struct Timings {
    pub(super) start: i64,
    pub(super) restart: i64,
    pub(super) resize: i64,
    pub(super) terminate: i64,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    /// Whose it is.
    pub(super) owner: String,
    pub(super) id: String,
    pub(super) spec: Spec,
    pub(super) state: ClusterState,
    pub(super) since: i64,
    pub(super) start_time: i64,
    pub(super) last_restarted: Option<i64>,
    pub(super) terminated: Option<i64>,
    pub(super) reason: Option<Value>,
    pub(super) last_used: i64,
    pub(super) pinned: bool,
    /// Changes with every start: what ran on the cluster before is lost.
    pub(super) spark_context_id: i64,
    pub(super) events: Vec<Event>,
}

impl Cluster {
    pub(super) fn new(id: &str, spec: Spec, spark_context_id: i64, now: i64) -> Self {
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

    /// The policy that it names.
    pub(crate) fn policy_id(&self) -> Option<&str> {
        self.spec.members().get("policy_id")?.as_str().filter(|id| !id.is_empty())
    }

    /// What a user would state to make it.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = Fields(self.spec.members().clone());
        fields.0.insert("cluster_name".to_owned(), json!(self.spec.name));
        if !fields.0.contains_key("autoscale") {
            fields.0.insert("num_workers".to_owned(), json!(self.spec.num_workers));
        }
        fields.0.insert("autotermination_minutes".to_owned(), json!(self.spec.autotermination_minutes));
        fields
    }

    /// As it is kept on disk.
    pub(super) fn record(&self) -> Record {
        Record::from_iter([
            ("spec".to_owned(), Value::Object(self.fields().0)),
            ("owner".to_owned(), json!(self.owner)),
            ("pinned".to_owned(), json!(self.pinned)),
            ("start_time".to_owned(), json!(self.start_time)),
        ])
    }

    /// A cluster that was kept: it went down with the workspace.
    pub(super) fn of(id: &str, record: Record, now: i64) -> Result<Self, ApiError> {
        let fields = Fields(record);
        let spec = Spec::new(&fields.opt_object("spec")?.unwrap_or_default(), id)?;
        let mut cluster = Self::new(id, spec, 0, fields.opt_i64("start_time")?.unwrap_or(now));
        cluster.owner = fields.opt_str("owner")?.unwrap_or(USER_NAME).to_owned();
        cluster.pinned = fields.opt_bool("pinned")?.unwrap_or_default();
        let parameters = json!({"databricks_error_message": "The embedded workspace was stopped"});
        cluster.terminate(json!({"code": "INTERNAL_ERROR", "type": "SERVICE_FAULT", "parameters": parameters}), now);
        cluster.enter(ClusterState::Terminated, now);
        cluster.terminated = Some(now);
        Ok(cluster)
    }

    pub(super) fn note(&mut self, kind: &'static str, at: i64, details: Value) {
        // The oldest go first.
        if self.events.len() >= EVENTS {
            self.events.drain(..self.events.len() - EVENTS + 1);
        }
        self.events.push(Event::new(kind, at, details));
    }

    /// Brings the state up to date with the time.
    pub(super) fn catch_up(&mut self, now: i64, timings: Timings) {
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

    pub(super) fn enter(&mut self, state: ClusterState, at: i64) {
        self.state = state;
        self.since = at;
    }

    pub(super) fn terminate(&mut self, reason: Value, at: i64) {
        self.enter(ClusterState::Terminating, at);
        self.note("TERMINATING", at, json!({"reason": reason}));
        self.reason = Some(reason);
    }

    pub(super) fn unexpected(&self) -> ApiError {
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
    pub(super) fn is_running(&self) -> bool {
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
