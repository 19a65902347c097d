//! Choosing the section of the profile file, and reading it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::attributes::{ATTRIBUTES, Key};
use super::file::{DEFAULT, ProfileFile, SETTINGS};
use super::paths::expand_home;
use super::raw::Raw;
use super::resolved::{ResolvedConfig, Settings};
use super::source::Source;
use super::value::{Value, invalid_value};
use crate::error::{AuthError, AuthErrorKind};

/// The path of the profile file: as configured, else `.databrickscfg` in the home directory.
pub(crate) fn path(settings: &Settings, home: Option<&Path>) -> Option<PathBuf> {
    match settings.text(Key::ConfigFile) {
        Some(path) => Some(expand_home(&path, home)),
        None => home.map(|home| home.join(".databrickscfg")),
    }
}

/// Reads a profile file. `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<ProfileFile>, AuthError> {
    let fail = |problem: String| {
        AuthError::new(AuthErrorKind::ConfigFile, format!("the profile file {} {problem}", path.display()))
    };
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
            let line =
                1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            fail(format!("is not valid UTF-8: see line {line}"))
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(format!("cannot be read: {error}"))),
    };
    match ProfileFile::parse(&text) {
        Ok(file) => Ok(Some(file)),
        Err(error) => Err(fail(format!("cannot be parsed: line {} is {}", error.line, error.problem))),
    }
}

/// The profile file that a configuration reads.
pub(crate) fn profile_path(config: &ResolvedConfig) -> Option<PathBuf> {
    path(config.settings(), config.home())
}

/// The profile file that a configuration reads, with its path. `None` where there is none.
pub(crate) fn read_profile_file(config: &ResolvedConfig) -> Result<Option<(PathBuf, ProfileFile)>, AuthError> {
    let Some(path) = profile_path(config) else { return Ok(None) };
    Ok(read(&path)?.map(|file| (path, file)))
}

/// Adds the values of the chosen section, if one is to be read, and returns that section's host.
pub(crate) fn apply(
    settings: &mut Settings,
    home: Option<&Path>,
    warnings: &mut Vec<String>,
) -> Result<Option<String>, AuthError> {
    let named = settings.text(Key::Profile);
    if named.is_none() && is_configured(settings) {
        return Ok(None);
    }
    if named.as_deref() == Some(SETTINGS) {
        return Err(reserved(&settings.source(Key::Profile).map_or_else(String::new, |source| format!(" ({source})"))));
    }
    let Some(path) = path(settings, home) else { return Ok(None) };
    let Some(file) = read(&path)? else { return Ok(None) };
    warnings.extend(file.warnings.iter().map(|warning| format!("{}: {warning}", path.display())));
    let (name, is_named) = match named {
        Some(name) => (name, true),
        None => match file.setting("default_profile") {
            Some(SETTINGS) => return Err(reserved(&format!(" (default_profile in {})", path.display()))),
            Some(name) => (name.to_owned(), true),
            None => (DEFAULT.to_owned(), false),
        },
    };
    let Some(section) = file.section(&name) else {
        return if is_named { Err(not_found(&name, &path, &file)) } else { Ok(None) };
    };
    let mut added_secret = false;
    for attribute in ATTRIBUTES.iter().filter(|attribute| !matches!(attribute.key, Key::Profile | Key::ConfigFile)) {
        // Of two names of one attribute, the first of the table wins.
        let entry = attribute
            .names
            .iter()
            .find_map(|name| section.entries.iter().find(|e| e.key == *name && !e.value.is_empty()));
        let Some(entry) = entry else { continue };
        let source = Source::profile(&name, &path, Some(entry.line));
        let raw = Raw::Text(entry.value.as_str().into());
        if raw.is_empty() {
            continue;
        }
        let value = Value::read(attribute, &raw).map_err(|expected| invalid_value(attribute, &source, &expected))?;
        added_secret |= attribute.sensitive;
        settings.fill(attribute.key, value, source);
    }
    if is_named || !section.entries.is_empty() {
        settings.fill(Key::Profile, Value::Text(name.clone()), Source::profile(&name, &path, None));
    }
    if added_secret && crate::platform::is_readable_by_others(&path) {
        warnings.push(format!(
            "{} contains secrets and other users can read it; restrict it, for example with chmod 600",
            path.display()
        ));
    }
    Ok(section.get("host").filter(|host| !host.is_empty()).map(str::to_owned))
}

/// Whether enough is set that the profile `DEFAULT` is not read.
fn is_configured(settings: &Settings) -> bool {
    settings.is_set(Key::Host)
        || settings.is_set(Key::AzureWorkspaceResourceId)
        || ATTRIBUTES.iter().any(|attribute| attribute.family.is_some() && settings.is_set(attribute.key))
}

fn reserved(whence: &str) -> AuthError {
    AuthError::new(
        AuthErrorKind::ReservedProfile,
        format!("the section {SETTINGS} contains settings and is not a profile{whence}; choose another section"),
    )
}

fn not_found(name: &str, path: &Path, file: &ProfileFile) -> AuthError {
    let names: Vec<_> = file.profiles().map(|section| section.name.as_str()).collect();
    let known =
        if names.is_empty() { "it has no profiles".to_owned() } else { format!("it has: {}", names.join(", ")) };
    AuthError::new(AuthErrorKind::ProfileNotFound, format!("{} has no profile {name}; {known}", path.display()))
}
