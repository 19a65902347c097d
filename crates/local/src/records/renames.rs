//! Records of securables whose name changes, or that of what holds them.

use serde_json::{Value, json};

use super::call::{set, text};
use super::store::{Change, Record};

/// A securable of Unity Catalog, its kind in SQL's words, and the full name that it has from now on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renamed<'a> {
    pub(crate) kind: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

/// The kinds of what is in a schema, and the schema's own, as grants name them.
const HELD: [&str; 9] = [
    "schema",
    "table",
    "view",
    "materialized_view",
    "streaming_table",
    "volume",
    "function",
    "registered_model",
    "model",
];

impl Renamed<'_> {
    /// The kinds that REST has for the securable.
    fn kinds(&self) -> &'static [&'static str] {
        match self.kind {
            "CATALOG" => &["catalog"],
            "SCHEMA" => &["schema"],
            "VOLUME" => &["volume"],
            // Models are granted as functions.
            "MODEL" => &["registered_model", "model", "function"],
            "CONNECTION" => &["connection"],
            // Bindings write a hyphen.
            "STORAGE CREDENTIAL" => &["storage_credential", "storage-credential"],
            "CREDENTIAL" => &["credential", "service_credential"],
            "EXTERNAL LOCATION" => &["external_location", "external-location"],
            "SHARE" => &["share"],
            "RECIPIENT" => &["recipient"],
            "PROVIDER" => &["provider"],
            "" => &[],
            _ => &["table", "view", "materialized_view", "streaming_table"],
        }
    }

    /// The new name of a securable of that kind, if it is this one or is held by it. Case does not count.
    fn name(&self, kind: &str, name: &str) -> Option<String> {
        let (start, rest) = (name.get(..self.from.len())?, name.get(self.from.len()..)?);
        let inside = matches!(self.kind, "CATALOG" | "SCHEMA") && rest.starts_with('.') && HELD.contains(&kind);
        // Columns are of their table.
        let column = kind == "column" && rest.starts_with('.') && !matches!(self.kind, "VOLUME" | "MODEL");
        let own = rest.is_empty() && self.kinds().contains(&kind);
        (start.eq_ignore_ascii_case(self.from) && (own || inside || column)).then(|| format!("{}{rest}", self.to))
    }

    /// Directories of files that have the securable in their path, before and after.
    pub(crate) fn directories(&self) -> Vec<(String, String)> {
        let roots: &[&str] = match self.kind {
            "CATALOG" | "SCHEMA" => &["/Volumes", "/Models"],
            "VOLUME" => &["/Volumes"],
            "MODEL" => &["/Models"],
            _ => &[],
        };
        let path = |root: &str, name: &str| format!("{root}/{}", name.replace('.', "/"));
        roots.iter().map(|root| (path(root, self.from), path(root, self.to))).collect()
    }
}

/// Gives all records of a securable and of what it holds their new names.
pub(crate) fn apply(change: &mut Change<'_>, renamed: &Renamed<'_>) {
    for (collection, kind) in [
        ("catalog/catalogs", "catalog"),
        ("catalog/schemas", "schema"),
        ("catalog/tables", "table"),
        ("volumes/", "volume"),
        ("functions/", "function"),
        ("registered_models/", "registered_model"),
        ("quality_monitors/", "table"),
        ("online_tables/", "table"),
    ] {
        keys(change, collection, |key| renamed.name(kind, key));
    }
    // Their keys begin with the kind.
    for collection in ["grants/", "workspace_bindings/"] {
        keys(change, collection, |key| {
            let (kind, name) = key.split_once('/')?;
            Some(format!("{kind}/{}", renamed.name(kind, name)?))
        });
    }
    if matches!(renamed.kind, "STORAGE CREDENTIAL" | "CREDENTIAL") {
        locations(change, renamed);
    }
    for (prefix, kind, end) in [
        ("registered_models/", Some("registered_model"), "/versions"),
        ("entity_tag_assignments/", None, "/"),
        ("policies/", None, "/policy"),
    ] {
        collections(change, renamed, (prefix, kind, end));
    }
}

/// Points external locations to the new name of their credential.
fn locations(change: &mut Change<'_>, renamed: &Renamed<'_>) {
    const LOCATIONS: &str = "external_locations/";
    let all = change.list(LOCATIONS).into_iter().filter(|(_, record)| text(record, "credential_name") == renamed.from);
    for key in all.map(|(key, _)| key.to_owned()).collect::<Vec<_>>() {
        change.relocate((LOCATIONS, &key), (LOCATIONS, &key), |record| set(record, "credential_name", renamed.to));
    }
}

