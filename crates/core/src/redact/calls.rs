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
            table.iter().filter(|(_, templates)| templates.iter().any(|template| fits(template, path))).map(|(name, _)| *name).collect()
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

/// Whether a path is one of a template such as `/api/2.0/serving-endpoints/{name}`; a parameter in the template may span segments.
fn fits(template: &str, path: &str) -> bool {
    let template: Vec<&str> = template.split('/').collect();
    let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    match template.iter().position(|segment| segment.contains('{') && !segment.starts_with('{')) {
        // `/files{path}`: the rest may be anything.
        Some(open) => path.len() >= open && template[..open].iter().zip(&path).all(segment_fits),
        None => template.len() == path.len() && template.iter().zip(&path).all(segment_fits),
    }
}

fn segment_fits((wanted, given): (&&str, &&str)) -> bool {
    wanted.starts_with('{') || wanted == given
}
