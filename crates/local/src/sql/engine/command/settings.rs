//! USE, SET and RESET.

use super::super::scope::{Listing, Reply, Scope};
use super::super::spark::value::V;
use super::super::store::missing::{self, feature};
use super::cursor::Cursor;
use super::{string, variables};
use crate::sql::Failure;

/// Settings of a warehouse: name, default, and whether another value can be had here.
const SETTINGS: &[(&str, &str, bool)] = &[
    ("ansi_mode", "true", false),
    ("enable_photon", "true", true),
    ("legacy_time_parser_policy", "EXCEPTION", false),
    ("max_file_partition_bytes", "128m", true),
    ("query_tags", "", true),
    ("read_only_external_metastore", "false", true),
    ("statement_timeout", "172800", true),
    ("timezone", "UTC", false),
    ("use_cached_result", "true", true),
];

/// The place that later statements start from; the session notes it, this checks it.
pub(super) fn use_place(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let name = |c: &mut Cursor<'_>| if c.is_string() { c.string().map(|s| vec![s]) } else { c.name() };
    if c.eat("CATALOG") {
        let parts = name(c)?;
        c.done()?;
        return catalog(scope, &parts);
    }
    let _ = c.eat("SCHEMA") || c.eat("DATABASE");
    let parts = name(c)?;
    c.done()?;
    let (catalog, schema) = match parts.as_slice() {
        // A name of one part can be that of a catalog as well.
        [one] => {
            let lower = one.to_lowercase();
            let inside =
                scope.core.store.read(|all| all.get(&scope.catalog).is_some_and(|c| c.schemas.contains_key(&lower)));
            if !inside && scope.core.store.read(|all| all.contains_key(&lower)) {
                return Err(feature("USE with the name of a catalog; write USE CATALOG"));
            }
            (scope.catalog.clone(), lower)
        }
        parts => scope.resolve_schema(parts)?,
    };
    if schema == "information_schema" {
        return Ok(Reply::Nothing);
    }
    scope.core.store.schema(&catalog, &schema, |_| Reply::Nothing)
}

fn catalog(scope: &Scope<'_>, parts: &[String]) -> Result<Reply, Failure> {
    let name = parts.first().map(|p| p.to_lowercase()).unwrap_or_default();
    let there = name == "system" || scope.core.store.read(|all| all.contains_key(&name));
    if there { Ok(Reply::Nothing) } else { Err(missing::catalog(&name)) }
}

fn listing(rows: Vec<(String, String)>) -> Reply {
    let rows = rows.into_iter().map(|(k, v)| vec![string(k), string(v)]);
    Reply::Rows(Listing::new(&["key", "value"]).with(rows.collect::<Vec<Vec<V>>>()))
}

pub(super) async fn set(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    if c.eat("CATALOG") {
        let parts = if c.is_string() { vec![c.string()?] } else { c.name()? };
        c.done()?;
        return catalog(scope, &parts);
    }
    if c.eat("VAR") || c.eat("VARIABLE") {
        return variables::set(scope, c).await;
    }
    if c.eat("TIME ZONE") {
        let zone = if c.is_string() { c.string()? } else { c.rest()?.to_owned() };
        c.done()?;
        return zoned(&zone).map(|()| Reply::Nothing);
    }
    if c.is("RECIPIENT") || c.is("ROLE") {
        return Err(feature("this form of SET"));
    }
    let kept = |key: &str| scope.session.lock().settings.get(key).cloned();
    if c.at_end() || c.is("- v") {
        let rows =
            SETTINGS.iter().map(|(k, default, _)| ((*k).to_owned(), kept(k).unwrap_or_else(|| (*default).to_owned())));
        return Ok(listing(rows.collect()));
    }
    let key = c.name()?.join(".");
    let lower = key.to_lowercase();
    let known = SETTINGS.iter().find(|(k, _, _)| *k == lower);
    let Some((_, default, free)) = known else { return Err(unknown(&key)) };
    if !c.eat("=") {
        c.done()?;
        return Ok(listing(vec![(lower.clone(), kept(&lower).unwrap_or_else(|| (*default).to_owned()))]));
    }
    let value = if c.is_string() { c.string()? } else { c.rest()?.to_owned() };
    c.done()?;
    if lower == "timezone" {
        zoned(&value)?;
    } else if !free && !value.eq_ignore_ascii_case(default) {
        return Err(feature(&format!("{lower} = {value}; it is always {default}")));
    }
    scope.session.lock().settings.insert(lower.clone(), value.clone());
    Ok(listing(vec![(lower, value)]))
}

fn unknown(key: &str) -> Failure {
    Failure::class("CONFIG_NOT_AVAILABLE", &format!("Configuration {key} is not available."), "42K0I")
}

fn zoned(zone: &str) -> Result<(), Failure> {
    let utc = ["utc", "etc/utc", "gmt", "z", "+00:00", "local"].contains(&zone.to_lowercase().as_str());
    if utc { Ok(()) } else { Err(feature(&format!("the session time zone {zone}; sessions are in UTC"))) }
}

pub(super) fn reset(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    if c.at_end() {
        scope.session.lock().settings.clear();
        return Ok(Reply::Nothing);
    }
    let key = c.name()?.join(".").to_lowercase();
    c.done()?;
    if !SETTINGS.iter().any(|(k, _, _)| *k == key) {
        return Err(unknown(&key));
    }
    scope.session.lock().settings.remove(&key);
    Ok(Reply::Nothing)
}
