//! Compressed responses.

use async_compression::tokio::bufread;
use databricks_core::{Body, ByteStream, Error, ErrorKind, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, RANGE};
use http::{HeaderMap, HeaderValue, Method};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use super::{Exchange, HttpResult, Middleware, Next, tower_layer};

/// The codings that are asked for. More are understood: servers choose what they were not asked for.
const ASKED: &str = match (cfg!(feature = "zstd"), cfg!(feature = "brotli")) {
    (true, true) => "zstd,gzip,br",
    (true, false) => "zstd,gzip",
    (false, true) => "gzip,br",
    (false, false) => "gzip",
};

/// The most bytes that are unpacked at once.
const PIECE: usize = 16 << 10;

/// The most codings on top of one another.
const MOST: usize = 3;

/// Asks for responses compressed with gzip (Brotli and Zstandard by feature) and unpacks them.
///
/// A request for a range of bytes, a `HEAD`, whose response is about the length, and a request with a header
/// `Accept-Encoding` of its own get the response as it is.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DecompressLayer;

impl DecompressLayer {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Middleware for DecompressLayer {
    async fn handle<N: Next>(&self, exchange: &mut Exchange, next: &N) -> HttpResult {
        // Of an earlier request of this attempt: what was redirected asks anew.
        let mark = exchange.mark();
        if exchange.header(&ACCEPT_ENCODING).is_some() {
            return next.send(exchange).await;
        }
        if exchange.header(&RANGE).is_some() || exchange.method() == Method::HEAD {
            exchange.set(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            return next.send(exchange).await;
        }
        exchange.set(ACCEPT_ENCODING, HeaderValue::from_static(ASKED));
        let sent = next.send(exchange).await;
        exchange.unset(mark);
        let mut response = sent?;
        if !response.headers().contains_key(CONTENT_ENCODING) {
            return Ok(response);
        }
        let codings = codings(response.headers());
        if codings.is_empty() || response.body().is_empty() {
            return Ok(response);
        }
        if let Err(error) = known(&codings) {
            // The status of a failure states more than its body.
            return if response.status().is_success() {
                Err(error.with_status(response.status()))
            } else {
                Ok(response)
            };
        }
        // They are listed in the order in which they were applied.
        for name in [CONTENT_ENCODING, CONTENT_LENGTH] {
            response.headers_mut().remove(name);
        }
        Ok(response.map(|body| codings.into_iter().rev().fold(body, unpack)))
    }
}

/// The codings of a response by their usual names, without those that change nothing.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let values =
        headers.get_all(CONTENT_ENCODING).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = values.map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase());
    names
        .filter(|name| !name.is_empty() && name != "identity")
        .map(|name| if name == "x-gzip" { "gzip".to_owned() } else { name })
        .collect()
}

fn known(codings: &[String]) -> Result<()> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Decode, why).with_permanent());
    if codings.len() > MOST {
        return refuse(format!("the response is compressed {} times, more than {MOST}", codings.len()));
    }
    for coding in codings {
        let feature = match coding.as_str() {
            "gzip" | "deflate" => continue,
            "br" if cfg!(feature = "brotli") => continue,
            "zstd" if cfg!(feature = "zstd") => continue,
            "br" => ", which needs the feature brotli of databricks-sdk (or databricks-transport)",
            "zstd" => ", which needs the feature zstd of databricks-sdk (or databricks-transport)",
            _ => ", which this client does not know",
        };
        let name: String = coding.chars().filter(|c| !c.is_control()).take(40).collect();
        return refuse(format!("the response is compressed with {name:?}{feature}"));
    }
    Ok(())
}

/// Takes one coding off. No bytes at all are an empty body, whatever its coding.
fn unpack(body: Body, coding: String) -> Body {
    let unpacked = async move {
        let mut stream = body.into_stream();
        while let Some(first) = stream.try_next().await? {
            if !first.is_empty() {
                return Ok(decoded(Box::pin(stream::iter([Ok(first)]).chain(stream)), &coding).into_stream());
            }
        }
        Ok(Body::empty().into_stream())
    };
    Body::from_stream(None, Box::pin(stream::once(unpacked).try_flatten()))
}

fn decoded(stream: ByteStream, coding: &str) -> Body {
    let reader = StreamReader::new(stream.map_err(std::io::Error::other));
    match coding {
        #[cfg(feature = "brotli")]
        "br" => read(bufread::BrotliDecoder::new(reader)),
        #[cfg(feature = "zstd")]
        "zstd" => {
            let mut decoder = bufread::ZstdDecoder::new(reader);
            decoder.multiple_members(true);
            read(decoder)
        }
        // The coding that HTTP calls deflate is zlib (RFC 9110, section 8.4.1.2).
        "deflate" => read(bufread::ZlibDecoder::new(reader)),
        _ => {
            let mut decoder = bufread::GzipDecoder::new(reader);
            decoder.multiple_members(true);
            read(decoder)
        }
    }
}

