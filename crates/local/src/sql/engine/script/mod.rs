//! SQL scripts: `BEGIN … END`, read as a whole and then run statement by statement.
//!
//! The result is that of the last query that has run; other statements return nothing, as on the platform.

pub(super) mod locals;

mod declare;
mod handling;
mod labels;
mod read;
mod run;
mod signals;
mod tree;

pub(super) use run::run;
