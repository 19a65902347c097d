//! The module of a service: its operations.

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::doc;
use super::source::{Block, Place, Source, literal, tokens};
use super::traits;
use crate::ir::{Class, Input, Operation, Output, Package, Place as InputPlace, Service, Ty};
use crate::spec::Scope;

/// `gated`: whether there are features.
pub(crate) fn service(package: &Package, service: &Service, version: &str, gated: bool) -> Result<String> {
    let mut source = Source::new(version, &doc::lines(&service.doc, &doc::named(&service.name)));
    let place = Place::Service { package: &package.name };
    for operation in &service.operations {
        // A service of nothing else is gated as a whole.
        let gated = gated && operation.gated && !service.gated;
        if let Some(reader) = reader(package, operation, place)? {
            source.gated_items(reader, gated)?;
        }
        source.block(&self::operation(operation, place, gated));
        let implementations = traits::implementations(operation, place)?;
        if !implementations.is_empty() {
            source.gated_items(implementations, gated)?;
        }
    }
    source.finish()
}

fn operation(operation: &Operation, place: Place<'_>, gated: bool) -> Block {
    let mut block = Block::default();
    block.open_gated("databricks_core::operation! {", gated);
    block.doc(&doc::lines(&operation.doc, &doc::named(&operation.id)));
    block.deprecated(&operation.doc);
    block.open(format!("{} {{", operation.name));
    block.line(info(operation));
    block.line(format!("output: {} = {};", output_type(operation, place), read(operation)));
    if let Some(request) = request(operation) {
        block.line(request);
    }
    if let Some(key) = &operation.key {
        block.line(format!("prepare: |op| databricks_core::idempotency::fill(&mut op.{key});"));
    }
    inputs(&mut block, "required", operation.required(), place);
    inputs(&mut block, "optional", operation.optional(), place);
    if let Some(stream) = &operation.stream {
        block.open("stream {");
        block.doc(&doc::lines(&stream.doc, &doc::named(&stream.wire)));
        match &stream.media_type {
            Some(media_type) => block.line(format!("{} = raw {},", stream.name, literal(media_type))),
            None => block.line(format!("{} = file {},", stream.name, literal(&stream.wire))),
        }
        block.close();
    }
    block.close();
    block.close();
    block
}

fn info(operation: &Operation) -> String {
    let scope = match operation.scope {
        Scope::Workspace => "Workspace",
        Scope::Account => "Account",
    };
    let mut info =
        format!("info: {}, {} {}, {scope}", literal(&operation.id), operation.method.upper(), literal(&operation.path));
    if operation.workspace_header != (operation.scope == Scope::Workspace) {
        info.push_str(&format!(", workspace_header({})", operation.workspace_header));
    }
    let class = match operation.class {
        Class::OfMethod => None,
        Class::ReadOnly => Some("ReadOnly"),
        Class::Idempotent => Some("Idempotent"),
        Class::Keyed => Some("Keyed"),
        Class::NotIdempotent => Some("NotIdempotent"),
    };
    if let Some(class) = class {
        info.push_str(&format!(", idempotency(databricks_core::Idempotency::{class})"));
    }
    match &operation.output {
        Output::Json(_) => {}
        Output::Empty | Output::Headers(_) => info.push_str(", empty()"),
        Output::Bytes { accept } | Output::Stream { accept, .. } => {
            info.push_str(&format!(", stream({})", literal(accept)));
        }
    }
    info + ";"
}

/// The type of a response.
pub(crate) fn output_type(operation: &Operation, place: Place<'_>) -> String {
    match &operation.output {
        Output::Empty => "()".to_owned(),
        Output::Bytes { .. } => "databricks_core::ByteStream".to_owned(),
        Output::Json(ty) => place.ty(ty),
        Output::Headers(name) | Output::Stream { message: name, .. } => place.path(name),
    }
}

fn read(operation: &Operation) -> String {
    match &operation.output {
        _ if needs_reader(operation) => reader_name(operation),
        Output::Empty => "databricks_core::ResponseParts::empty".to_owned(),
        Output::Bytes { .. } => "databricks_core::ResponseParts::stream".to_owned(),
        _ => "databricks_core::ResponseParts::json".to_owned(),
    }
}

