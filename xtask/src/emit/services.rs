//! The facade's file of a package: a handle per service, a method per operation, setters for optional inputs.

use std::collections::BTreeMap;

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::doc;
use super::source::{Block, Place, Source, doc_attributes, gate, tokens};
use crate::ir::{Accessor, Doc, Operation, Package, Service, setter};
use crate::spec::Scope;

/// A handle that only leads to handles, by scope and method.
type Groups<'a> = BTreeMap<(bool, &'a str), Vec<&'a Service>>;

/// `gated`: whether there are features.
pub(crate) fn services(package: &Package, version: &str, models: &str, gated: bool) -> Result<Option<String>> {
    let offered: Vec<_> = package
        .services
        .iter()
        .filter_map(|service| service.accessor.as_ref().map(|accessor| (service, accessor)))
        .collect();
    if offered.is_empty() {
        return Ok(None);
    }
    let mut source = Source::new(version, &[format!("Services of the package `{}`.", package.name)]);
    let (root, module) = (tokens(models)?, format_ident!("{}", package.module));
    let set = offered
        .iter()
        .any(|(service, _)| service.operations.iter().any(|operation| operation.optional().next().is_some()));
    let wait =
        offered.iter().any(|(service, _)| service.operations.iter().any(|operation| waiter(operation).is_some()));
    let macros = [set.then(|| quote!(setters)), wait.then(|| quote!(waits))].into_iter().flatten();
    source.items(quote!(
        use #root::#module as models;
        #[allow(unused_imports)] // With the feature `preview` alone there may be nothing to set.
        use crate::handle::{calls #(, #macros)*};
    ))?;
    let place = Place::Facade { package: &package.name, models };
    let mut groups = Groups::new();
    for (service, accessor) in &offered {
        match accessor.path.as_slice() {
            [method] => {
                let method = accessor_method(
                    &client(accessor.scope),
                    method,
                    &service.handle,
                    &service.doc,
                    &service.name,
                    gated && service.gated,
                )?;
                source.items(method)?;
            }
            [group, _] => groups.entry((accessor.scope == Scope::Account, group)).or_default().push(service),
            _ => {}
        }
        source.items(handle(&service.handle, &service.doc, &service.name, gated && service.gated))?;
        source.block(&calls(service, place, gated));
        for operation in &service.operations {
            if operation.optional().next().is_some() {
                source.block(&setters(service, operation, place, gated && operation.gated));
            }
        }
        if let Some(block) = waits(service, gated) {
            source.block(&block);
        }
    }
    for ((account, group), services) in groups {
        source.items(self::group(account, group, &services, gated)?)?;
    }
    source.finish().map(Some)
}

fn client(scope: Scope) -> TokenStream {
    match scope {
        Scope::Workspace => quote!(crate::workspace::WorkspaceClient),
        Scope::Account => quote!(crate::account::AccountClient),
    }
}

fn handle(name: &str, doc: &Doc, fallback: &str, gated: bool) -> TokenStream {
    let name = format_ident!("{}", name);
    let attributes = doc_attributes(&doc::lines(doc, &doc::named(fallback)), doc);
    let gate = gate(gated);
    quote! {
        #gate
        #attributes
        #[derive(Clone, Debug)]
        pub struct #name { pub(crate) client: crate::client::Client }
    }
}

fn accessor_method(
    on: &TokenStream,
    method: &str,
    handle: &str,
    doc: &Doc,
    fallback: &str,
    gated: bool,
) -> Result<TokenStream> {
    let gate = gate(gated);
    let (method, handle) = (format_ident!("{}", method), format_ident!("{}", handle));
    let summary: Vec<_> =
        doc::lines(doc, &doc::named(fallback)).into_iter().take_while(|line| !line.is_empty()).collect();
    let attributes = doc_attributes(&summary, doc);
    Ok(quote! {
        impl #on {
            #gate
            #attributes
            pub fn #method(&self) -> #handle {
                #handle { client: self.client.clone() }
            }
        }
    })
}

fn calls(service: &Service, place: Place<'_>, gated: bool) -> Block {
    let mut block = Block::default();
    let whole = gated && service.gated;
    if whole {
        block.line("#[cfg(feature = \"preview\")]");
    }
    block.open("calls! {");
    block.open(format!("{} {{", service.handle));
    for operation in &service.operations {
        let arguments = operation.required().map(|input| format!("{}: {}", input.name, place.ty(&input.ty)));
        let stream = operation.stream.iter().map(|stream| format!("{}: databricks_core::Body", stream.name));
        let arguments: Vec<_> = arguments.chain(stream).collect();
        block.doc(&method_doc(service, operation));
        block.gate(gated && operation.gated && !whole);
        block.deprecated(&operation.doc);
        block.line(format!(
            "{}({}) -> {};",
            operation.method_name,
            arguments.join(", "),
            operation_type(service, operation)
        ));
    }
    block.close();
    block.close();
    block
}

