//! Reading a request's body, with a limit that is stated to the client instead of a broken connection.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::StatusCode;

use crate::extract::BODY_LIMIT;
use crate::reply::ApiError;

/// How much of a body that is too large is read and thrown away, so that the client gets to read the refusal.
const DRAINED: usize = 1 << 30;

/// Reads the whole body.
///
/// # Errors
///
/// 413 if it is larger than [`BODY_LIMIT`], 400 if the connection broke.
pub(crate) async fn read(body: Body) -> Result<Bytes, ApiError> {
    let mut stream = body.into_data_stream();
    let mut kept = BytesMut::new();
    let mut size = 0_usize;
    while let Some(part) = stream.next().await {
        let part = part.map_err(|e| ApiError::malformed(format!("The request body could not be read: {e}")))?;
        size = size.saturating_add(part.len());
        if size > DRAINED {
            break;
        }
        if size <= BODY_LIMIT {
            kept.extend_from_slice(&part);
        } else {
            kept.clear();
        }
    }
    if size <= BODY_LIMIT {
        return Ok(kept.freeze());
    }
    Err(ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "MAX_REQUEST_SIZE_EXCEEDED",
        format!("The request body is larger than {BODY_LIMIT} bytes"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_limit_itself_is_taken_and_one_byte_more_is_refused() {
        let most = vec![b'x'; BODY_LIMIT];
        assert_eq!(read(Body::from(most.clone())).await.unwrap().len(), BODY_LIMIT);
        let more = [most, vec![b'x']].concat();
        let error = read(Body::from(more)).await.unwrap_err();
        assert!(error.message().contains("larger than 33554432 bytes"));
    }
}
