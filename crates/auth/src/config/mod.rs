//! The configuration: what a program sets, what the environment and the profile file add, and how they become one.

pub(crate) mod attributes;
mod builder;
pub(crate) mod cloud;
mod entry;
pub(crate) mod file;
pub(crate) mod host;
pub(crate) mod netrc;
mod paths;
mod profile;
mod profiles;
mod raw;
mod resolve;
mod resolved;
pub(crate) mod serving;
mod setters;
mod source;
mod table;
mod validate;
pub(crate) mod value;
mod workspace;

pub use builder::Config;
pub use cloud::{Cloud, HostType};
pub(crate) use paths::expand_home;
pub(crate) use profile::{profile_path, read_profile_file};
pub use profiles::ProfileSummary;
pub use resolved::ResolvedConfig;
pub(crate) use resolved::Settings;
pub use source::Source;
pub use workspace::WorkspaceAddress;
