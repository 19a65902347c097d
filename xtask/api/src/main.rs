//! `list-public-api JSON CRATE`: the public API of a crate, an item a line, from the JSON that rustdoc wrote.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let json = PathBuf::from(arguments.next().context("the first argument is the path of the JSON")?);
    let name = arguments.next().context("the second argument is the name of the crate")?;
    print!("{}", list(&json, &name.to_string_lossy())?);
    Ok(())
}

/// One line an item, sorted, with paths as short as they can be read without doubt.
///
/// Implementations of traits are left out but for those of types, which name the trait: their members follow from the
/// trait.
fn list(json: &std::path::Path, name: &str) -> Result<String> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("{} cannot be read", json.display()))?;
    let own = format!("{}::", name.replace('-', "_"));
    let mut text = format!("# Public API of {name} with all features. Written by `cargo xtask api`.\n");
    let mut within_trait = false;
    for item in api.items() {
        let line = item.to_string();
        if line.starts_with("impl") {
            within_trait = line.contains(" for ");
        } else if !is_function(&line) {
            within_trait = false;
        }
        if line.starts_with("impl") && !within_trait || within_trait && !line.starts_with("impl") || is_plumbing(&line) {
            continue;
        }
        writeln!(text, "{}", shorten(&line, &own))?;
    }
    Ok(text)
}

fn is_function(line: &str) -> bool {
    line.contains(" fn ") || line.contains(" type ") || line.contains(" const ")
}

/// What every generated type has: stated once here in place of thousands of lines.
fn is_plumbing(line: &str) -> bool {
    const TRAITS: [&str; 9] = [
        "serde_core::",
        "Wire<",
        "Default for",
        "Display for",
        "Debug for",
        "From<&str>",
        "From<alloc::string::String>",
        "::KNOWN:",
        "::Unknown(databricks_core",
    ];
    TRAITS.iter().any(|part| line.contains(part)) && (line.starts_with("impl") || line.contains("::KNOWN:") || line.contains("::Unknown("))
}

fn shorten(line: &str, own: &str) -> String {
    const STANDARD: [&str; 14] = [
        "alloc::string::",
        "alloc::vec::",
        "alloc::boxed::",
        "alloc::collections::btree::map::",
        "alloc::sync::",
        "core::option::",
        "core::result::",
        "core::convert::",
        "core::marker::",
        "core::fmt::",
        "core::time::",
        "std::path::",
        "std::io::",
        "core::future::future::",
    ];
    let mut line = line.replace(own, "");
    for path in STANDARD {
        line = line.replace(path, "");
    }
    line
}
