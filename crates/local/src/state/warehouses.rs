//! SQL warehouses and their life in time.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::extract::{Fields, missing};
use crate::records::store::Record;
use crate::reply::ApiError;
use crate::state::USER_NAME;
use crate::state::kept::Kept;

const SIZES: [&str; 10] =
    ["2X-Small", "X-Small", "Small", "Medium", "Large", "X-Large", "2X-Large", "3X-Large", "4X-Large", "5X-Large"];
const TYPES: [&str; 3] = ["CLASSIC", "PRO", "REALTIME"];
const SPOT: [&str; 2] = ["COST_OPTIMIZED", "RELIABILITY_OPTIMIZED"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WarehouseState {
    Starting,
    Running,
    Stopping,
    Stopped,
}

impl WarehouseState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Warehouse {
    id: String,
    name: String,
    /// What the user sent, with defaults filled in.
    spec: Map<String, Value>,
    auto_stop_mins: i64,
    state: WarehouseState,
    since: i64,
    last_used: i64,
    /// Statements that run now; a warehouse in use does not stop by itself.
    sessions: i64,
}

/// Milliseconds that changes of state take.
#[derive(Clone, Copy, Debug)]
struct Timings {
    start: i64,
    stop: i64,
}

#[derive(Debug)]
pub(crate) struct Warehouses {
    all: BTreeMap<String, Warehouse>,
    timings: Timings,
    kept: Kept,
}

impl Warehouse {
    /// Brings the state up to date with the time.
    fn catch_up(&mut self, now: i64, timings: Timings) {
        loop {
            let (next, at) = match self.state {
                WarehouseState::Starting => (WarehouseState::Running, self.since + timings.start),
                WarehouseState::Stopping => (WarehouseState::Stopped, self.since + timings.stop),
                WarehouseState::Running if self.auto_stop_mins > 0 && self.sessions == 0 => {
                    (WarehouseState::Stopping, self.last_used.max(self.since) + self.auto_stop_mins * 60_000)
                }
                WarehouseState::Running | WarehouseState::Stopped => return,
            };
            if now < at {
                return;
            }
            self.enter(next, at);
        }
    }

    /// As it is kept on disk.
    fn record(&self) -> Record {
        let mut record = self.spec.clone();
        record.insert("name".to_owned(), json!(self.name));
        record.insert("auto_stop_mins".to_owned(), json!(self.auto_stop_mins));
        record
    }

    fn enter(&mut self, state: WarehouseState, at: i64) {
        self.state = state;
        self.since = at;
    }

    fn start(&mut self, now: i64) {
        if matches!(self.state, WarehouseState::Stopped | WarehouseState::Stopping) {
            self.enter(WarehouseState::Starting, now);
            self.last_used = now;
        }
    }

    fn to_json(&self, host: &str, port: u16) -> Value {
        let mut out = self.spec.clone();
        let running = self.state == WarehouseState::Running;
        let path = format!("/sql/1.0/warehouses/{}", self.id);
        let computed = json!({
            "id": self.id,
            "name": self.name,
            "auto_stop_mins": self.auto_stop_mins,
            "state": self.state.name(),
            "creator_name": USER_NAME,
            "num_clusters": i64::from(running),
            "num_active_sessions": self.sessions,
            "jdbc_url": format!(
                "jdbc:spark://{host}:{port}/default;transportMode=http;httpPath={path};AuthMech=3;ConnCatalog=main"
            ),
            "odbc_params": {"hostname": host, "path": path, "port": port, "protocol": "https"},
            "health": if running { json!({"status": "HEALTHY"}) } else { json!({}) },
        });
        if let Value::Object(computed) = computed {
            out.extend(computed);
        }
        Value::Object(out)
    }
}

impl Warehouses {
    /// Those that were kept, stopped as the workspace was.
    pub(crate) fn new(clock: &Clock, kept: Kept) -> Result<Self, ApiError> {
        let mut warehouses = Self {
            all: BTreeMap::new(),
            timings: Timings {
                start: clock.scaled_ms(Duration::from_secs(20)),
                stop: clock.scaled_ms(Duration::from_secs(10)),
            },
            kept: Kept::default(),
        };
        for (id, record) in kept.all() {
            let fields = Fields(record);
            warehouses.insert(
                &id,
                fields.str("name")?,
                Spec::new(&fields)?,
                WarehouseState::Stopped,
                clock.now_ms(),
            )?;
        }
        Ok(Self { kept, ..warehouses })
    }

    /// The warehouse that a new workspace has, stopped.
    pub(crate) fn add_starter(&mut self, id: &str, now: i64) -> Result<(), ApiError> {
        let fields = Fields(Map::from_iter([
            ("cluster_size".to_owned(), json!("2X-Small")),
            ("enable_serverless_compute".to_owned(), json!(true)),
        ]));
        self.insert(id, "Serverless Starter Warehouse", Spec::new(&fields)?, WarehouseState::Stopped, now)
    }

    fn insert(&mut self, id: &str, name: &str, spec: Spec, state: WarehouseState, now: i64) -> Result<(), ApiError> {
        let warehouse = Warehouse {
            id: id.to_owned(),
            name: name.to_owned(),
            spec: spec.members,
            auto_stop_mins: spec.auto_stop_mins,
            state,
            since: now,
            last_used: now,
            sessions: 0,
        };
        self.kept.put(id, warehouse.record())?;
        self.all.insert(id.to_owned(), warehouse);
        Ok(())
    }

    /// The warehouse, up to date.
    pub(crate) fn get(&mut self, id: &str, now: i64) -> Result<&mut Warehouse, ApiError> {
        if id.len() != 16 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ApiError::invalid_parameter(format!("{id} is not a valid endpoint id.")));
        }
        let timings = self.timings;
        let warehouse =
            self.all.get_mut(id).ok_or_else(|| ApiError::not_found(format!("SQL warehouse {id} does not exist.")))?;
        warehouse.catch_up(now, timings);
        Ok(warehouse)
    }

    pub(crate) fn create(&mut self, id: &str, fields: &Fields, now: i64) -> Result<(), ApiError> {
        let name = fields.str("name")?;
        fields.str("cluster_size")?;
        self.free_name(name, None)?;
        self.insert(id, name, Spec::new(fields)?, WarehouseState::Starting, now)
    }

    pub(crate) fn edit(&mut self, id: &str, fields: &Fields, now: i64) -> Result<(), ApiError> {
        if let Some(name) = fields.opt_str("name")? {
            self.free_name(name, Some(id))?;
        }
        let name = fields.opt_str("name")?.map(str::to_owned);
        let warehouse = self.get(id, now)?;
        // Members that the edit leaves out keep their values.
        let mut merged = Fields(warehouse.spec.clone());
        merged.0.insert("auto_stop_mins".to_owned(), json!(warehouse.auto_stop_mins));
        merged.0.extend(fields.0.clone());
        let spec = Spec::new(&merged)?;
        warehouse.spec = spec.members;
        warehouse.auto_stop_mins = spec.auto_stop_mins;
        if let Some(name) = name {
            warehouse.name = name;
        }
        let record = warehouse.record();
        self.kept.put(id, record)
    }

    fn free_name(&self, name: &str, except: Option<&str>) -> Result<(), ApiError> {
        let taken = self.all.values().any(|w| w.name == name && Some(w.id.as_str()) != except);
        if taken {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "RESOURCE_ALREADY_EXISTS",
                format!("SQL warehouse with name `{name}` already exists"),
            ));
        }
        Ok(())
    }

    pub(crate) fn start(&mut self, id: &str, now: i64) -> Result<(), ApiError> {
        self.get(id, now)?.start(now);
        Ok(())
    }

    pub(crate) fn stop(&mut self, id: &str, now: i64) -> Result<(), ApiError> {
        let warehouse = self.get(id, now)?;
        if matches!(warehouse.state, WarehouseState::Running | WarehouseState::Starting) {
            warehouse.enter(WarehouseState::Stopping, now);
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, id: &str, now: i64) -> Result<(), ApiError> {
        self.get(id, now)?;
        self.kept.remove(id)?;
        self.all.remove(id);
        Ok(())
    }

    /// All warehouses as JSON, sorted by name.
    pub(crate) fn list(&mut self, host: &str, port: u16, now: i64) -> Vec<Value> {
        let timings = self.timings;
        let mut all: Vec<_> = self.all.values_mut().collect();
        all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        all.into_iter()
            .map(|w| {
                w.catch_up(now, timings);
                w.to_json(host, port)
            })
            .collect()
    }

    pub(crate) fn get_json(&mut self, id: &str, host: &str, port: u16, now: i64) -> Result<Value, ApiError> {
        Ok(self.get(id, now)?.to_json(host, port))
    }
}

