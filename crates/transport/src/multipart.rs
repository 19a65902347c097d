//! Writing `multipart/form-data` bodies (RFC 7578).

use bytes::Bytes;
use databricks_core::body::Part;
use databricks_core::{Body, ByteStream, Error, ErrorKind, Result};
use futures_util::StreamExt as _;
use http::HeaderValue;

/// Turns form fields and files into a body and the value of its `Content-Type` header.
///
/// The body can be sent again if the bodies of all parts can, with the same boundary. Its length is known if theirs
/// are.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when the media type of a part has characters that no header may hold.
///
/// ```
/// use databricks_core::body::Part;
///
/// let parts = vec![Part::field("path", "/Users/me/x"), Part::file("content", "x.py", "print(1)")];
/// let (content_type, body) = databricks_transport::multipart(parts).unwrap();
/// assert!(content_type.to_str().unwrap().starts_with("multipart/form-data; boundary="));
/// assert!(body.try_clone().is_some());
/// ```
pub fn multipart(parts: Vec<Part>) -> Result<(HeaderValue, Body)> {
    // 128 random bits: no content has it but by intent, and such content could not know it.
    let boundary = format!("databricks-{:032x}", fastrand::u128(..));
    let content_type = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
        .map_err(|e| Error::new(ErrorKind::Other, "the boundary cannot stand in a header").with_source(e))?;

    let mut pieces = Vec::with_capacity(parts.len() * 3 + 1);
    for part in parts {
        pieces.push(Body::from(part_head(&boundary, &part)?));
        pieces.push(part.body);
        pieces.push(Body::from("\r\n"));
    }
    pieces.push(Body::from(format!("--{boundary}--\r\n")));
    Ok((content_type, concat(pieces)))
}

/// The lines before a part's content.
fn part_head(boundary: &str, part: &Part) -> Result<String> {
    let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", escape(&part.name));
    if let Some(file) = &part.file_name {
        head += &format!("; filename=\"{}\"", escape(file));
    }
    let default = part.file_name.as_ref().map(|_| "application/octet-stream");
    if let Some(media_type) = part.content_type.as_deref().or(default) {
        HeaderValue::from_str(media_type).map_err(|_| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("the media type of the form part {:?} has characters that no header may hold", part.name),
            )
        })?;
        head += &format!("\r\nContent-Type: {media_type}");
    }
    Ok(head + "\r\n\r\n")
}

/// As browsers escape names: the WHATWG form of RFC 7578, section 4.2.
fn escape(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// One body after the other.
fn concat(pieces: Vec<Body>) -> Body {
    if pieces.iter().all(|piece| piece.as_bytes().is_some()) {
        let all: Vec<u8> = pieces.iter().filter_map(Body::as_bytes).flatten().copied().collect();
        return Body::from(all);
    }
    let length = pieces.iter().map(Body::content_length).sum();
    let replayable = pieces.iter().map(Body::try_clone).all(|clone| clone.is_some());
    if !replayable {
        return Body::from_stream(length, chain(pieces));
    }
    // A body is not `Sync`, so the parts sit behind a lock, from which each attempt takes clones.
    let pieces = std::sync::Mutex::new(pieces);
    Body::from_factory(length, move || {
        let pieces = pieces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let clones: Option<Vec<_>> = pieces.iter().map(Body::try_clone).collect();
        match clones {
            Some(clones) => chain(clones),
            None => failing(),
        }
    })
}

fn chain(pieces: Vec<Body>) -> ByteStream {
    Box::pin(futures_util::stream::iter(pieces).flat_map(Body::into_stream))
}

fn failing() -> ByteStream {
    Box::pin(futures_util::stream::iter([Err::<Bytes, _>(Error::new(
        ErrorKind::Body,
        "a part of the form cannot be sent again",
    ))]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_body;

    async fn text(body: Body) -> String {
        String::from_utf8(read_body(body, 10_000).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn looks_as_the_rfc_says() {
        let parts = vec![Part::field("a", "1"), Part::file("f\"\r\n", "x.csv", "a,b").content_type("text/csv")];
        let (content_type, body) = multipart(parts).unwrap();
        let boundary = content_type.to_str().unwrap().split_once("boundary=").unwrap().1.to_owned();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"f%22%0D%0A\"; filename=\"x.csv\"\r\nContent-Type: text/csv\r\n\r\na,b\r\n\
             --{boundary}--\r\n"
        );
        assert_eq!(body.content_length(), Some(expected.len() as u64));
        assert_eq!(text(body).await, expected);
    }

    #[tokio::test]
    async fn streams_replay_if_all_parts_do() {
        let factory = || Body::from_factory(Some(3), || Body::from("abc").into_stream());
        let (_, body) = multipart(vec![Part::file("f", "f", factory()), Part::field("x", "y")]).unwrap();
        let again = body.try_clone().unwrap();
        let length = body.content_length().unwrap() as usize;
        let first = text(body).await;
        assert_eq!(first.len(), length);
        assert_eq!(first, text(again).await);

        let once = Body::from_stream(None, Body::from("abc").into_stream());
        let (_, body) = multipart(vec![Part::file("f", "f", once)]).unwrap();
        assert!(body.try_clone().is_none());
        assert_eq!(body.content_length(), None);
        assert!(text(body).await.contains("abc"));
    }

    #[test]
    fn a_media_type_with_a_line_break_is_refused() {
        let part = Part::file("f", "f", "x").content_type("text/csv\r\nX: y");
        assert_eq!(multipart(vec![part]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
