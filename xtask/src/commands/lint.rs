//! `cargo xtask spec lint`: do the documents agree with themselves? All that is found is told, not only the first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, ensure};

use crate::ir::Api;
use crate::spec::{Document, Documents, Operation, ParameterPlace, Schema, Texts, operations_of, schema_name};

pub(crate) fn run(directory: &Path) -> Result<()> {
    let documents = Documents::read(directory)?;
    let mut problems = problems(&documents);
    // What needs more than one look is what the generator checks while it builds.
    if problems.is_empty() {
        match crate::ir::build(&documents) {
            Ok((api, _)) => problems.extend(texts_of_nothing(&documents, &api)),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    for problem in &problems {
        println!("{problem}");
    }
    ensure!(problems.is_empty(), "{} problems", problems.len());
    println!("{} documents are sound", documents.packages.len());
    Ok(())
}

fn problems(documents: &Documents) -> Vec<String> {
    let mut problems = Vec::new();
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for (package, document) in &documents.packages {
        let mut tell = |what: String| problems.push(format!("{package}: {what}"));
        let services: BTreeSet<&str> = document.tags.iter().map(|tag| tag.name.as_str()).collect();
        for (path, _, operation) in operations_of(document) {
            let id = operation.id.as_str();
            if let Some(other) = ids.insert(id, package) {
                tell(match other == package {
                    true => format!("the id {id} is there twice"),
                    false => format!("the id {id} is also in {other}"),
                });
            }
            match id.split_once('.') {
                Some((service, method))
                    if services.contains(service) && operation.tags == [service] && !method.contains('.') => {}
                _ => tell(format!("the id {id} is not of the form service.method with a listed service, its only tag")),
            }
            for problem in path_problems(path, operation) {
                tell(format!("{id}: {problem}"));
            }
            for target in targets(operation) {
                if !operations_of(document).any(|(_, _, other)| other.id == target) {
                    tell(format!("{id}: {target}, which it names, is not an operation of this package"));
                }
            }
        }
        for reference in references(document) {
            let found = schema_name(reference, package).is_ok_and(|(package, name)| {
                documents.packages.get(package).is_some_and(|other| other.components.schemas.contains_key(name))
            });
            if !found {
                tell(format!("{reference} does not exist"));
            }
        }
        for (name, schema) in &document.components.schemas {
            for wire in &schema.required {
                if !schema.properties.as_ref().is_some_and(|properties| properties.contains_key(wire)) {
                    tell(format!("{name} requires {wire}, which it does not have"));
                }
            }
        }
        for problem in text_problems(document, &documents.texts[package]) {
            tell(problem);
        }
    }
    problems
}

fn path_problems(path: &str, operation: &Operation) -> Vec<String> {
    let in_path: BTreeSet<&str> =
        path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    let given = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place == ParameterPlace::Path)
        .map(|parameter| parameter.name.as_str());
    let given: BTreeSet<&str> = given.collect();
    in_path
        .symmetric_difference(&given)
        .map(|name| format!("{name} is in the path or a path parameter, but not both"))
        .collect()
}

/// The operations that an operation names.
fn targets(operation: &Operation) -> Vec<&str> {
    let wait = operation.wait.as_ref().map(|wait| wait.poll.as_str());
    let lro = operation.lro.as_ref().map(|lro| lro.poll.as_str());
    let cancel = operation.lro.as_ref().and_then(|lro| lro.cancel.as_deref());
    let control = operation.data_plane.as_ref().map(|plane| plane.control_operation.as_str());
    [wait, lro, cancel, control].into_iter().flatten().collect()
}

/// All references of a document.
fn references(document: &Document) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Schema> = document.components.schemas.values().collect();
    for (_, _, operation) in operations_of(document) {
        open.extend(operation.parameters.iter().map(|parameter| &parameter.schema));
        open.extend(operation.request_body.iter().flat_map(|body| body.content.values()).map(|media| &media.schema));
        open.extend(
            operation.responses.values().flat_map(|response| response.content.values()).map(|media| &media.schema),
        );
        open.extend(&operation.response_schema);
        open.extend(operation.pagination.iter().map(|paging| &paging.item));
        open.extend(operation.wait.iter().map(|wait| &wait.result));
        open.extend(
            operation
                .lro
                .iter()
                .flat_map(|lro| std::iter::once(&lro.operation).chain(&lro.result_type).chain(&lro.metadata_type)),
        );
    }
    while let Some(schema) = open.pop() {
        found.extend(schema.reference.as_deref());
        open.extend(schema.properties.iter().flat_map(|properties| properties.values()));
        open.extend(schema.items.as_deref());
        open.extend(schema.additional.as_deref());
    }
    found
}

/// Texts of messages and enums, or of their members and values, that do not exist once all is built: objects that stand
/// within others have names then, and members come from headers and from overrides.
fn texts_of_nothing(documents: &Documents, api: &Api) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, package) in &api.packages {
        for (schema, entry) in &documents.texts[name].schemas {
            let message = package.messages.iter().find(|message| message.name == *schema);
            let values = package.enums.iter().find(|e| e.name == *schema).map(|e| &e.values);
            if message.is_none() && values.is_none() {
                problems.push(format!("{name}: a text of the schema {schema}, which does not exist"));
                continue;
            }
            for member in entry.members().filter(|member| !member.is_empty()) {
                let is_member = message.is_some_and(|message| message.has(member));
                let is_value = values.is_some_and(|values| values.iter().any(|value| value.wire == member));
                if !is_member && !is_value {
                    problems.push(format!("{name}: a text of {schema}.{member}, which does not exist"));
                }
            }
        }
    }
    problems
}

/// Texts of things that do not exist.
fn text_problems(document: &Document, texts: &Texts) -> Vec<String> {
    let mut problems = Vec::new();
    let services: BTreeSet<&str> = document.tags.iter().map(|tag| tag.name.as_str()).collect();
    problems.extend(
        texts
            .services
            .keys()
            .filter(|name| !services.contains(name.as_str()))
            .map(|name| format!("a text of the service {name}, which does not exist")),
    );
    let ids: BTreeSet<&str> = operations_of(document).map(|(_, _, operation)| operation.id.as_str()).collect();
    problems.extend(
        texts
            .operations
            .keys()
            .filter(|id| !ids.contains(id.as_str()))
            .map(|id| format!("a text of the operation {id}, which does not exist")),
    );
    problems
}
