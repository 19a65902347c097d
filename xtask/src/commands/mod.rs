//! What `cargo xtask` can do, one file each.

pub(crate) mod api;
pub(crate) mod bench;
pub(crate) mod build_cost;
pub(crate) mod builds;
pub(crate) mod ci;
pub(crate) mod codegen;
pub(crate) mod coverage;
pub(crate) mod diff;
pub(crate) mod docs_coverage;
pub(crate) mod features;
pub(crate) mod follow;
pub(crate) mod fuzz;
pub(crate) mod import;
pub(crate) mod lake;
pub(crate) mod lint;
pub(crate) mod local_coverage;
mod local_functions;
pub(crate) mod process;
pub(crate) mod release;
pub(crate) mod sql_oracle;
