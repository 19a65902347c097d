//! Programs of the system, as they are run.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use databricks_transport::Environment;

use super::search::find;
use super::system::{MAX_OUTPUT, SystemRunner};
use super::{DynProcessRunner, ProcessOutput, ProcessRequest, ProcessRunner, run};

fn request(script: &str, timeout: Duration) -> ProcessRequest {
    let variables =
        [("KEPT", "yes"), ("PATH", "/usr/bin:/bin")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    ProcessRequest::new(Path::new("/bin/sh"), &["-c", script], variables.to_vec(), timeout)
}

async fn shell(script: &str, timeout: Duration) -> io::Result<ProcessOutput> {
    let runner: Arc<dyn DynProcessRunner> = Arc::new(SystemRunner);
    run(&runner, request(script, timeout)).await
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn output_and_environment() {
    let output = shell("echo \"$KEPT/$HOME\"; echo oops >&2; exit 3", LONG).await.unwrap();
    assert_eq!((output.success, output.stdout.expose(), output.stderr.as_str()), (false, "yes/\n", "oops\n"));
}

#[tokio::test]
async fn more_output_than_is_kept_does_not_block_the_program() {
    let output = shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", LONG).await.unwrap();
    assert!(output.success);
    assert_eq!((output.stdout.expose().len(), output.stderr.len()), (MAX_OUTPUT, MAX_OUTPUT));
}

fn named_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo cannot be run");
}

#[tokio::test]
async fn processes_that_a_program_left_running_are_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let gate = home.path().join("gate");
    named_pipe(&gate);
    // The processes left running exit once the gate is opened, which is after the program's output was read.
    for (script, length) in [
        ("cat GATE & echo done", 5),
        ("cat GATE 2>&1 & echo done", 5),
        ("(cat GATE | cat) & echo done", 5),
        ("cat GATE >/dev/null & echo done", 5),
        ("cat GATE & head -c 60000 /dev/zero", 60_000),
    ] {
        let output = shell(&script.replace("GATE", &gate.display().to_string()), LONG).await.unwrap();
        assert_eq!((output.success, output.stdout.expose().len()), (true, length), "{script}");
        std::fs::write(&gate, "").unwrap();
    }
}

#[tokio::test]
async fn a_cancelled_program_is_killed_with_its_group() {
    for script in [
        "sleep 600",
        "sleep 600 & sleep 600",
        "trap '' TERM; sleep 600 & wait",
        "exec >&- 2>&-; sleep 600",
        "sleep 600 & sleep 0",
    ] {
        let home = tempfile::tempdir().unwrap();
        let alive = home.path().join("alive");
        named_pipe(&alive);
        // Everything that the script starts holds this pipe open: its end shows that all of it is gone.
        let (started, gone) = (tokio::sync::oneshot::channel(), tokio::sync::oneshot::channel());
        let path = alive.clone();
        std::thread::spawn(move || {
            let mut pipe = std::fs::File::open(path).unwrap();
            started.0.send(()).unwrap();
            std::io::copy(&mut pipe, &mut io::sink()).unwrap();
            gone.0.send(()).unwrap();
        });
        let request = request(&format!("exec 3> {}; {script}; read forever < {0}", alive.display()), LONG);
        let running = tokio::spawn(async move { ProcessRunner::run(&SystemRunner, &request).await });
        started.1.await.unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        gone.1.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_timeout_holds_whatever_the_runner_does() {
    #[derive(Debug)]
    struct Hangs;
    impl ProcessRunner for Hangs {
        async fn run(&self, _: &ProcessRequest) -> io::Result<ProcessOutput> {
            std::future::pending().await
        }
    }
    let runner: Arc<dyn DynProcessRunner> = Arc::new(Hangs);
    let start = tokio::time::Instant::now();
    let error = run(&runner, request("true", Duration::from_secs(30))).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
}

#[test]
fn a_runtime_that_lacks_something_is_an_error() {
    let text = |io: bool, time: bool| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        if io {
            builder.enable_io();
        }
        if time {
            builder.enable_time();
        }
        builder.build().unwrap().block_on(shell("true", LONG)).unwrap_err().to_string()
    };
    assert!(text(false, true).contains("IO"), "{}", text(false, true));
    assert!(text(true, false).contains("timers"), "{}", text(true, false));
}

#[test]
fn the_search_needs_an_absolute_directory_and_a_mode() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("tool");
    std::fs::write(&file, "").unwrap();
    let environment = Environment::from_iter([("PATH", format!(".:{}", home.path().display()))]);
    assert_eq!(find("tool", &environment), None);
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(find("tool", &environment), Some(file));
    assert_eq!(find("tool", &Environment::empty()), None);
}
