//! Clusters and their life in time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::clock::Clock;
use crate::extract::Fields;
use crate::reply::ApiError;
use crate::state::USER_NAME;
use crate::state::kept::Kept;
use crate::state::policies::{Policies, Purpose};
use cluster::Timings;
use spec::Spec;

pub(crate) mod catalog;
mod cluster;
pub(crate) mod events;
pub(crate) mod list;
mod spec;

pub(crate) use cluster::{Cluster, ClusterState, STATES};

/// All clusters of the workspace.
#[derive(Debug)]
pub(crate) struct Clusters {
    all: BTreeMap<String, Cluster>,
    timings: Timings,
    kept: Kept,
}

impl Clusters {
    /// Those that were kept, terminated as the workspace was.
    pub(crate) fn new(clock: &Clock, kept: Kept) -> Result<Self, ApiError> {
        let seconds = |s| clock.scaled_ms(Duration::from_secs(s));
        let timings = Timings { start: seconds(60), restart: seconds(40), resize: seconds(20), terminate: seconds(20) };
        let all = kept.all().into_iter().map(|(id, record)| {
            let cluster = Cluster::of(&id, record, clock.now_ms())?;
            Ok((id, cluster))
        });
        Ok(Self { all: all.collect::<Result<_, ApiError>>()?, timings, kept })
    }

    /// Keeps a cluster as it is now.
    fn keep(&self, id: &str) -> Result<(), ApiError> {
        self.all.get(id).map_or(Ok(()), |cluster| self.kept.put(id, cluster.record()))
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

    pub(crate) fn create(
        &mut self,
        id: &str,
        fields: &Fields,
        policies: Policies<'_>,
        context: i64,
        now: i64,
    ) -> Result<(), ApiError> {
        let fields = match fields.opt_object("clone_from")? {
            None => fields.clone(),
            Some(clone) => {
                // The source's attributes, under whatever the request itself states.
                let source = self.get(clone.str("source_cluster_id")?, now)?;
                let mut merged = Fields(source.spec.members().clone());
                merged.0.extend(fields.0.clone());
                merged.0.remove("clone_from");
                merged
            }
        };
        let spec = Spec::new(&under_policy(&fields, policies)?, id)?;
        self.all.insert(id.to_owned(), Cluster::new(id, spec, context, now));
        self.keep(id)
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
        self.kept.remove(id)?;
        self.all.remove(id);
        Ok(())
    }

    /// Replaces the whole specification. A running cluster restarts to take it up.
    pub(crate) fn edit(
        &mut self,
        id: &str,
        fields: &Fields,
        policies: Policies<'_>,
        context: i64,
        now: i64,
    ) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        let running = cluster.state == ClusterState::Running;
        if !running && cluster.state != ClusterState::Terminated {
            return Err(cluster.unexpected());
        }
        let spec = Spec::new(&under_policy(fields, policies)?, id)?;
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
        self.keep(id)
    }

    /// Replaces the members that the mask names. A running cluster restarts to take them up.
    pub(crate) fn update(
        &mut self,
        id: &str,
        mask: &str,
        stated: &Fields,
        policies: Policies<'_>,
        context: i64,
        now: i64,
    ) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        let mut members = cluster.fields();
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
        self.edit(id, &members, policies, context, now)
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
        self.keep(id)
    }

    pub(crate) fn resize(
        &mut self,
        id: &str,
        fields: &Fields,
        policies: Policies<'_>,
        now: i64,
    ) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if cluster.state != ClusterState::Running {
            return Err(cluster.unexpected());
        }
        let mut spec = cluster.spec.clone();
        spec.resize(fields)?;
        under_policy(&Fields(spec.members().clone()), policies)?;
        cluster.spec = spec;
        cluster.enter(ClusterState::Resizing, now);
        cluster.touch(now);
        cluster.note("RESIZING", now, cluster.spec.size_details());
        self.keep(id)
    }

    pub(crate) fn pin(&mut self, id: &str, pinned: bool, now: i64) -> Result<(), ApiError> {
        let cluster = self.get(id, now)?;
        if cluster.pinned != pinned {
            cluster.pinned = pinned;
            let kind = if pinned { "PINNED" } else { "UNPINNED" };
            cluster.note(kind, now, json!({"user": USER_NAME}));
        }
        self.keep(id)
    }

    /// Those that are not terminated.
    pub(crate) fn up(&mut self, now: i64) -> impl Iterator<Item = &Cluster> {
        self.caught_up(now).filter(|c| c.state != ClusterState::Terminated)
    }

    /// Every cluster, up to date.
    pub(crate) fn caught_up(&mut self, now: i64) -> impl Iterator<Item = &Cluster> {
        let timings = self.timings;
        self.all.values_mut().map(move |c| {
            c.catch_up(now, timings);
            &*c
        })
    }
}

/// What a description comes to under the policy that it names.
fn under_policy(fields: &Fields, policies: Policies<'_>) -> Result<Fields, ApiError> {
    let mut fields = fields.clone();
    let named = fields.opt_str("policy_id")?.filter(|id| !id.is_empty()).map(policies).transpose()?;
    if let Some(policy) = named {
        let defaults = fields.opt_bool("apply_policy_default_values")?.unwrap_or(false);
        policy.apply(&mut fields.0, Purpose::AllPurpose, defaults)?;
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Clusters {
        let mut clusters = Clusters {
            all: BTreeMap::new(),
            timings: Timings { start: 100, restart: 50, resize: 20, terminate: 10 },
            kept: Kept::default(),
        };
        let fields = Fields::parse(body.as_bytes()).unwrap();
        clusters.create("c", &fields, NONE, 1, 0).unwrap();
        clusters
    }

    const NONE: Policies<'_> = &|id| Err(ApiError::invalid_parameter(id));

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
        let kinds: Vec<_> = c.get("c", 100_000_000).unwrap().events.iter().map(events::Event::kind).collect();
        assert_eq!(kinds, ["CREATING", "RUNNING", "DRIVER_HEALTHY", "TERMINATING"]);
    }
}
