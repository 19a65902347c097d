//! Failures on demand, and what the record states of them.

use std::time::Duration;

use databricks_local::faults::Rule;
use serde_json::json;

use crate::client::{call, fast, get, post, send};

const LIST: &str = "/api/2.1/clusters/list";

#[tokio::test]
async fn statuses_come_in_their_window() {
    let w = fast().await;
    let fault = w
        .faults()
        .add(Rule::new("GET", "/api/*/clusters/list").skip(1).times(1).status(429).header("retry-after", "7"));
    get(&w, LIST).await.ok();
    let busy = get(&w, LIST).await;
    busy.refused(429, "REQUEST_LIMIT_EXCEEDED");
    assert_eq!(busy.header("retry-after"), Some("7"));
    get(&w, LIST).await.ok();
    assert_eq!((fault.seen(), fault.hits()), (3, 1));
    let requests = w.requests();
    let seen: Vec<_> = requests.iter().map(|r| (r.status.unwrap().as_u16(), r.handled)).collect();
    assert_eq!(seen, [(200, true), (429, false), (200, true)]);
}

#[tokio::test]
async fn dropped_connections_give_no_byte_and_have_no_effect() {
    let w = fast().await;
    w.faults().add(Rule::new("POST", "*/token/create").times(1).drop_connection());
    let bearer = format!("Bearer {}", w.token());
    let lost = send(&w, "POST", "/api/2.0/token/create", &[("authorization", &bearer)], b"{}").await;
    assert_eq!(lost.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(get(&w, "/api/2.0/token/list").await.ok()["token_infos"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_response_lost_after_the_handler_leaves_its_effect() {
    let w = fast().await;
    w.faults().add(Rule::new("POST", "*/token/create").times(1).after_handler().drop_connection());
    let bearer = format!("Bearer {}", w.token());
    assert!(send(&w, "POST", "/api/2.0/token/create", &[("authorization", &bearer)], b"{}").await.is_err());
    assert_eq!(get(&w, "/api/2.0/token/list").await.ok()["token_infos"].as_array().unwrap().len(), 2);
    assert!(w.requests()[0].handled);
    assert_eq!(w.requests()[0].status, None);
}

#[tokio::test]
async fn a_response_can_be_cut_short() {
    let w = fast().await;
    w.faults().add(Rule::new("GET", "*/list-node-types").times(1).cut_after(300));
    let bearer = format!("Bearer {}", w.token());
    let cut = send(&w, "GET", "/api/2.1/clusters/list-node-types", &[("authorization", &bearer)], b"").await;
    assert!(cut.is_err());
    get(&w, "/api/2.1/clusters/list-node-types").await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_delay_passes_on_the_clock_of_the_test() {
    let w = fast().await;
    w.faults().add(Rule::new("*", "*").times(1).delay(Duration::from_secs(90)));
    let before = tokio::time::Instant::now();
    get(&w, LIST).await.ok();
    assert!(before.elapsed() >= Duration::from_secs(90));
}

#[tokio::test]
async fn programs_in_other_languages_set_them_over_http() {
    let w = fast().await;
    let rule = json!({"method": "GET", "path": "*/list", "times": 1, "status": 503, "body": {"error_code": "X", "message": "m"}});
    post(&w, "/local/faults", rule).await.ok();
    get(&w, LIST).await.refused(503, "X");
    assert_eq!(get(&w, "/local/faults").await.ok()["faults"][0]["hits"], 1);
    call(&w, "DELETE", "/local/faults", None).await.ok();
    assert!(get(&w, "/local/faults").await.ok()["faults"].as_array().unwrap().is_empty());
    assert_eq!(send(&w, "POST", "/local/faults", &[], b"{}").await.unwrap().status, 401);
}

#[tokio::test]
async fn the_record_hides_credentials() {
    let w = fast().await;
    get(&w, LIST).await.ok();
    let requests = w.requests();
    assert_eq!(requests[0].headers["authorization"], "Bearer **REDACTED**");
    assert!(!format!("{w:?} {requests:?}").contains(w.token()));
}
