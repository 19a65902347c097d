//! What providers keep in the marketplace.

use crate::records::kind::{Identity, Kind};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("provider_exchanges", "Exchange", "id", Identity::Uuid).wrap("exchange"),
    Kind::new("provider_exchange_filters", "Filter", "id", Identity::Uuid).wrap("filter"),
    Kind::new("provider_listings", "Listing", "id", Identity::Uuid).wrap("listing"),
    Kind::new("provider_providers", "Provider", "id", Identity::Uuid).wrap("provider"),
    Kind::new("provider_files", "File", "id", Identity::Uuid).wrap("file_info"),
];
