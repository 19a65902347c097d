//! Running jobs and following their runs: what the plain operations of [`Jobs`] leave to the caller.
//!
//! ```no_run
//! # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! let run = w.jobs().run_now(11_223_344).start().await?;
//! let id = run.id();
//! println!("run {id} has begun");
//! if let Err(error) = run.wait_success().await {
//!     eprintln!("{error}"); // names the tasks that failed, and why
//!     w.jobs().run(id).repair_failed().await?;
//!     w.jobs().run(id).wait_success().await?;
//! }
//! for output in w.jobs().run(id).outputs().await? {
//!     println!("{}: {}", output.task_key, output.text().unwrap_or_default());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | to do | use |
//! |---|---|
//! | start a job, or tasks without a job | `w.jobs().run_now(id)`[`.start()`](crate::Call#method.start), `w.jobs().submit()`[`.start()`](crate::Call#method.start) |
//! | take up a run by its id | [`Jobs::run`] |
//! | wait, follow, cancel, repair, read outputs | [`RunHandle`] |
//! | read a job or run with more than 100 tasks | [`all_pages`](crate::Call#method.all_pages) on `get` and `get_run` |
//! | find a job by its name | [`Jobs::by_name`] |
//! | list jobs or runs with all of their tasks | [`in_full`](crate::Call#method.in_full) on `list` and `list_runs` |
//!
//! Every start carries an idempotency token, made once unless the caller sets one, so that it may be repeated after a
//! lost connection without a second run.

mod failure;
mod outputs;
mod pages;
mod run;
mod start;
mod states;
mod target;

pub use outputs::TaskOutput;
pub use run::RunHandle;

#[doc(no_inline)]
pub use crate::services::jobs::Jobs;
