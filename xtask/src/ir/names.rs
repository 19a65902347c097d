//! From names on the wire to names in Rust: one table, tested below.
//!
//! One rule resolves every clash: an underscore is appended. It holds for words of the language, for setters that would
//! hide a method of `Call`, and for enum values named like the variant that keeps unknown texts.

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Words that cannot be identifiers, in any edition up to 2024.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names of a message's own functions, which setters of the same name would hide.
const MESSAGE_FUNCTIONS: &[&str] =
    &["clone", "default", "eq", "extra", "extra_mut", "fmt", "from", "into", "new", "with_extra"];

/// Names of a service handle's own functions.
const HANDLE_FUNCTIONS: &[&str] = &["clone", "fmt", "from", "into", "new"];

/// Methods of `Call` that setters of optional inputs must not repeat. Options of a call begin with `with_`; an input
/// whose name does, too, gets an underscore.
const CALL_METHODS: &[&str] = &[
    "all_pages",
    "clone",
    "fmt",
    "from",
    "in_full",
    "into",
    "into_future",
    "items",
    "map",
    "new",
    "pages",
    "send",
    "send_control",
    "send_direct",
    "send_full",
    "send_ref",
    "start",
    "wait",
];

/// Wire names whose words no rule finds.
const SNAKE: &[(&str, &str)] = &[("ETag", "etag")];

/// Words that the description's names split, in modules and accessors. Types keep the capitals that come of it:
/// `OAuthPublishedApps`.
const SPLIT: &[(&str, &str)] = &[("o_auth", "oauth")];

fn suffixed(name: String, taken: &[&str]) -> String {
    if KEYWORDS.contains(&name.as_str()) || taken.contains(&name.as_str()) { name + "_" } else { name }
}

/// The snake case name of an input or a member, given the one stated by the description, if any.
pub(crate) fn snake(wire: &str, stated: Option<&str>) -> String {
    if let Some(stated) = stated {
        return stated.to_owned();
    }
    if let Some((_, name)) = SNAKE.iter().find(|(w, _)| *w == wire) {
        return (*name).to_owned();
    }
    // A name that is snake case already stays, whatever its digits.
    let plain = wire.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !wire.starts_with(|c: char| c.is_ascii_digit());
    if plain { wire.to_owned() } else { wire.to_snake_case() }
}

/// A member of a message.
pub(crate) fn member(wire: &str, stated: Option<&str>) -> String {
    suffixed(snake(wire, stated), MESSAGE_FUNCTIONS)
}

/// An input of an operation, as a field.
pub(crate) fn input(wire: &str, stated: Option<&str>) -> String {
    suffixed(snake(wire, stated), &[])
}

/// The setter of an optional input on `Call`.
pub(crate) fn setter(field: &str) -> String {
    if field.starts_with("with_") { field.to_owned() + "_" } else { suffixed(field.to_owned(), CALL_METHODS) }
}

/// The method of a service's handle for an operation.
pub(crate) fn method(name: &str) -> String {
    suffixed(name.to_owned(), HANDLE_FUNCTIONS)
}

/// A module of a package or service, and the method that gives a service's handle.
pub(crate) fn module(name: &str) -> String {
    let name = SPLIT.iter().fold(name.to_owned(), |name, (wrong, right)| name.replace(wrong, right));
    suffixed(name, &[])
}

/// The type of an operation within its service's module, or of a service's handle.
pub(crate) fn camel(name: &str) -> String {
    name.to_upper_camel_case()
}

/// A value of an enum. Values that start with a digit get an underscore in front.
pub(crate) fn variant(wire: &str) -> String {
    let name = wire.to_upper_camel_case();
    match name.as_str() {
        "" => "Empty".to_owned(),
        "Unknown" | "Self" => name + "_",
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("_{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_names() {
        for (wire, stated, name) in [
            ("cluster_id", None, "cluster_id"),
            ("clusterId", Some("cluster_id"), "cluster_id"),
            ("startIndex", None, "start_index"),
            ("If-Unmodified-Since", None, "if_unmodified_since"),
            ("ETag", None, "etag"),
            ("$ref", Some("ref"), "ref_"),
            ("type", None, "type_"),
            ("s3", None, "s3"),
            ("abfss_2x", None, "abfss_2x"),
        ] {
            assert_eq!(input(wire, stated), name, "{wire}");
        }
        assert_eq!(member("default", None), "default_");
        assert_eq!(member("new", None), "new_");
        assert_eq!(input("default", None), "default");
        assert_eq!(setter("metadata"), "metadata");
        assert_eq!(setter("start"), "start_");
        assert_eq!(setter("with_retry"), "with_retry_");
        assert_eq!(setter("type_"), "type_");
        assert_eq!(setter("page_size"), "page_size");
        assert_eq!(method("move"), "move_");
        assert_eq!(method("clone"), "clone_");
        assert_eq!(method("import"), "import");
        assert_eq!(camel("download_v3"), "DownloadV3");
        assert_eq!(camel("o_auth_published_apps"), "OAuthPublishedApps");
        assert_eq!(module("o_auth_published_apps"), "oauth_published_apps");
        assert_eq!(module("ip_access_lists"), "ip_access_lists");
    }

    /// `Call` is written by hand in the facade; this list has to know all of its methods.
    #[test]
    fn setters_avoid_every_method_of_call() {
        let source = std::fs::read_to_string(crate::root().join("crates/sdk/src/call.rs")).unwrap();
        let file = syn::parse_file(&source).unwrap();
        let mut methods = 0;
        for item in &file.items {
            let syn::Item::Impl(block) = item else { continue };
            let syn::Type::Path(path) = &*block.self_ty else { continue };
            if path.path.segments.last().is_none_or(|segment| segment.ident != "Call") {
                continue;
            }
            for inner in &block.items {
                if let syn::ImplItem::Fn(function) = inner {
                    let name = function.sig.ident.to_string();
                    assert_ne!(setter(&name), name, "setters must not be named {name}");
                    methods += 1;
                }
            }
        }
        assert!(methods > 10, "only {methods} methods of Call were found");
    }

    #[test]
    fn the_table_of_variants() {
        for (wire, name) in [
            ("RUNNING", "Running"),
            ("SPOT_WITH_FALLBACK", "SpotWithFallback"),
            ("NotAvailableInRegion", "NotAvailableInRegion"),
            ("gitHubEnterprise", "GitHubEnterprise"),
            ("GPU_1xA10", "Gpu1xA10"),
            ("amazon-bedrock", "AmazonBedrock"),
            ("urn:ietf:params:scim:schemas:core:2.0:User", "UrnIetfParamsScimSchemasCore20User"),
            ("UNKNOWN", "Unknown_"),
            ("unknown", "Unknown_"),
            ("2X", "_2x"),
            ("", "Empty"),
        ] {
            assert_eq!(variant(wire), name, "{wire}");
        }
    }
}
