//! What stands behind the feature `preview`: operations that the service may break, in packages that are not in preview
//! as a whole, and the types that nothing else needs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Operation, Package, TypeRef};

/// Decides what is gated: operations, services of nothing else, and types that only such operations reach.
///
/// * `promised`: operations in preview that are not gated all the same.
pub(super) fn resolve(packages: &mut BTreeMap<String, Package>, promised: &BTreeSet<String>) {
    for package in packages.values_mut().filter(|package| package.preview.is_none()) {
        for service in &mut package.services {
            for operation in &mut service.operations {
                let unstable = operation.preview.is_some_and(crate::spec::Stage::is_unstable);
                operation.gated = unstable && !promised.contains(&operation.id);
            }
            let all = service.operations.iter().all(|operation| operation.gated);
            service.gated = all && !service.operations.is_empty();
        }
    }
    let stable = reached(packages, |operation| !operation.gated);
    let gated: BTreeSet<TypeRef> =
        reached(packages, |operation| operation.gated).into_iter().filter(|name| !stable.contains(name)).collect();
    for package in packages.values_mut().filter(|package| package.preview.is_none()) {
        let is_gated = |name: &str| gated.contains(&TypeRef { package: package.name.clone(), name: name.to_owned() });
        package.messages.iter_mut().for_each(|message| message.gated = is_gated(&message.name));
        package.enums.iter_mut().for_each(|e| e.gated = is_gated(&e.name));
    }
}

/// The types that operations name, directly or not.
fn reached(packages: &BTreeMap<String, Package>, of: impl Fn(&Operation) -> bool) -> BTreeSet<TypeRef> {
    let operations = packages.values().flat_map(|p| &p.services).flat_map(|s| &s.operations).filter(|o| of(o));
    let mut open: Vec<TypeRef> = operations.flat_map(named).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let messages = packages.get(&name.package).map(|package| &package.messages);
        if let Some(message) = messages.and_then(|messages| messages.iter().find(|it| it.name == name.name)) {
            open.extend(message.members().filter_map(|(member, _)| member.ty.reference().cloned()));
        }
    }
    seen
}

/// The types in the signature of an operation, and of what follows from it.
pub(super) fn named(operation: &Operation) -> Vec<TypeRef> {
    let inputs = operation.inputs.iter().map(|input| &input.ty);
    let items = operation.paging.iter().map(|paging| &paging.item);
    let results = operation.lro.iter().flat_map(|lro| lro.result.iter().chain(&lro.metadata));
    let mut found: Vec<_> = inputs.chain(items).chain(results).filter_map(|ty| ty.reference().cloned()).collect();
    found.extend(operation.output.ty().and_then(|ty| ty.reference().cloned()));
    found
}
