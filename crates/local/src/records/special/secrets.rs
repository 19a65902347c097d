//! OAuth secrets of service principals. The secret itself is given once; what is kept is its hash.

use serde_json::{Value, json};

use super::Run;
use crate::caller::TokenHash;
use crate::clock::Clock;
use crate::random;
use crate::records::call::{Call, set};
use crate::records::store::{Record, Records};
use crate::records::verbs::listing;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("service_principal_secrets.create", create),
    ("service_principal_secrets.list", list),
    ("service_principal_secrets.delete", delete),
    ("service_principal_secrets_proxy.create", create),
    ("service_principal_secrets_proxy.list", list),
    ("service_principal_secrets_proxy.delete", delete),
];

/// The longest lifetime: two years.
const LONGEST_SECONDS: i64 = 730 * 24 * 3600;
const PREFIX: &str = "service_principal_secrets/";

fn principal<'a>(call: &'a Call<'_>) -> &'a str {
    call.param("service_principal_id").unwrap_or_default()
}

fn collection(principal: &str) -> String {
    format!("{PREFIX}{principal}")
}

fn create(call: &Call<'_>) -> Reply {
    let lifetime = match call.body.opt_str("lifetime")? {
        None => LONGEST_SECONDS,
        Some(text) => text
            .strip_suffix('s')
            .and_then(|n| n.parse::<i64>().ok())
            .filter(|n| (1..=LONGEST_SECONDS).contains(n))
            .ok_or_else(|| {
                ApiError::invalid_parameter("lifetime must be seconds such as '3600s', at most two years")
            })?,
    };
    let bytes = random::bytes::<16>().map_err(|e| ApiError::internal(format!("No random bytes: {e}")))?;
    let secret = format!("dose{}", random::to_hex(&bytes));
    let id = call.desk.ids.uuid();
    let expires = call.now().saturating_add(lifetime.saturating_mul(1000));
    let mut record = Record::new();
    set(&mut record, "id", id.clone());
    set(&mut record, "secret_hash", TokenHash::of(&secret).to_hex());
    set(&mut record, "status", "ACTIVE");
    set(&mut record, "create_time", Clock::rfc3339(call.now()));
    set(&mut record, "update_time", Clock::rfc3339(call.now()));
    set(&mut record, "expire_time", Clock::rfc3339(expires));
    call.transact(|change| {
        if change.get("scim/ServicePrincipals", principal(call)).is_none() {
            return Err(ApiError::not_found(format!("Service principal {} does not exist.", principal(call))));
        }
        let mut kept = record.clone();
        set(&mut kept, "expires_ms", expires);
        change.put(&collection(principal(call)), &id, kept);
        set(&mut record, "secret", secret);
        Ok(Json(Value::Object(record)))
    })
}

fn list(call: &Call<'_>) -> Reply {
    let all = call.desk.records.list(&collection(principal(call))).into_iter().map(|mut r| {
        r.remove("expires_ms");
        Value::Object(r)
    });
    listing(call, all.collect(), "secrets")
}

fn delete(call: &Call<'_>) -> Reply {
    let id = call.last_param().unwrap_or_default();
    call.transact(|change| {
        let removed = change.remove(&collection(principal(call)), id);
        removed.ok_or_else(|| ApiError::not_found(format!("Secret {id} does not exist.")))?;
        Ok(Json(json!({})))
    })
}

/// The identifier of the service principal of `application_id`, if `secret` is one of its secrets.
pub(crate) fn principal_of(records: &Records, application_id: &str, secret: &str, now: i64) -> Option<String> {
    let hash = TokenHash::of(secret).to_hex();
    let change = records.change();
    let principals = change.list("scim/ServicePrincipals");
    let (id, _) = principals.into_iter().find(|(_, p)| p.get("applicationId") == Some(&json!(application_id)))?;
    let valid = change.list(&collection(id)).into_iter().any(|(_, kept)| {
        let expires = kept.get("expires_ms").and_then(Value::as_i64).unwrap_or_default();
        let same = crate::caller::same_text(kept.get("secret_hash").and_then(Value::as_str).unwrap_or_default(), &hash);
        same && now < expires
    });
    valid.then(|| id.to_owned())
}
