//! Messages that hold themselves need a box.

use std::collections::{BTreeMap, BTreeSet};

use super::{Package, Ty, TypeRef};
use crate::spec::Signatures;

/// Boxes members through which a message directly or indirectly holds itself. A box that is required could never end,
/// so such members become optional.
pub(crate) fn resolve(packages: &mut BTreeMap<String, Package>, signatures: &mut Signatures) {
    let mut edges: BTreeMap<TypeRef, BTreeSet<TypeRef>> = BTreeMap::new();
    for package in packages.values() {
        for message in &package.messages {
            let from = TypeRef { package: package.name.clone(), name: message.name.clone() };
            let to = message.members().filter_map(|(member, _)| match &member.ty {
                Ty::Message(name) => Some(name.clone()),
                _ => None,
            });
            edges.insert(from, to.collect());
        }
    }
    for package in packages.values_mut() {
        for message in &mut package.messages {
            let own = TypeRef { package: package.name.clone(), name: message.name.clone() };
            for member in message.required.iter_mut().chain(&mut message.optional) {
                if let Ty::Message(target) = &member.ty
                    && reaches(&edges, target, &own)
                {
                    member.ty = Ty::Boxed(target.clone());
                }
            }
            let (boxed, required) =
                std::mem::take(&mut message.required).into_iter().partition(|m| matches!(m.ty, Ty::Boxed(_)));
            message.required = required;
            let boxed: Vec<_> = boxed;
            if let Some(arguments) = signatures.messages.get_mut(&format!("{}.{}", own.package, own.name)) {
                arguments.retain(|wire| !boxed.iter().any(|member| member.wire == *wire));
            }
            message.optional.extend(boxed);
        }
    }
}

fn reaches(edges: &BTreeMap<TypeRef, BTreeSet<TypeRef>>, from: &TypeRef, to: &TypeRef) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            open.extend(edges.get(next).into_iter().flatten());
        }
    }
    false
}
