//! The contenders' program, and what one run of it measures.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::server::{Server, pinned};

/// What a contender prints.
#[derive(Debug, Deserialize)]
pub(super) struct Measured {
    pub(super) times: u64,
    pub(super) cpu_ns: u64,
    pub(super) wall_ns: u64,
    first_ns: u64,
    pub(super) p99_ns: u64,
    pub(super) peak_kib: u64,
    /// From the start of the process to its first line.
    #[serde(skip)]
    pub(super) until_printed: Duration,
}

impl Measured {
    /// CPU time of one repetition in microseconds.
    pub(super) fn cpu(&self) -> f64 {
        self.cpu_ns as f64 / 1000.0 / self.times.max(1) as f64
    }
}

/// The contenders' program, and where they run.
pub(super) struct Contenders<'a> {
    pub(super) program: &'a Path,
    pub(super) core: Option<usize>,
}

impl Contenders<'_> {
    /// Lets a contender do its work in a process of its own.
    pub(super) fn measure(&self, contender: &str, work: &str, times: usize, server: &Server) -> Result<Measured> {
        let start = Instant::now();
        let mut child = pinned(self.program, self.core)
            .args([contender, work, &times.to_string()])
            .args(server.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a contender")?;
        let output = child.stdout.take().context("a contender has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let until_printed = start.elapsed();
        ensure!(child.wait()?.success(), "{contender} {work} failed");
        let measured: Measured = serde_json::from_str(&line).context("what a contender printed")?;
        ensure!(measured.wall_ns > 0 && measured.first_ns > 0, "{contender} measured nothing");
        Ok(Measured { until_printed, ..measured })
    }
}

/// The value in the middle; of none, no number.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
