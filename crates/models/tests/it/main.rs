//! What the generated models promise, on the real API.

#![cfg(feature = "full")]

mod odd;
mod requests;
mod secrets;
