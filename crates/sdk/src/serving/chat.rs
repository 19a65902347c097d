//! Responses of chat models as they are generated.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use databricks_core::operation::{OperationInfo, Scope};
use databricks_core::{ByteStream, Error, ErrorKind, Operation, RequestContext, RequestParts, ResponseParts, Result};
use databricks_models::serving::serving_endpoints::Query;
use futures_core::Stream;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::sse::{Event, EventParser};
use crate::Call;

/// A piece of a response.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChatChunk {
    /// The id of the response, the same in all its pieces.
    #[serde(default)]
    pub id: Option<String>,
    /// The model that generates it.
    #[serde(default)]
    pub model: Option<String>,
    /// What was generated since the last piece, for each candidate.
    #[serde(default)]
    pub choices: Vec<ChatChoice>,
    /// The tokens that were used, as the service counts them; usually with the last piece.
    #[serde(default)]
    pub usage: Option<Value>,
}

/// What was generated for one candidate.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChatChoice {
    /// The number of the candidate, from 0 on.
    #[serde(default)]
    pub index: u32,
    /// What is new.
    #[serde(default)]
    pub delta: ChatDelta,
    /// Why generation has ended, such as `stop` or `length`; unset while it goes on.
    #[serde(default)]
    pub finish_reason: Option<String>,
}

/// What is new of a message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChatDelta {
    /// Who speaks; usually with the first piece.
    #[serde(default)]
    pub role: Option<String>,
    /// More text. Models that reason send a list of parts instead of a string.
    #[serde(default)]
    pub content: Option<Value>,
    /// More of the calls of tools that the model asks for.
    #[serde(default)]
    pub tool_calls: Option<Value>,
}

impl ChatChunk {
    /// The new text of the first candidate; empty if this piece has none.
    pub fn text(&self) -> &str {
        let first = self.choices.iter().find(|choice| choice.index == 0);
        first.and_then(|choice| choice.delta.content.as_ref()?.as_str()).unwrap_or_default()
    }
}

impl Call<Query> {
    /// Makes the call and returns the response piece by piece, as the model generates it.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// use databricks_sdk::models::serving::{ChatMessage, ChatMessageRole};
    ///
    /// let question = ChatMessage::new().role(ChatMessageRole::User).content("Why is the sky blue?");
    /// let mut chunks = w.serving_endpoints().query("my-model").messages([question]).chunks().await?;
    /// while let Some(chunk) = chunks.try_next().await? {
    ///     print!("{}", chunk.text());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As any call. The stream ends with an error if the model fails, or the connection breaks before its end.
    pub async fn chunks(self) -> Result<ChatStream> {
        let mut operation = self.operation;
        operation.stream = Some(true);
        let call = Call { client: self.client, operation: Streamed(operation), options: self.options };
        Ok(ChatStream::new(call.await?))
    }
}

/// The same query, whose response is a stream of events.
struct Streamed(Query);

impl Operation for Streamed {
    type Output = ByteStream;

    const INFO: &'static OperationInfo =
        &OperationInfo::new("serving_endpoints.query", Method::POST, Query::INFO.path, Scope::Workspace)
            .stream("text/event-stream");

    fn request(&self, context: &RequestContext) -> Result<RequestParts> {
        let mut parts = self.0.request(context)?;
        parts.info = Self::INFO;
        Ok(parts)
    }

    fn response(parts: ResponseParts) -> Result<ByteStream> {
        parts.stream()
    }
}

/// The pieces of a response; made by [`Call::chunks`].
#[must_use = "nothing arrives before it is polled"]
pub struct ChatStream {
    bytes: ByteStream,
    parser: EventParser,
    ready: VecDeque<Event>,
    finished: bool,
    /// Whether a candidate has stated why it ended.
    complete: bool,
}

/// The data of the event after the last piece.
const DONE: &str = "[DONE]";

impl ChatStream {
    fn new(bytes: ByteStream) -> Self {
        Self { bytes, parser: EventParser::new(), ready: VecDeque::new(), finished: false, complete: false }
    }

    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    /// When the model fails, or the connection breaks before the end of the response.
    pub async fn try_next(&mut self) -> Result<Option<ChatChunk>> {
        crate::stream::try_next(self).await
    }

