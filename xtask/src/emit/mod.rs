//! From the intermediate form to source text.

mod doc;
mod drive;
mod dynamic;
mod hidden;
mod local;
mod manifest;
mod operations;
mod services;
mod source;
mod traits;
mod types;

use std::path::Path;

use anyhow::{Context, Result};
use quote::{format_ident, quote};

use crate::files::Files;
use crate::ir::{Api, Package};
pub(crate) use hidden::hidden_names;
pub(crate) use local::table;
use source::{Block, Source};

/// The lints that generated source does not keep: deprecated items of the API refer to each other, and some packages
/// have a service of their own name.
const ALLOWED: &str = "#![allow(clippy::module_inception, deprecated)]\n";

/// Renders the models into `directory`: a module per package with its types and a module per service.
///
/// `gated`: whether each package stands behind a feature of its name, and tables of all operations behind the feature
/// `dynamic`.
pub(crate) fn models(api: &Api, directory: &str, gated: bool, files: &mut Files) -> Result<()> {
    files.own(directory);
    let mut root = Source::new(&api.version, &["Packages of the API.".to_owned()]);
    root.block(&Block::text(ALLOWED));
    root.items(modules(api.packages.values(), gated))?;
    if gated {
        root.items(quote!(
            #[cfg(feature = "dynamic")]
            pub(crate) mod dynamic;
        ))?;
        files.add(Path::new(directory).join("dynamic.rs"), dynamic::index(api)?);
    }
    files.add(Path::new(directory).join("mod.rs"), root.finish()?);
    for package in api.packages.values() {
        let own = Path::new(directory).join(&package.module);
        files.add(own.join("mod.rs"), package_root(api, package, gated)?);
        if gated {
            files.add(
                own.join("dynamic.rs"),
                dynamic::tables(package, &api.version).with_context(|| format!("tables of {}", package.name))?,
            );
        }
        files.add(own.join("types.rs"), types::types(package, &api.version, gated)?);
        for service in &package.services {
            let text = operations::service(package, service, &api.version, gated)
                .with_context(|| format!("service {}", service.name))?;
            files.add(own.join(format!("{}.rs", service.module)), text);
        }
    }
    Ok(())
}

/// Renders the facade's services into `directory`. `models` is the path of the module that holds the models.
pub(crate) fn facade(api: &Api, directory: &str, models: &str, gated: bool, files: &mut Files) -> Result<()> {
    files.own(directory);
    let mut offered = Vec::new();
    for package in api.packages.values() {
        if let Some(text) = services::services(package, &api.version, models, gated)
            .with_context(|| format!("package {}", package.name))?
        {
            files.add(Path::new(directory).join(format!("{}.rs", package.module)), text);
            offered.push(package);
        }
    }
    let doc = "Handles of the services, one module per package of the API.";
    let mut root = Source::new(&api.version, &[doc.to_owned()]);
    root.block(&Block::text(ALLOWED));
    root.items(modules(offered.into_iter(), gated))?;
    files.add(Path::new(directory).join("mod.rs"), root.finish()?);
    Ok(())
}

/// Renders what drives every operation in the round trip against a foreign server.
pub(crate) fn drive(api: &Api, directory: &str, files: &mut Files) -> Result<()> {
    files.own(directory);
    files.add(Path::new(directory).join("mod.rs"), drive::index(api)?);
    for package in api.packages.values() {
        files.add(Path::new(directory).join(format!("{}.rs", package.module)), drive::package(package, &api.version)?);
    }
    Ok(())
}

/// Renders the features into both manifests.
pub(crate) fn manifests(api: &Api, root: &Path, files: &mut Files) -> Result<()> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"));
    let (models, facade) = ("crates/models/Cargo.toml", "crates/sdk/Cargo.toml");
    files.add(models, manifest::models(&read(models)?, api).context(models)?);
    files.add(facade, manifest::facade(&read(facade)?, api).context(facade)?);
    Ok(())
}

fn modules<'a>(packages: impl Iterator<Item = &'a Package>, gated: bool) -> proc_macro2::TokenStream {
    let modules = packages.map(|package| {
        let (module, feature) = (format_ident!("{}", package.module), package.feature());
        let gate = gated.then(|| quote!(#[cfg(feature = #feature)] #[cfg_attr(docsrs, doc(cfg(feature = #feature)))]));
        quote!(#gate pub mod #module;)
    });
    quote!(#(#modules)*)
}

fn package_root(api: &Api, package: &Package, gated: bool) -> Result<String> {
    let services: Vec<_> = package
        .services
        .iter()
        // Without the feature there is nothing to link to.
        .map(|service| match gated && service.gated {
            true => format!("| `{}`, with the feature `preview` |", service.module),
            false => format!("| [`{}`] |", service.module),
        })
        .collect();
    let mut doc =
        vec![format!("The package `{}`: its types, and a module per service with its operations.", package.name)];
    if let Some(stage) = package.preview {
        doc.extend([String::new(), stage.sentence().to_owned()]);
    }
    if !services.is_empty() {
        doc.extend([String::new(), "| service |".to_owned(), "|---|".to_owned()]);
        doc.extend(services);
    }
    let mut source = Source::new(&api.version, &doc);
    let dynamic = gated.then(|| {
        quote!(
            #[cfg(feature = "dynamic")]
            pub mod dynamic;
        )
    });
    let modules = package.services.iter().map(|service| {
        let (module, gate) = (format_ident!("{}", service.module), source::gate(gated && service.gated));
        quote!(#gate pub mod #module;)
    });
    source.items(quote!(#dynamic mod types; #(#modules)* pub use types::*;))?;
    source.finish()
}