fn keys(change: &mut Change<'_>, collection: &str, new: impl Fn(&str) -> Option<String>) {
    let all = change.list(collection).into_iter().filter_map(|(key, _)| Some((key.to_owned(), new(key)?)));
    for (from, to) in all.collect::<Vec<_>>() {
        let full = |key: &str| key.rsplit_once('/').map_or(key, |(_, name)| name).to_owned();
        change.relocate((collection, &from), (collection, &to), |record| named(record, &full(&from), &full(&to)));
    }
}

/// Collections with the name of a securable in theirs, and before it its kind where that is not always the same.
fn collections(
    change: &mut Change<'_>,
    renamed: &Renamed<'_>,
    (prefix, kind, end): (&str, Option<&'static str>, &str),
) {
    for collection in change.collections(prefix) {
        let Some(middle) = collection.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(end)) else { continue };
        let found = match kind {
            Some(kind) => renamed.name(kind, middle).map(|name| (name.clone(), middle.to_owned(), name)),
            None => middle.split_once('/').and_then(|(stated, name)| {
                // Tags are on `tables`, policies on a `TABLE`.
                let kind = stated.to_ascii_lowercase();
                let new = renamed.name(kind.trim_end_matches('s'), name)?;
                Some((format!("{stated}/{new}"), name.to_owned(), new))
            }),
        };
        let Some((to, old, new)) = found else { continue };
        let to = format!("{prefix}{to}{end}");
        for key in change.list(&collection).into_iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>() {
            change.relocate((&collection, &key), (&to, &key), |record| named(record, &old, &new));
        }
    }
}

/// Writes a new full name into the members that a record has of it.
fn named(record: &mut Record, old: &str, name: &str) {
    for member in ["full_name", "table_name", "entity_name", "on_securable_fullname", "name"] {
        // A plain name that is the same may be that of something else, such as a policy.
        let stated = record.get(member).and_then(Value::as_str).filter(|_| member != "name" || old.contains('.'));
        if stated.is_some_and(|stated| stated.eq_ignore_ascii_case(old)) {
            set(record, member, name);
        }
    }
    let parts: Vec<&str> = name.split('.').collect();
    for (at, members) in [&["catalog_name"][..], &["schema_name"], &["name", "model_name"]].into_iter().enumerate() {
        let Some(part) = parts.get(at) else { continue };
        for member in members {
            // A record without the catalog beside it has a name of another kind.
            if record.contains_key(*member) && record.contains_key("catalog_name") {
                set(record, member, json!(part));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_securable_and_of_what_it_holds() {
        let catalog = Renamed { kind: "CATALOG", from: "a", to: "b" };
        let schema = Renamed { kind: "SCHEMA", from: "a.s", to: "a.t" };
        let table = Renamed { kind: "TABLE", from: "a.s.x", to: "a.s.y" };
        for (renamed, kind, name, expected) in [
            (catalog, "catalog", "A", Some("b")),
            (catalog, "schema", "a.s", Some("b.s")),
            (catalog, "volume", "a.s.V", Some("b.s.V")),
            (catalog, "column", "a.s.x.c", Some("b.s.x.c")),
            (catalog, "catalog", "ab", None),
            (catalog, "schema", "ab.s", None),
            (catalog, "share", "a.s", None),
            (catalog, "connection", "a", None),
            (schema, "schema", "a.s", Some("a.t")),
            (schema, "function", "a.s.f", Some("a.t.f")),
            (schema, "schema", "a.s2", None),
            (schema, "catalog", "a", None),
            (table, "table", "a.s.x", Some("a.s.y")),
            (table, "column", "a.s.x.c", Some("a.s.y.c")),
            (table, "volume", "a.s.x", None),
            (table, "table", "a.s.x.c", None),
        ] {
            assert_eq!(renamed.name(kind, name).as_deref(), expected, "{renamed:?} {kind} {name}");
        }
    }

    #[test]
    fn files_move_with_what_holds_them() {
        let schema = Renamed { kind: "SCHEMA", from: "a.s", to: "a.t" };
        let moved = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(schema.directories(), [moved("/Volumes/a/s", "/Volumes/a/t"), moved("/Models/a/s", "/Models/a/t")]);
        assert!(Renamed { kind: "TABLE", from: "a.s.x", to: "a.s.y" }.directories().is_empty());
    }
}
