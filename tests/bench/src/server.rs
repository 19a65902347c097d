//! A server that has every response ready.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Result, bail};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{arrow, fixtures, tls};

struct Responses {
    user: Bytes,
    pages: HashMap<String, Bytes>,
    one: Bytes,
    many: Bytes,
    /// Arrow behind links: the response to the statement, the links of the chunks, and a chunk.
    linked: Bytes,
    links: Vec<Bytes>,
    chunk: Bytes,
    /// What the host says of itself, if it serves an account.
    metadata: Option<Bytes>,
}

impl Responses {
    fn new(url: &str, account: bool) -> Result<Self> {
        let text = |value: serde_json::Value| Bytes::from(value.to_string());
        let pages =
            (0..fixtures::CLUSTERS / fixtures::PAGE).map(|page| (format!("page-{page}"), text(fixtures::page(page))));
        let chunk = arrow::chunk()?;
        let link = |index| text(arrow::links(url, index, chunk.len()));
        let metadata =
            serde_json::json!({"account_id": "5c1f3a77-0000-4000-8000-000000000001", "host_type": "unified"});
        Ok(Self {
            user: text(fixtures::user()),
            pages: pages.collect(),
            one: text(fixtures::statement(1)),
            many: text(fixtures::statement(fixtures::ROWS)),
            linked: text(arrow::statement(url, chunk.len())),
            links: (0..arrow::CHUNKS).map(link).collect(),
            metadata: account.then(|| text(metadata)),
            chunk,
        })
    }

    /// The response to a request, by its path and what it asks for.
    fn of(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> Option<Bytes> {
        match (method, path) {
            (&Method::GET, "/api/2.0/preview/scim/v2/Me") => Some(self.user.clone()),
            (&Method::GET, "/api/2.1/clusters/list") => {
                let mut pairs = query.split('&');
                let token = pairs.find_map(|pair| pair.strip_prefix("page_token=")).unwrap_or("page-0");
                self.pages.get(token).cloned()
            }
            (&Method::POST, "/api/2.0/sql/statements" | "/api/2.0/sql/statements/") => {
                let asks = |word: &[u8]| body.windows(word.len()).any(|window| window == word);
                let response = match () {
                    () if asks(b"SELECT arrow") => &self.linked,
                    () if asks(b"many") => &self.many,
                    () => &self.one,
                };
                Some(response.clone())
            }
            (&Method::GET, "/.well-known/databricks-config") => self.metadata.clone(),
            (&Method::GET, path) if path.starts_with("/chunks/") => Some(self.chunk.clone()),
            (&Method::GET, path) => {
                let index: usize = path.rsplit_once("/result/chunks/")?.1.parse().ok()?;
                self.links.get(index).cloned()
            }
            _ => None,
        }
    }
}

async fn respond(responses: Arc<Responses>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let found = responses.of(&head.method, head.uri.path(), head.uri.query().unwrap_or_default(), &body);
    let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::new(found.unwrap_or_else(|| Bytes::from_static(b"{}"))));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Serves until the standard input ends.
///
/// * `kind`: `plain`, `account` (the same, with metadata of a host that serves an account and its workspaces), `tls1`
///   (HTTP/1.1) or `tls2` (HTTP/2).
/// * `certificate`: the file that the certificate is written to.
pub(crate) async fn serve(kind: &str, certificate: &str) -> Result<()> {
    let protocol: Option<&[u8]> = match kind {
        "plain" | "account" => None,
        "tls1" => Some(b"http/1.1"),
        "tls2" => Some(b"h2"),
        other => bail!("there is no server {other}"),
    };
    let mut acceptor = None;
    if let Some(protocol) = protocol {
        let (config, pem) = tls::server(protocol)?;
        std::fs::write(certificate, pem)?;
        acceptor = Some(TlsAcceptor::from(Arc::new(config)));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("{}://{}", if acceptor.is_some() { "https" } else { "http" }, listener.local_addr()?);
    let responses = Arc::new(Responses::new(&url, kind == "account")?);
    std::thread::spawn(|| {
        // The one who started this process went away, or wants an end.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    println!("{url}");
    std::io::Write::flush(&mut std::io::stdout())?;
    let http2 = kind == "tls2";
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let responses = Arc::clone(&responses);
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(Arc::clone(&responses), request));
            let http1 = hyper::server::conn::http1::Builder::new();
            // A client that breaks off its connection is its own affair.
            let _ = match acceptor {
                None => http1.serve_connection(TokioIo::new(stream), service).await,
                Some(acceptor) => {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let stream = TokioIo::new(stream);
                    if http2 {
                        let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        http2.serve_connection(stream, service).await
                    } else {
                        http1.serve_connection(stream, service).await
                    }
                }
            };
        });
    }
}
