//! Paths with a leading `~`.

use std::path::{Path, PathBuf};

/// A path with a leading `~` replaced by the home directory.
pub(crate) fn expand_home(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => home.join(&rest[1..]),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tilde() {
        let home = Path::new("/h");
        assert_eq!(expand_home("~/a/b", Some(home)), Path::new("/h/a/b"));
        assert_eq!(expand_home("~ann/a", Some(home)), Path::new("~ann/a"));
        assert_eq!(expand_home("/x", Some(home)), Path::new("/x"));
    }
}
