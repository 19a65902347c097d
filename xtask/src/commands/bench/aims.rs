//! The pieces of work, how often each is done in one measurement, and what it may cost.

/// Which server a piece of work is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Plain,
    /// The same, of a host that serves an account and its workspaces.
    Account,
    /// TLS with HTTP/1.1.
    Tls1,
    /// TLS with HTTP/2.
    Tls2,
}

impl Kind {
    /// Its name on the command line of the server.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Account => "account",
            Self::Tls1 => "tls1",
            Self::Tls2 => "tls2",
        }
    }
}

/// A row of the table.
pub(super) struct Row {
    /// Its name on the command line of this command.
    pub(super) name: &'static str,
    /// The work on the command line of the contenders.
    pub(super) work: &'static str,
    pub(super) server: Kind,
    pub(super) title: &'static str,
    /// Repetitions in one process, of which the first is not counted; 0 where the time of the whole process is measured.
    pub(super) times: usize,
    /// Repetitions when instructions are counted, which takes fifty times as long; 0 for what has no count of its own.
    pub(super) counted: usize,
    /// The most that it may cost, as a multiple of the floor.
    pub(super) aim: f64,
}

const fn row(name: &'static str, work: &'static str, server: Kind, title: &'static str) -> Row {
    Row { name, work, server, title, times: 0, counted: 0, aim: 1.0 }
}

impl Row {
    const fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    const fn counted(self, counted: usize) -> Self {
        Self { counted, ..self }
    }

    const fn aim(self, aim: f64) -> Self {
        Self { aim, ..self }
    }
}

pub(super) const ROWS: [Row; 12] = [
    row("small", "small", Kind::Plain, "small call, sequential").times(5_000).counted(1_000).aim(1.05),
    row("small-tls", "small", Kind::Tls1, "small call, sequential, TLS with HTTP/1.1").times(5_000).aim(1.05),
    row("small-h2", "small", Kind::Tls2, "small call, sequential, TLS with HTTP/2").times(5_000).aim(1.10),
    row("flight", "tasks-64", Kind::Plain, "small call, 64 in flight").times(10_000).aim(1.05),
    row("flight-h2", "tasks-64", Kind::Tls2, "small call, 64 in flight, TLS with HTTP/2").times(10_000).aim(1.10),
    row("statement", "statement", Kind::Plain, "statement of one row").times(4_000).counted(1_000).aim(1.10),
    row("pages", "pages", Kind::Plain, "paging 100 x 100 clusters, typed").times(2).counted(1).aim(0.8),
    row("rows", "rows", Kind::Plain, "10,000 rows inline, typed").times(40).counted(5).aim(0.5),
    row("arrow", "arrow", Kind::Plain, "Arrow by links, 16 x 7.5 MB, decoded").times(3).aim(0.9),
    row("arrow-tls", "arrow", Kind::Tls1, "the same over TLS with HTTP/1.1").times(3).aim(0.8),
    row("start", "start", Kind::Plain, "process start to first response, wall").aim(1.1),
    row("start-tls", "start", Kind::Tls1, "the same over TLS with one certificate").aim(1.1),
];

/// The contenders, the floor first: the others are compared with it.
pub(super) const CONTENDERS: [&str; 3] = ["floor", "reqwest", "ours"];

/// So many tasks share one client where it is measured how cost grows.
pub(super) const TASKS: [usize; 5] = [1, 8, 64, 512, 4096];

/// So many workspaces of one account share connections and credentials.
pub(super) const WORKSPACES: [usize; 3] = [1, 100, 1000];
