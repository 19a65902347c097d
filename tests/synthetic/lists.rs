//! Paging of every kind.

use databricks_core::{Continuation, Operation, Paginated};
use databricks_sdk::ErrorKind;
use httpmock::Method::{GET, POST};
use httpmock::MockServer;
use serde_json::{Value, json};

use crate::client;
use crate::models::shapes::{Filter, InnerFilter, Kind, Shape, shapes};

fn names(shapes: Vec<Shape>) -> Vec<String> {
    shapes.into_iter().filter_map(|shape| shape.name).collect()
}

fn page(names: &[&str], token: Value) -> Value {
    let shapes: Vec<_> = names.iter().map(|name| json!({"kind": "CIRCLE", "name": name})).collect();
    json!({"shapes": shapes, "next_page_token": token})
}

#[tokio::test]
async fn tokens_in_the_query_with_filters() {
    let server = MockServer::start_async().await;
    let query = "filter_by.big=false&filter_by.inner.prefix=a%26b&filter_by.kinds=CIRCLE&filter_by.kinds=3D_BOX&kinds=3D_BOX&max_results=0&only_big=true";
    let tail = "since=2024-05-01T12%3A00%3A00Z&sortBy=name";
    let first = server.mock(|when, then| {
        when.method(GET)
            .path("/api/2.0/shapes")
            .is_true(move |request| request.uri().query() == Some(&format!("{query}&{tail}")));
        then.status(200).json_body(page(&["a"], json!("t 1")));
    });
    let second = server.mock(|when, then| {
        when.method(GET)
            .path("/api/2.0/shapes")
            .is_true(move |request| request.uri().query() == Some(&format!("{query}&page_token=t%201&{tail}")));
        then.status(200).json_body(page(&["b"], json!("")));
    });
    let mut list = shapes::List::new();
    let inner = InnerFilter::new().prefix("a&b");
    list.filter_by = Some(Filter::new().kinds([Kind::Circle, Kind::_3dBox]).big(false).inner(inner));
    list.kinds = Some(vec![Kind::_3dBox]);
    list.only_big = Some(true);
    list.since = Some("2024-05-01T14:00:00+02:00".parse().unwrap());
    list.sort_by = Some("name".to_owned());
    assert_eq!(names(client(&server).call(list).items().try_collect().await.unwrap()), ["a", "b"]);
    first.assert_async().await;
    second.assert_async().await;
}

#[tokio::test]
async fn tokens_in_the_body() {
    let server = MockServer::start_async().await;
    for (sent, response) in [
        (json!({"query": "q"}), page(&["a"], json!("t"))),
        (json!({"query": "q", "page_token": "t"}), page(&[], json!("u"))),
        (json!({"query": "q", "page_token": "u"}), page(&["b"], Value::Null)),
    ] {
        server.mock(move |when, then| {
            when.method(POST).path("/api/2.0/shapes:search").json_body(sent);
            then.status(200).json_body(response);
        });
    }
    let mut search = shapes::Search::new();
    search.query = Some("q".to_owned());
    assert_eq!(names(client(&server).call(search).items().try_collect().await.unwrap()), ["a", "b"]);
    assert_eq!(shapes::Search::INFO.idempotency, databricks_core::Idempotency::ReadOnly);
}

#[tokio::test]
async fn an_index_counts_items_and_drops_those_that_come_twice() {
    let server = MockServer::start_async().await;
    for (start, ids) in [("1", &["a", "b"][..]), ("3", &["b", "c"][..]), ("5", &[][..])] {
        let people: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        server.mock(move |when, then| {
            when.method(GET).path("/api/2.0/people").query_param("startIndex", start).query_param("count", "100");
            then.status(200).json_body(json!({"Resources": people}));
        });
    }
    let people = client(&server).call(shapes::People::new()).items().try_collect().await.unwrap();
    assert_eq!(people.into_iter().filter_map(|person| person.id).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[tokio::test]
async fn page_numbers_count_pages() {
    let server = MockServer::start_async().await;
    for (number, names) in [("1", &["a", "b"][..]), ("2", &["c"][..]), ("3", &[][..])] {
        server.mock(move |when, then| {
            when.method(GET).path("/api/2.0/shapes/numbered").query_param("page", number);
            then.status(200).json_body(page(names, Value::Null));
        });
    }
    assert_eq!(
        names(client(&server).call(shapes::Numbered::new()).items().try_collect().await.unwrap()),
        ["a", "b", "c"]
    );
}

#[tokio::test]
async fn the_response_spells_out_the_next_request() {
    let server = MockServer::start_async().await;
    for (sent, response) in [
        (
            json!({"shape_id": "s", "limit": 1}),
            json!({"events": [{"at": 1}], "next_page": {"shape_id": "s", "offset": "1", "limit": 1}}),
        ),
        (json!({"shape_id": "s", "offset": 1, "limit": 1}), json!({"events": [{"at": "2"}]})),
    ] {
        server.mock(move |when, then| {
            when.method(POST).path("/api/2.0/shapes/events").json_body(sent);
            then.status(200).json_body(response);
        });
    }
    let mut events = shapes::Events::new("s");
    events.limit = Some(1);
    let all = client(&server).call(events).items().try_collect().await.unwrap();
    assert_eq!(all.into_iter().filter_map(|event| event.at).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn single_pages_and_plain_lists() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/all");
        then.status(200).json_body(page(&["a", "b"], Value::Null));
    });
    server.mock(|when, then| {
        when.method(GET).path("/api/2.0/shapes/plain");
        then.status(200).json_body(json!([{"kind": "CIRCLE", "name": "a"}]));
    });
    let client = client(&server);
    assert_eq!(names(client.call(shapes::All::new()).items().try_collect().await.unwrap()), ["a", "b"]);
    assert_eq!(names(client.call(shapes::ListPlain::new()).await.unwrap()), ["a"]);
}

#[test]
fn a_position_of_another_listing_is_refused() {
    let refused = [
        shapes::List::new().advance(&Continuation::Count, 1),
        shapes::People::new().advance(&Continuation::Token("t".into()), 1),
        shapes::All::new().advance(&Continuation::Token("t".into()), 1),
        shapes::Events::new("s").advance(&Continuation::Body(json!([])), 1),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