/// The settings of a warehouse, checked.
struct Spec {
    members: Map<String, Value>,
    auto_stop_mins: i64,
}

impl Spec {
    fn new(fields: &Fields) -> Result<Self, ApiError> {
        let size = fields.opt_enum("cluster_size", &SIZES)?.ok_or_else(|| missing("cluster_size"))?;
        let serverless = fields.opt_bool("enable_serverless_compute")?.unwrap_or(false);
        let auto_stop_mins = fields.opt_i64("auto_stop_mins")?.unwrap_or(if serverless { 10 } else { 120 });
        if auto_stop_mins < 0 {
            return Err(ApiError::invalid_parameter(
                "auto_stop_mins must be 0, for never, or a positive number of minutes",
            ));
        }
        let min = fields.opt_i64("min_num_clusters")?.unwrap_or(1);
        let max = fields.opt_i64("max_num_clusters")?.unwrap_or(min);
        if min < 1 || max < min {
            return Err(ApiError::invalid_parameter(
                "min_num_clusters must be at least 1 and at most max_num_clusters",
            ));
        }
        let mut members = Map::new();
        for (name, value) in [
            ("cluster_size", json!(size)),
            ("enable_serverless_compute", json!(serverless)),
            ("min_num_clusters", json!(min)),
            ("max_num_clusters", json!(max)),
            ("enable_photon", json!(fields.opt_bool("enable_photon")?.unwrap_or(true))),
            ("spot_instance_policy", json!(fields.opt_enum("spot_instance_policy", &SPOT)?.unwrap_or(SPOT[0]))),
            ("warehouse_type", json!(fields.opt_enum("warehouse_type", &TYPES)?.unwrap_or("PRO"))),
        ] {
            members.insert(name.to_owned(), value);
        }
        for name in ["channel", "tags"] {
            if let Some(object) = fields.opt_object(name)? {
                members.insert(name.to_owned(), Value::Object(object.0));
            }
        }
        if let Some(arn) = fields.opt_str("instance_profile_arn")? {
            members.insert("instance_profile_arn".to_owned(), json!(arn));
        }
        for name in ["max_dbu", "statement_timeout"] {
            if let Some(n) = fields.opt_i64(name)? {
                members.insert(name.to_owned(), json!(n));
            }
        }
        Ok(Self { members, auto_stop_mins })
    }
}

