//! What requests look like.

use databricks_core::{Continuation, Operation, Paginated, RequestContext};
use databricks_models::iam::permissions;
use databricks_models::pipelines::pipelines;
use databricks_models::workspace::workspace;

fn path<O: Operation>(operation: &O) -> String {
    operation.request(&RequestContext::default()).unwrap().path_and_query()
}

#[test]
fn object_types_of_two_words_keep_their_slash() {
    let warehouses = ("sql/warehouses", "abc");
    assert_eq!(path(&permissions::Get::new(warehouses.0, warehouses.1)), "/api/2.0/permissions/sql/warehouses/abc");
    assert_eq!(path(&permissions::Set::new(warehouses.0, warehouses.1)), "/api/2.0/permissions/sql/warehouses/abc");
    assert_eq!(path(&permissions::Update::new(warehouses.0, warehouses.1)), "/api/2.0/permissions/sql/warehouses/abc");
    assert_eq!(
        path(&permissions::GetPermissionLevels::new(warehouses.0, warehouses.1)),
        "/api/2.0/permissions/sql/warehouses/abc/permissionLevels"
    );
    assert_eq!(path(&workspace::GetPermissions::new("sql/queries", "a/b")), "/api/2.0/permissions/sql/queries/a%2Fb");
    assert!(permissions::Get::new("sql/..", "abc").request(&RequestContext::default()).is_err());
}

#[test]
fn the_token_of_pipeline_events_goes_alone() {
    let mut list = pipelines::ListPipelineEvents::new("p");
    list.filter = Some("level='ERROR'".to_owned());
    list.order_by = Some(vec!["timestamp asc".to_owned()]);
    list.max_results = Some(2);
    list.advance(&Continuation::Token("t2".to_owned()), 2).unwrap();
    assert_eq!(path(&list), "/api/2.0/pipelines/p/events?max_results=2&page_token=t2");
}
