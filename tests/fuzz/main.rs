//! What comes from outside, mutated: files, responses, texts. No input may end the process, and each target states what
//! else must hold.
//!
//! Inputs are the committed `seeds/TARGET/*`, each as it is and then mutated at random. `cargo test` tries a few hundred
//! of each, always the same; `cargo xtask fuzz --seconds N` goes on with others for that long. An input that fails is made
//! as small as can be and written to `target/fuzz`: as a seed it stays tested.

#![allow(clippy::unwrap_used)] // A test.

mod calls;
mod engine;
mod files;
mod mutation;
mod results;
mod texts;