/// The operation's text, with its arguments explained and its optional inputs listed.
fn method_doc(service: &Service, operation: &Operation) -> Vec<String> {
    let mut lines = doc::lines(&operation.doc, &doc::named(&operation.id));
    let required = operation.required().map(|input| (&input.name, &input.doc, doc::plain(&input.wire, &input.ty)));
    let stream = operation.stream.iter().map(|stream| (&stream.name, &stream.doc, doc::named(&stream.wire)));
    let arguments: Vec<_> = required.chain(stream).collect();
    if !arguments.is_empty() {
        lines.push(String::new());
    }
    for (name, doc, plain) in arguments {
        let mut text: Vec<_> = doc::lines(doc, &plain).into_iter().filter(|line| !line.is_empty()).collect();
        if let Some(first) = text.first_mut() {
            *first = format!("* `{name}`: {first}");
        }
        let mut text = text.into_iter();
        lines.extend(text.next());
        lines.extend(text.map(|line| format!("  {line}")));
    }
    let ty = operation_type(service, operation);
    let optional: Vec<_> = operation
        .optional()
        .map(|input| {
            let (field, shown) = (&input.name, setter(&input.name));
            format!("[`{shown}`](field@{ty}::{field})")
        })
        .collect();
    if !optional.is_empty() {
        lines.push(String::new());
        lines.extend(doc::paragraph(&format!("Optional inputs: {}.", optional.join(", "))));
    }
    lines
}

fn setters(service: &Service, operation: &Operation, place: Place<'_>, gated: bool) -> Block {
    let mut block = Block::default();
    if gated {
        block.line("#[cfg(feature = \"preview\")]");
    }
    block.open(format!("setters! {{ {} {{", operation_type(service, operation)));
    for input in operation.optional() {
        let (method, field, ty) = (setter(&input.name), &input.name, place.ty(&input.ty));
        block.deprecated(&input.doc);
        block.line(if method == *field { format!("{field}: {ty},") } else { format!("{method} = {field}: {ty},") });
    }
    block.close_with("}}");
    block
}

/// What waits for an operation: by the state of a resource, or by the name of the work.
fn waiter(operation: &Operation) -> Option<&'static str> {
    match (&operation.wait, &operation.lro) {
        (Some(_), _) => Some("Waiter"),
        (None, Some(_)) => Some("OperationWaiter"),
        (None, None) => None,
    }
}

fn waits(service: &Service, gated: bool) -> Option<Block> {
    let mut block = Block::default();
    block.open("waits! {");
    let mut any = false;
    for operation in &service.operations {
        if let Some(waiter) = waiter(operation) {
            if gated && operation.gated {
                block.line("#[cfg(feature = \"preview\")]");
            }
            block.line(format!("{} => {waiter};", operation_type(service, operation)));
            any = true;
        }
    }
    block.close();
    any.then_some(block)
}

fn operation_type(service: &Service, operation: &Operation) -> String {
    format!("models::{}::{}", service.module, operation.name)
}

/// A handle such as `w.settings()`, which only leads to handles.
fn group(account: bool, group: &str, services: &[&Service], gated: bool) -> Result<TokenStream> {
    let scope = if account { Scope::Account } else { Scope::Workspace };
    let name = format!("{}{}", if account { "Account" } else { "" }, crate::ir::camel(group));
    let doc = Doc {
        text: Some(format!("Leads to the services of `{}.{group}`.", if account { "a" } else { "w" })),
        ..Doc::default()
    };
    let all = gated && services.iter().all(|service| service.gated);
    let handle = handle(&name, &doc, group, all);
    let entry = accessor_method(&client(scope), group, &name, &doc, group, all)?;
    let mut methods = Vec::new();
    for service in services {
        if let Some(Accessor { path, .. }) = &service.accessor
            && let Some(method) = path.last()
        {
            let on = format_ident!("{}", name);
            let (handle, doc, name) = (&service.handle, &service.doc, &service.name);
            methods.push(accessor_method(&quote!(#on), method, handle, doc, name, gated && service.gated)?);
        }
    }
    Ok(quote!(#entry #handle #(#methods)*))
}
