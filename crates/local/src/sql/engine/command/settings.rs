//! USE, SET and RESET.

use super::super::scope::{DEFAULT_ZONE, Listing, Reply, Scope};
use super::super::spark::interval;
use super::super::spark::value::V;
use super::super::spark::zone::{self, Zone};
use super::super::store::missing::{self, feature};
use super::super::time_zone as time_zone_named;
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
    ("timezone", DEFAULT_ZONE, true),
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
        let written = time_zone(c)?;
        c.done()?;
        set_zone(scope, written)?;
        let name = scope.session.time_zone().unwrap_or_else(|| DEFAULT_ZONE.to_owned());
        return Ok(listing(vec![("spark.sql.session.timeZone".to_owned(), name)]));
    }
    if c.is("RECIPIENT") || c.is("ROLE") {
        return Err(feature("this form of SET"));
    }
    let kept = |key: &str| scope.session.lock().setting(key).cloned();
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
        set_zone(scope, Some(value.clone()))?;
        return Ok(listing(vec![(lower, value)]));
    }
    if !free && !value.eq_ignore_ascii_case(default) {
        return Err(feature(&format!("{lower} = {value}; it is always {default}")));
    }
    scope.session.lock().settings.insert(lower.clone(), value.clone());
    Ok(listing(vec![(lower, value)]))
}

fn unknown(key: &str) -> Failure {
    Failure::class("CONFIG_NOT_AVAILABLE", &format!("Configuration {key} is not available."), "42K0I")
}

/// What stands behind SET TIME ZONE; `None` is LOCAL, the default.
fn time_zone(c: &mut Cursor<'_>) -> Result<Option<String>, Failure> {
    if c.is_string() {
        return c.string().map(Some);
    }
    if c.eat("LOCAL") {
        return Ok(None);
    }
    // The form that interval literals have by now.
    if !c.eat("interval_literal") {
        return c.rest().map(|name| Some(name.to_owned()));
    }
    c.expect("(")?;
    let amount = c.string()?;
    c.expect(",")?;
    let from = c.string()?;
    c.expect(",")?;
    let to = c.string()?;
    c.expect(")")?;
    let seconds = interval::offset(&amount, &from, &to).ok_or_else(|| {
        let text = format!(
            "Cannot set the time zone to the interval '{amount}': it must be in the range of [-18, 18] hours with second precision."
        );
        Failure::class("INVALID_INTERVAL_FORMAT.TIMEZONE_INTERVAL_OUT_OF_RANGE", &text, "22006")
    })?;
    Ok(Some(Zone::Fixed(seconds).to_string()))
}

/// Sets the zone, from the next statement of the session on.
fn set_zone(scope: &Scope<'_>, name: Option<String>) -> Result<(), Failure> {
    name.as_deref().map(time_zone_named).transpose()?;
    match name {
        Some(name) => scope.session.lock().settings.insert("timezone".to_owned(), name),
        None => scope.session.lock().settings.remove("timezone"),
    };
    zone::set(scope.session.zone());
    Ok(())
}

pub(super) fn reset(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    if c.at_end() {
        scope.session.lock().settings.clear();
        zone::set(scope.session.zone());
        return Ok(Reply::Nothing);
    }
    let key = c.name()?.join(".").to_lowercase();
    c.done()?;
    if !SETTINGS.iter().any(|(k, _, _)| *k == key) {
        return Err(unknown(&key));
    }
    scope.session.lock().settings.remove(&key);
    zone::set(scope.session.zone());
    Ok(Reply::Nothing)
}
