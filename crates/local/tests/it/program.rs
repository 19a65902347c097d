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
    start_with(temporary, &[])
}

fn start_with(temporary: &Path, arguments: &[&str]) -> Program {
    let mut child = Command::new(env!("CARGO_BIN_EXE_databricks-local"))
        .args(arguments)
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

/// The status of a request, and its body.
#[cfg(unix)]
fn ask(program: &Program, request: &str, body: &str) -> (u16, String) {
    use std::io::{Read as _, Write as _};
    let value = |name: &str| {
        let rest = program.1.split_once(name).unwrap().1;
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let host = value("DATABRICKS_HOST=http://");
    let mut stream = std::net::TcpStream::connect(&host).unwrap();
    let (token, length) = (value("DATABRICKS_TOKEN="), body.len());
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let status = response.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap();
    (status, response.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[cfg(unix)]
#[test]
fn what_was_acknowledged_before_a_kill_is_there() {
    let (temporary, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--data", data.path().to_str().unwrap()];
    for round in 0..3 {
        let mut program = start_with(temporary.path(), &arguments);
        for n in 0..round {
            let (status, text) = ask(&program, &format!("GET /api/2.0/fs/files/Volumes/main/default/v/{n}"), "");
            assert_eq!((status, text), (200, format!("content {n}")));
            let (status, text) = ask(&program, &format!("GET /api/2.0/secrets/get?scope=s&key=k{n}"), "");
            assert_eq!(status, 200, "{text}");
        }
        if round == 0 {
            assert_eq!(ask(&program, "POST /api/2.0/secrets/scopes/create", r#"{"scope": "s"}"#).0, 200);
        }
        let content = format!("content {round}");
        let put = format!("PUT /api/2.0/fs/files/Volumes/main/default/v/{round}");
        assert_eq!(ask(&program, &put, &content).0, 204);
        let secret = format!(r#"{{"scope": "s", "key": "k{round}", "string_value": "v"}}"#);
        assert_eq!(ask(&program, "POST /api/2.0/secrets/put", &secret).0, 200);
        program.0.kill().unwrap();
        program.0.wait().unwrap();
    }
}
