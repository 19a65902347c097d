//! Reading requests off a socket, byte for byte as they were sent.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A request as it arrived.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Path and query of the target, also of one that is a whole URL.
    fn path_and_query(&self) -> (&str, Option<&str>) {
        let rest = match self.target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => &self.target,
        };
        rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)))
    }

    pub(crate) fn path(&self) -> &str {
        self.path_and_query().0
    }

    /// The pairs of the query, decoded, in order.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.path_and_query().1.unwrap_or_default().as_bytes()).into_owned().collect()
    }
}

/// Reads the next request of a connection; `None` when the client has closed it.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<Request>> {
    let head_end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head: Vec<u8> = buffer.drain(..head_end + 4).collect();
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut start = lines.next().unwrap_or_default().split(' ');
    let mut request = Request {
        method: start.next().unwrap_or_default().to_owned(),
        target: start.next().unwrap_or_default().to_owned(),
        ..Request::default()
    };
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(':') {
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    if request.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        request.body = chunks(stream, buffer).await?;
    } else {
        let length = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        fill(stream, buffer, length).await?;
        request.body = buffer.drain(..length).collect();
    }
    Ok(Some(request))
}

async fn fill(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>, length: usize) -> std::io::Result<()> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// A body in the chunked transfer coding.
async fn chunks(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = loop {
            if let Some(at) = find(buffer, b"\r\n") {
                break at;
            }
            fill(stream, buffer, buffer.len() + 1).await?;
        };
        let line: Vec<u8> = buffer.drain(..line_end + 2).collect();
        let size = String::from_utf8_lossy(&line)
            .trim()
            .split(';')
            .next()
            .map(|size| usize::from_str_radix(size, 16))
            .and_then(Result::ok);
        let size = size.ok_or(std::io::ErrorKind::InvalidData)?;
        fill(stream, buffer, size + 2).await?;
        body.extend(buffer.drain(..size));
        buffer.drain(..2);
        if size == 0 {
            return Ok(body);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
