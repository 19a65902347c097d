//! Transfers of large files by a process of their own: how much memory it takes, over failures, and what is left when
//! it is killed.
//!
//! The workspace runs in this process, the transfers in children, so that what is measured is the client alone.
//! `cargo test -p databricks-tests --test transfers`; the size in MiB can be given as an argument, such as
//! `cargo test -p databricks-tests --test transfers -- 2048`.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.

mod client;

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use databricks_local::LocalWorkspace;
use databricks_local::faults::{Fault, Rule};
use ring::digest::{Context, SHA256};

use client::{Job, PARALLELISM, PART, Way};

/// The size of the file, unless the arguments state another.
const MIB: u64 = 160;
/// What a client may take besides the parts that are under way.
const BESIDES_PARTS: u64 = 32 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if let Some(job) = Job::read(&arguments) {
        job.run();
        return ExitCode::SUCCESS;
    }
    let mib = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(MIB);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let local = runtime.block_on(LocalWorkspace::builder().speed(10_000.0).start()).unwrap();
    let test = Test { local, directory: directory.path().to_owned(), bytes: mib << 20 };
    test.run();
    ExitCode::SUCCESS
}

struct Test {
    local: LocalWorkspace,
    directory: PathBuf,
    bytes: u64,
}

impl Test {
    fn run(&self) {
        let source = self.directory.join("source");
        write_file(&source, self.bytes);
        let wanted = hash(&source);
        for way in [Way::File, Way::Stream] {
            let path = format!("/Volumes/main/default/data/{way:?}");
            let faults = self.fail_every_twentieth();
            self.transfer(&format!("upload from a {way:?}"), &self.job(Job::upload(way), &path, &source));
            check_faults(&self.local, faults);
            assert_eq!(self.local.open_uploads(), (0, 0), "parts of the upload are left");

            let to = self.directory.join("down");
            let faults = self.fail_every_twentieth();
            self.transfer("download", &self.job(Job::download(), &path, &to));
            check_faults(&self.local, faults);
            assert!(hash(&to) == wanted, "what was downloaded is not what was uploaded");
            std::fs::remove_file(&to).unwrap();
        }
        self.kill_and_resume(&source, &wanted);
    }

    fn job(&self, job: Job, path: &str, file: &Path) -> Job {
        job.at(self.local.url(), self.local.token()).of(path, file)
    }

    /// Every twentieth part and range fails, by turns with a refusal and with a broken connection.
    fn fail_every_twentieth(&self) -> Vec<Fault> {
        let mut rules = Vec::new();
        for n in 0..self.bytes / PART / 20 {
            for (method, path) in [("PUT", "/storage/parts/*"), ("GET", "/storage/files/*")] {
                let rule = Rule::new(method, path).skip(n * 19 + 5).times(1);
                let rule = match (n % 2, method) {
                    (0, _) => rule.status(503),
                    (_, "PUT") => rule.drop_connection(),
                    // In the middle of a range, which then goes on from there.
                    _ => rule.cut_after(1_500_000),
                };
                rules.push(self.local.faults().add(rule));
            }
        }
        rules
    }

    /// Runs a child to its end, and checks the memory that it took.
    fn transfer(&self, what: &str, job: &Job) {
        let start = Instant::now();
        let mut child = spawn(job);
        let mut output = String::new();
        child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        assert!(child.wait().unwrap().success(), "{what}: the client has failed");
        let memory = Memory::read(&output);
        let limit = PARALLELISM as u64 * PART + BESIDES_PARTS;
        report(&format!(
            "{what}: {} MiB in {:.1} s, {} MiB of memory above the {} MiB of an idle client, at most {} MiB allowed",
            self.bytes >> 20,
            start.elapsed().as_secs_f64(),
            memory.taken() >> 20,
            memory.idle >> 20,
            limit >> 20
        ));
        assert!(memory.taken() <= limit, "{what} took {} MiB", memory.taken() >> 20);
    }

    /// An upload that is killed half way is completed by another process from what it saved.
    fn kill_and_resume(&self, source: &Path, wanted: &[u8]) {
        let path = "/Volumes/main/default/data/resumed";
        let state = self.directory.join("state.json");
        let half = self.bytes / PART / 2;
        let job = self.job(Job::upload(Way::File), path, source).saving(&state);
        let mut child = spawn(&job.clone().stopping_at(half));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "stopped");
        // Not to be caught: the process has no chance to clean up.
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(self.local.open_uploads().0, 1, "the upload is kept at the service");

        let before = self.count("/storage/parts/");
        self.transfer("upload that goes on", &job.resuming());
        let sent = self.count("/storage/parts/") - before;
        let all = self.bytes.div_ceil(PART);
        assert!(sent as u64 <= all - half, "{sent} of {all} parts were sent again, and {half} had arrived");
        assert_eq!(self.local.open_uploads(), (0, 0));
        let to = self.directory.join("down");
        self.transfer("download", &self.job(Job::download(), path, &to));
        assert!(hash(&to) == wanted, "what was resumed is not what was to be uploaded");
    }

    fn count(&self, path: &str) -> usize {
        self.local.requests().iter().filter(|request| request.path.starts_with(path)).count()
    }
}

/// Checks that the failures that an upload or a download can meet have happened, and ends the others.
fn check_faults(local: &LocalWorkspace, faults: Vec<Fault>) {
    let hits: u64 = faults.iter().map(Fault::hits).sum();
    assert_eq!(hits as usize, faults.len() / 2, "one in twenty parts was to fail");
    local.faults().clear();
}

/// The memory of a child: before it transferred anything, and at its peak.
struct Memory {
    idle: u64,
    peak: u64,
}

impl Memory {
    fn read(output: &str) -> Self {
        let value = |name: &str| {
            let line = output.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        Self { idle: value("idle"), peak: value("peak") }
    }

    fn taken(&self) -> u64 {
        self.peak.saturating_sub(self.idle)
    }
}

fn spawn(job: &Job) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program).args(job.arguments()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

/// A file whose bytes do not repeat at the length of any part.
fn write_file(path: &Path, bytes: u64) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut block = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        random.fill(&mut block);
        file.write_all(&block).unwrap();
    }
    file.flush().unwrap();
}

fn hash(path: &Path) -> Vec<u8> {
    let mut file = File::open(path).unwrap();
    let (mut context, mut block) = (Context::new(&SHA256), vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut block).unwrap();
        if read == 0 {
            return context.finish().as_ref().to_vec();
        }
        context.update(&block[..read]);
    }
}

#[allow(clippy::print_stdout)] // The figures are what this is run for.
fn report(line: &str) {
    println!("{line}");
}
