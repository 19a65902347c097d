//! Running programs for a token: no shell, a time limit, an output limit.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use databricks_core::Secret;
use databricks_transport::Environment;

use crate::config::attributes::ATTRIBUTES;

/// The most bytes of output that are read.
const LONGEST_OUTPUT: u64 = 1 << 20;

/// A program to run.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProcessRequest {
    /// The file to run, with its whole path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment, all of it. Variables with secrets of other ways to sign in are not among them.
    pub environment: Vec<(String, String)>,
    /// How long it may take before it is ended.
    pub limit: Duration,
}

impl ProcessRequest {
    pub(crate) fn new(program: &Path, arguments: &[&str], environment: &Environment, limit: Duration) -> Self {
        let is_secret = |name: &str| ATTRIBUTES.iter().any(|attribute| attribute.sensitive && attribute.variables.contains(&name));
        Self {
            program: program.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            environment: environment.iter().filter(|(name, _)| !is_secret(name)).map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            limit,
        }
    }
}

impl fmt::Debug for ProcessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessRequest").field("program", &self.program).field("arguments", &self.arguments).finish_non_exhaustive()
    }
}

/// What a program left behind.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessOutput {
    /// Whether it ended by itself with exit code 0.
    pub success: bool,
    /// Standard output, at most 1 MiB. May hold a token.
    pub stdout: Secret,
    /// Standard error, at most 1 MiB. For messages, after anything that looks like a token was removed.
    pub stderr: String,
}

impl ProcessOutput {
    /// An output.
    pub fn new(success: bool, stdout: impl Into<Secret>, stderr: impl Into<String>) -> Self {
        Self { success, stdout: stdout.into(), stderr: stderr.into() }
    }
}

/// Runs programs such as `az`. Replace it to run them elsewhere, or not at all.
pub trait ProcessRunner: fmt::Debug + Send + Sync + 'static {
    /// Runs a program to its end. Called on a thread that may block.
    ///
    /// # Errors
    /// When the program cannot be run, or took longer than its limit ([`io::ErrorKind::TimedOut`]).
    fn run(&self, request: &ProcessRequest) -> io::Result<ProcessOutput>;
}

/// Child processes of this one.
#[derive(Debug)]
pub(crate) struct SystemRunner;

impl ProcessRunner for SystemRunner {
    fn run(&self, request: &ProcessRequest) -> io::Result<ProcessOutput> {
        let mut child = Command::new(&request.program)
            .args(&request.arguments)
            .env_clear()
            .envs(request.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().map(|pipe| thread::spawn(move || read(pipe)));
        let stderr = child.stderr.take().map(|pipe| thread::spawn(move || read(pipe)));
        let deadline = Instant::now() + request.limit;
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() >= deadline {
                // A child that has ended meanwhile needs no kill; the pipes close with it, so the readers end too.
                let _ = child.kill();
                let _ = child.wait();
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {} s", request.limit.as_secs())));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        let join = |reader: Option<thread::JoinHandle<io::Result<String>>>| match reader.map(thread::JoinHandle::join) {
            Some(Ok(text)) => text,
            _ => Ok(String::new()),
        };
        Ok(ProcessOutput { success: status.success(), stdout: Secret::new(join(stdout)?), stderr: join(stderr)? })
    }
}

fn read(pipe: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    pipe.take(LONGEST_OUTPUT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs a program without blocking the async thread.
pub(crate) async fn run(runner: &Arc<dyn ProcessRunner>, request: ProcessRequest) -> io::Result<ProcessOutput> {
    let runner = Arc::clone(runner);
    match tokio::task::spawn_blocking(move || runner.run(&request)).await {
        Ok(output) => output,
        Err(error) => Err(io::Error::other(error)),
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
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)).collect::<Vec<_>>())
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

    fn shell(script: &str, limit: Duration) -> io::Result<ProcessOutput> {
        let environment = Environment::from_iter([("DATABRICKS_TOKEN", "dapi-secret"), ("KEPT", "yes")]);
        SystemRunner.run(&ProcessRequest::new(Path::new("/bin/sh"), &["-c", script], &environment, limit))
    }

    #[test]
    fn output_and_environment() {
        let output = shell("echo \"$KEPT/$DATABRICKS_TOKEN\"; echo oops >&2; exit 3", Duration::from_secs(10)).unwrap();
        assert_eq!((output.success, output.stdout.expose(), output.stderr.as_str()), (false, "yes/\n", "oops\n"));
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let error = shell("read forever < /dev/zero", Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn the_search_needs_an_absolute_folder_and_a_mode() {
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
