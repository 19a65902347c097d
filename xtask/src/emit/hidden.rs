//! The names of members that logs hide.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::source::{Block, Source, literal};
use crate::files::Files;
use crate::ir::Api;

/// Renders the tables into the file at `path`.
pub(crate) fn hidden_names(api: &Api, path: &str, files: &mut Files) -> Result<()> {
    let hidden = &api.hidden;
    let mut source = Source::new(
        &api.version,
        &["Names of members that hold secrets, in small letters and without separators; from `sensitive.json` beside the description."
            .to_owned()],
    );
    names(&mut source, "SENSITIVE", "Members that are secrets in every call.", &hidden.secrets);
    names(&mut source, "MAPS", "Members of free form of which some entries may be secrets.", &hidden.settings);
    names(&mut source, "PLAIN", "Members that sound like secrets, or are of free form, and hold none.", &hidden.plain);
    calls(
        &mut source,
        "SECRETS_IN_CALLS",
        "Members that are secrets in the calls of these paths.",
        &hidden.secrets_in_calls,
    );
    calls(
        &mut source,
        "MAPS_IN_CALLS",
        "Members of free form of which some entries may be secrets, in the calls of these paths.",
        &hidden.settings_in_calls,
    );
    files.add(path, source.finish()?);
    Ok(())
}

fn names(source: &mut Source, name: &str, doc: &str, names: &BTreeSet<String>) {
    let mut block = Block::default();
    block.doc(&[doc.to_owned()]);
    block.line(format!("pub(super) const {name}: &[&str] = &["));
    for name in names {
        block.line(format!("    {},", literal(name)));
    }
    block.line("];");
    source.block(&block);
}

fn calls(source: &mut Source, name: &str, doc: &str, calls: &BTreeMap<String, BTreeSet<String>>) {
    let mut block = Block::default();
    block.doc(&[doc.to_owned()]);
    block.line(format!("pub(super) const {name}: &[(&str, &[&str])] = &["));
    for (name, paths) in calls {
        block.line(format!("    ({}, &[", literal(name)));
        for path in paths {
            block.line(format!("        {},", literal(path)));
        }
        block.line("    ]),");
    }
    block.line("];");
    source.block(&block);
}
