//! Opening and closing sessions.

use thrift::protocol::TType;

use super::door::Fault;
use super::reply::{Refusal, success};
use super::wire::{Struct, Value};
use super::{Context, adapter, info, names};
use crate::sql::Failure;
use crate::sql::conf::Config;
use crate::state::sessions::Session;

/// The newest version of the interface that the door has, `SPARK_CLI_SERVICE_PROTOCOL_V9`.
const NEWEST: i32 = 0xa509;
/// The first version of the platform's own; those below are Hive's.
const FIRST_OWN: i64 = 0xa501;

/// The version that is spoken with a client: the server's own, which clients of the platform go by, or the client's of
/// Hive's.
fn version(client: Option<i64>) -> i32 {
    match client {
        Some(stated) if (0..FIRST_OWN).contains(&stated) => i32::try_from(stated).unwrap_or(NEWEST).min(9),
        _ => NEWEST,
    }
}

fn empty_is_none(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_lowercase)
}

pub(super) async fn open(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    let app = &context.app;
    let stated = match request.i64(1282, "client_protocol_i64")? {
        Some(version) => Some(version),
        None => request.i32(1, "client_protocol")?.map(i64::from),
    };
    let version = version(stated);
    let config = Config::read(&request.pairs(4, "configuration")?)?;
    let none = Struct::default();
    let namespace = request.strukt(1284, "initialNamespace")?.unwrap_or(&none);
    let catalog = empty_is_none(namespace.string(1, "catalogName")?).or(config.catalog);
    let schema = empty_is_none(namespace.string(2, "schemaName")?).or(config.schema);
    let infos = request.list(1281, "getInfos")?.to_vec();

    check_catalog(context, catalog.as_deref()).await?;
    let session = Session {
        warehouse_id: context.compute.clone(),
        catalog: catalog.clone(),
        schema: schema.clone(),
        settings: config.settings,
    };
    let id = adapter::open_session(app, session).await?;
    let session = context.door.open(app, id, &context.caller, config.timeout, config.timestamps_as_text)?;

    let handle = Struct::default().with(1, session.handle.to_value()).with(3329, Value::I32(version));
    let namespace = Struct::default().with_some(1, catalog.map(Value::text)).with_some(2, schema.map(Value::text));
    let mut response = Struct::default()
        .with(1, success())
        .with(2, Value::I32(version))
        .with(3, Value::Struct(handle))
        .with(4, Value::Map(TType::String, TType::String, Vec::new()))
        .with(1284, Value::Struct(namespace))
        .with(1285, Value::Bool(true));
    if !infos.is_empty() {
        let values = infos.iter().map(|kind| match kind {
            Value::I32(kind) => info::value(*kind).map(Value::Struct),
            _ => Err(Refusal::invalid("getInfos must be a list of numbers")),
        });
        response = response.with(1281, Value::List(TType::Struct, values.collect::<Result<_, _>>()?));
    }
    Ok(response)
}

/// Refuses a catalog that does not exist. A schema may be missing: tools open a session in the one that they then make.
async fn check_catalog(context: &Context, catalog: Option<&str>) -> Result<(), Fault> {
    let Some(catalog) = catalog.filter(|_| cfg!(feature = "engine")) else { return Ok(()) };
    if names::catalogs(&context.app).await?.iter().any(|name| name == catalog) {
        return Ok(());
    }
    let text = format!("Catalog '{catalog}' was not found.");
    Err(Failure::class("NO_SUCH_CATALOG_EXCEPTION", &text, "42704").into())
}

pub(super) fn close(context: &Context, request: &Struct) -> Result<Struct, Fault> {
    let session = context.door.session(&context.app, &context.caller, request)?;
    context.door.close(&context.app, &session);
    Ok(Struct::default().with(1, success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_hive_are_spoken_to_in_their_version() {
        for (client, spoken) in [
            (None, NEWEST),
            (Some(0), 0),
            (Some(7), 7),
            (Some(9), 9),
            (Some(200), 9),
            (Some(0xa507), 0xa509),
            (Some(i64::MAX), NEWEST),
            (Some(-7), NEWEST),
        ] {
            assert_eq!(version(client), spoken, "{client:?}");
        }
    }
}
