//! What the generated models promise, on the real API.

#![allow(clippy::unwrap_used)] // A test may stop at the first thing that is not as it should be.
#![cfg(feature = "full")]

mod odd;
mod requests;
mod secrets;
