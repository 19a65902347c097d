//! Features in the manifests, between markers.

use anyhow::{Context, Result};

use crate::ir::{Api, Package};

const BEGIN: &str = "# Features by package, written by `cargo xtask codegen`:\n";
const END: &str = "# End of the features by package.\n";

/// The manifest of the models with its features replaced.
pub(crate) fn models(manifest: &str, api: &Api) -> Result<String> {
    let depends = |package: &Package| package.uses.iter().map(|name| api.packages[name].feature()).collect();
    replace(manifest, &features(api, depends, &[]))
}

/// The manifest of the facade with its features replaced.
pub(crate) fn facade(manifest: &str, api: &Api) -> Result<String> {
    let depends = |package: &Package| vec![format!("databricks-models/{}", package.feature())];
    replace(manifest, &features(api, depends, &["databricks-models/preview"]))
}

fn features(api: &Api, depends: impl Fn(&Package) -> Vec<String>, operations: &[&str]) -> String {
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
    let features = |preview: bool| -> Vec<String> {
        api.packages.values().filter(|it| it.preview.is_some() == preview).map(Package::feature).collect()
    };
    text.push_str("## Every package that is not in preview.\n");
    text.push_str(&format!("full = {}\n", list(features(false))));
    text.push_str(
        "## Operations in preview of the packages that are on: the service may break them at any time, and any release may then.\n",
    );
    text.push_str(&format!("preview = {}\n", list(operations.iter().map(|&name| name.to_owned()).collect())));
    text.push_str("## Everything in preview: `preview`, and the packages that are in preview as a whole.\n");
    let all = std::iter::once("preview".to_owned()).chain(features(true)).collect();
    text.push_str(&format!("preview-all = {}\n", list(all)));
    for package in api.packages.values() {
        let services: Vec<_> = package.services.iter().map(|service| format!("`{}`", service.name)).collect();
        let mut line = format!("## {}", services.join(", "));
        if line.len() > 140 {
            let kept = line[..140].rfind(", ").unwrap_or(140);
            line.truncate(kept);
            line.push_str(", …");
        }
        text.push_str(&format!("{line}\n{} = {}\n", package.feature(), list(depends(package))));
    }
    text
}

fn replace(manifest: &str, features: &str) -> Result<String> {
    let begin =
        manifest.find(BEGIN).with_context(|| format!("the manifest has no line `{}`", BEGIN.trim_end()))? + BEGIN.len();
    let end = manifest.find(END).with_context(|| format!("the manifest has no line `{}`", END.trim_end()))?;
    Ok(format!("{}{features}{}", &manifest[..begin], &manifest[end..]))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::ir::HiddenNames;
    use crate::spec::Stage;

    #[test]
    fn packages_in_preview_have_features_that_state_it() {
        let package = |name: &str, preview, uses: &[&str]| Package {
            name: name.to_owned(),
            module: name.to_owned(),
            preview,
            uses: uses.iter().map(|&name| name.to_owned()).collect(),
            messages: Vec::new(),
            enums: Vec::new(),
            services: Vec::new(),
        };
        let packages = [package("doors", Some(Stage::Beta), &["rooms"]), package("rooms", None, &[])];
        let api = Api {
            version: "1".to_owned(),
            packages: packages.into_iter().map(|package| (package.name.clone(), package)).collect::<BTreeMap<_, _>>(),
            default_packages: BTreeSet::from(["rooms".to_owned()]),
            hidden: HiddenNames::default(),
        };
        let manifest = format!("{BEGIN}old\n{END}");
        let models = models(&manifest, &api).unwrap();
        for line in [
            "full = [\"rooms\"]",
            "preview = []",
            "preview-all = [\"preview\", \"preview-doors\"]",
            "preview-doors = [\"rooms\"]",
            "rooms = []",
        ] {
            assert!(models.contains(&format!("\n{line}\n")), "{line} in {models}");
        }
        let facade = facade(&manifest, &api).unwrap();
        assert!(facade.contains("\npreview = [\"databricks-models/preview\"]\n"), "{facade}");
        assert!(facade.contains("preview-doors = [\"databricks-models/preview-doors\"]"), "{facade}");
    }
}
