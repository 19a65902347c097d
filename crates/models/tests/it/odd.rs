//! Values of another JSON type than described.

use databricks_core::model::{from_json, from_json_strict};
use databricks_models::{compute, jobs, sql};

#[test]
fn a_flag_where_a_number_was_costs_that_member() {
    let json =
        br#"[{"id": "1", "name": "first one", "paused": false, "type": "databricks_internal", "warehouse_id": "w1"}]"#;
    let list: Vec<sql::DataSource> = from_json(json).unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].id.as_deref(), list[0].warehouse_id.as_deref()), (Some("1"), Some("w1")));
    let error = from_json_strict::<Vec<sql::DataSource>>(json).unwrap_err().to_string();
    assert!(error.contains("DataSource.paused: expected an integer, found a boolean"), "{error}");
}

#[test]
fn an_odd_member_deep_within_costs_itself() {
    let json =
        br#"{"clusters":[{"cluster_id":"a","num_workers":"2","autoscale":"none","driver":{"node_id":7}},{"cluster_id":"b","state":5}]}"#;
    let list: compute::ListClustersResponse = from_json(json).unwrap();
    let clusters = list.clusters.unwrap();
    assert_eq!(clusters.len(), 2);
    assert_eq!((clusters[0].num_workers, clusters[0].autoscale.as_ref()), (Some(2), None));
    assert_eq!(clusters[0].driver.as_ref().unwrap().node_id.as_deref(), Some("7"));
    assert_eq!(clusters[1].state.as_ref().unwrap().as_str(), "5");
}

#[test]
fn a_list_is_not_cut_short() {
    for json in [r#"{"jobs":{"job_id":1}}"#, r#"{"jobs":[],"next_page_token":["x"]}"#, r#"{"jobs":"none"}"#] {
        let error = from_json::<jobs::ListJobsResponse>(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("ListJobsResponse."), "{error}");
    }
    let list: jobs::ListJobsResponse =
        from_json(br#"{"jobs":[{"job_id":"1"}, 5, {"job_id":2.0}],"next_page_token":12}"#).unwrap();
    assert_eq!(list.jobs.unwrap().iter().map(|job| job.job_id).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!(list.next_page_token.as_deref(), Some("12"));
}
