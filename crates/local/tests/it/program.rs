//! The program, and what is left when it is killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running program that is killed when the test ends.
struct Program(Child, String);

impl Drop for Program {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(temporary: &Path) -> Program {
    let mut child = Command::new(env!("CARGO_BIN_EXE_databricks-local"))
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut shown = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let last = line.contains("Stop it with");
        shown.push_str(&line);
        shown.push('\n');
        if last {
            break;
        }
    }
    Program(child, shown)
}

#[test]
fn it_prints_what_the_examples_read() {
    let temporary = tempfile::tempdir().unwrap();
    let program = start(temporary.path());
    for name in [
        "DATABRICKS_HOST=http://127.0.0.1:",
        "DATABRICKS_TOKEN=dapi",
        "DATABRICKS_WAREHOUSE_ID=",
        "DATABRICKS_CLUSTER_ID=",
    ] {
        let value = program.1.split_once(name).unwrap_or_else(|| panic!("{name}: {}", program.1)).1;
        assert!(!value.starts_with(char::is_whitespace), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn the_next_one_removes_what_a_killed_one_left() {
    let temporary = tempfile::tempdir().unwrap();
    let left = || std::fs::read_dir(temporary.path()).unwrap().count();
    let mut first = start(temporary.path());
    assert_eq!(left(), 1);
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    assert_eq!(left(), 1);
    let second = start(temporary.path());
    assert_eq!(left(), 1);
    drop(second);
}
