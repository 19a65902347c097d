//! Serving endpoints: chat that arrives word by word, and HTTP requests through connections.

mod chat;
mod connection;
mod sse;

pub use chat::{ChatChoice, ChatChunk, ChatDelta, ChatStream};
pub use connection::{Connection, ConnectionRequest, ConnectionResponse};
pub use sse::{Event, EventParser};
