//! Calls to the attached engine of the workspace's own, message by message.

use axum::body::Body;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Request, header};
use hyper::body::{Body as _, Incoming};
use percent_encoding::percent_decode_str;
use prost::Message;

use super::messages::{Details, ErrorInfo};
use crate::grpc::Code;
use crate::spark::upstream::Upstream;
use crate::sql::Failure;

/// The most that a message may have, so that a broken engine cannot take all memory. Spark's own limit is 128 MiB.
const MESSAGE_LIMIT: usize = 256 << 20;
/// Senders leave the padding out or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The messages of a response.
pub(super) struct Responses {
    body: Incoming,
    received: BytesMut,
}

impl Responses {
    /// Calls a method of the service.
    pub(super) async fn of(upstream: &Upstream, method: &str, message: &impl Message) -> Result<Self, Failure> {
        let mut framed = BytesMut::with_capacity(message.encoded_len() + 5);
        framed.put_u8(0);
        let length = u32::try_from(message.encoded_len());
        framed.put_u32(length.map_err(|_| Failure::bad_request("The statement is too large for Spark Connect"))?);
        message.encode(&mut framed).map_err(|e| Failure::internal(format!("The message cannot be written: {e}")))?;
        let request = Request::post(format!("/spark.connect.SparkConnectService/{method}"))
            .header(header::TE, "trailers")
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::USER_AGENT, "databricks-local")
            .body(Body::from(framed.freeze()))
            .map_err(|e| Failure::internal(e.to_string()))?;
        let response = upstream.send(request).await.map_err(unavailable)?;
        let (parts, body) = response.into_parts();
        // An error at once is in the headers; the body is empty then.
        if parts.headers.contains_key("grpc-status") {
            ended(&parts.headers)?;
        } else if !parts.status.is_success() {
            return Err(unavailable(format!("The attached Spark engine responded with status {}", parts.status)));
        }
        Ok(Self { body, received: BytesMut::new() })
    }

    /// The next message; `None` at a good end.
    pub(super) async fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Failure> {
        loop {
            if let Some(message) = self.message()? {
                let read = M::decode(message);
                return read.map(Some).map_err(|e| broken(&format!("sent a message that cannot be read: {e}")));
            }
            let body = std::pin::pin!(&mut self.body);
            let mut body = body;
            let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
            match frame {
                None if self.body.is_end_stream() && self.received.is_empty() => return Ok(None),
                None => return Err(broken("ended its response in the middle of a message")),
                Some(Err(error)) => return Err(broken(&format!("broke off its response: {error}"))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.received.extend_from_slice(&data),
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            ended(&trailers)?;
                        }
                    }
                },
            }
        }
    }

    /// Takes a message that is here to its end.
    fn message(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some((&compressed, rest)) = self.received.split_first() else { return Ok(None) };
        if compressed != 0 {
            return Err(broken("sent a compressed message, which was not asked for"));
        }
        let Some(mut length) = rest.get(..4) else { return Ok(None) };
        let length = length.get_u32() as usize;
        if length > MESSAGE_LIMIT {
            return Err(broken(&format!("sent a message of {length} bytes; at most {MESSAGE_LIMIT} are read")));
        }
        if self.received.len() < length + 5 {
            return Ok(None);
        }
        self.received.advance(5);
        Ok(Some(self.received.split_to(length).freeze()))
    }
}

/// What the status of a call states.
fn ended(trailers: &HeaderMap) -> Result<(), Failure> {
    let text = |name: &str| trailers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let code: u16 = text("grpc-status").parse().map_err(|_| broken("ended its response without a status"))?;
    if code == 0 {
        return Ok(());
    }
    let message = percent_decode_str(text("grpc-message")).decode_utf8_lossy().into_owned();
    if code == Code::Unavailable as u16 {
        return Err(unavailable(message));
    }
    let details = BASE64.decode(text("grpc-status-details-bin")).unwrap_or_default();
    let details = Details::decode(details.as_slice()).unwrap_or_default().details;
    let info = details.into_iter().find(|any| any.type_url.ends_with("google.rpc.ErrorInfo"));
    let info = info.and_then(|any| ErrorInfo::decode(any.value).ok()).unwrap_or_default().metadata;
    let stated = info.get("sqlState").filter(|state| !state.is_empty());
    let sql_state = stated.cloned().or_else(|| {
        let (_, rest) = message.rsplit_once("SQLSTATE: ")?;
        Some(rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>()).filter(|state| state.len() == 5)
    });
    let class = info.get("errorClass").filter(|class| !class.is_empty() && !message.starts_with('['));
    let message = class.map_or(message.clone(), |class| format!("[{class}] {message}"));
    Err(Failure { code: "BAD_REQUEST".to_owned(), message, sql_state })
}

fn unavailable(message: String) -> Failure {
    Failure { code: "TEMPORARILY_UNAVAILABLE".to_owned(), message, sql_state: None }
}

fn broken(what: &str) -> Failure {
    Failure::internal(format!("The attached Spark engine {what}"))
}
