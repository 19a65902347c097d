//! Names that are those of secrets in some calls only.

use super::members::{MAPS, MAPS_IN_CALLS, SECRETS_IN_CALLS};
use super::names::{Spelling, is_secret};

/// The marks of the members of one call's bodies.
pub(super) struct Marks {
    /// Members that are secrets in this call, beside those that always are.
    secrets: Vec<&'static str>,
    /// Maps whose values may be secrets in this call, beside those of [`MAPS`].
    maps: Vec<&'static str>,
}

/// What a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing to hide by its name.
    Plain,
    /// A secret.
    Secret,
    /// Entries whose values may be secrets.
    Map,
}

impl Marks {
    /// The marks of a call to this path, as it stands in a URL.
    pub(super) fn of(path: &str) -> Self {
        let of = |table: &[(&'static str, &[&str])]| {
            table
                .iter()
                .filter(|(_, templates)| templates.iter().any(|template| fits(template, path)))
                .map(|(name, _)| *name)
                .collect()
        };
        Self { secrets: of(SECRETS_IN_CALLS), maps: of(MAPS_IN_CALLS) }
    }

    pub(super) fn mark(&self, name: &str) -> Mark {
        let spelling = Spelling::of(name);
        let name = spelling.as_str();
        if is_secret(name) || self.secrets.contains(&name) {
            Mark::Secret
        } else if MAPS.binary_search(&name).is_ok() || self.maps.contains(&name) {
            Mark::Map
        } else {
            Mark::Plain
        }
    }
}

/// Whether a path is one of a template such as `/api/2.0/serving-endpoints/{name}`.
///
/// A parameter may span segments, and another version of the API counts too: in doubt the call is this one.
fn fits(template: &str, path: &str) -> bool {
    // `/files{path}` is `/files/{path}`, as far as segments go.
    let template: Vec<&str> = template.split(['/', '{']).filter(|part| !part.is_empty()).collect();
    let path: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    spans(&template, &path)
}

fn spans(template: &[&str], path: &[&str]) -> bool {
    match (template, path) {
        ([], []) => true,
        ([wanted, after @ ..], [given, rest @ ..]) => {
            let parameter = wanted.ends_with('}') || wanted.contains("}:");
            let fits = parameter || wanted == given || is_version(wanted) && is_version(given);
            fits && (spans(after, rest) || parameter && spans(template, rest))
        }
        _ => false,
    }
}

/// `2.1` and the like.
fn is_version(segment: &str) -> bool {
    segment.split_once('.').is_some_and(|(major, minor)| {
        [major, minor].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_fit_their_calls() {
        for (template, path, expected) in [
            ("/api/2.0/secrets/get", "/api/2.0/secrets/get", true),
            ("/api/2.0/secrets/get", "/api/2.1/secrets/get/", true),
            ("/api/2.0/secrets/get", "/api/2.0/secrets/list", false),
            ("/api/2.0/apps/{name}/start", "/api/2.0/apps/a/start", true),
            ("/api/2.0/apps/{name}/start", "/api/2.0/apps/a", false),
            ("/api/2.1/unity-catalog/{name}", "/api/2.1/unity-catalog/mcp-services/a", true),
            ("/api/2.0/fs/files{path}", "/api/2.0/fs/files/a/b", true),
            ("/api/2.0/x/{name}:query", "/api/2.0/x/a:query", true),
        ] {
            assert_eq!(fits(template, path), expected, "{template} {path}");
        }
    }
}
