//! What the tests share.

#[cfg(feature = "local")]
mod local;

#[cfg(feature = "local")]
pub use local::Fixture;
