//! Features in the manifests, between markers.

use anyhow::{Context, Result};

use crate::ir::Api;

const BEGIN: &str = "# Features by package, written by `cargo xtask codegen`:\n";
const END: &str = "# End of the features by package.\n";

/// The manifest of the models with its features replaced.
pub(crate) fn models(manifest: &str, api: &Api) -> Result<String> {
    replace(manifest, &features(api, |name| api.packages[name].uses.iter().cloned().collect()))
}

/// The manifest of the facade with its features replaced.
pub(crate) fn facade(manifest: &str, api: &Api) -> Result<String> {
    replace(manifest, &features(api, |name| vec![format!("databricks-models/{name}")]))
}

fn features(api: &Api, depends: impl Fn(&String) -> Vec<String>) -> String {
    let list = |names: Vec<String>| {
        let one_line = format!("{:?}", names);
        if one_line.len() <= 120 {
            one_line
        } else {
            format!("[\n{}]", names.iter().map(|name| format!("    {name:?},\n")).collect::<String>())
        }
    };
    let mut text = String::new();
    text.push_str("## The packages that most programs touch.\n");
    text.push_str(&format!("common = {}\n", list(api.default_packages.iter().cloned().collect())));
    text.push_str("## Every package.\n");
    text.push_str(&format!("full = {}\n", list(api.packages.keys().cloned().collect())));
    for (name, package) in &api.packages {
        let services: Vec<_> = package.services.iter().map(|service| format!("`{}`", service.name)).collect();
        let mut line = format!("## {}", services.join(", "));
        if line.len() > 140 {
            let kept = line[..140].rfind(", ").unwrap_or(140);
            line.truncate(kept);
            line.push_str(", …");
        }
        text.push_str(&format!("{line}\n{name} = {}\n", list(depends(name))));
    }
    text
}

fn replace(manifest: &str, features: &str) -> Result<String> {
    let begin =
        manifest.find(BEGIN).with_context(|| format!("the manifest has no line `{}`", BEGIN.trim_end()))? + BEGIN.len();
    let end = manifest.find(END).with_context(|| format!("the manifest has no line `{}`", END.trim_end()))?;
    Ok(format!("{}{features}{}", &manifest[..begin], &manifest[end..]))
}
