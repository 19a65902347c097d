//! The kinds of records, by area.

use super::kind::Kind;

mod account;
mod analytics;
mod catalog;
mod compute;
mod marketplace;
mod platform;

/// Every kind.
pub(crate) fn all() -> impl Iterator<Item = &'static Kind> {
    [compute::KINDS, account::KINDS, analytics::KINDS, catalog::KINDS, marketplace::KINDS, platform::KINDS]
        .into_iter()
        .flatten()
}
