//! For the round trip against a foreign server: how each operation is made from JSON inputs, for the typed path from
//! end to end.

use anyhow::Result;
use quote::{format_ident, quote};

use super::source::{Place, Source, tokens};
use crate::ir::{Api, Package};

/// One function that lists the package's operations.
pub(crate) fn package(package: &Package, version: &str) -> Result<String> {
    let mut source =
        Source::new(version, &[format!("How the operations of the package `{}` are made from JSON.", package.name)]);
    let module = format_ident!("{}", package.module);
    let place = Place::Facade { package: &package.name, models: "databricks_sdk::models" };
    let mut entries = Vec::new();
    for service in &package.services {
        for operation in &service.operations {
            let ty = tokens(&format!("models::{}::{}", service.module, operation.name))?;
            let mut required = Vec::new();
            for input in operation.required() {
                let (wire, ty) = (&input.wire, place.tokens(&input.ty)?);
                required.push(quote!(i.required::<#ty>(#wire)?));
            }
            let stream = operation.stream.iter().map(|_| quote!(i.body()));
            let new = quote!(#ty::new(#(#required,)* #(#stream)*));
            let sets: Vec<_> = operation
                .optional()
                .map(|input| {
                    let (field, wire) = (format_ident!("{}", input.name), &input.wire);
                    quote!(op.#field = i.optional(#wire)?;)
                })
                .collect();
            entries.push(match sets.as_slice() {
                [] if operation.inputs.is_empty() && operation.stream.is_none() => quote!(drive(|_| Ok(#new))),
                [] => quote!(drive(|i| Ok(#new))),
                sets => quote!(drive(|i| { let mut op = #new; #(#sets)* Ok(op) })),
            });
        }
    }
    source.items(quote! {
        use databricks_sdk::models::#module as models;
        use crate::drive::{Drive, drive};

        pub(crate) fn operations() -> Vec<Drive> { Vec::from([#(#entries),*]) }
    })?;
    source.finish()
}

/// The packages by name.
pub(crate) fn index(api: &Api) -> Result<String> {
    let mut source = Source::new(&api.version, &["How every operation is made from JSON.".to_owned()]);
    let modules: Vec<_> = api.packages.values().map(|package| format_ident!("{}", package.module)).collect();
    let names = api.packages.keys();
    source.block(&super::source::Block::text(super::ALLOWED));
    source.items(quote! {
        #(mod #modules;)*
        use crate::drive::Drive;

        pub(crate) const PACKAGES: &[(&str, fn() -> Vec<Drive>)] = &[#((#names, #modules::operations)),*];
    })?;
    source.finish()
}
