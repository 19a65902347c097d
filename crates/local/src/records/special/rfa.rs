//! Where requests for access to a securable go, and such requests.

use serde_json::{Value, json};

use super::Run;
use crate::extract::{missing, one_of};
use crate::operations;
use crate::records::call::{Call, set};
use crate::records::mask::Mask;
use crate::records::store::Record;
use crate::reply::{ApiError, Json, Reply};

pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("rfa.get_access_request_destinations", get),
    ("rfa.update_access_request_destinations", update),
    ("rfa.batch_create_access_requests", request),
];

const DESTINATIONS: &str = "rfa/destinations";

fn key(kind: &str, name: &str) -> String {
    format!("{}/{}", kind.to_ascii_uppercase(), name.to_lowercase())
}

/// The destinations of a securable; one that none were stated for has none.
fn none(kind: &str, name: &str) -> Record {
    let mut record = Record::new();
    set(&mut record, "securable", json!({"type": kind.to_ascii_uppercase(), "full_name": name}));
    set(&mut record, "securable_type", kind.to_ascii_uppercase());
    set(&mut record, "full_name", name);
    set(&mut record, "destinations", json!([]));
    set(&mut record, "are_any_destinations_hidden", false);
    record
}

fn get(call: &Call<'_>) -> Reply {
    let (kind, name) = (call.param("securable_type").unwrap_or_default(), call.param("full_name").unwrap_or_default());
    let known: Vec<&'static str> = operations::values("catalog.SecurableType").collect();
    one_of("securable_type", &kind.to_ascii_uppercase(), &known)?;
    let kept = call.desk.records.get(DESTINATIONS, &key(kind, name));
    Ok(Json(Value::Object(kept.unwrap_or_else(|| none(kind, name)))))
}

fn update(call: &Call<'_>) -> Reply {
    let securable = call.body.opt_object("securable")?.ok_or_else(|| missing("securable"))?;
    let (kind, name) = (securable.str("type")?, securable.str("full_name")?);
    for destination in call.body.opt_list("destinations")?.unwrap_or_default() {
        let stated = ["destination_id", "special_destination"].into_iter();
        if stated.filter(|member| destination[*member].as_str().is_some_and(|text| !text.is_empty())).count() != 1 {
            let message = "A destination has one of destination_id and special_destination";
            return Err(ApiError::invalid_parameter(message));
        }
    }
    let mask = Mask::of(call);
    let stated = call.body.0.iter().filter(|(member, _)| *member == "destinations");
    let stated: Record = stated.map(|(member, value)| (member.clone(), value.clone())).collect();
    call.transact(|change| {
        let mut record = change.get(DESTINATIONS, &key(kind, name)).cloned().unwrap_or_else(|| none(kind, name));
        mask.apply(&mut record, &stated);
        change.put(DESTINATIONS, &key(kind, name), record.clone());
        Ok(Json(Value::Object(record)))
    })
}

/// Requests are kept; no notification is sent for them.
fn request(call: &Call<'_>) -> Reply {
    let requests = call.body.opt_list("requests")?.filter(|all| !all.is_empty()).ok_or_else(|| missing("requests"))?;
    call.transact(|change| {
        let mut responses = Vec::new();
        for request in requests {
            let permissions = request["securable_permissions"].as_array().filter(|all| !all.is_empty());
            let permissions = permissions.ok_or_else(|| missing("requests.securable_permissions"))?;
            let own = json!({"id": call.caller.id, "principal_type": "USER_PRINCIPAL"});
            let behalf_of = request.get("behalf_of").filter(|principal| principal.is_object()).cloned().unwrap_or(own);
            let mut kept = Record::new();
            set(&mut kept, "behalf_of", behalf_of.clone());
            set(&mut kept, "comment", request["comment"].clone());
            set(&mut kept, "securable_permissions", permissions.clone());
            change.put("rfa/requests", &call.desk.ids.uuid(), kept);
            let places = permissions.iter().filter_map(|one| {
                let (kind, name) = (one["securable"]["type"].as_str()?, one["securable"]["full_name"].as_str()?);
                Some(change.get(DESTINATIONS, &key(kind, name)).cloned().unwrap_or_else(|| none(kind, name)))
            });
            let places: Vec<Record> = places.collect();
            responses.push(json!({"behalf_of": behalf_of, "request_destinations": places}));
        }
        Ok(Json(json!({"responses": responses})))
    })
}
