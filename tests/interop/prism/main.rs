//! The round trip of every operation against a server that knows nothing but the description.
//!
//! [Prism](https://github.com/stoplightio/prism) serves each document: it validates every request against the
//! description and responds with made-up bodies of the described form, which the models must decode. `run` beside this
//! file installs it and starts this.
//!
//! `PRISM_PACKAGES` names packages to take, `PRISM_PART` takes a part of them: `1/4` the second of each four.
//!
//! Each operation is called twice, with all inputs and with the required ones. `known.json` lists the operations that
//! cannot make the trip, with the reason; anything else that fails, and anything listed that works, fails the test.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

#[allow(clippy::type_complexity)]
#[rustfmt::skip]
mod generated;

mod documents;
mod drive;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use databricks_sdk::{Client, Config};
use serde_json::Value;

use documents::{Documents, Layer};
use drive::{Drive, Inputs};

#[tokio::test]
async fn every_operation_makes_the_round_trip() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prism = std::env::var_os("PRISM").map(PathBuf::from).expect("PRISM names the program; see interop/prism/run");
    let chosen: Option<BTreeSet<String>> =
        std::env::var("PRISM_PACKAGES").ok().map(|list| list.split(',').map(str::to_owned).collect());
    let known: BTreeMap<String, String> =
        serde_json::from_str(&std::fs::read_to_string(own.join("interop/prism/known.json")).unwrap()).unwrap();
    let documents = Documents::read(&own.join("../crates/models/openapi"));
    let directory = std::env::temp_dir().join(format!("prism-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();

    let mut wrong = Vec::new();
    let (mut total, mut passed) = (0, 0);
    println!("| package | operations | round trips | listed |\n|---|---|---|---|");
    let (first, every) = part();
    for (at, (package, operations)) in generated::PACKAGES.iter().enumerate() {
        if at % every != first || chosen.as_ref().is_some_and(|chosen| !chosen.contains(*package)) {
            continue;
        }
        let drives: BTreeMap<_, _> = operations().into_iter().map(|drive| (drive.id, drive)).collect();
        let mut failures = BTreeMap::new();
        let mut count = 0;
        for (i, layer) in documents.layers(package).into_iter().enumerate() {
            let file = directory.join(format!("{package}.{i}.json"));
            std::fs::write(&file, serde_json::to_vec(&layer.document).unwrap()).unwrap();
            count += layer.operations.len();
            let server = Server::start(&prism, &file).await;
            trips(&documents, package, &layer, &drives, &server, &mut failures).await;
        }
        assert_eq!(count, drives.len(), "{package}: not every operation is served");
        let listed = drives.keys().filter(|id| known.contains_key(**id)).count();
        println!("| {package} | {count} | {} | {listed} |", count - failures.len());
        total += count;
        passed += count - failures.len();
        for id in drives.keys() {
            match (failures.get(*id), known.contains_key(*id)) {
                (Some(why), false) => wrong.push(format!("{id}: {why}")),
                (None, true) => wrong.push(format!("{id} is listed in known.json, but makes the trip")),
                _ => {}
            }
        }
    }
    println!("| all | {total} | {passed} | {} |", known.len());
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(wrong.is_empty(), "{} operations:\n{}", wrong.len(), wrong.join("\n"));
    assert!(known.len() * 50 <= 1452, "more than 2 % are listed");
}

/// Which packages are taken: those whose place, divided by the second number, leaves the first.
fn part() -> (usize, usize) {
    let Ok(part) = std::env::var("PRISM_PART") else { return (0, 1) };
    let (first, every) = part.split_once('/').expect("PRISM_PART is like 0/4");
    let (first, every) = (first.parse().unwrap(), every.parse().unwrap());
    assert!(first < every, "PRISM_PART is like 0/4");
    (first, every)
}

/// The round trips show little unless Prism refuses what is wrong.
#[tokio::test]
async fn a_wrong_request_is_refused() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prism = std::env::var_os("PRISM").map(PathBuf::from).expect("PRISM names the program; see interop/prism/run");
    let documents = Documents::read(&own.join("../crates/models/openapi"));
    let file = std::env::temp_dir().join(format!("prism-refuses-{}.json", std::process::id()));
    std::fs::write(&file, serde_json::to_vec(&documents.layers("settings")[0].document).unwrap()).unwrap();
    let server = Server::start(&prism, &file).await;
    let send = |body: Value| {
        let client = server.client.clone();
        async move {
            databricks_sdk::WorkspaceClient::from(client)
                .raw(databricks_sdk::Method::POST, "/2.0/token/create")
                .json_body(&body)
                .json::<Value>()
                .await
        }
    };
    assert!(send(serde_json::json!({"comment": "x", "lifetime_seconds": 60})).await.is_ok());
    for wrong in [serde_json::json!({"comment": 7}), serde_json::json!({"remark": "x"})] {
        assert!(
            send(wrong.clone()).await.unwrap_err().status().is_some_and(|status| status.is_client_error()),
            "{wrong}"
        );
    }
    std::fs::remove_file(&file).unwrap();
}

async fn trips(
    documents: &Documents,
    package: &str,
    layer: &Layer,
    drives: &BTreeMap<&'static str, Drive>,
    server: &Server,
    failures: &mut BTreeMap<String, String>,
) {
    for operation in &layer.operations {
        let id = operation["operationId"].as_str().unwrap();
        let drive = &drives[id];
        for all in [true, false] {
            let inputs = Inputs(samples::inputs(documents, package, operation, all));
            if let Err(error) = (drive.run)(&server.client, &inputs).await {
                let what = if all { "all inputs" } else { "required inputs" };
                failures.insert(id.to_owned(), format!("with {what}: {} {:?}", error.report(), excerpt(&error)));
                break;
            }
        }
    }
}

/// What Prism found wrong.
fn excerpt(error: &databricks_sdk::Error) -> Option<Value> {
    error.api().map(|api| Value::from(format!("{api:?}").chars().take(400).collect::<String>()))
}

/// Prism with one document.
struct Server {
    process: Child,
    client: Client,
}

impl Server {
    async fn start(prism: &Path, document: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(prism)
            .args(["mock", "--dynamic", "--errors", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(document)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prism cannot be started");
        let patience = Instant::now() + Duration::from_secs(120);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < patience, "Prism does not serve {}", document.display());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let config = Config::hermetic().host(format!("http://127.0.0.1:{port}")).token("tok");
        let config = config.account_id("acc").rate_limit(10_000);
        Self { process, client: Client::from_config(config).unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
