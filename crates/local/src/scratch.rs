//! The directory of a workspace's files: for its user alone, and swept after a workspace that was killed.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "databricks-local-";
/// Locked as long as the workspace lives; the operating system unlocks it when the process ends in whatever way.
const LOCK: &str = "lock";

/// A directory under the system's temporary directory, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes one, after those of workspaces that are gone were removed.
    pub(crate) fn new() -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    fn new_in(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        let directory = subdirectory(parent, PREFIX)?;
        let lock = create_file(&directory.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { directory, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// A directory that only its user can enter, removed when it is dropped.
pub(crate) fn subdirectory(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir_in(parent)
}

/// A directory that stays, for its user alone; made if it is not there.
pub(crate) fn kept(path: &Path) -> io::Result<std::path::PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)?;
    Ok(path.to_owned())
}

/// A new file that only its user can read.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Removes the directories of workspaces that are gone. What cannot be removed stays: it does not keep one from
/// starting.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if is_left_over(&entry.file_name(), &entry.path()) {
            match std::fs::remove_dir_all(entry.path()) {
                Ok(()) => tracing::debug!(directory = %entry.path().display(), "removed what a killed workspace left"),
                Err(error) => {
                    tracing::debug!(directory = %entry.path().display(), %error, "cannot remove what a killed workspace left")
                }
            }
        }
    }
}

/// Whether this is a directory of this user whose lock is free. One without a lock is just being made.
fn is_left_over(name: &OsStr, path: &Path) -> bool {
    let ours = name.to_string_lossy().starts_with(PREFIX)
        && std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() && of_this_user(&meta));
    ours && File::open(path.join(LOCK))
        .is_ok_and(|lock| !matches!(lock.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_))))
}

#[cfg(unix)]
fn of_this_user(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    meta.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn of_this_user(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_workspace_left_is_removed_and_what_lives_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join("databricks-local-dead");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join(LOCK), "").unwrap();
        std::fs::write(dead.join("0"), "rows").unwrap();
        let (new, other) = (parent.path().join("databricks-local-new"), parent.path().join("other"));
        for kept in [&new, &other] {
            std::fs::create_dir(kept).unwrap();
        }
        let living = Scratch::new_in(parent.path()).unwrap();
        let second = Scratch::new_in(parent.path()).unwrap();
        assert!(!dead.exists());
        assert!(new.exists() && other.exists() && living.path().exists() && second.path().exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let scratch = Scratch::new_in(parent.path()).unwrap();
        let inner = subdirectory(scratch.path(), "result-").unwrap();
        create_file(&inner.path().join("0")).unwrap();
        assert_eq!((mode(scratch.path()), mode(inner.path())), (0o700, 0o700));
        assert_eq!((mode(&scratch.path().join(LOCK)), mode(&inner.path().join("0"))), (0o600, 0o600));
        assert!(create_file(&inner.path().join("0")).is_err());
    }
}
