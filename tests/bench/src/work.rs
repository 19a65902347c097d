//! The pieces of work, and how one is measured.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use tokio::task::JoinSet;

use crate::arrow;
use crate::fixtures::{CLUSTERS, ROWS};

/// A piece of work that every contender does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The first response of a process.
    Start,
    /// The current user, one call after the other.
    Small,
    /// The same by so many tasks at a time.
    Tasks(usize),
    /// A statement whose result is one row.
    Statement,
    /// A list of clusters, all pages.
    Pages,
    /// A statement whose result is 10,000 rows, inline, read into a struct.
    Rows,
    /// A statement whose result is Arrow behind links.
    Arrow,
    /// The current user of so many workspaces that share connections, one after the other, by [`TASKS`] tasks.
    Workspaces(usize),
}

/// The tasks that ask for workspaces.
const TASKS: usize = 64;

impl FromStr for Work {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "start" => Self::Start,
            "small" => Self::Small,
            "statement" => Self::Statement,
            "pages" => Self::Pages,
            "rows" => Self::Rows,
            "arrow" => Self::Arrow,
            other => match other.split_once('-') {
                Some(("tasks", tasks)) => Self::Tasks(tasks.parse().context("the number of tasks")?),
                Some(("workspaces", number)) => Self::Workspaces(number.parse().context("the number of workspaces")?),
                _ => bail!("there is no work {other}"),
            },
        })
    }
}

/// What a contender can do. Each returns something that was decoded, so that the decoding cannot be left out.
pub(crate) trait Contender: Send + Sync + 'static {
    /// The length of the current user's name.
    fn user(&self) -> impl Future<Output = Result<usize>> + Send;
    /// The number of clusters.
    fn clusters(&self) -> impl Future<Output = Result<usize>> + Send;
    /// The number of rows of a statement, each read into a [`Row`](crate::fixtures::Row).
    fn rows(&self, statement: &str) -> impl Future<Output = Result<usize>> + Send;
    /// The number of rows of a statement whose chunks come as Arrow by links.
    fn arrow(&self) -> impl Future<Output = Result<usize>> + Send;
    /// Makes clients of so many workspaces of one account.
    fn prepare(&mut self, workspaces: usize) -> impl Future<Output = Result<()>> + Send;
    /// The length of the current user's name, asked of a workspace of the account.
    fn user_of(&self, workspace: usize) -> impl Future<Output = Result<usize>> + Send;
}

/// What the work took in all.
pub(crate) struct Measured {
    times: usize,
    cpu: Duration,
    wall: Duration,
    /// From the start of the program to the first response.
    first: Duration,
    /// What all but one of a hundred calls took at most, where calls were measured one by one.
    p99: Duration,
    /// The most memory that was held, in KiB.
    peak: i64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{\"times\":{},\"cpu_ns\":{},\"wall_ns\":{},\"first_ns\":{},\"p99_ns\":{},\"peak_kib\":{}}}",
            self.times,
            self.cpu.as_nanos(),
            self.wall.as_nanos(),
            self.first.as_nanos(),
            self.p99.as_nanos(),
            self.peak
        )
    }
}

/// * `started`: when the program did.
pub(crate) async fn measure<C: Contender>(
    mut contender: C,
    work: Work,
    times: usize,
    started: Instant,
) -> Result<Measured> {
    if let Work::Workspaces(number) = work {
        contender.prepare(number).await?;
    }
    let contender = Arc::new(contender);
    // The connection is there afterwards, and what is asked once has been asked.
    ensure!(contender.user().await? > 0, "the user has no name");
    let first = started.elapsed();
    if work == Work::Start {
        return Ok(Measured { times: 1, cpu: cpu()?, wall: first, first, p99: Duration::ZERO, peak: peak()? });
    }
    match work {
        Work::Tasks(tasks) => drop(run_tasks(&contender, tasks, tasks, None).await?),
        Work::Workspaces(number) => drop(run_tasks(&contender, TASKS, number.max(TASKS), Some(number)).await?),
        _ => once(&*contender, work).await?,
    }
    let (cpu, start) = (cpu()?, Instant::now());
    let mut took = Vec::new();
    match work {
        Work::Tasks(tasks) => took = run_tasks(&contender, tasks, times, None).await?,
        Work::Workspaces(number) => took = run_tasks(&contender, TASKS, times, Some(number)).await?,
        _ => {
            for _ in 0..times {
                once(&*contender, work).await?;
            }
        }
    }
    let wall = start.elapsed();
    let cpu = self::cpu()?.saturating_sub(cpu);
    took.sort_unstable();
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    Ok(Measured { times, cpu, wall, first, p99, peak: peak()? })
}

async fn once<C: Contender>(contender: &C, work: Work) -> Result<()> {
    match work {
        Work::Start | Work::Small | Work::Tasks(_) | Work::Workspaces(_) => {
            ensure!(contender.user().await? > 0, "the user has no name")
        }
        Work::Pages => ensure!(contender.clusters().await? == CLUSTERS, "clusters are missing"),
        Work::Statement => ensure!(contender.rows("SELECT 1").await? == 1, "one row was to come"),
        Work::Rows => ensure!(contender.rows("SELECT many").await? == ROWS, "rows are missing"),
        Work::Arrow => ensure!(contender.arrow().await? == arrow::ROWS * arrow::CHUNKS, "rows are missing"),
    }
    Ok(())
}

/// Makes the small call so many times in all, by tasks that run side by side. Returns what each call took.
///
/// * `workspaces`: the calls go to so many in turn, if it is stated.
async fn run_tasks<C: Contender>(
    contender: &Arc<C>,
    tasks: usize,
    times: usize,
    workspaces: Option<usize>,
) -> Result<Vec<Duration>> {
    let mut running = JoinSet::new();
    for index in 0..tasks {
        let share = times / tasks + usize::from(index < times % tasks);
        let contender = Arc::clone(contender);
        running.spawn(async move {
            let mut took = Vec::with_capacity(share);
            for call in 0..share {
                let start = Instant::now();
                let name = match workspaces {
                    Some(number) => contender.user_of((index + call * tasks) % number).await?,
                    None => contender.user().await?,
                };
                ensure!(name > 0, "the user has no name");
                took.push(start.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let mut all = Vec::with_capacity(times);
    while let Some(took) = running.join_next().await {
        all.extend(took??);
    }
    Ok(all)
}

fn cpu() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros)?))
}

fn peak() -> Result<i64> {
    Ok(getrusage(UsageWho::RUSAGE_SELF)?.max_rss())
}
