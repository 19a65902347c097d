//! The pieces of work, and how one is measured.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::fixtures::{CLUSTERS, ROWS};

/// A piece of work that every contender does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The current user, one call after the other.
    Small,
    /// The same, 64 calls at a time.
    Flight,
    /// A statement whose result is one row.
    Statement,
    /// A list of clusters, all pages.
    Pages,
    /// A statement whose result is 10,000 rows, inline, read into a struct.
    Rows,
}

impl FromStr for Work {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "small" => Self::Small,
            "flight" => Self::Flight,
            "statement" => Self::Statement,
            "pages" => Self::Pages,
            "rows" => Self::Rows,
            other => bail!("there is no work {other}"),
        })
    }
}

/// What a contender can do. Each returns something that was decoded, so that the decoding cannot be left out.
pub(crate) trait Contender {
    /// The length of the current user's name.
    fn user(&self) -> impl Future<Output = Result<usize>>;
    /// The number of clusters.
    fn clusters(&self) -> impl Future<Output = Result<usize>>;
    /// The number of rows of a statement, each read into a [`Row`](crate::fixtures::Row).
    fn rows(&self, statement: &str) -> impl Future<Output = Result<usize>>;
}

/// What the work took in all.
pub(crate) struct Measured {
    times: usize,
    cpu: Duration,
    wall: Duration,
    /// From the start of the process to the first response.
    first: Duration,
    /// The most memory that was held, in KiB.
    peak: i64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{\"times\":{},\"cpu_ns\":{},\"wall_ns\":{},\"first_ns\":{},\"peak_kib\":{}}}",
            self.times,
            self.cpu.as_nanos(),
            self.wall.as_nanos(),
            self.first.as_nanos(),
            self.peak
        )
    }
}

pub(crate) async fn measure<C: Contender>(contender: &C, work: Work, times: usize) -> Result<Measured> {
    let start = Instant::now();
    // The connection is there afterwards, and what is asked once has been asked.
    ensure!(contender.user().await? > 0, "the user has no name");
    let first = start.elapsed();
    if work == Work::Flight {
        in_flight(contender, 64).await?;
    } else {
        once(contender, work).await?;
    }
    let (cpu, start) = (cpu()?, Instant::now());
    match work {
        Work::Flight => in_flight(contender, times).await?,
        _ => {
            for _ in 0..times {
                once(contender, work).await?;
            }
        }
    }
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(Measured { times, cpu: self::cpu()?.saturating_sub(cpu), wall, first, peak: usage.max_rss() })
}

async fn once<C: Contender>(contender: &C, work: Work) -> Result<()> {
    match work {
        Work::Small | Work::Flight => ensure!(contender.user().await? > 0, "the user has no name"),
        Work::Pages => ensure!(contender.clusters().await? == CLUSTERS, "clusters are missing"),
        Work::Statement => ensure!(contender.rows("SELECT 1").await? == 1, "one row was to come"),
        Work::Rows => ensure!(contender.rows("SELECT many").await? == ROWS, "rows are missing"),
    }
    Ok(())
}

/// Makes the small call so many times, at most 64 at a time.
async fn in_flight<C: Contender>(contender: &C, times: usize) -> Result<()> {
    let mut running = FuturesUnordered::new();
    for _ in 0..times {
        if running.len() == 64 {
            let done: Option<Result<usize>> = running.next().await;
            ensure!(done.transpose()?.unwrap_or_default() > 0, "the user has no name");
        }
        running.push(contender.user());
    }
    while let Some(done) = running.next().await {
        ensure!(done? > 0, "the user has no name");
    }
    Ok(())
}

fn cpu() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros)?))
}
