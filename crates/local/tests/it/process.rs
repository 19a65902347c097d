//! The program as a process of its own, and a blocking client for it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running program that is killed when the test ends.
pub(crate) struct Program {
    child: Child,
    pub(crate) shown: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Program {
    /// Starts it, and waits until it states how to reach it.
    pub(crate) fn start(temporary: &Path, arguments: &[&str]) -> Self {
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
        Self { child, shown }
    }

    /// Ends it as nothing can prevent (`SIGKILL` on Unix), and waits for the end.
    pub(crate) fn kill(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it printed behind `name=`.
    pub(crate) fn value(&self, name: &str) -> &str {
        let rest = self.shown.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("{name}: {}", self.shown)).1;
        rest.split_whitespace().next().unwrap()
    }

    /// Bytes of memory that it has now.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn connect(&self) -> io::Result<Connection> {
        let host = self.value("DATABRICKS_HOST").trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(stream), host, token: self.value("DATABRICKS_TOKEN").to_owned() })
    }
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    token: String,
}

impl Connection {
    /// The status and the body of the response.
    pub(crate) fn call(&mut self, method: &str, target: &str, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            self.token,
            body.len()
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(short());
            }
            let line = line.trim_end();
            match (status, line.split_once(':')) {
                (None, _) => status = Some(line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(short)?),
                (Some(_), None) => break,
                (Some(_), Some((name, value))) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(|_| short())?;
                }
                (Some(_), Some((name, _))) => assert!(!name.eq_ignore_ascii_case("transfer-encoding"), "{target}"),
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status.ok_or_else(short)?, body))
    }

    /// The status and the JSON of the response.
    pub(crate) fn json(&mut self, method: &str, target: &str, body: &Value) -> io::Result<(u16, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, body) = self.call(method, target, body.as_bytes())?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}
