//! The pieces of work, how often each is done in one measurement, and what it may cost.

/// A row of the table.
pub(super) struct Row {
    /// Its name on the command line of the contenders.
    pub(super) work: &'static str,
    pub(super) title: &'static str,
    /// Repetitions in one process, of which the first is not counted.
    pub(super) times: usize,
    /// Repetitions when instructions are counted, which takes fifty times as long.
    pub(super) counted: usize,
    /// The most that it may cost, as a multiple of the floor.
    pub(super) aim: f64,
}

pub(super) const ROWS: [Row; 5] = [
    Row { work: "small", title: "small call, sequential", times: 5_000, counted: 1_000, aim: 1.05 },
    Row { work: "flight", title: "small call, 64 in flight", times: 10_000, counted: 1_000, aim: 1.05 },
    Row { work: "statement", title: "statement of one row", times: 4_000, counted: 1_000, aim: 1.10 },
    Row { work: "pages", title: "paging 100 x 100 clusters, typed", times: 2, counted: 1, aim: 0.8 },
    Row { work: "rows", title: "10,000 rows inline, typed", times: 40, counted: 5, aim: 0.5 },
];

/// The contenders, the floor first: the others are compared with it.
pub(super) const CONTENDERS: [&str; 3] = ["floor", "reqwest", "ours"];
