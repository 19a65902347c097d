//! `types.rs` of a package: messages and enums.

use anyhow::Result;
use quote::{format_ident, quote};

use super::doc;
use super::source::{Block, Place, Source, doc_attributes, literal};
use crate::ir::{Enum, Message, Package};

/// `gated`: whether there are features.
pub(crate) fn types(package: &Package, version: &str, gated: bool) -> Result<String> {
    let mut source = Source::new(version, &[format!("Messages and enums of the package `{}`.", package.name)]);
    let place = Place::Types { package: &package.name };
    for message in &package.messages {
        if message.stream.is_some() {
            stream_message(&mut source, message, place, gated && message.gated)?;
        } else {
            source.block(&self::message(message, place, gated && message.gated));
        }
    }
    for e in &package.enums {
        source.block(&enumeration(e, gated && e.gated));
    }
    source.finish()
}

fn message(message: &Message, place: Place<'_>, gated: bool) -> Block {
    let mut block = Block::default();
    block.open_gated("databricks_core::model! {", gated);
    block.doc(&doc::lines(&message.doc, &doc::named(&message.name)));
    block.deprecated(&message.doc);
    block.open(format!("{} {{", message.name));
    for (section, members) in [("required", &message.required), ("optional", &message.optional)] {
        if members.is_empty() {
            continue;
        }
        block.open(format!("{section} {{"));
        for member in members {
            block.doc(&doc::lines(&member.doc, &doc::plain(&member.wire, &member.ty)));
            block.deprecated(&member.doc);
            block.line(format!(
                "{}: {} = {}{},",
                member.name,
                place.ty(&member.ty),
                literal(&member.wire),
                member.mark.suffix()
            ));
        }
        block.close();
    }
    block.close();
    block.close();
    block
}

fn enumeration(e: &Enum, gated: bool) -> Block {
    let mut block = Block::default();
    block.open_gated("databricks_core::open_enum! {", gated);
    block.doc(&doc::lines(&e.doc, &doc::named(&e.name)));
    block.deprecated(&e.doc);
    block.open(format!("{} {{", e.name));
    for value in &e.values {
        block.doc(&doc::value_lines(&value.doc, &value.wire));
        block.deprecated(&value.doc);
        block.line(format!("{} = {},", value.name, literal(&value.wire)));
    }
    block.close();
    block.close();
    block
}

/// A message with a body stream: no JSON, no clone, no comparison.
fn stream_message(source: &mut Source, message: &Message, place: Place<'_>, gated: bool) -> Result<()> {
    let name = format_ident!("{}", message.name);
    let attributes = doc_attributes(&doc::lines(&message.doc, &doc::named(&message.name)), &message.doc);
    let mut fields = Vec::new();
    for (member, required) in message.members() {
        let (field, ty) = (format_ident!("{}", member.name), place.tokens(&member.ty)?);
        let attributes = doc_attributes(&doc::lines(&member.doc, &doc::plain(&member.wire, &member.ty)), &member.doc);
        let ty = if required { ty } else { quote!(Option<#ty>) };
        fields.push(quote!(#attributes pub #field: #ty));
    }
    let shown: Vec<_> = message.members().map(|(member, _)| format_ident!("{}", member.name)).collect();
    let names = message.members().map(|(member, _)| member.name.clone());
    if let Some(stream) = &message.stream {
        let field = format_ident!("{}", stream.name);
        let attributes = doc_attributes(&doc::lines(&stream.doc, &doc::named(&stream.wire)), &stream.doc);
        fields.push(quote!(#attributes pub #field: databricks_core::ByteStream));
    }
    let text = &message.name;
    let items = quote! {
        #attributes
        #[non_exhaustive]
        pub struct #name { #(#fields,)* }

        impl std::fmt::Debug for #name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(#text)#(.field(#names, &self.#shown))*.finish_non_exhaustive()
            }
        }
    };
    source.gated_items(items, gated)
}
