//! What runs: commands of contexts and the tasks of jobs, above what is kept.

pub(crate) mod commands;
pub(crate) mod jobs;
