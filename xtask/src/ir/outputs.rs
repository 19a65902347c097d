//! Responses of operations.

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;

use super::messages::Lowering;
use super::{Doc, Mark, Member, Output, TypeRef, names};
use crate::spec::{self, Kind, Schema, schema_name};

/// What the response becomes, and the members that come from its headers.
pub(super) fn output(
    lowering: &mut Lowering<'_>,
    source: &spec::Operation,
    short: &str,
) -> Result<(Output, Vec<Member>)> {
    let (Some(response), 1) = (source.responses.get("200"), source.responses.len()) else {
        bail!("responses other than 200 are described");
    };
    ensure!(response.content.len() <= 1, "a response of several media types");
    let content = response.content.first();
    let bytes = content.is_some_and(|(_, media)| media.schema.format.as_deref() == Some("binary"));
    ensure!(bytes == source.raw, "only a raw response can be a stream");
    if let Some(schema) = &source.response_schema {
        let reference = schema.reference.as_deref().context("a response schema that is not a reference")?;
        let (package, name) = schema_name(reference, lowering.package)?;
        ensure!(package == lowering.package, "a response schema of another package");
        let name = TypeRef { package: package.to_owned(), name: name.to_owned() };
        let members = header_members(lowering, &name.name, response)?;
        let output = match content {
            Some((accept, _)) if bytes => Output::Stream { accept: accept.clone(), message: name },
            Some((_, media)) => Output::Json(lowering.ty(&media.schema, "")?),
            None => Output::Headers(name),
        };
        return Ok((output, members));
    }
    let name = format!("{}Response", names::camel(short));
    match content {
        Some((accept, _)) if bytes => {
            ensure!(response.headers.is_empty(), "headers of a raw response without a schema");
            Ok((Output::Bytes { accept: accept.clone() }, Vec::new()))
        }
        Some((media_type, media)) => {
            ensure!(media_type == "application/json", "a response of {media_type}");
            // A header that was added by hand to a JSON response stands beside it: callers who want it ask for the full
            // response.
            let beside = response.headers.values().all(|header| header.origin.is_some());
            ensure!(beside, "headers of a response without a schema");
            let output = Output::Json(lowering.ty(&media.schema, &name)?);
            Ok((output, Vec::new()))
        }
        None if response.headers.is_empty() => Ok((Output::Empty, Vec::new())),
        None => {
            ensure!(!lowering.has_type(&name), "the response needs a name, and {name} is taken");
            lowering.message(
                &name,
                &Schema { kind: Some(Kind::Object), properties: Some(IndexMap::new()), ..Schema::default() },
            )?;
            let members = header_members(lowering, &name, response)?;
            Ok((Output::Headers(TypeRef { package: lowering.package.to_owned(), name }), members))
        }
    }
}

/// The members of a result that come from headers; headers that the result's schema lacks become members of it.
fn header_members(lowering: &mut Lowering<'_>, name: &str, response: &spec::Response) -> Result<Vec<Member>> {
    for (wire, header) in &response.headers {
        let ty = lowering.ty(&header.schema, "")?;
        let rust = names::member(wire, header.snake.as_deref());
        let doc = Doc {
            text: lowering.texts.schema(name, wire).map(str::to_owned),
            facts: vec![format!("From the header `{wire}` of the response.")],
            ..Doc::default()
        };
        lowering.add_header(
            name,
            Member { name: rust, wire: wire.clone(), ty, doc, header: true, read_only: true, mark: Mark::None },
        )?;
    }
    let members = lowering.header_members(name)?;
    ensure!(
        members.len() == response.headers.len(),
        "members of {name} come from headers that the response does not list"
    );
    Ok(members)
}
