//! Operations on records that fit none of the common verbs.

use crate::operations::Operation;
use crate::records::call::Call;
use crate::reply::Reply;

mod access;
mod assignments;
mod catalog;
mod dashboards;
mod experiments;
mod families;
mod model_registry;
mod model_reviews;
mod monitors;
mod permissions;
mod pipelines;
mod scim;
mod secrets;
mod settings;
mod system_schemas;
mod uc_models;

/// What runs an operation of this form.
pub(crate) type Run = fn(&Call<'_>) -> Reply;

const TABLES: &[&[(&str, Run)]] = &[
    access::OPERATIONS,
    assignments::OPERATIONS,
    catalog::OPERATIONS,
    dashboards::OPERATIONS,
    experiments::OPERATIONS,
    families::OPERATIONS,
    model_registry::OPERATIONS,
    model_reviews::OPERATIONS,
    monitors::OPERATIONS,
    pipelines::OPERATIONS,
    scim::OPERATIONS,
    secrets::OPERATIONS,
    settings::OPERATIONS,
    system_schemas::OPERATIONS,
    uc_models::OPERATIONS,
];

pub(crate) use access::own_principals;
pub(crate) use model_registry::workspace_model;
pub(crate) use secrets::principal_of;

/// The special operation of that identifier.
pub(crate) fn find(operation: &Operation) -> Option<Run> {
    let listed = TABLES.iter().copied().flatten().find(|(id, _)| *id == operation.id).map(|(_, run)| *run);
    listed.or_else(|| permissions::find(operation)).or_else(|| settings::find(operation))
}
