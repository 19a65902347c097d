//! Operations on records that fit none of the common verbs.

use crate::operations::Operation;
use crate::records::call::Call;
use crate::reply::Reply;

mod access;
mod apps;
mod assignments;
mod catalog;
mod clean_rooms;
mod dashboards;
mod experiments;
mod families;
mod model_registry;
mod model_reviews;
mod monitors;
mod named;
mod network_option;
mod permissions;
mod pipelines;
mod postgres;
mod rfa;
mod scim;
mod secrets;
mod settings;
mod settings_v2;
mod system_schemas;
mod uc_models;
mod vector_search;
mod warehouse_overrides;

/// What runs an operation of this form.
pub(crate) type Run = fn(&Call<'_>) -> Reply;

const TABLES: &[&[(&str, Run)]] = &[
    access::OPERATIONS,
    apps::OPERATIONS,
    assignments::OPERATIONS,
    catalog::OPERATIONS,
    clean_rooms::OPERATIONS,
    dashboards::OPERATIONS,
    experiments::OPERATIONS,
    families::OPERATIONS,
    model_registry::OPERATIONS,
    model_reviews::OPERATIONS,
    monitors::OPERATIONS,
    network_option::OPERATIONS,
    pipelines::OPERATIONS,
    postgres::OPERATIONS,
    rfa::OPERATIONS,
    scim::OPERATIONS,
    secrets::OPERATIONS,
    settings::OPERATIONS,
    settings_v2::OPERATIONS,
    system_schemas::OPERATIONS,
    uc_models::OPERATIONS,
    vector_search::OPERATIONS,
    warehouse_overrides::OPERATIONS,
];

pub(crate) use access::own_principals;
pub(crate) use families::definition as family_definition;
pub(crate) use model_registry::workspace_model;
pub(crate) use secrets::principal_of;

/// The special operation of that identifier.
pub(crate) fn find(operation: &Operation) -> Option<Run> {
    let listed = TABLES.iter().copied().flatten().find(|(id, _)| *id == operation.id).map(|(_, run)| *run);
    listed
        .or_else(|| permissions::find(operation))
        .or_else(|| settings::find(operation))
        .or_else(|| named::find(operation))
}
