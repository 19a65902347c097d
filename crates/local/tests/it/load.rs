//! Many clients at once: no error, no lost update, and memory that stays where it is.
//!
//! 10,000 calls by default; `LOCAL_LOAD=100000` is the full measure of memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::process::{Connection, Program};

const CLIENTS: usize = 64;
/// How much memory may grow after the first part of the calls, which fills what is kept up to its bounds.
#[cfg(target_os = "linux")]
const GROWTH: u64 = 64 * 1024 * 1024;

/// One client, which knows what it has made.
struct Client<'a> {
    connection: Connection,
    number: usize,
    warehouse: &'a str,
    calls: &'a AtomicUsize,
    /// How often its changes of what all share were acknowledged.
    increments: usize,
    inserts: usize,
}

impl Client<'_> {
    fn call(&mut self, method: &str, target: &str, body: Value) -> Value {
        let (status, response) = self.connection.json(method, target, &body).unwrap();
        assert!((200..300).contains(&status), "{method} {target} {body}: {status} {response}");
        self.calls.fetch_add(1, Ordering::Relaxed);
        response
    }

    fn get(&mut self, target: &str) -> Value {
        self.call("GET", target, Value::Null)
    }

    fn post(&mut self, target: &str, body: Value) -> Value {
        self.call("POST", target, body)
    }

    fn sql(&mut self, statement: &str) -> Value {
        let body = json!({"warehouse_id": self.warehouse, "statement": statement, "wait_timeout": "50s"});
        let mut done = self.post("/api/2.0/sql/statements", body);
        while matches!(done["status"]["state"].as_str(), Some("PENDING" | "RUNNING")) {
            done = self.get(&format!("/api/2.0/sql/statements/{}", done["statement_id"].as_str().unwrap()));
        }
        assert_eq!(done["status"]["state"], "SUCCEEDED", "{statement}: {done}");
        done["result"]["data_array"].clone()
    }

    /// Makes, reads, changes and removes one object of each kind.
    fn round(&mut self, round: usize) {
        let own = format!("c{}-{round}", self.number);
        self.job(&own);
        self.cluster(&own);
        self.secret(round);
        self.files(&own);
        self.objects(&own);
        self.shared(round);
        self.run();
        self.get("/api/2.0/preview/scim/v2/Me");
        self.get("/api/2.0/sql/warehouses");
    }

    fn job(&mut self, own: &str) {
        let id = self.post("/api/2.2/jobs/create", json!({"name": own}))["job_id"].clone();
        let target = format!("/api/2.2/jobs/get?job_id={id}");
        assert_eq!(self.get(&target)["settings"]["name"], own);
        self.post("/api/2.2/jobs/update", json!({"job_id": id, "new_settings": {"name": "changed"}}));
        assert_eq!(self.get(&target)["settings"]["name"], "changed");
        self.post("/api/2.2/jobs/delete", json!({"job_id": id}));
    }

    fn cluster(&mut self, own: &str) {
        let spec = json!({"cluster_name": own, "spark_version": "17.3.x-scala2.13", "node_type_id": "m5d.large",
            "num_workers": 1});
        let id = self.post("/api/2.1/clusters/create", spec)["cluster_id"].clone();
        let target = format!("/api/2.1/clusters/get?cluster_id={}", id.as_str().unwrap());
        assert_eq!(self.get(&target)["cluster_name"], own);
        self.post("/api/2.1/clusters/permanent-delete", json!({"cluster_id": id}));
    }

    fn secret(&mut self, round: usize) {
        let (key, text) = (format!("k{}", self.number), format!("{} {round}", self.number));
        self.post("/api/2.0/secrets/put", json!({"scope": "load", "key": key, "string_value": text}));
        let read = self.get(&format!("/api/2.0/secrets/get?scope=load&key={key}"));
        assert_eq!(read["value"], STANDARD.encode(&text));
    }

    fn files(&mut self, own: &str) {
        let target = format!("/api/2.0/fs/files/Volumes/main/default/load/{own}");
        for text in [own.repeat(100), own.to_owned()] {
            assert_eq!(self.connection.call("PUT", &target, text.as_bytes()).unwrap().0, 204);
            assert_eq!(self.connection.call("GET", &target, b"").unwrap(), (200, text.into_bytes()));
            self.calls.fetch_add(2, Ordering::Relaxed);
        }
        self.call("DELETE", &target, Value::Null);
    }

    fn objects(&mut self, own: &str) {
        let path = format!("/Shared/load/{own}");
        let content = STANDARD.encode(own);
        self.post("/api/2.0/workspace/import", json!({"path": path, "content": content, "format": "RAW"}));
        assert_eq!(self.get(&format!("/api/2.0/workspace/export?path={path}"))["content"], content);
        self.post("/api/2.0/workspace/delete", json!({"path": path}));
    }

    /// Changes what all clients change.
    fn shared(&mut self, round: usize) {
        self.sql("UPDATE main.default.total SET n = n + 1");
        self.increments += 1;
        self.sql(&format!("INSERT INTO main.default.marks VALUES ({}, {round})", self.number));
        self.inserts += 1;
        let mine = format!("SELECT count(*) FROM main.default.marks WHERE client = {}", self.number);
        assert_eq!(self.sql(&mine), json!([[self.inserts.to_string()]]));
    }

    fn run(&mut self) {
        let task = json!({"task_key": "a", "condition_task": {"left": "1", "op": "EQUAL_TO", "right": "1"}});
        let id = self.post("/api/2.2/jobs/runs/submit", json!({"tasks": [task]}))["run_id"].clone();
        loop {
            let run = self.get(&format!("/api/2.2/jobs/runs/get?run_id={id}"));
            if run["end_time"] != 0 {
                assert_eq!(run["state"]["result_state"], "SUCCESS", "{run}");
                return;
            }
        }
    }
}

