//! Programs that the commands start.

use std::ffi::OsStr;
use std::process::Command;

/// A command without what cargo told this program of itself.
///
/// Build scripts look at these variables: with them in the way, cargo would compile anew what a plain `cargo test` has
/// compiled, and the other way round.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let is_own =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if is_own {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that started this program.
pub(crate) fn cargo() -> Command {
    command(env!("CARGO"))
}
