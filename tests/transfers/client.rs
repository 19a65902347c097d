//! What a child process does: one transfer.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use databricks_sdk::files::{TransferSettings, UploadSource, UploadState};
use databricks_sdk::{Config, WorkspaceClient};
use databricks_tests::JumpClock;

/// The bytes of a part and of a range.
pub(crate) const PART: u64 = 4 << 20;
/// How many of them are under way at the same time.
pub(crate) const PARALLELISM: usize = 4;

/// Tells a child process what it is.
const CHILD: &str = "--transfer";

/// Where an upload takes its bytes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Read at the positions of the parts.
    File,
    /// Read once, its length unknown.
    Stream,
}

/// A transfer.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    kind: &'static str,
    url: String,
    token: String,
    path: String,
    file: PathBuf,
    /// The file of the saved state; empty for none.
    state: PathBuf,
    /// After how many parts the upload holds still; 0 for never.
    stop_at: u64,
    resume: bool,
}

impl Job {
    pub(crate) fn upload(way: Way) -> Self {
        Self::new(if way == Way::File { "file" } else { "stream" })
    }

    pub(crate) fn download() -> Self {
        Self::new("download")
    }

    fn new(kind: &'static str) -> Self {
        let (url, token, path, file, state) = <_>::default();
        Self { kind, url, token, path, file, state, stop_at: 0, resume: false }
    }

    pub(crate) fn at(self, url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: token.to_owned(), ..self }
    }

    pub(crate) fn of(self, path: &str, file: &Path) -> Self {
        Self { path: path.to_owned(), file: file.to_owned(), ..self }
    }

    pub(crate) fn saving(self, state: &Path) -> Self {
        Self { state: state.to_owned(), ..self }
    }

    pub(crate) fn stopping_at(self, parts: u64) -> Self {
        Self { stop_at: parts, ..self }
    }

    pub(crate) fn resuming(self) -> Self {
        Self { resume: true, ..self }
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let (stop_at, resume) = (self.stop_at.to_string(), self.resume.to_string());
        let (file, state) = (path(&self.file), path(&self.state));
        let all = [CHILD, self.kind, &self.url, &self.token, &self.path, &file, &state, &stop_at, &resume];
        all.map(str::to_owned).into()
    }

    /// The job of a child; `None` in the process that starts them.
    pub(crate) fn read(arguments: &[String]) -> Option<Self> {
        let [child, kind, url, token, path, file, state, stop_at, resume] = arguments else { return None };
        if child != CHILD {
            return None;
        }
        let kind = ["file", "stream", "download"].into_iter().find(|known| known == kind)?;
        Some(Self {
            kind,
            url: url.clone(),
            token: token.clone(),
            path: path.clone(),
            file: file.into(),
            state: state.into(),
            stop_at: stop_at.parse().ok()?,
            resume: resume == "true",
        })
    }

    /// Makes the transfer, and prints what memory was in use before it, and at most.
    pub(crate) fn run(self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let config = Config::hermetic().host(self.url.as_str()).token(self.token.as_str()).clock(JumpClock::new());
            let w = WorkspaceClient::new(config).unwrap();
            w.current_user().me().await.unwrap();
            let idle = memory("VmRSS:");
            match self.kind {
                "download" => self.fetch(&w).await,
                _ => self.send(&w).await,
            }
            print(&format!("idle {idle}\npeak {}", memory("VmHWM:")));
        });
    }

    fn settings() -> TransferSettings {
        let settings = TransferSettings::new().multipart_from(1).ranges_from(PART).range_size(PART);
        settings.part_size(PART).unknown_length_part_size(PART).parallelism(PARALLELISM)
    }

    async fn fetch(&self, w: &WorkspaceClient) {
        w.files().download_from(self.path.as_str()).settings(Self::settings()).to_file(&self.file).await.unwrap();
    }

    async fn send(&self, w: &WorkspaceClient) {
        let source = match self.kind {
            "stream" => UploadSource::reader(Blocking(std::fs::File::open(&self.file).unwrap())),
            _ => UploadSource::file(&self.file),
        };
        let mut upload = w.files().upload_from(self.path.as_str(), source).settings(Self::settings());
        if !self.state.as_os_str().is_empty() {
            let (state, stop_at) = (self.state.clone(), self.stop_at);
            upload = upload.on_checkpoint(move |now| {
                // Renamed into its place, so that a process that is killed leaves the state before or the one after.
                let new = state.with_extension("new");
                std::fs::write(&new, serde_json::to_string(now).unwrap()).unwrap();
                std::fs::rename(&new, &state).unwrap();
                if now.parts() as u64 == stop_at && stop_at > 0 {
                    print("stopped");
                    // Until it is killed.
                    loop {
                        std::thread::park();
                    }
                }
            });
        }
        if self.resume {
            let state: UploadState = serde_json::from_slice(&std::fs::read(&self.state).unwrap()).unwrap();
            upload = upload.resume(state);
        }
        upload.await.unwrap();
    }
}

/// A file read as a pipe is: in order, and once.
struct Blocking(std::fs::File);

impl tokio::io::AsyncRead for Blocking {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let read = std::io::Read::read(&mut self.0, buffer.initialize_unfilled());
        std::task::Poll::Ready(read.map(|read| buffer.advance(read)))
    }
}

/// A figure of this process in bytes, as Linux states it; 0 elsewhere, where memory is not checked.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

#[allow(clippy::print_stdout)] // Read by the process that started this one.
fn print(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}