    /// The text of all pieces of the first candidate.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next).
    pub async fn text(mut self) -> Result<String> {
        let mut all = String::new();
        while let Some(chunk) = self.try_next().await? {
            all.push_str(chunk.text());
        }
        Ok(all)
    }

    fn read(&mut self, event: &Event) -> Result<ChatChunk> {
        let decode = |error| Error::decode("", event.data.as_bytes(), error).with_operation("serving_endpoints.query");
        let value: Value = serde_json::from_str(&event.data).map_err(decode)?;
        if let Some(failure) = failure(&value, &event.event) {
            return Err(Error::new(ErrorKind::OperationFailed, format!("the model failed: {failure}"))
                .with_operation("serving_endpoints.query")
                .with_maybe_executed(true));
        }
        let chunk: ChatChunk = serde_json::from_value(value).map_err(decode)?;
        self.complete |= chunk.choices.iter().any(|choice| choice.finish_reason.is_some());
        Ok(chunk)
    }
}

/// What an event states about a failure, in the forms that endpoints have.
fn failure(value: &Value, kind: &str) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other["message"].as_str().map_or_else(|| other.to_string(), str::to_owned),
    };
    match value.get("error").filter(|error| !error.is_null()) {
        Some(error) => Some(text(error)),
        None if kind == "error" || value.get("error_code").is_some() => Some(text(value)),
        None => None,
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.finished {
            if let Some(event) = self.ready.pop_front() {
                if event.data.trim() == DONE {
                    break;
                }
                let chunk = self.read(&event);
                self.finished = chunk.is_err();
                return Poll::Ready(Some(chunk));
            }
            match std::task::ready!(self.bytes.as_mut().poll_next(cx)) {
                Some(Ok(piece)) => match self.parser.push(&piece) {
                    Ok(events) => self.ready.extend(events),
                    Err(error) => {
                        self.finished = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                Some(Err(error)) => {
                    self.finished = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None if self.complete => break,
                None => {
                    self.finished = true;
                    let error = Error::new(ErrorKind::ConnectionLost, "the response ended before its last piece")
                        .with_operation("serving_endpoints.query")
                        .with_maybe_executed(true);
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        self.finished = true;
        Poll::Ready(None)
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream").field("finished", &self.finished).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn stream(text: &str, size: usize) -> ChatStream {
        let pieces: Vec<_> = text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        ChatStream::new(Box::pin(futures_util::stream::iter(pieces)))
    }

    const WHOLE: &str = concat!(
        "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hé\"}}]}\n\n",
        "data: {\"id\":\"1\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}},{\"delta\":{\"content\":\"llo\"}}]}\n\n",
        "data: {\"id\":\"1\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":3}}\n\n",
    );

    #[tokio::test]
    async fn pieces_make_the_text_however_they_are_cut() {
        let text = format!("{WHOLE}data: [DONE]\n\ndata: behind the end\n\n");
        for size in 1..text.len() {
            assert_eq!(stream(&text, size).text().await.unwrap(), "Héllo");
        }
    }

    #[tokio::test]
    async fn the_end_must_be_stated() {
        assert_eq!(stream(WHOLE, 1000).text().await.unwrap(), "Héllo", "a reason to end is an end");
        let cut = WHOLE.split("data: {\"id\":\"1\",\"choices\":[{\"delta\"").next().unwrap();
        assert_eq!(stream(cut, 1000).text().await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    }

    #[tokio::test]
    async fn failures_of_the_model_are_errors() {
        for event in [
            "data: {\"error\":{\"message\":\"too long\"}}\n\n",
            "data: {\"error\":\"too long\"}\n\n",
            "data: {\"error_code\":\"BAD_REQUEST\",\"message\":\"too long\"}\n\n",
            "event: error\ndata: {\"message\":\"too long\"}\n\n",
        ] {
            let error = stream(event, 1000).text().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OperationFailed);
            assert!(error.to_string().contains("too long"), "{error}");
        }
        assert_eq!(stream("data: nonsense\n\n", 1000).text().await.unwrap_err().kind(), ErrorKind::Decode);
    }
}
