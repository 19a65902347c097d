//! From documents to the intermediate form, pass by pass.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use super::{
    Accessor, Api, Doc, Package, Place, Service, Ty, gates, marks, masks, messages, names, operations, recursion,
    signatures as order, traits,
};
use crate::spec::{
    Document, Documents, PREVIEW_OPERATIONS, PREVIEW_PACKAGES, PREVIEW_PROMISED, Scope, Signatures, operations_of,
};

/// Builds the intermediate form, and the signatures as they are after it: frozen ones as they were, new ones added,
/// those of vanished operations left out.
pub(crate) fn build(documents: &Documents) -> Result<(Api, Signatures)> {
    let (mut packages, signatures) = lower(documents)?;
    order::check(&packages, &documents.signatures)?;
    check_names(&packages)?;
    if let Some(stale) = stale(documents, &packages).first() {
        bail!("the overrides name {stale}, which does not exist");
    }
    let hidden = marks::resolve(&documents.sensitive, &mut packages)?;
    Ok((
        Api {
            version: documents.version()?.to_owned(),
            packages,
            default_packages: documents.overrides.default_packages.clone(),
            hidden,
        },
        signatures,
    ))
}

/// What a new release leaves for people to decide.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Members that sound like secrets, with whether they are of free form.
    pub(crate) sensitive: BTreeMap<String, bool>,
    /// Orders of arguments, proposed.
    pub(crate) signatures: Signatures,
    /// Decisions about members that do not exist.
    pub(crate) unused: Vec<String>,
    /// Overrides of what does not exist.
    pub(crate) stale: Vec<Stale>,
}

/// Finds all that is to be decided, where [`build`] stops at the first.
pub(crate) fn pending(documents: &Documents) -> Result<Pending> {
    let (packages, _) = lower(documents)?;
    let (sensitive, unused) = marks::pending(&documents.sensitive, &packages);
    let signatures = order::propose(&packages, &documents.signatures);
    Ok(Pending { sensitive, signatures, unused, stale: stale(documents, &packages) })
}

/// Messages, enums, services and operations, before anything that people decide is looked at.
fn lower(documents: &Documents) -> Result<(BTreeMap<String, Package>, Signatures)> {
    let mut signatures = Signatures::default();
    let mut packages = BTreeMap::new();
    for (name, document) in &documents.packages {
        let package = package(documents, name, document, &mut signatures).with_context(|| format!("package {name}"))?;
        packages.insert(name.clone(), package);
    }
    recursion::resolve(&mut packages, &mut signatures);
    traits::resolve(documents, &mut packages)?;
    for package in packages.values_mut() {
        package.uses = uses(package);
    }
    nullable(documents, &mut packages);
    gates::resolve(&mut packages, &documents.preview.promised);
    masks::resolve(documents, &mut packages)?;
    Ok((packages, signatures))
}

fn package(documents: &Documents, name: &str, document: &Document, signatures: &mut Signatures) -> Result<Package> {
    let mut lowering = messages::Lowering::new(documents, name, signatures);
    for (schema_name, schema) in &document.components.schemas {
        lowering.schema(schema_name, schema).with_context(|| format!("schema {schema_name}"))?;
    }
    let texts = &documents.texts[name];
    let mut services = Vec::new();
    for tag in &document.tags {
        let mut list = Vec::new();
        for (path, method, operation) in
            operations_of(document).filter(|(_, _, operation)| operation.tags == [tag.name.as_str()])
        {
            let built = operations::operation(&mut lowering, path, method, operation)
                .with_context(|| format!("operation {}", operation.id))?;
            ensure!(
                operation.accessor == tag.accessor,
                "{}: the accessor {:?} is not that of its service, {:?}",
                operation.id,
                operation.accessor,
                tag.accessor
            );
            ensure!(
                tag.scope.is_none_or(|scope| scope == operation.scope),
                "{}: the scope is not that of its service",
                operation.id
            );
            list.push(built);
        }
        list.sort_by(|a, b| a.id.cmp(&b.id));
        let accessor = match &tag.accessor {
            Some(accessor) => Some(self::accessor(accessor).with_context(|| format!("service {}", tag.name))?),
            None => None,
        };
        services.push(Service {
            name: tag.name.clone(),
            gated: false,
            module: names::module(&tag.name),
            handle: names::camel(&tag.name),
            doc: Doc {
                text: texts.services.get(&tag.name).cloned(),
                facts: Vec::new(),
                deprecated: tag.deprecated,
                retired: None,
            },
            accessor,
            operations: list,
        });
    }
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let listed: usize = services.iter().map(|service| service.operations.len()).sum();
    ensure!(
        listed == operations_of(document).count(),
        "some operations have a tag that the document does not list, or several tags"
    );
    let (messages, enums) = lowering.finish();
    let preview = documents.preview.packages.get(name).copied();
    let module = names::module(name);
    Ok(Package { name: name.to_owned(), module, preview, uses: BTreeSet::new(), messages, enums, services })
}

