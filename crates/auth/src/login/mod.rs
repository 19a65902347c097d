//! Logging in as a user: authorization code with PKCE (RFC 7636) and a listener on loopback (RFC 8252).

pub(crate) mod browser;
mod flow;
mod listener;
mod page;
mod pkce;
mod store;

pub(crate) use flow::{Flow, Granted, PUBLIC_CLIENT};
pub use store::LoginOutcome;
