//! Scripted responses for tests of your own programs: no server, no socket, no time that passes.
//!
//! A [`Script`] states which requests are expected and what each gets; a client made from it sends into the script. What
//! was sent can be looked at afterwards, waits jump ahead, and a request that was not expected fails. For behaviour
//! instead of single responses there is the embedded workspace of `databricks-local`.
//!
//! ```
//! use databricks_sdk::Method;
//! use databricks_sdk::testing::{Reply, Script};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> databricks_sdk::Result<()> {
//! let script = Script::new();
//! script.expect(Method::GET, "/api/2.0/preview/scim/v2/Me").reply(Reply::error(503, "TEMPORARILY_UNAVAILABLE", "later"));
//! script.expect(Method::GET, "/api/2.0/preview/scim/v2/Me").reply(Reply::json(&serde_json::json!({"userName": "me"})));
//!
//! let w = script.workspace()?;
//! let me = w.current_user().me().await?;
//! assert_eq!(me.user_name.as_deref(), Some("me"));
//! assert_eq!(script.requests().len(), 2);
//! assert!(script.slept() > std::time::Duration::ZERO, "it waited before the retry, on a clock that jumps");
//! script.verify()?;
//! # Ok(())
//! # }
//! ```

mod clock;
mod reply;
mod script;

pub use clock::JumpingClock;
pub use reply::Reply;
pub use script::{Expectation, Recorded, Script};
