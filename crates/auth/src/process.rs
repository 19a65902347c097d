//! Running programs that return tokens: without a shell, with a timeout and a limit of their output.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use databricks_core::Secret;
use databricks_transport::Environment;
use futures_util::future::{Either, join, select};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use crate::runtime;
use crate::token::BoxFuture;

/// The limit of the output in bytes.
const MAX_OUTPUT: usize = 1 << 20;

/// A program to run.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProcessRequest {
    /// The file to run, as an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its complete environment, without the secrets of other credentials.
    pub environment: Vec<(String, String)>,
    /// The timeout after which it is killed.
    pub timeout: Duration,
}

impl ProcessRequest {
    /// * `environment`: without the secrets of other credentials.
    pub(crate) fn new(
        program: &Path,
        arguments: &[&str],
        environment: Vec<(String, String)>,
        timeout: Duration,
    ) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { program: program.to_owned(), arguments, environment, timeout }
    }
}

impl fmt::Debug for ProcessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessRequest")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// The output of a program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessOutput {
    /// Whether its exit code was 0.
    pub success: bool,
    /// Standard output, at most 1 MiB. May contain a token.
    pub stdout: Secret,
    /// Standard error, at most 1 MiB. Messages show it, with tokens redacted.
    pub stderr: String,
}

impl ProcessOutput {
    /// Creates an output.
    pub fn new(success: bool, stdout: impl Into<Secret>, stderr: impl Into<String>) -> Self {
        Self { success, stdout: stdout.into(), stderr: stderr.into() }
    }
}

/// Runs programs such as `az`. Implement it to run them elsewhere, or not at all; see
/// [`Config::process_runner`](crate::Config::process_runner).
///
/// ```
/// use databricks_auth::{Config, ProcessOutput, ProcessRequest, ProcessRunner};
///
/// #[derive(Debug)]
/// struct NoPrograms;
///
/// impl ProcessRunner for NoPrograms {
///     async fn run(&self, request: &ProcessRequest) -> std::io::Result<ProcessOutput> {
///         Err(std::io::Error::other(format!("{} may not be run here", request.program.display())))
///     }
/// }
///
/// let config = Config::new().process_runner(NoPrograms);
/// ```
pub trait ProcessRunner: fmt::Debug + Send + Sync + 'static {
    /// Runs a program until it exits. Must not block the thread.
    ///
    /// The future is dropped once [`ProcessRequest::timeout`] has passed; dropping it should kill the program.
    ///
    /// # Errors
    /// When the program cannot be run.
    fn run(&self, request: &ProcessRequest) -> impl Future<Output = io::Result<ProcessOutput>> + Send;
}

/// The object-safe form of [`ProcessRunner`].
pub(crate) trait DynProcessRunner: fmt::Debug + Send + Sync {
    fn run<'a>(&'a self, request: &'a ProcessRequest) -> BoxFuture<'a, io::Result<ProcessOutput>>;
}

impl<T: ProcessRunner> DynProcessRunner for T {
    fn run<'a>(&'a self, request: &'a ProcessRequest) -> BoxFuture<'a, io::Result<ProcessOutput>> {
        Box::pin(ProcessRunner::run(self, request))
    }
}

/// Runs programs as child processes.
#[derive(Debug)]
pub(crate) struct SystemRunner;

impl ProcessRunner for SystemRunner {
    /// The output is complete once the program itself has exited: processes that it left running may keep the pipes
    /// open for ever.
    async fn run(&self, request: &ProcessRequest) -> io::Result<ProcessOutput> {
        let mut command = Command::new(&request.program);
        command
            .args(&request.arguments)
            .env_clear()
            .envs(request.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let group = Group::of(&child);
        let (mut stdout, mut stderr) = (Output::new(child.stdout.take()), Output::new(child.stderr.take()));
        let status = {
            let (ending, reading) = (pin!(child.wait()), pin!(join(stdout.read(), stderr.read())));
            match select(ending, reading).await {
                Either::Left((status, _)) => status?,
                Either::Right((_, ending)) => ending.await?,
            }
        };
        group.let_go();
        stdout.read_rest().await;
        stderr.read_rest().await;
        Ok(ProcessOutput { success: status.success(), stdout: Secret::new(stdout.text()), stderr: stderr.text() })
    }
}

/// The process group of a child: ended as a whole when this is dropped.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// Does not kill the group, since its leader has ended.
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The leader was not waited for yet, so its number cannot belong to anything else.
        #[cfg(unix)]
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(unix)]
trait Pipe: AsyncRead + std::os::fd::AsFd + Unpin {}
#[cfg(unix)]
impl<T: AsyncRead + std::os::fd::AsFd + Unpin> Pipe for T {}
#[cfg(not(unix))]
trait Pipe: AsyncRead + Unpin {}
#[cfg(not(unix))]
impl<T: AsyncRead + Unpin> Pipe for T {}

/// What comes out of a pipe, up to a limit; the rest is dropped, so that the program is not held up.
struct Output<P> {
    pipe: Option<P>,
    bytes: Vec<u8>,
}

impl<P: Pipe> Output<P> {
    fn new(pipe: Option<P>) -> Self {
        Self { pipe, bytes: Vec::new() }
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = MAX_OUTPUT.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// Reads until every writer is gone.
    async fn read(&mut self) {
        let mut piece = [0; 4096];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut piece).await {
                Ok(0) | Err(_) => self.pipe = None,
                Ok(count) => self.keep(&piece[..count]),
            }
        }
    }

    /// Reads what an ended program left in the pipe, without waiting for other writers.
    #[cfg(unix)]
    async fn read_rest(&mut self) {
        let mut piece = [0; 4096];
        let mut most = MAX_OUTPUT;
        while let Some(pipe) = self.pipe.as_ref().filter(|_| most > 0) {
            // Not by tokio, which reads only once it was told that there is something to read. The pipe does not block.
            match rustix::io::read(pipe, &mut piece[..]) {
                Ok(0) => return,
                Ok(count) => {
                    most = most.saturating_sub(count);
                    self.keep(&piece[..count]);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    #[cfg(not(unix))]
    async fn read_rest(&mut self) {
        const GRACE: Duration = Duration::from_millis(500);
        let _ = tokio::time::timeout(GRACE, self.read()).await;
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Runs a program with its timeout, whatever the runner does.
pub(crate) async fn run(runner: &Arc<dyn DynProcessRunner>, request: ProcessRequest) -> io::Result<ProcessOutput> {
    runtime::check().map_err(io::Error::other)?;
    match runtime::guard(tokio::time::timeout(request.timeout, runner.run(&request))).await {
        Ok(Ok(output)) => output,
        Ok(Err(_)) => {
            Err(io::Error::new(io::ErrorKind::TimedOut, format!("timed out after {} s", request.timeout.as_secs())))
        }
        Err(missing) => Err(io::Error::other(missing)),
    }
}

/// The file of a program in `PATH`. The current directory is never searched.
pub(crate) fn find(name: &str, environment: &Environment) -> Option<PathBuf> {
    let path = environment.get("PATH")?;
    let names: Vec<String> = if cfg!(windows) {
        ["exe", "cmd", "bat"].iter().map(|extension| format!("{name}.{extension}")).collect()
    } else {
        vec![name.to_owned()]
    };
    std::env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .flat_map(|directory| names.iter().map(move |name| directory.join(name)).collect::<Vec<_>>())
        .find(|file| is_program(file))
}

/// Whether a file can be run.
pub(crate) fn is_program(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        file.is_file()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

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
}
