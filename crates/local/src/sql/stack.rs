//! A stack that is large enough for every statement that the bounds on depth let through.

use std::any::Any;

use super::Failure;

/// Stack of the thread that runs a statement, in bytes. Only the part that is used takes memory.
const STATEMENT_STACK: usize = 512 * 1024 * 1024;
/// Stack of the engine's worker threads, which run parts of a plan that has passed the bounds.
#[cfg(feature = "engine")]
pub(super) const WORKER_STACK: usize = 64 * 1024 * 1024;

/// Runs `work` on a thread of its own and waits for it; a panic becomes a failure of the statement.
///
/// Parsing, planning and dropping a statement recurse as deep as the statement nests, so all of it happens inside.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("databricks-local-statement".to_owned())
            .stack_size(STATEMENT_STACK)
            .spawn_scoped(scope, work)
            .map_err(|e| Failure::internal(format!("No thread could be started for the statement: {e}")))?;
        thread
            .join()
            .map_err(|panic| Failure::internal(format!("The SQL engine panicked: {}", message(panic.as_ref()))))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.and_then(|t| t.lines().next()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        assert_eq!(on_large_stack(|| 1).unwrap(), 1);
        let failure = on_large_stack(|| panic!("first line\nsecond")).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            ("INTERNAL_ERROR", "The SQL engine panicked: first line")
        );
    }
}
