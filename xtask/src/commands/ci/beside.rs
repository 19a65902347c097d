//! Steps that run beside the others: they keep one core busy for minutes, while the steps that compile leave one idle for
//! much of their time.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::table::Row;
use super::{PROGRAM, Step};

/// The steps that were handed over, one after the other in a thread of their own.
pub(super) struct Beside {
    thread: JoinHandle<Vec<Row>>,
    /// CPU seconds of those that have ended.
    ended: Arc<Mutex<f64>>,
}

impl Beside {
    /// Starts the steps in the order that they have, as programs of their own: their output is shown when they end.
    pub(super) fn start(root: &Path, own: PathBuf, steps: Vec<&'static Step>, program: PathBuf) -> Self {
        let ended = Arc::new(Mutex::new(0.0));
        let (root, total) = (root.to_owned(), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            let mut rows = Vec::new();
            for step in steps {
                let row = run(&root, &own, step, &program);
                *total.lock().unwrap_or_else(PoisonError::into_inner) += row.cpu.unwrap_or(0.0);
                rows.push(row);
            }
            rows
        });
        Self { thread, ended }
    }

    /// CPU seconds that the system counts among those of this program's children, since the steps here have ended.
    pub(super) fn cpu(&self) -> f64 {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn join(self) -> Result<Vec<Row>> {
        self.thread.join().map_err(|_| anyhow!("the thread of the steps beside the others panicked"))
    }
}

fn run(root: &Path, own: &Path, step: &'static Step, program: &Path) -> Row {
    let start = std::time::Instant::now();
    match captured(root, own, step, program) {
        Ok(row) => row,
        Err(error) => Row {
            name: step.name,
            wall: start.elapsed(),
            cpu: None,
            beside: true,
            failed: Some(error.context(format!("the step {} failed", step.name))),
        },
    }
}

/// A step's row of the table, from a program of its own, whose output is kept until it ends.
fn captured(root: &Path, own: &Path, step: &'static Step, program: &Path) -> Result<Row> {
    let directory = root.join("target/ci");
    let file = |kind: &str| directory.join(format!("{}.{kind}", step.name));
    let (log, table) = (file("log"), file("table"));
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = crate::commands::process::command(own);
    command.current_dir(root).env(PROGRAM, program);
    command.args([OsString::from("ci"), step.name.into(), "--table".into(), table.clone().into()]);
    let status = command.stdout(output.try_clone()?).stderr(output).status().context("cannot start xtask")?;
    let said = std::fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
    println!("\n==> {}, which ran beside the others:\n{said}", step.name);
    ensure!(status.success(), "its output is above");
    let rows = std::fs::read_to_string(&table).with_context(|| format!("cannot read {}", table.display()))?;
    // | name | wall | CPU |
    let cells: Vec<&str> = rows
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .find(|cells| cells.get(1) == Some(&step.name))
        .context("the step has no row in its table")?;
    let seconds = |at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok());
    let wall = Duration::from_secs_f64(seconds(2).context("the step's row has no time")?);
    Ok(Row { name: step.name, wall, cpu: seconds(3), beside: true, failed: None })
}
