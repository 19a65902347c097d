//! What calls need from the async runtime, and an error that states so where it lacks.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};

use databricks_core::{Error, ErrorKind, Result};
use futures_util::FutureExt as _;
use tokio::runtime::Handle;

/// Whether there is a Tokio runtime.
///
/// # Errors
/// [`ErrorKind::Other`] when there is none.
pub(crate) fn check() -> Result<()> {
    current().map(drop)
}

/// The Tokio runtime.
///
/// # Errors
/// [`ErrorKind::Other`] when there is none.
pub(crate) fn current() -> Result<Handle> {
    Handle::try_current().map_err(|_| {
        Error::new(ErrorKind::Other, "there is no Tokio runtime here, which calls need")
            .with_hint("await the call inside of `#[tokio::main]`, `Runtime::block_on` or a task of a Tokio runtime")
    })
}

/// Does work that needs a Tokio runtime with timers and IO.
///
/// Tokio has no way to ask whether these are on, and panics where they are off; that panic becomes an error here. All
/// others go on.
///
/// # Errors
/// [`ErrorKind::Other`] when there is no runtime, or one without timers or IO; else those of the work.
pub(crate) async fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    check()?;
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(explain(panic.as_ref()).unwrap_or_else(|| resume_unwind(panic))),
    }
}

/// The error for a panic of Tokio about something that is off.
fn explain(panic: &(dyn Any + Send)) -> Option<Error> {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied())?;
    let (what, method) = [("timers are disabled", "enable_time"), ("IO is disabled", "enable_io")]
        .into_iter()
        .find(|(sign, _)| text.contains(sign) && text.contains("Tokio"))?;
    let what = what.trim_end_matches(" are disabled").trim_end_matches(" is disabled");
    Some(
        Error::new(ErrorKind::Other, format!("calls need IO and timers, and the Tokio runtime has no {what}"))
            .with_hint(format!("build the runtime with `enable_all()`, or with `{method}()`")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_about_other_things_go_on() {
        assert!(explain(&"index out of bounds").is_none());
        assert!(explain(&7).is_none());
        let error = explain(
            &"A Tokio 1.x context was found, but timers are disabled. Call `enable_time` on the runtime builder.",
        )
        .unwrap();
        assert!(error.to_string().contains("the Tokio runtime has no timers"), "{error}");
    }
}
