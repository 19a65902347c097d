//! The facade's file of a package: a handle per service, a method per operation, setters for optional inputs.

use std::collections::BTreeMap;

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::doc;
use super::source::{Place, Source, doc_attributes, tokens};
use crate::ir::{Accessor, Doc, Operation, Package, Service, setter};
use crate::spec::Level;

/// A handle that only leads to handles, by level and method.
type Groups<'a> = BTreeMap<(bool, &'a str), Vec<&'a Service>>;

pub(crate) fn services(package: &Package, version: &str, models: &str) -> Result<Option<String>> {
    let offered: Vec<_> =
        package.services.iter().filter_map(|service| service.accessor.as_ref().map(|accessor| (service, accessor))).collect();
    if offered.is_empty() {
        return Ok(None);
    }
    let mut source = Source::new(version, &[format!("Services of the package `{}`.", package.name)]);
    let (root, module) = (tokens(models)?, format_ident!("{}", package.module));
    source.items(quote!(
        use #root::#module as models;
        use crate::Call;
    ))?;
    let place = Place::Facade { package: &package.name, models };
    let mut groups = Groups::new();
    for (service, accessor) in &offered {
        match accessor.path.as_slice() {
            [method] => source.items(accessor_method(&client(accessor.level), method, &service.handle, &service.doc, &service.name)?)?,
            [group, _] => groups.entry((accessor.level == Level::Account, group)).or_default().push(service),
            _ => {}
        }
        source.items(handle(&service.handle, &service.doc, &service.name))?;
        source.items(methods(service, place)?)?;
        for operation in &service.operations {
            let setters = setters(service, operation, place)?;
            if !setters.is_empty() {
                source.items(setters)?;
            }
        }
    }
    for ((account, group), services) in groups {
        source.items(self::group(account, group, &services)?)?;
    }
    source.finish().map(Some)
}

fn client(level: Level) -> TokenStream {
    match level {
        Level::Workspace => quote!(crate::WorkspaceClient),
        Level::Account => quote!(crate::AccountClient),
    }
}

fn handle(name: &str, doc: &Doc, fallback: &str) -> TokenStream {
    let name = format_ident!("{}", name);
    let attributes = doc_attributes(&doc::lines(doc, fallback), doc.deprecated);
    quote! {
        #attributes
        #[derive(Clone, Debug)]
        pub struct #name { pub(crate) client: crate::Client }
    }
}

fn accessor_method(on: &TokenStream, method: &str, handle: &str, doc: &Doc, fallback: &str) -> Result<TokenStream> {
    let (method, handle) = (format_ident!("{}", method), format_ident!("{}", handle));
    let summary: Vec<_> = doc::lines(doc, fallback).into_iter().take_while(|line| !line.is_empty()).collect();
    let attributes = doc_attributes(&summary, doc.deprecated);
    Ok(quote! {
        impl #on {
            #attributes
            pub fn #method(&self) -> #handle {
                #handle { client: self.client.clone() }
            }
        }
    })
}

fn methods(service: &Service, place: Place<'_>) -> Result<TokenStream> {
    let handle = format_ident!("{}", service.handle);
    let mut methods = Vec::new();
    for operation in &service.operations {
        let method = format_ident!("{}", operation.method_name);
        let ty = operation_type(service, operation)?;
        let mut parameters = Vec::new();
        let mut names = Vec::new();
        for input in operation.required() {
            let (name, ty) = (format_ident!("{}", input.name), place.tokens(&input.ty)?);
            parameters.push(quote!(#name: impl Into<#ty>));
            names.push(name);
        }
        if let Some(stream) = &operation.stream {
            let name = format_ident!("{}", stream.name);
            parameters.push(quote!(#name: impl Into<crate::Body>));
            names.push(name);
        }
        let attributes = doc_attributes(&method_doc(operation), operation.doc.deprecated);
        methods.push(quote! {
            #attributes
            pub fn #method(&self, #(#parameters),*) -> Call<#ty> {
                Call::new(self.client.clone(), #ty::new(#(#names),*))
            }
        });
    }
    Ok(quote!(impl #handle { #(#methods)* }))
}

/// The operation's text, with its arguments explained.
fn method_doc(operation: &Operation) -> Vec<String> {
    let mut lines = doc::lines(&operation.doc, &operation.id);
    let required = operation.required().map(|input| (&input.name, &input.doc));
    let arguments: Vec<_> = required.chain(operation.stream.iter().map(|stream| (&stream.name, &stream.doc))).collect();
    if !arguments.is_empty() {
        lines.push(String::new());
    }
    for (name, doc) in arguments {
        let mut text: Vec<_> = doc::lines(doc, name).into_iter().filter(|line| !line.is_empty()).collect();
        if let Some(first) = text.first_mut() {
            *first = format!("* `{name}`: {first}");
        }
        let mut text = text.into_iter();
        lines.extend(text.next());
        lines.extend(text.map(|line| format!("  {line}")));
    }
    lines
}

fn setters(service: &Service, operation: &Operation, place: Place<'_>) -> Result<TokenStream> {
    let ty = operation_type(service, operation)?;
    let mut setters = Vec::new();
    for input in operation.optional() {
        let (method, field, value) = (format_ident!("{}", setter(&input.name)), format_ident!("{}", input.name), place.tokens(&input.ty)?);
        let attributes = doc_attributes(&doc::lines(&input.doc, &input.name), input.doc.deprecated);
        setters.push(quote! {
            #attributes
            pub fn #method(self, value: impl Into<#value>) -> Self {
                self.map(|op| op.#field = Some(value.into()))
            }
        });
    }
    Ok(if setters.is_empty() { TokenStream::new() } else { quote!(impl Call<#ty> { #(#setters)* }) })
}

fn operation_type(service: &Service, operation: &Operation) -> Result<TokenStream> {
    tokens(&format!("models::{}::{}", service.module, operation.name))
}

/// A handle such as `w.settings()`, which only leads to handles.
fn group(account: bool, group: &str, services: &[&Service]) -> Result<TokenStream> {
    let level = if account { Level::Account } else { Level::Workspace };
    let name = format!("{}{}", if account { "Account" } else { "" }, crate::ir::camel(group));
    let doc = Doc { text: Some(format!("Leads to the services of `{}.{group}`.", if account { "a" } else { "w" })), ..Doc::default() };
    let handle = handle(&name, &doc, group);
    let entry = accessor_method(&client(level), group, &name, &doc, group)?;
    let mut methods = Vec::new();
    for service in services {
        if let Some(Accessor { path, .. }) = &service.accessor
            && let Some(method) = path.last()
        {
            let on = format_ident!("{}", name);
            methods.push(accessor_method(&quote!(#on), method, &service.handle, &service.doc, &service.name)?);
        }
    }
    Ok(quote!(#entry #handle #(#methods)*))
}
