//! Names of resources: `projects/{project}/branches/{branch}` and so on.

/// The resource that holds the one of that name.
pub(super) fn parent(name: &str) -> &str {
    let above = name.rsplit_once('/').map_or("", |(above, _)| above);
    // One that is alone in its parent has no segment for its kind.
    if matches!(last(name), "data-api" | "snapshot-schedule") {
        return above;
    }
    above.rsplit_once('/').map_or("", |(parent, _)| parent)
}

pub(super) fn last(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_hold_what_their_names_begin() {
        assert_eq!(parent("projects/p"), "");
        assert_eq!(parent("projects/p/branches/b"), "projects/p");
        assert_eq!(parent("projects/p/branches/b/snapshot-schedule"), "projects/p/branches/b");
        assert_eq!(parent("projects/p/branches/b/databases/d/data-api"), "projects/p/branches/b/databases/d");
        assert_eq!(last("projects/p/branches/b"), "b");
    }
}
