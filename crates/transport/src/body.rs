//! Reading bodies.

use bytes::{Bytes, BytesMut};
use databricks_core::{Body, Error, ErrorKind, Result};
use futures_util::TryStreamExt as _;

/// Reads a body to its end.
///
/// * `limit`: the most bytes to take, so that an endless response cannot fill the memory.
///
/// # Errors
/// [`ErrorKind::Decode`] when the body is longer than `limit`, and whatever the body itself fails with.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes> {
    let too_long = || {
        Error::new(ErrorKind::Decode, format!("the body is longer than {limit} bytes, the most that is read at once"))
            .with_permanent()
    };
    let length = body.content_length();
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let mut stream = match body.try_into_bytes() {
        Ok(bytes) => return Ok(bytes),
        Err(body) => body.into_stream(),
    };
    // Most responses come in one piece, which then needs no copy.
    let Some(first) = stream.try_next().await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(too_long());
    }
    let Some(second) = stream.try_next().await? else { return Ok(first) };
    let known = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut all = BytesMut::with_capacity(known.max(first.len() + second.len()));
    all.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if all.len() + piece.len() > limit {
            return Err(too_long());
        }
        all.extend_from_slice(&piece);
        next = stream.try_next().await?;
    }
    Ok(all.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &'static [&'static str]) -> Body {
        Body::from_stream(
            None,
            Box::pin(futures_util::stream::iter(texts.iter().map(|t| Ok(Bytes::from_static(t.as_bytes()))))),
        )
    }

    #[tokio::test]
    async fn joins_pieces_up_to_the_limit() {
        assert_eq!(read_body(Body::empty(), 0).await.unwrap(), "");
        assert_eq!(read_body(pieces(&["ab"]), 2).await.unwrap(), "ab");
        assert_eq!(read_body(pieces(&["ab", "cd", "e"]), 5).await.unwrap(), "abcde");
        for body in [pieces(&["ab", "cd", "e"]), pieces(&["abcdef"]), Body::from("abcdef")] {
            assert_eq!(read_body(body, 4).await.unwrap_err().kind(), ErrorKind::Decode);
        }
    }
}