/// Reads `w.settings.default_namespace`.
fn accessor(text: &str) -> Result<Accessor> {
    let mut parts = text.split('.');
    let scope = match parts.next() {
        Some("w") => Scope::Workspace,
        Some("a") => Scope::Account,
        _ => bail!("the accessor {text} starts with neither w nor a"),
    };
    let path: Vec<_> = parts.map(names::module).collect();
    ensure!((1..=2).contains(&path.len()), "the accessor {text} has {} steps", path.len());
    Ok(Accessor { scope, path })
}

/// The packages whose types a package names.
fn uses(package: &Package) -> BTreeSet<String> {
    let members =
        package.messages.iter().flat_map(|message| message.members().map(|(member, _)| member.ty.reference()));
    let operations = package.services.iter().flat_map(|service| &service.operations);
    members
        .flatten()
        .cloned()
        .chain(operations.flat_map(gates::named))
        .map(|reference| reference.package)
        .filter(|name| *name != package.name)
        .collect()
}

/// Two things of one name are an error: the table of names must then state more.
fn check_names(packages: &BTreeMap<String, Package>) -> Result<()> {
    fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
        let mut seen = BTreeSet::new();
        for name in names {
            ensure!(seen.insert(name), "{what}: two things are named {name}");
        }
        Ok(())
    }
    let mut accessors = BTreeSet::new();
    for package in packages.values() {
        let name = &package.name;
        let types =
            package.messages.iter().map(|m| m.name.as_str()).chain(package.enums.iter().map(|e| e.name.as_str()));
        unique(&format!("types of {name}"), types)?;
        unique(&format!("services of {name}"), package.services.iter().map(|s| s.module.as_str()))?;
        for message in &package.messages {
            let members = message.members().map(|(member, _)| member.name.as_str());
            unique(
                &format!("members of {name}.{}", message.name),
                members.chain(message.stream.iter().map(|s| s.name.as_str())),
            )?;
        }
        for e in &package.enums {
            unique(&format!("values of {name}.{}", e.name), e.values.iter().map(|v| v.name.as_str()))?;
        }
        for service in &package.services {
            unique(&format!("operations of {}", service.name), service.operations.iter().map(|o| o.name.as_str()))?;
            for operation in &service.operations {
                let inputs = operation
                    .inputs
                    .iter()
                    .map(|i| i.name.as_str())
                    .chain(operation.stream.iter().map(|s| s.name.as_str()));
                unique(&format!("inputs of {}", operation.id), inputs)?;
            }
            if let Some(accessor) = &service.accessor {
                let unused = accessors.insert((accessor.scope == Scope::Account, accessor.path.clone()));
                ensure!(unused, "two services have the accessor of {}", service.name);
            }
        }
    }
    Ok(())
}

/// Gives the third state to optional members and inputs in which the service tells `null` from absent.
fn nullable(documents: &Documents, packages: &mut BTreeMap<String, Package>) {
    let marked = &documents.overrides.nullable;
    let wrap = |ty: &mut Ty| *ty = Ty::Nullable(Box::new(std::mem::replace(ty, Ty::Any)));
    for package in packages.values_mut() {
        let name = &package.name;
        for message in &mut package.messages {
            let path = format!("{name}.{}", message.name);
            let members = message.optional.iter_mut().filter(|it| marked.contains(&format!("{path}.{}", it.wire)));
            members.for_each(|member| wrap(&mut member.ty));
        }
        for operation in package.services.iter_mut().flat_map(|service| &mut service.operations) {
            let (id, inputs) = (&operation.id, &mut operation.inputs);
            for input in inputs.iter_mut().filter(|it| marked.contains(&format!("{id}.{}", it.wire))) {
                // Only JSON has a `null`; an argument is always sent.
                if input.places == [Place::Member] && !input.required {
                    wrap(&mut input.ty);
                }
            }
        }
    }
}

