//! Queries, alerts, visualizations and dashboards.

use serde_json::json;

use crate::records::call::{Call, default, set, text};
use crate::records::kind::{Identity, Kind, Verb};
use crate::records::store::Record;
use crate::reply::ApiError;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("queries", "Query", "id", Identity::Uuid).wrap("query").on_create(query),
    Kind::new("alerts", "Alert", "id", Identity::Uuid).wrap("alert").on_create(alert),
    Kind::new("alerts_v2", "Alert", "id", Identity::Uuid)
        .suffixes(&["alert", "alerts"])
        .required(&["display_name"])
        .on_create(alert_v2),
    Kind::new("query_visualizations", "Visualization", "id", Identity::Uuid).wrap("visualization"),
    Kind::new("queries_legacy", "Query", "id", Identity::Uuid).required(&["name"]).on_create(legacy_query),
    Kind::new("alerts_legacy", "Alert", "id", Identity::Uuid).required(&["name", "query_id"]).on_create(legacy_alert),
    Kind::new("lakeview", "Dashboard", "dashboard_id", Identity::Hex)
        .required(&["display_name"])
        .on_create(dashboard)
        .actions(&[("trash", trash)]),
    Kind::new("lakeview", "Schedule", "schedule_id", Identity::Hex)
        .suffixes(&["schedule", "schedules"])
        .required(&["cron_schedule"])
        .on_create(schedule),
    Kind::new("lakeview", "Subscription", "subscription_id", Identity::Hex)
        .suffixes(&["subscription", "subscriptions"])
        .required(&["subscriber"])
        .on_create(subscription),
    Kind::new("genie", "Space", "space_id", Identity::Hex)
        .suffixes(&["space", "spaces"])
        .on_create(space)
        .verbs(&[("trash_space", Verb::Delete)]),
];

fn space(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    default(record, "title", "New Space");
    Ok(())
}

fn home(call: &Call<'_>) -> String {
    format!("/Users/{}", call.caller.name)
}

fn query(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "lifecycle_state", "ACTIVE");
    default(record, "run_as_mode", "OWNER");
    default(record, "display_name", "New Query");
    default(record, "parent_path", format!("/Workspace{}", home(call)));
    Ok(())
}

fn alert(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "lifecycle_state", "ACTIVE");
    set(record, "state", "UNKNOWN");
    default(record, "seconds_to_retrigger", 0);
    default(record, "parent_path", format!("/Workspace{}", home(call)));
    Ok(())
}

fn alert_v2(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "lifecycle_state", "ACTIVE");
    set(record, "run_as_user_name", call.caller.name.as_str());
    set(record, "effective_run_as", json!({"user_name": call.caller.name}));
    default(record, "parent_path", format!("/Workspace{}", home(call)));
    Ok(())
}

fn legacy_query(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "user", json!({"id": call.caller.number(), "name": call.caller.name, "email": call.caller.name}));
    set(record, "user_id", call.caller.number());
    set(record, "is_draft", false);
    set(record, "is_archived", false);
    set(record, "can_edit", true);
    Ok(())
}

fn legacy_alert(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    let query_id = call.required("query_id")?;
    set(record, "query", json!({"id": query_id}));
    set(record, "state", "unknown");
    set(record, "user", json!({"id": call.caller.number(), "name": call.caller.name, "email": call.caller.name}));
    Ok(())
}

fn dashboard(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "lifecycle_state", "ACTIVE");
    default(record, "parent_path", home(call));
    default(record, "serialized_dashboard", "{}");
    let path = format!("{}/{}.lvdash.json", text(record, "parent_path"), text(record, "display_name"));
    set(record, "path", path);
    Ok(())
}

fn trash(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    set(record, "lifecycle_state", "TRASHED");
    Ok(())
}

fn schedule(record: &mut Record, _: &Call<'_>) -> Result<(), ApiError> {
    default(record, "pause_status", "UNPAUSED");
    Ok(())
}

fn subscription(record: &mut Record, call: &Call<'_>) -> Result<(), ApiError> {
    set(record, "created_by_user_id", call.caller.number());
    default(record, "skip_notify", false);
    Ok(())
}
