//! What the other parts print with.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

/// How often a state is polled while it changes. The default of a wait is more patient.
pub(crate) const POLL: Duration = Duration::from_millis(250);

/// A line that begins a new subject.
pub(crate) fn heading(text: &str) {
    if std::io::stdout().is_terminal() {
        println!("\n\u{1b}[1m{text}\u{1b}[0m");
    } else {
        println!("\n{text}");
    }
}

/// A line that shows how a wait goes on: written over itself on a terminal, once per change elsewhere.
pub(crate) struct ProgressLine {
    what: String,
    last: String,
}

impl ProgressLine {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), last: String::new() }
    }

    pub(crate) fn show(&mut self, state: &str, elapsed: Duration) {
        let mut out = std::io::stdout().lock();
        // A line that cannot be written is not a reason to stop.
        let _ = if out.is_terminal() {
            write!(out, "\r\u{1b}[K{}: {state} ({:.1} s)", self.what, elapsed.as_secs_f64()).and_then(|()| out.flush())
        } else if self.last != state {
            writeln!(out, "{}: {state} ({:.1} s)", self.what, elapsed.as_secs_f64())
        } else {
            Ok(())
        };
        state.clone_into(&mut self.last);
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if std::io::stdout().is_terminal() && !self.last.is_empty() {
            println!();
        }
    }
}
