//! The client over real sockets: TLS with authorities of our own, proxies, and what goes over the wire.

// Helpers of tests are outside of test functions, where the lint does not know better.
#![allow(clippy::unwrap_used)]

mod connect;
mod http2;
mod proxy;
mod secrets;
mod server;
mod tls;
mod wire;
