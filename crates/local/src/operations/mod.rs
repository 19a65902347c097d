//! The operations of the whole API: which one a request is, and the members of its messages.
//!
//! The table is generated from the API's description, so that what the workspace does not cover is refused by the name
//! of the operation, and records have the members that the API states.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::Method;
use percent_encoding::percent_decode_str;

pub(crate) use check::{check, still_whole};
use schema::schema;
pub(crate) use schema::{MemberType, Schema, values};
use template::Template;

mod check;
mod schema;
mod template;

/// One operation of the API.
#[derive(Debug)]
pub(crate) struct Operation {
    /// `service.method`, as the API's description has it.
    pub(crate) id: &'static str,
    pub(crate) method: Method,
    template: Template,
    /// The member of the response that holds the items of a list.
    pub(crate) items: Option<&'static str>,
    /// The schema of one item of a list.
    pub(crate) item: Option<&'static Schema>,
    /// The schema of the response.
    pub(crate) result: Option<&'static Schema>,
    /// The members of the body.
    pub(crate) body: Schema,
}

impl Operation {
    /// The part of the identifier before the dot.
    pub(crate) fn service(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(service, _)| service)
    }

    /// The part of the identifier behind the dot.
    pub(crate) fn name(&self) -> &'static str {
        self.id.split_once('.').map_or("", |(_, name)| name)
    }

    /// Whether the path contains `part`.
    pub(crate) fn is_at(&self, part: &str) -> bool {
        self.template.text.contains(part)
    }

    /// The path as the API's description has it.
    pub(crate) fn path(&self) -> &'static str {
        self.template.text
    }
}

const TABLE: &str = include_str!("table.txt");

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| lines("op").filter_map(|f| operation(&f)).collect());

/// The fields of the lines of one kind, without the kind.
fn lines(kind: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    TABLE.lines().filter_map(move |line| Some(line.strip_prefix(kind)?.strip_prefix('\t')?.split('\t').collect()))
}

fn operation(fields: &[&'static str]) -> Option<Operation> {
    let &[method, path, id, items, item, result, body] = fields else { return None };
    Some(Operation {
        id,
        method: method.parse().ok()?,
        template: Template::new(path),
        items: Some(items).filter(|name| !name.is_empty()),
        item: schema(item),
        result: schema(result),
        body: Schema::parse(body),
    })
}

/// Every operation, once per path that it is reached by.
pub(crate) fn all() -> &'static [Operation] {
    &OPERATIONS
}

/// The operation of that identifier.
#[cfg(test)]
pub(crate) fn by_id(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|o| o.id == id)
}

/// The operations that a request can be, all of one path, and the values of the path's parameters.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) operations: Vec<&'static Operation>,
    pub(crate) parameters: Vec<(&'static str, String)>,
}

/// Paths of operations that clients of the open source server call, and the API's own.
const ALSO: [(&str, &str); 1] =
    [("/api/2.0/mlflow/model-versions/transition-stage", "/api/2.0/mlflow/databricks/model-versions/transition-stage")];

/// Finds what `method path` is: of several templates that fit, the one that states most.
pub(crate) fn find(method: &Method, path: &str) -> Option<Found> {
    let path = ALSO.iter().find(|(also, _)| *also == path).map_or(path, |(_, own)| own);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let mut best: Option<(Vec<u8>, Found)> = None;
    for operation in all().iter().filter(|o| o.method == *method) {
        let Some(matched) = operation.template.fit(&segments) else { continue };
        match &mut best {
            Some((rank, found)) if *rank == matched.rank => found.operations.push(operation),
            Some((rank, _)) if *rank < matched.rank => {}
            _ => {
                let parameters = matched.values.into_iter().map(|(name, value)| (name, decoded(&value))).collect();
                best = Some((matched.rank, Found { operations: vec![operation], parameters }));
            }
        }
    }
    best.map(|(_, found)| found)
}

/// The methods of the operations at a path.
pub(crate) fn methods(path: &str) -> BTreeSet<&'static str> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    all().iter().filter(|o| o.template.fit(&segments).is_some()).map(|o| o.method.as_str()).collect()
}

fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(method: Method, path: &str) -> Option<&'static str> {
        find(&method, path).map(|f| f.operations[0].id)
    }

    #[test]
    fn every_operation_is_found_by_its_own_path() {
        let ids: std::collections::BTreeSet<_> = all().iter().map(|o| o.id).collect();
        assert_eq!(ids.len(), 1452);
        for operation in all() {
            let path = operation.template.example();
            let found = find(&operation.method, &path).unwrap_or_else(|| panic!("{} {path}", operation.id));
            assert!(
                found.operations.iter().any(|o| o.id == operation.id || o.path() != operation.path()),
                "{} {path}",
                operation.id
            );
        }
    }

    #[test]
    fn paths_that_fit_several_templates_take_the_narrowest() {
        assert_eq!(id(Method::GET, "/api/2.0/permissions/clusters/1"), Some("clusters.get_permissions"));
        assert_eq!(id(Method::GET, "/api/2.0/permissions/nothing/1"), Some("permissions.get"));
        assert_eq!(id(Method::GET, "/api/2.1/unity-catalog/catalogs/main"), Some("catalogs.get"));
        assert_eq!(id(Method::GET, "/api/2.0/postgres/projects/a/branches/b"), Some("postgres.get_branch"));
        assert_eq!(id(Method::HEAD, "/api/2.0/fs/files/Volumes/a/b/c"), Some("files.get_metadata"));
        assert_eq!(id(Method::GET, "/api/2.0/nothing"), None);
        assert_eq!(id(Method::GET, "/api/2.0/nothing/of/it"), None);
    }

    #[test]
    fn parameters_are_decoded() {
        let found = find(&Method::GET, "/api/2.1/unity-catalog/catalogs/a%2Fb%20c").unwrap();
        assert_eq!(found.parameters, [("name", "a/b c".to_owned())]);
        let found = find(&Method::GET, "/api/2.0/fs/files/Volumes/a%20b/c").unwrap();
        assert_eq!(found.parameters, [("file_path", "Volumes/a b/c".to_owned())]);
    }

    #[test]
    fn schemas_have_their_members() {
        let operation = by_id("catalogs.get").unwrap();
        let schema = operation.result.unwrap();
        assert_eq!(schema.member("created_at").unwrap().kind, MemberType::Integer);
        assert!(schema.has("owner") && !schema.has("nothing"));
    }
}
