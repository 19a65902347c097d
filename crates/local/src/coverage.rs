//! Which operations of the API the workspace covers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{operations, records};

/// The operations that handlers of their own serve, beside those on records.
const HANDLED: &str = include_str!("operations/handled.txt");

/// How much of a service is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceCoverage {
    /// The service, as the API's description names it.
    pub name: &'static str,
    /// How many of its operations the embedded workspace covers.
    pub covered: usize,
    /// How many of those keep records alone: what is stated is checked, kept and given back, and nothing happens.
    pub records: usize,
    /// How many operations it has.
    pub operations: usize,
}

/// Every service in alphabetical order, with the number of its operations that the embedded workspace covers.
pub fn by_service() -> Vec<ServiceCoverage> {
    let handled: BTreeSet<&str> = HANDLED.lines().filter(|l| !l.starts_with('#')).collect();
    let mut ids = BTreeSet::new();
    let mut services: BTreeMap<&str, ServiceCoverage> = BTreeMap::new();
    for operation in operations::all() {
        if !ids.insert(operation.id) {
            continue;
        }
        let name = operation.service();
        let entry = services.entry(name).or_insert(ServiceCoverage { name, covered: 0, records: 0, operations: 0 });
        entry.operations += 1;
        let handled = handled.contains(operation.id);
        let records = !handled && records::service_of(operation).is_some();
        entry.covered += usize::from(handled || records);
        entry.records += usize::from(records);
    }
    services.into_values().collect()
}

/// How many operations are covered, and how many there are.
pub fn total() -> (usize, usize) {
    by_service().iter().fold((0, 0), |(covered, all), s| (covered + s.covered, all + s.operations))
}
