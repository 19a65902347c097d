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

/// How an operation is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Records,
    Handler,
}

/// Every service in alphabetical order, with the number of its operations that the embedded workspace covers.
///
/// Some paths have several operations, of an older and a newer service: what serves one serves all.
pub fn by_service() -> Vec<ServiceCoverage> {
    let handled: BTreeSet<&str> = HANDLED.lines().filter(|l| !l.starts_with('#')).collect();
    let mut served: BTreeMap<(&str, &str), How> = BTreeMap::new();
    for operation in operations::all() {
        let how = match handled.contains(operation.id) {
            true => Some(How::Handler),
            false => records::service_of(operation).map(|_| How::Records),
        };
        if let Some(how) = how {
            let entry = served.entry((operation.method.as_str(), operation.path())).or_insert(how);
            *entry = how.max(*entry);
        }
    }
    let mut best: BTreeMap<&str, Option<How>> = BTreeMap::new();
    for operation in operations::all() {
        let how = served.get(&(operation.method.as_str(), operation.path())).copied();
        let entry = best.entry(operation.id).or_insert(how);
        *entry = how.max(*entry);
    }
    let mut services: BTreeMap<&str, ServiceCoverage> = BTreeMap::new();
    for (id, how) in best {
        let name = id.split_once('.').map_or(id, |(service, _)| service);
        let entry = services.entry(name).or_insert(ServiceCoverage { name, covered: 0, records: 0, operations: 0 });
        entry.operations += 1;
        entry.covered += usize::from(how.is_some());
        entry.records += usize::from(how == Some(How::Records));
    }
    services.into_values().collect()
}

/// How many operations are covered, and how many there are.
pub fn total() -> (usize, usize) {
    by_service().iter().fold((0, 0), |(covered, all), s| (covered + s.covered, all + s.operations))
}
