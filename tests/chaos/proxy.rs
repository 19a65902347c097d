//! A proxy that understands just enough HTTP to break it in chosen places.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What may go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection breaks before the request reached the server.
    ResetBefore,
    /// The server did its work, and the connection breaks before anything of the response came.
    ResetAfter,
    /// The response breaks off in the middle of its body.
    Truncated,
    /// The response begins and then nothing more comes.
    Stalled,
    /// The server did its work, and nothing comes at all.
    Silent,
    /// 429, several in a row on all connections; the server sees nothing.
    Storm,
    /// 503; the server sees nothing.
    Unavailable,
    /// The response comes whole, but its head byte by byte.
    SlowHead,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Truncated,
        Self::Stalled,
        Self::Silent,
        Self::Storm,
        Self::Unavailable,
        Self::SlowHead,
    ];
}

/// A running proxy.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    server: String,
    random: Mutex<fastrand::Rng>,
    /// How many more requests the present storm refuses.
    storm: Mutex<u32>,
    counts: Mutex<BTreeMap<Fault, u32>>,
}

impl Proxy {
    /// A proxy before a server (`http://host:port`), with faults in an order that the seed decides.
    pub(crate) async fn start(server: &str, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State {
            server: server.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            storm: Mutex::default(),
            counts: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _ = state.serve(stream).await;
                });
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How often each fault happened.
    pub(crate) fn counts(&self) -> BTreeMap<Fault, u32> {
        self.state.counts.lock().unwrap().clone()
    }
}

impl State {
    /// What happens to the next request: about every fourth meets a fault.
    fn decide(&self) -> Option<Fault> {
        let fault = {
            let mut storm = self.storm.lock().unwrap();
            if *storm > 0 {
                *storm -= 1;
                Some(Fault::Storm)
            } else {
                let mut random = self.random.lock().unwrap();
                let fault = match random.u32(0..1000) {
                    0..60 => Some(Fault::ResetBefore),
                    60..110 => Some(Fault::ResetAfter),
                    110..150 => Some(Fault::Truncated),
                    150..165 => Some(Fault::Stalled),
                    165..180 => Some(Fault::Silent),
                    180..190 => Some(Fault::Storm),
                    190..240 => Some(Fault::Unavailable),
                    240..255 => Some(Fault::SlowHead),
                    _ => None,
                };
                if fault == Some(Fault::Storm) {
                    *storm = random.u32(3..12);
                }
                fault
            }
        };
        if let Some(fault) = fault {
            *self.counts.lock().unwrap().entry(fault).or_default() += 1;
        }
        fault
    }

    async fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(request) = message(&mut client, &mut buffer).await? {
            // What finds out about the host is not a call of its own.
            let fault = if request.starts_with(b"GET /.well-known/") { None } else { self.decide() };
            match fault {
                Some(Fault::ResetBefore) => return reset(&client),
                Some(Fault::Storm) => refuse(&mut client, "429 Too Many Requests").await?,
                Some(Fault::Unavailable) => refuse(&mut client, "503 Service Unavailable").await?,
                _ => {
                    let response = self.forward(&request).await?;
                    let head_end = head_end(&response).unwrap_or(response.len());
                    let middle = head_end + (response.len() - head_end) / 2;
                    match fault {
                        Some(Fault::ResetAfter) => return reset(&client),
                        Some(Fault::Truncated) => {
                            client.write_all(&response[..middle]).await?;
                            return reset(&client);
                        }
                        Some(Fault::Stalled) => {
                            client.write_all(&response[..middle]).await?;
                            return given_up(&mut client).await;
                        }
                        Some(Fault::Silent) => {
                            return given_up(&mut client).await;
                        }
                        Some(Fault::SlowHead) => {
                            for byte in &response[..head_end] {
                                client.write_all(&[*byte]).await?;
                                client.flush().await?;
                                tokio::task::yield_now().await;
                            }
                            client.write_all(&response[head_end..]).await?;
                        }
                        _ => client.write_all(&response).await?,
                    }
                }
            }
        }
        Ok(())
    }

    /// The server's response to a request, on a connection of its own.
    async fn forward(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(&self.server).await?;
        server.set_nodelay(true)?;
        // The server knows itself by its own address only.
        let text = String::from_utf8_lossy(request).into_owned();
        let host = text.lines().find(|line| line.to_ascii_lowercase().starts_with("host:")).unwrap_or_default();
        let request = text.replacen(host, &format!("host: {}", self.server), 1);
        server.write_all(request.as_bytes()).await?;
        let mut buffer = Vec::new();
        message(&mut server, &mut buffer).await?.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// Breaks the connection the hard way, if the system lets us.
fn reset(client: &TcpStream) -> std::io::Result<()> {
    client.set_zero_linger()
}

async fn refuse(client: &mut TcpStream, status: &str) -> std::io::Result<()> {
    let body = r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"try later"}"#;
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 0\r\n\r\n{body}",
        body.len()
    );
    client.write_all(response.as_bytes()).await
}

fn head_end(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The next whole message of a connection, head and body; `None` when it is closed.
async fn message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(end) = head_end(buffer) {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let whole = if value("transfer-encoding:").is_some_and(|value| value.contains("chunked")) {
                buffer[end..].windows(5).position(|window| window == b"0\r\n\r\n").map(|at| end + at + 5)
            } else {
                let length = value("content-length:").and_then(|value| value.parse().ok()).unwrap_or(0);
                Some(end + length)
            };
            if let Some(whole) = whole.filter(|whole| *whole <= buffer.len()) {
                return Ok(Some(buffer.drain(..whole).collect()));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Waits until the other side closes the connection, however long that takes.
async fn given_up(client: &mut TcpStream) -> std::io::Result<()> {
    let mut ignored = [0; 1024];
    while client.read(&mut ignored).await? > 0 {}
    Ok(())
}
