//! Serving endpoints: chat that arrives word by word, access for clients of the OpenAI protocol, and HTTP requests
//! through connections.

mod chat;
mod connection;
mod openai;
mod sse;

pub use chat::{ChatChoice, ChatChunk, ChatDelta, ChatStream};
pub use connection::{Connection, ConnectionRequest, ConnectionResponse};
pub use openai::OpenAiAccess;
pub use sse::{Event, EventParser};
