//! Masks of updates: what of a real message is named, by the paths that the API's texts allow.

use databricks_core::model::{Message, Wire, from_json};
use databricks_core::operation::{Operation, Payload, RequestContext};
use databricks_core::{ErrorKind, Result};
use databricks_models::{apps, compute, ml, postgres, settings};
use serde_json::Value;

fn message<T: for<'de> Wire<'de> + Message>(json: &str) -> T {
    from_json(json.as_bytes()).unwrap()
}

/// The mask in the query.
fn query(operation: &impl Operation) -> Result<String> {
    let parts = operation.request(&RequestContext::default())?;
    let mask = parts.query_string().split('&').find_map(|pair| pair.strip_prefix("update_mask=")).map(str::to_owned);
    Ok(mask.unwrap_or_default().replace("%2C", ","))
}

/// The mask in the body.
fn member(operation: &impl Operation, name: &str) -> Value {
    let parts = operation.request(&RequestContext::default()).unwrap();
    let Payload::Json(text) = &parts.payload else { panic!("{:?}", parts.payload) };
    serde_json::from_slice::<Value>(text).unwrap()[name].clone()
}

#[test]
fn members_within_are_named_by_dotted_paths() {
    let branch: postgres::Branch =
        message(r#"{"name":"projects/p/branches/b","uid":"u","spec":{"is_protected":true,"ttl":"60s"}}"#);
    let update = postgres::postgres::UpdateBranch::new("projects/p/branches/b", branch);
    assert_eq!(query(&update).unwrap(), "spec.is_protected,spec.ttl");

    let cluster = compute::UpdateClusterResource::new()
        .num_workers(4)
        .custom_tags([("team".to_owned(), "blue".to_owned())])
        .aws_attributes(compute::AwsAttributes::new().zone_id("eu-west-1a"));
    let mut update = compute::clusters::Update::new("0923");
    update.cluster = Some(cluster);
    assert_eq!(member(&update, "update_mask"), "aws_attributes.zone_id,custom_tags,num_workers");
}

#[test]
fn settings_are_named_without_what_identifies_them() {
    let setting: settings::DefaultNamespaceSetting =
        message(r#"{"etag":"e","setting_name":"default","namespace":{"value":"main"}}"#);
    let update = settings::default_namespace::Update::new(true, setting);
    assert_eq!(member(&update, "field_mask"), "namespace.value");
}

#[test]
fn paths_that_the_texts_do_not_allow_are_refused() {
    let issue: ml::Issue = message(r#"{"title":"t","severity":"LOW","metadata":{"k":"v"},"description":"d"}"#);
    let update = ml::experiments::UpdateIssue::new("experiments/1/issues/2", issue);
    assert_eq!(query(&update).unwrap(), "description,metadata.k,severity,title");

    let role: postgres::Role =
        message(r#"{"spec":{"postgres_role":"r","membership_roles":[],"attributes":{"createdb":true}}}"#);
    let update = postgres::postgres::UpdateRole::new("projects/p/branches/b/roles/r", role);
    assert_eq!(query(&update).unwrap(), "spec.attributes.createdb,spec.membership_roles");

    let issue: ml::Issue = message(r#"{"title":"t","severity":"LOW","create_time":"2024-05-01T00:00:00Z"}"#);
    let mut update = ml::experiments::UpdateIssue::new("experiments/1/issues/2", issue);
    let error = query(&update).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let expected = "experiments.update_issue: update_mask cannot be computed: create_time is set, which it cannot name; set update_mask";
    assert!(error.to_string().starts_with(expected), "{error}");
    update.update_mask = Some("title".into());
    assert_eq!(query(&update).unwrap(), "title");
}

#[test]
fn an_update_of_nothing_is_refused() {
    let update = apps::apps::CreateUpdate::new("a");
    let error = update.request(&RequestContext::default()).unwrap_err();
    assert!(error.to_string().contains("nothing is set in app: set what is to be updated, or update_mask"), "{error}");
}

#[cfg(feature = "preview")]
#[test]
fn members_may_be_named_by_another_path() {
    use databricks_models::catalog;

    let service: catalog::ModelProviderService =
        message(r#"{"comment":"c","config":{"openai":{"direct":{"base_url":"https://x.example"}},"targets":[]}}"#);
    let update = catalog::ai_gateway::UpdateModelProviderService::new("model-provider-services/a.b.c", service);
    assert_eq!(query(&update).unwrap(), "comment,config.provider,config.targets");
}
