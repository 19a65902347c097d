//! A result larger than the memory that its reader may take.
//!
//! The server runs in a process of its own, so that what is measured here is the client alone: 20 million rows by
//! external links, read batch by batch. `cargo test -p databricks-tests --test bulk`; the number of rows can be given
//! as an argument.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use databricks_arrow::ArrowExt as _;
use databricks_local::LocalWorkspace;
use databricks_sdk::{Config, WorkspaceClient};

const ROWS: i64 = 20_000_000;
/// The most memory that the client may ever have held: 64 MiB fetched ahead, the chunk that is read and its batches come to
/// 146 MiB; the rest is what the system's allocator keeps for each thread, up to 60 MiB beside other work.
const LIMIT_MIB: u64 = 256;
/// Tells the child process what it is.
const SERVER: &str = "--serve-until-stdin-closes";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == SERVER) {
        serve();
        return ExitCode::SUCCESS;
    }
    let rows = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(ROWS);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if runtime.block_on(stream(rows)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the embedded workspace until the parent process goes away.
#[allow(clippy::print_stdout)]
fn serve() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let local =
        runtime.block_on(LocalWorkspace::builder().speed(10_000.0).start()).expect("loopback is there to listen on");
    println!("{} {} {}", local.url(), local.token(), local.warehouse_id());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("a standard input");
}

/// Ends the child process with its owner.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input tells it to stop, so that it removes what it stored; killed, it would leave the results
        // behind.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn start() -> (Server, WorkspaceClient, String) {
    let program = std::env::current_exe().expect("the path of this program");
    let mut child = Command::new(program)
        .arg(SERVER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child process");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
    let words: Vec<&str> = line.split_whitespace().collect();
    let [url, token, warehouse] = words[..] else { panic!("{line:?} is not an address") };
    let config = Config::hermetic().host(url).token(token).allow_insecure_host(true);
    (Server(child), WorkspaceClient::new(config).expect("the settings are complete"), warehouse.to_owned())
}

#[allow(clippy::print_stdout)]
async fn stream(rows: i64) -> bool {
    let (_server, w, warehouse) = start();
    let before = memory_mib("VmRSS");
    let begun = Instant::now();
    let statement = "SELECT id, id * 3 AS thrice, id % 1000 AS remainder FROM range(:rows)";
    let bytes = Arc::new(AtomicI64::new(0));
    let query = w.sql(statement).bind("rows", rows).warehouse(warehouse).on_progress({
        let bytes = bytes.clone();
        move |look| bytes.store(look.bytes, Ordering::Relaxed)
    });
    let mut batches = query.batches();
    let (mut seen, mut sum, mut first) = (0_i64, 0_i64, None);
    while let Some(batch) = batches.try_next().await.expect("the next batch") {
        first.get_or_insert_with(|| begun.elapsed());
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let thrice = batch.column(1).as_primitive::<Int64Type>();
        for (id, thrice) in ids.values().iter().zip(thrice.values()) {
            assert_eq!(*thrice, id * 3, "columns belong together");
            seen += 1;
            sum += id;
        }
    }
    assert_eq!((seen, sum), (rows, (rows - 1) * rows / 2));
    let took = begun.elapsed();
    let peak = memory_mib("VmHWM");
    println!(
        "{rows} rows, {} MiB in {took:.1?}, the first after {:.1?}; client memory: {before:?} MiB before, {peak:?} MiB at most",
        bytes.load(Ordering::Relaxed) >> 20,
        first.unwrap_or_default(),
    );
    // Other systems do not tell; the order and number of rows were checked all the same.
    peak.is_none_or(|peak| peak < LIMIT_MIB)
}

/// A line of the system's account of this process.
fn memory_mib(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib >> 10)
}
