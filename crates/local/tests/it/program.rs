//! The program, and what is left when it is killed.

use crate::process::Program;

#[test]
fn it_prints_what_the_examples_read() {
    let temporary = tempfile::tempdir().unwrap();
    let program = Program::start(temporary.path(), &[]);
    assert!(program.value("DATABRICKS_HOST").starts_with("http://127.0.0.1:"));
    assert!(program.value("DATABRICKS_TOKEN").starts_with("dapi"));
    for name in ["DATABRICKS_WAREHOUSE_ID=", "DATABRICKS_CLUSTER_ID="] {
        let value = program.shown.split_once(name).unwrap_or_else(|| panic!("{name}: {}", program.shown)).1;
        assert!(!value.starts_with(char::is_whitespace), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn the_next_one_removes_what_a_killed_one_left() {
    let temporary = tempfile::tempdir().unwrap();
    let left = || std::fs::read_dir(temporary.path()).unwrap().count();
    let mut first = Program::start(temporary.path(), &[]);
    assert_eq!(left(), 1);
    first.kill();
    assert_eq!(left(), 1);
    let second = Program::start(temporary.path(), &[]);
    assert_eq!(left(), 1);
    drop(second);
}

#[test]
fn a_seed_with_a_mistake_is_stated_in_one_line() {
    let temporary = tempfile::tempdir().unwrap();
    let seed = temporary.path().join("seed.yaml");
    std::fs::write(&seed, "users:\n- ann@example.com\njob: []\n").unwrap();
    let started = std::process::Command::new(env!("CARGO_BIN_EXE_databricks-local"))
        .args(["--seed".as_ref(), seed.as_os_str()])
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    let stated = String::from_utf8(started.stderr).unwrap();
    assert!(!started.status.success() && stated.lines().count() == 1, "{stated}");
    assert!(stated.starts_with(&format!("databricks-local: {}:3: ", seed.display())), "{stated}");
}
