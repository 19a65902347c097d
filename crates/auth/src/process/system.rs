//! Programs as child processes, with a limit of their output.

use std::io;
use std::pin::pin;
use std::process::Stdio;
#[cfg(not(unix))]
use std::time::Duration;

use databricks_core::Secret;
use futures_util::future::{Either, join, select};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use crate::process::{ProcessOutput, ProcessRequest, ProcessRunner};

/// The limit of the output in bytes.
pub(super) const MAX_OUTPUT: usize = 1 << 20;

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
