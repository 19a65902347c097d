//! What the tests share.

mod clock;
#[cfg(feature = "local")]
mod local;
mod log;
mod scripted;

pub use clock::JumpClock;
#[cfg(feature = "local")]
pub use local::Fixture;
pub use log::Log;
pub use scripted::scripted_client;