/// An override that hits nothing: it has been overtaken by the documents.
#[derive(Debug)]
pub(crate) struct Stale {
    pub(crate) section: &'static str,
    pub(crate) entry: String,
}

impl std::fmt::Display for Stale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in `{}`", self.entry, self.section)
    }
}

fn stale(documents: &Documents, packages: &BTreeMap<String, Package>) -> Vec<Stale> {
    let overrides = &documents.overrides;
    let operations = || packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations);
    let ids: BTreeSet<&str> = operations().map(|o| o.id.as_str()).collect();
    let mut found = Vec::new();
    let mut check = |section, entries: &mut dyn Iterator<Item = &String>, exists: &dyn Fn(&str) -> bool| {
        found.extend(entries.filter(|entry| !exists(entry)).map(|entry| Stale { section, entry: entry.clone() }));
    };
    let is_operation = |id: &str| ids.contains(id);
    check("read_only", &mut overrides.read_only.iter(), &is_operation);
    check("idempotent", &mut overrides.idempotent.iter(), &is_operation);
    check("not_idempotent", &mut overrides.not_idempotent.iter(), &is_operation);
    check("idempotency_keys", &mut overrides.idempotency_keys.keys(), &is_operation);
    found.extend(masks::stale(documents, packages).into_iter().map(|entry| Stale { section: "field_masks", entry }));
    let mut check = |section, entries: &mut dyn Iterator<Item = &String>, exists: &dyn Fn(&str) -> bool| {
        found.extend(entries.filter(|entry| !exists(entry)).map(|entry| Stale { section, entry: entry.clone() }));
    };
    let masked = |id: &str| {
        packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations).any(|o| {
            o.id == id && (o.mask.is_some() || overrides.field_masks.get(id).is_some_and(|it| it.none.is_some()))
        })
    };
    check("field_masks", &mut overrides.field_masks.keys(), &masked);
    check("pagination", &mut overrides.pagination.keys(), &is_operation);
    check("wait", &mut overrides.wait.keys(), &is_operation);
    check("token_alone", &mut overrides.token_alone.keys(), &is_operation);
    check("multi_segment", &mut overrides.multi_segment.iter(), &|parameter| {
        operations().any(|o| {
            o.inputs.iter().any(|i| i.places == [Place::Segments] && *parameter == format!("{}.{}", o.id, i.wire))
        })
    });
    check("default_packages", &mut overrides.default_packages.iter(), &|package| packages.contains_key(package));
    let member = |path: &str| {
        let mut parts = path.splitn(3, '.');
        let (package, schema, wire) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let message = packages.get(package).and_then(|p| p.messages.iter().find(|m| m.name == schema));
        message.is_some_and(|message| message.member(wire).is_some())
    };
    let service = |id: &str| operations().any(|o| o.id.split('.').next() == Some(id));
    check(PREVIEW_OPERATIONS, &mut documents.preview.operations.keys(), &|id| is_operation(id) || service(id));
    check(PREVIEW_PROMISED, &mut documents.preview.promised.iter(), &is_operation);
    check(PREVIEW_PACKAGES, &mut documents.preview.packages.keys(), &|name| packages.contains_key(name));
    check("optional", &mut overrides.optional.iter(), &member);
    let wrapped = |path: &str| {
        operations().any(|o| {
            let mut inputs = o.inputs.iter().filter(|input| matches!(input.ty, Ty::Nullable(_)));
            inputs.any(|input| path == format!("{}.{}", o.id, input.wire))
        }) || packages.values().any(|package| {
            package.messages.iter().any(|message| {
                let mut members = message.optional.iter().filter(|member| matches!(member.ty, Ty::Nullable(_)));
                members.any(|member| path == format!("{}.{}.{}", package.name, message.name, member.wire))
            })
        })
    };
    check("nullable", &mut overrides.nullable.iter(), &wrapped);
    check("types", &mut overrides.types.keys(), &member);
    check("enum_values", &mut overrides.enum_values.keys(), &|key| {
        let (package, name) = key.split_once('.').unwrap_or_default();
        packages.get(package).is_some_and(|p| p.enums.iter().any(|e| e.name == name))
    });
    found
}