fn needs_reader(operation: &Operation) -> bool {
    !operation.header_members.is_empty() || matches!(operation.output, Output::Stream { .. } | Output::Headers(_))
}

fn reader_name(operation: &Operation) -> String {
    format!("read_{}", operation.method_name.trim_end_matches('_'))
}

/// The function that fills a result from headers and stream.
fn reader(package: &Package, operation: &Operation, place: Place<'_>) -> Result<Option<TokenStream>> {
    if !needs_reader(operation) {
        return Ok(None);
    }
    let name = format_ident!("{}", reader_name(operation));
    let ty = tokens(&output_type(operation, place))?;
    let members: Vec<_> = operation.header_members.iter().map(|member| format_ident!("{}", member.name)).collect();
    let wires = operation.header_members.iter().map(|member| &member.wire);
    let body = match &operation.output {
        Output::Stream { message, .. } => {
            let stream = package.messages.iter().find(|m| m.name == message.name).and_then(|m| m.stream.as_ref());
            let stream = stream.map(|stream| format_ident!("{}", stream.name));
            quote!(Ok(#ty { #(#members: parts.header(#wires),)* #stream: parts.into_stream() }))
        }
        Output::Headers(_) => {
            quote! {
                let mut output = #ty::new();
                #(output.#members = parts.header(#wires);)*
                Ok(output)
            }
        }
        _ => {
            let kept: Vec<_> = members.iter().map(|member| format_ident!("header_{member}")).collect();
            quote! {
                #(let #kept = parts.header(#wires);)*
                let mut output: #ty = parts.json()?;
                #(output.#members = #kept;)*
                Ok(output)
            }
        }
    };
    Ok(Some(quote! {
        #[inline]
        fn #name(parts: databricks_core::ResponseParts) -> databricks_core::Result<#ty> { #body }
    }))
}

fn request(operation: &Operation) -> Option<String> {
    let mut calls = Vec::new();
    if operation.json_object {
        calls.push("object()".to_owned());
    }
    calls.extend(
        operation.constants.iter().map(|(name, value)| format!("constant({}, {})", literal(name), literal(value))),
    );
    if let Some(mask) = &operation.mask {
        calls.push(format!("masked({}, {})", literal(&mask.of), literal(&mask.entries)));
    }
    (!calls.is_empty()).then(|| format!("request {{ {} }}", calls.join(" ")))
}

fn inputs<'a>(block: &mut Block, section: &str, inputs: impl Iterator<Item = &'a Input>, place: Place<'_>) {
    let inputs: Vec<_> = inputs.collect();
    if inputs.is_empty() {
        return;
    }
    block.open(format!("{section} {{"));
    for input in inputs {
        block.doc(&doc::lines(&input.doc, &doc::plain(&input.wire, &input.ty)));
        block.deprecated(&input.doc);
        let places: Vec<_> =
            input.places.iter().map(|at| format!("{} {}", call(*at, input), wire(*at, input))).collect();
        block.line(format!("{}: {} = {}{},", input.name, place.ty(&input.ty), places.join(" "), input.mark.suffix()));
    }
    block.close();
}

/// Header names are compared without regard to case, and made from lower case at no cost.
fn wire(place: InputPlace, input: &Input) -> String {
    if place == InputPlace::Header { literal(&input.wire.to_ascii_lowercase()) } else { literal(&input.wire) }
}

/// The method of the request's builder.
fn call(place: InputPlace, input: &Input) -> &'static str {
    match (place, input.required) {
        (InputPlace::Path, _) => "path",
        (InputPlace::Segments, _) => "segments",
        (InputPlace::Query, _) => "query",
        (InputPlace::Header, true) => "header",
        (InputPlace::Header, false) => "header_optional",
        (InputPlace::Member, true) => "member",
        (InputPlace::Member, false) => "optional",
        (InputPlace::Json, true) => "json",
        (InputPlace::Json, false) => "json_optional",
        (InputPlace::Mask, _) => "mask",
        (InputPlace::MaskMember, _) => "mask_member",
        (InputPlace::Form, _) if input.ty == Ty::Flag => "flag",
        (InputPlace::Form, true) => "field",
        (InputPlace::Form, false) => "field_optional",
    }
}
