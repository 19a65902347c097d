//! The times of the steps.

use std::fmt::Write as _;
use std::time::Duration;

/// What became of a step.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) wall: Duration,
    /// Seconds of all its programs, where the system tells.
    pub(super) cpu: Option<f64>,
    /// Whether it ran beside the others.
    pub(super) beside: bool,
    pub(super) failed: Option<anyhow::Error>,
}

/// The table as Markdown.
pub(super) fn text(rows: &[Row], total: Duration) -> String {
    let mut text = String::from("| step | wall, s | CPU, s |\n|---|---|---|\n");
    let shown = |cpu: Option<f64>| cpu.map_or_else(|| String::from("-"), |seconds| format!("{seconds:.0}"));
    for row in rows {
        let beside = if row.beside { ", beside the others" } else { "" };
        let _ = writeln!(text, "| {}{beside} | {:.0} | {} |", row.name, row.wall.as_secs_f64(), shown(row.cpu));
    }
    let cpu = rows.iter().map(|row| row.cpu).sum::<Option<f64>>();
    let _ = writeln!(text, "| all | {:.0} | {} |", total.as_secs_f64(), shown(cpu));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, seconds: u64, cpu: Option<f64>, beside: bool) -> Row {
        Row { name, wall: Duration::from_secs(seconds), cpu, beside, failed: None }
    }

    #[test]
    fn a_sum_of_cpu_seconds_needs_all_of_them() {
        let rows = [row("fmt", 2, Some(1.4), false), row("fuzz", 120, Some(118.0), true)];
        assert_eq!(
            text(&rows, Duration::from_secs(121)),
            "| step | wall, s | CPU, s |\n|---|---|---|\n| fmt | 2 | 1 |\n| fuzz, beside the others | 120 | 118 |\n\
             | all | 121 | 119 |\n"
        );
        let without = text(&[row("fmt", 2, None, false)], Duration::from_secs(2));
        assert!(without.ends_with("| fmt | 2 | - |\n| all | 2 | - |\n"), "{without}");
    }
}
