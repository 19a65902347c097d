//! The same calls without async: what can be awaited has [`block`](Block::block), what is a stream has
//! [`block_iter`](BlockIter::block_iter).
//!
//! ```no_run
//! use databricks_sdk::WorkspaceClient;
//! use databricks_sdk::blocking::{Block as _, BlockIter as _};
//!
//! fn main() -> databricks_sdk::Result<()> {
//!     let w = WorkspaceClient::from_env()?;
//!     let me = w.current_user().me().block()?;
//!     println!("{}", me.user_name.unwrap_or_default());
//!     for cluster in w.clusters().list().items().block_iter() {
//!         println!("{}", cluster?.cluster_name.unwrap_or_default());
//!     }
//!     let started = w.clusters().start("0923-164208-meows279").wait().block()?;
//!     let rows: Vec<(i64,)> = w.sql("SELECT 1").warehouse("1234567890abcdef").rows().block()?;
//!     Ok(())
//! }
//! ```
//!
//! The calling thread polls the future itself and sleeps while there is nothing to do; connections and timers live in a
//! runtime of this crate with one thread, which is started at the first use and serves all clients of the process. So
//! futures need not be `Send`, and blocking works everywhere: in `main`, in a thread, in `spawn_blocking`, and inside
//! of another runtime, whose thread it holds up like any other work that blocks.
//!
//! A client is used either with `block` or with `.await`, not with both: pooled connections belong to the runtime that
//! opened them.

use std::sync::OnceLock;

use databricks_core::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Handle, Runtime};

/// Waits for what could be awaited: calls, waits, statements, and every other future of this crate.
pub trait Block<T> {
    /// Runs the future to its end on the calling thread.
    ///
    /// # Errors
    /// Those of the future; [`ErrorKind::Other`] when the system refuses the thread that serves connections.
    fn block(self) -> Result<T>;
}

impl<F, T> Block<T> for F
where
    F: IntoFuture<Output = Result<T>>,
{
    fn block(self) -> Result<T> {
        let runtime = runtime()?;
        // Timers and sockets that the future makes belong to this runtime, whatever runtime the thread is part of.
        let _entered = runtime.enter();
        pollster::block_on(self.into_future())
    }
}

/// Iterates over what is a stream: items and pages of lists, rows, chunks, updates.
pub trait BlockIter<T>: Sized {
    /// An iterator that waits for each item on the calling thread. It ends with the stream.
    fn block_iter(self) -> Iter<Self>;
}

impl<S, T> BlockIter<T> for S
where
    S: Stream<Item = Result<T>> + Unpin,
{
    fn block_iter(self) -> Iter<Self> {
        Iter { stream: self }
    }
}

/// The items of a stream, waited for one after the other; made by [`block_iter`](BlockIter::block_iter).
#[derive(Debug)]
pub struct Iter<S> {
    stream: S,
}

impl<S, T> Iterator for Iter<S>
where
    S: Stream<Item = Result<T>> + Unpin,
{
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        async { Ok(self.stream.next().await) }.block().unwrap_or_else(|error| Some(Err(error)))
    }
}

/// The runtime, if it was started: where clean-up goes that a thread outside of any runtime leaves behind.
pub(crate) fn handle() -> Option<&'static Handle> {
    RUNTIME.get().and_then(|runtime| runtime.as_ref().ok()).map(Runtime::handle)
}

static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();

fn runtime() -> Result<&'static Runtime> {
    let start =
        || Builder::new_multi_thread().worker_threads(1).thread_name("databricks-blocking").enable_all().build();
    RUNTIME.get_or_init(start).as_ref().map_err(|error| {
        let why =
            format!("the thread that serves blocking calls cannot be started: {error}; raise the limit of threads or files of the process");
        Error::new(ErrorKind::Other, why)
    })
}