/// Use of a warehouse by a statement.
impl Warehouses {
    /// Starts the warehouse if it is not up, notes that it is in use, and gives the milliseconds until it runs.
    pub(crate) fn acquire(&mut self, id: &str, now: i64) -> Result<i64, ApiError> {
        let start = self.timings.start;
        let warehouse = self.get(id, now)?;
        warehouse.start(now);
        warehouse.sessions += 1;
        Ok(match warehouse.state {
            WarehouseState::Starting => (warehouse.since + start - now).max(0),
            _ => 0,
        })
    }

    /// Ends a use; the warehouse may be gone by then.
    pub(crate) fn release(&mut self, id: &str, now: i64) {
        if let Ok(warehouse) = self.get(id, now) {
            warehouse.sessions = (warehouse.sessions - 1).max(0);
            warehouse.last_used = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Warehouses {
        let mut w =
            Warehouses { all: BTreeMap::new(), timings: Timings { start: 100, stop: 10 }, kept: Kept::default() };
        w.add_starter("00000000000000aa", 0).unwrap();
        w
    }

    fn state(w: &mut Warehouses, now: i64) -> WarehouseState {
        w.get("00000000000000aa", now).unwrap().state
    }

    #[test]
    fn a_start_takes_its_time_and_idleness_stops() {
        let mut w = one();
        assert_eq!(state(&mut w, 0), WarehouseState::Stopped);
        w.start("00000000000000aa", 1).unwrap();
        assert_eq!(state(&mut w, 100), WarehouseState::Starting);
        assert_eq!(state(&mut w, 101), WarehouseState::Running);
        assert_eq!(state(&mut w, 101 + 599_999), WarehouseState::Running);
        assert_eq!(state(&mut w, 101 + 600_000), WarehouseState::Stopping);
        assert_eq!(state(&mut w, 101 + 600_010), WarehouseState::Stopped);
    }

    #[test]
    fn use_starts_it_and_keeps_it_up() {
        let mut w = one();
        assert_eq!(w.acquire("00000000000000aa", 0).unwrap(), 100);
        assert_eq!(w.acquire("00000000000000aa", 40).unwrap(), 60);
        w.release("00000000000000aa", 50);
        assert_eq!(state(&mut w, 100_000_000), WarehouseState::Running);
        w.release("00000000000000aa", 100_000_000);
        assert_eq!(state(&mut w, 100_599_999), WarehouseState::Running);
        assert_eq!(state(&mut w, 100_600_000), WarehouseState::Stopping);
    }

    #[test]
    fn an_edit_keeps_what_it_does_not_name() {
        let mut w = one();
        let fields = Fields::parse(br#"{"cluster_size": "Small"}"#).unwrap();
        w.edit("00000000000000aa", &fields, 0).unwrap();
        let json = w.get_json("00000000000000aa", "h", 1, 0).unwrap();
        assert_eq!(json["cluster_size"], "Small");
        assert_eq!(json["auto_stop_mins"], 10);
        assert_eq!(json["name"], "Serverless Starter Warehouse");
    }
}