fn read(decoder: impl AsyncRead + Send + 'static) -> Body {
    Body::from_stream(None, Box::pin(ReaderStream::with_capacity(decoder, PIECE).map_err(from_io)))
}

/// The decoder wraps errors of the body below it; ours is taken out again.
fn from_io(error: std::io::Error) -> Error {
    const BROKEN: &str = "the compressed response is broken";
    if !error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        return Error::new(ErrorKind::ConnectionLost, BROKEN).with_source(error);
    }
    match error.into_inner().map(|inner| inner.downcast::<Error>()) {
        Some(Ok(inner)) => *inner,
        _ => Error::new(ErrorKind::ConnectionLost, BROKEN),
    }
}

tower_layer!(DecompressLayer);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{Script, get};
    use http::Response;
    use std::io::Write as _;
    use tower::{Layer as _, ServiceExt as _};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes of a body with these values of `Content-Encoding`.
    async fn read(status: u16, encodings: &[&str], body: Vec<u8>) -> Result<Vec<u8>> {
        let mut response = Response::builder().status(status);
        for encoding in encodings {
            response = response.header(CONTENT_ENCODING, *encoding);
        }
        // In pieces of one byte, as no server sends and any may.
        let pieces: Vec<_> = body.iter().map(|byte| Ok(bytes::Bytes::from(vec![*byte]))).collect();
        let body = Body::from_stream(None, Box::pin(futures_util::stream::iter(pieces)));
        let (script, calls) = Script::new(vec![Ok(response.body(body).unwrap())]);
        let response = DecompressLayer::new().layer(script).oneshot(get()).await?;
        assert_eq!(calls.take()[0].headers[ACCEPT_ENCODING], ASKED);
        Ok(crate::read_body(response.into_body(), 1 << 20).await?.to_vec())
    }

    #[tokio::test]
    async fn codings_are_taken_off_whatever_they_are_called() {
        let text = b"{\"ok\":true}";
        for encoding in ["gzip", "GZIP", "x-gzip", "X-GZip", " gzip ", "identity, gzip", "gzip,", "Identity,x-gzip"] {
            assert_eq!(read(200, &[encoding], gzip(text)).await.unwrap(), text, "{encoding}");
        }
        assert_eq!(read(200, &["deflate"], zlib(text)).await.unwrap(), text);
        assert_eq!(read(200, &["gzip, gzip"], gzip(&gzip(text))).await.unwrap(), text);
        assert_eq!(read(200, &["deflate, gzip"], gzip(&zlib(text))).await.unwrap(), text);
        assert_eq!(read(200, &["deflate", "x-gzip"], gzip(&zlib(text))).await.unwrap(), text);
        for plain in [&[][..], &["identity"], &[""], &["identity, Identity"]] {
            assert_eq!(read(200, plain, text.to_vec()).await.unwrap(), text, "{plain:?}");
        }
        assert_eq!(read(200, &["gzip"], Vec::new()).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn members_of_gzip_follow_one_another() {
        let members = [gzip(b"{\"ok\""), gzip(b""), gzip(b":true}")].concat();
        assert_eq!(read(200, &["gzip"], members).await.unwrap(), b"{\"ok\":true}");
    }

    #[tokio::test]
    async fn what_cannot_be_unpacked_is_an_error_and_no_garbage() {
        for encodings in [&["snappy"][..], &["gzip, snappy"], &["gzip,gzip,gzip,gzip"]] {
            let error = read(200, encodings, gzip(b"x")).await.unwrap_err();
            assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Decode, true), "{error}");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
        }
        // Of a failure the status counts.
        assert_eq!(read(500, &["snappy"], b"x".to_vec()).await.unwrap(), b"x");
        let whole = gzip(b"{\"ok\":true}");
        for cut in 1..whole.len() {
            assert!(read(200, &["gzip"], whole[..cut].to_vec()).await.is_err(), "{cut}");
        }
    }

    #[tokio::test]
    async fn a_small_response_does_not_fill_the_memory() {
        let bomb = gzip(&gzip(&vec![0; 64 << 20]));
        assert!(bomb.len() < 10_000, "{}", bomb.len());
        let error = read(200, &["gzip, gzip"], bomb).await.unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
    }

    #[tokio::test]
    async fn a_head_is_about_the_length_so_it_asks_for_no_coding() {
        let response = || {
            Ok(Response::builder()
                .header("content-length", "1234")
                .header(CONTENT_ENCODING, "gzip")
                .body(Body::empty())
                .unwrap())
        };
        let (script, calls) = Script::new(vec![response()]);
        let mut request = get();
        *request.method_mut() = Method::HEAD;
        let response = DecompressLayer::new().layer(script).oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-length"], "1234");
        assert_eq!(calls.take()[0].headers[ACCEPT_ENCODING], "identity");
    }
}
