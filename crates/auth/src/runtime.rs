//! The runtime that authentication needs: Tokio, with IO and timers.
//!
//! Tokio panics where a driver is missing. A library should return an error instead.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use databricks_core::{Error, ErrorKind};
use futures_util::FutureExt as _;
use tokio::runtime::Handle;

use crate::error::{AuthError, AuthErrorKind};

/// The runtime, or a part of it, is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Runtime,
    Timers,
    Io,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Runtime => "there is no Tokio runtime here",
            Self::Timers => "the Tokio runtime has no timers",
            Self::Io => "the Tokio runtime has no IO",
        })
    }
}

impl std::error::Error for Missing {}

impl Missing {
    fn advice(self) -> &'static str {
        match self {
            Self::Runtime => "call it inside of #[tokio::main] or of Runtime::block_on",
            Self::Timers | Self::Io => "build the runtime with enable_all()",
        }
    }
}

impl From<Missing> for AuthError {
    fn from(missing: Missing) -> Self {
        let text = format!("authentication needs a Tokio runtime with IO and timers, and {missing}");
        let cause = Error::new(ErrorKind::Other, "the request was not sent").with_source(missing);
        Self::new(AuthErrorKind::AuthFailed, text).with_hint(missing.advice()).with_cause(cause)
    }
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        Self::new(ErrorKind::Other, "the request needs a Tokio runtime with IO and timers")
            .with_hint(missing.advice())
            .with_source(missing)
    }
}

/// Checks that there is a runtime with timers.
pub(crate) fn check() -> Result<(), Missing> {
    Handle::try_current().map_err(|_| Missing::Runtime)?;
    // A driver cannot be detected except by using it.
    catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO)))
        .map_err(|panic| missing(&*panic).unwrap_or(Missing::Timers))
}

/// What the runtime lacks, if that caused the error.
pub(crate) fn is_missing(error: &(dyn std::error::Error + 'static)) -> Option<Missing> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(missing) = error.downcast_ref::<Missing>() {
            return Some(*missing);
        }
        cause = error.source();
    }
    None
}

/// Runs a future. A panic about a missing driver becomes an error; any other panic continues.
pub(crate) async fn guard<T>(work: impl Future<Output = T>) -> Result<T, Missing> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => Ok(done),
        Err(panic) => match missing(&*panic) {
            Some(missing) => Err(missing),
            None => resume_unwind(panic),
        },
    }
}

/// What a panic of Tokio states is missing; `None` for any other panic.
pub(crate) fn missing(panic: &(dyn Any + Send)) -> Option<Missing> {
    let text = message(panic)?;
    if text.contains("timers are disabled") {
        Some(Missing::Timers)
    } else if text.contains("IO is disabled") || text.contains("no signal driver") {
        Some(Missing::Io)
    } else if text.contains("Tokio 1.x") || text.contains("no reactor running") {
        Some(Missing::Runtime)
    } else {
        None
    }
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(io: bool, time: bool) -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        if io {
            builder.enable_io();
        }
        if time {
            builder.enable_time();
        }
        builder.build().unwrap()
    }

    #[test]
    fn missing_parts_are_named() {
        assert_eq!(check(), Err(Missing::Runtime));
        assert_eq!(runtime(true, false).block_on(async { check() }), Err(Missing::Timers));
        assert_eq!(runtime(false, true).block_on(async { check() }), Ok(()));
        let listen = || guard(async { tokio::net::TcpListener::bind("127.0.0.1:0").await.map(drop) });
        assert_eq!(runtime(false, true).block_on(listen()).unwrap_err(), Missing::Io);
        assert!(runtime(true, false).block_on(listen()).unwrap().is_ok());
        assert_eq!(futures_executor(listen()).unwrap_err(), Missing::Runtime);
    }

    #[test]
    fn other_panics_go_on() {
        let outcome = catch_unwind(|| runtime(true, true).block_on(guard(async { panic!("on purpose") })));
        assert_eq!(message(&*outcome.unwrap_err()), Some("on purpose"));
    }

    /// Polls to the end without any runtime.
    fn futures_executor<T>(work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        loop {
            if let std::task::Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return done;
            }
        }
    }
}