/// All clients call until `calls` is reached; gives how often they changed what they share.
fn calls(program: &Program, counter: &AtomicUsize, calls: usize, rounds: usize) -> (usize, usize) {
    let warehouse = program.value("DATABRICKS_WAREHOUSE_ID");
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let connection = program.connect().unwrap();
                scope.spawn(move || {
                    let number = number + rounds;
                    let mut client =
                        Client { connection, number, warehouse, calls: counter, increments: 0, inserts: 0 };
                    let mut round = 0;
                    while counter.load(Ordering::Relaxed) < calls {
                        client.round(round);
                        round += 1;
                    }
                    (client.increments, client.inserts)
                })
            })
            .collect();
        let done = clients.into_iter().map(|client| client.join().unwrap());
        done.fold((0, 0), |(a, b), (increments, inserts)| (a + increments, b + inserts))
    })
}

#[test]
fn many_clients_lose_nothing_and_memory_stays() {
    let wanted = std::env::var("LOCAL_LOAD").ok().map_or(10_000, |text| text.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let program = Program::start(temporary.path(), &["--speed", "1000000"]);
    let counter = AtomicUsize::new(0);
    let warehouse = program.value("DATABRICKS_WAREHOUSE_ID");
    let connection = program.connect().unwrap();
    let mut own = Client { connection, number: 0, warehouse, calls: &counter, increments: 0, inserts: 0 };
    own.post("/api/2.0/secrets/scopes/create", json!({"scope": "load"}));
    own.sql("CREATE TABLE main.default.total (n INT)");
    own.sql("INSERT INTO main.default.total VALUES (0)");
    own.sql("CREATE TABLE main.default.marks (client INT, round INT)");

    let (early, marked) = calls(&program, &counter, wanted * 2 / 5, 0);
    #[cfg(target_os = "linux")]
    let before = program.memory();
    // Other numbers, so that every client knows how many marks are its own.
    let (late, more) = calls(&program, &counter, wanted, CLIENTS);
    #[cfg(target_os = "linux")]
    {
        let after = program.memory();
        println!(
            "{} calls; {} MiB after the first part, {} MiB at the end",
            counter.load(Ordering::Relaxed),
            before >> 20,
            after >> 20
        );
        assert!(after < before + GROWTH, "{} MiB, then {} MiB", before >> 20, after >> 20);
    }
    assert_eq!(own.sql("SELECT n FROM main.default.total"), json!([[(early + late).to_string()]]));
    assert_eq!(own.sql("SELECT count(*) FROM main.default.marks"), json!([[(marked + more).to_string()]]));
    let secrets = own.get("/api/2.0/secrets/list?scope=load");
    assert_eq!(secrets["secrets"].as_array().unwrap().len(), 2 * CLIENTS);
    assert!(counter.load(Ordering::Relaxed) >= wanted);
}
