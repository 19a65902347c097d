//! Reading and writing of messages in every shape.

use std::collections::BTreeMap;

use super::*;
use serde_json::json;

crate::open_enum! {
    /// Two values.
    Side { /// Left.
        Left = "LEFT", /// Right.
        Right = "RIGHT", }
}

crate::model! {
    /// Every shape.
    Node {
        required {
            /// Name.
            name: String = "name",
            /// Side.
            side: Side = "side",
        }
        optional {
            /// Count.
            count: i64 = "count",
            /// Counts.
            counts: Vec<i64> = "counts",
            /// Ratio.
            ratio: f64 = "ratio",
            /// Children.
            children: Vec<Node> = "children",
            /// Next.
            next: Box<Node> = "next",
            /// By name.
            by_name: BTreeMap<String, Node> = "byName",
            /// Anything.
            any: serde_json::Value = "any",
            /// A secret.
            handle: String = "handle" (secret),
            /// Settings.
            settings: BTreeMap<String, String> = "settings" (settings),
            /// Tags.
            tags: BTreeMap<String, String> = "tags",
            /// A moment.
            at: crate::Timestamp = "at",
            /// A flag.
            on: bool = "on",
            /// Nothing without it.
            page: String = "page" (essential),
            /// The same.
            items: Vec<Node> = "items" (essential),
        }
    }
}

#[test]
fn reads_leniently_and_writes_back() {
    let text = r#"{"name":"a","side":"UP","count":"9007199254740993","counts":[1,"2"],"ratio":1,"children":[{"name":"b","side":"LEFT"}],
        "next":{"name":"c","side":"RIGHT"},"byName":{"d":{"name":"d","side":"LEFT"},"e":null},"any":{"x":[1]},"added":{"later":true}}"#;
    let node: Node = from_json(text.as_bytes()).unwrap();
    assert_eq!(node.count, Some(9_007_199_254_740_993));
    assert_eq!(node.side.as_str(), "UP");
    assert_eq!(node.by_name.as_ref().map(BTreeMap::len), Some(1));
    let again = serde_json::to_value(&node).unwrap();
    assert_eq!(again["count"], json!(9_007_199_254_740_993_i64));
    assert_eq!(again["side"], "UP");
    assert_eq!(again["counts"], json!([1, 2]));
    assert_eq!(again["added"], json!({"later": true}));
}

#[test]
fn missing_null_and_empty_are_defaults() {
    assert_eq!(from_json::<Node>(b"").unwrap(), Node::default());
    assert_eq!(from_json::<Node>(b"null").unwrap(), Node::default());
    assert_eq!(from_json::<Node>(br#"{"name":null,"children":null,"count":null}"#).unwrap(), Node::default());
}

/// What is read of one member.
fn of(member: &str, value: serde_json::Value) -> serde_json::Value {
    let json = json!({"name": "n", "side": "LEFT", member: value}).to_string();
    let node: Node = from_json(json.as_bytes()).unwrap();
    serde_json::to_value(&node).unwrap().get(member).cloned().unwrap_or(serde_json::Value::Null)
}

#[test]
fn scalars_of_another_type_are_read_where_the_meaning_is_certain() {
    for (member, value, read) in [
        ("count", json!("12"), json!(12)),
        ("count", json!(" 12 "), json!(12)),
        ("count", json!(2.0), json!(2)),
        ("count", json!("2.0"), json!(2)),
        ("count", json!("1e3"), json!(1000)),
        ("count", json!("-9223372036854775808"), json!(i64::MIN)),
        ("ratio", json!("1.5"), json!(1.5)),
        ("ratio", json!(3), json!(3.0)),
        ("name", json!(12), json!("12")),
        ("name", json!(u64::MAX), json!("18446744073709551615")),
        ("name", json!(1.5), json!("1.5")),
        ("name", json!(true), json!("true")),
        ("side", json!(3), json!("3")),
        ("on", json!("true"), json!(true)),
        ("on", json!("False"), json!(false)),
        ("on", json!(1), json!(true)),
        ("on", json!("0"), json!(false)),
        ("counts", json!(["1", 2.0, 3]), json!([1, 2, 3])),
        ("settings", json!({"a": 1, "b": true}), json!({"a": "1", "b": "true"})),
        ("at", json!("9999-12-31T23:59:59.999999999Z"), json!("9999-12-31T23:59:59.999999999Z")),
    ] {
        assert_eq!(of(member, value.clone()), read, "{member}: {value}");
    }
}

#[test]
fn an_odd_value_costs_itself_alone() {
    for (member, value, left) in [
        ("count", json!(""), json!(null)),
        ("count", json!("many"), json!(null)),
        ("count", json!(true), json!(null)),
        ("count", json!(1.5), json!(null)),
        ("count", json!(1e300), json!(null)),
        ("count", json!({"a": [1]}), json!(null)),
        ("counts", json!([1, null, "x", [2], {"y": 1}, 3]), json!([1, 3])),
        ("counts", json!(7), json!(null)),
        ("counts", json!({"a": 1}), json!(null)),
        ("ratio", json!(""), json!(null)),
        ("ratio", json!([]), json!(null)),
        ("name", json!({"a": 1}), json!("")),
        ("name", json!(1e300), json!("")),
        ("side", json!([1]), json!("")),
        ("on", json!("yes"), json!(null)),
        ("on", json!(2), json!(null)),
        ("at", json!(1_714_557_600), json!(null)),
        ("at", json!("yesterday"), json!(null)),
        ("next", json!("text"), json!(null)),
        ("next", json!([1]), json!(null)),
        ("children", json!([{"name": "a", "side": "LEFT"}, 5, null]), json!([{"name": "a", "side": "LEFT"}])),
        ("items", json!([{"name": "a", "side": "LEFT"}, 5]), json!([{"name": "a", "side": "LEFT"}])),
        ("byName", json!({"a": 1, "b": {"name": "b", "side": "LEFT"}}), json!({"b": {"name": "b", "side": "LEFT"}})),
        ("tags", json!([1]), json!(null)),
    ] {
        assert_eq!(of(member, value.clone()), left, "{member}: {value}");
        let json = json!({member: value}).to_string();
        let error = from_json_strict::<Node>(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("Node.{member}: expected ")), "{error}");
    }
}

#[test]
fn lists_are_never_cut_short_without_an_error() {
    for (member, value) in [
        ("page", json!(["dapi12ab"])),
        ("page", json!({})),
        ("items", json!({"a": "dapi12ab"})),
        ("items", json!("dapi12ab")),
    ] {
        let json = json!({member: value}).to_string();
        let error = from_json::<Node>(json.as_bytes()).unwrap_err();
        let text = format!("{error} {error:?} {}", error.report());
        assert!(text.contains(&format!("Node.{member}: expected a ")) && !text.contains("dapi"), "{text}");
    }
}

#[test]
fn what_is_no_message_is_an_error_without_its_content() {
    for bad in [
        "[1]",
        "\"dapi12ab\"",
        "7",
        "{\"name\":\"dapi12ab\"} trailing",
        "{\"name\":\"dapi12ab",
        "{\"a\" 1}",
        "<html>dapi12ab",
    ] {
        let error = from_json::<Node>(bad.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Decode);
        assert!(!format!("{error} {error:?}").contains("dapi"), "{error:?}");
    }
    assert_eq!(
        from_json::<Node>(b"[1]").unwrap_err().to_string(),
        "cannot decode the response of 3 bytes: expected an object, found a list at line 1 column 3"
    );
}

#[test]
fn each_odd_member_is_warned_of_once_without_its_value() {
    use std::sync::{Arc, Mutex};

    crate::model! {
        /// Seen here alone.
        Warned { required {} optional { /// A number.
            count: i64 = "count", /// Another.
            size: i64 = "size", } }
    }

    #[derive(Clone, Default)]
    struct Warnings(Arc<Mutex<Vec<String>>>);
    struct Fields(String);
    impl tracing::field::Visit for Fields {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
            self.0.push_str(&format!("{}={value:?} ", field.name()));
        }
    }
    impl tracing::Subscriber for Warnings {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            let mut fields = Fields(format!("{} ", event.metadata().level()));
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || {
        for _ in 0..3 {
            assert_eq!(from_json::<Warned>(br#"{"count":"hunter2","size":[1]}"#).unwrap(), Warned::default());
        }
    });
    let told = warnings.0.lock().unwrap().clone();
    let of = |member: &str| told.iter().filter(|line| line.contains(&format!("member=Warned.{member} "))).count();
    assert_eq!((of("count"), of("size")), (1, 1), "{told:?}");
    assert!(told.iter().all(|line| line.starts_with("WARN") && !line.contains("hunter2")), "{told:?}");
}

#[test]
fn debug_hides_what_is_marked_and_what_looks_like_a_secret() {
    let entries = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let mut node = Node::new("the token is dapi0123456789abcdef", Side::Left).handle("hunter2");
    node.settings =
        Some(entries(&[("fs.azure.account.key.a", "c2VjcmV0"), ("spark.speculation", "true"), ("plain", "granite")]));
    node.tags = Some(entries(&[("db_password", "hunter2"), ("team", "blue")]));
    node.any = Some(json!({"a": [{"client_secret": "hunter2"}], "b": "dapi0123456789abcdef"}));
    node.children = Some(vec![Node::new("child", Side::Right).handle("hunter2")]);
    node.next = Some(Box::new(Node::new("next", Side::Right).handle("hunter2")));
    for text in [format!("{node:?}"), format!("{node:#?}")] {
        for hidden in ["hunter2", "dapi", "c2VjcmV0", "granite"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        for shown in ["fs.azure.account.key.a", "\"true\"", "\"blue\"", "db_password", "\"child\"", "**REDACTED**"] {
            assert!(text.contains(shown), "{shown} in {text}");
        }
    }
}

crate::model! {
    /// A part of a message.
    Part {
        required {}
        optional {
            /// A number.
            a: i64 = "a",
            /// Another one.
            b: i64 = "b",
        }
    }
}

crate::model! {
    /// A message of messages.
    Parts {
        required {}
        optional {
            /// One.
            one: Part = "one",
            /// Many.
            many: Vec<Part> = "many",
        }
    }
}

#[test]
fn messages_that_are_read_in_place_are_whole_or_absent() {
    let read = |json: &str| from_json::<Parts>(json.as_bytes()).unwrap();
    let a = |n| Part::new().a(n);
    assert_eq!(read(r#"{"one":{"a":1}}"#).one, Some(a(1)));
    // Of two values the last one counts, and nothing is left of the first.
    assert_eq!(read(r#"{"one":{"a":1},"one":{"b":2}}"#).one, Some(Part::new().b(2)));
    for odd in ["7", "null", "[]", "\"x\""] {
        assert_eq!(read(&format!(r#"{{"one":{odd}}}"#)).one, None, "{odd}");
        assert_eq!(read(&format!(r#"{{"one":{{"a":1}},"one":{odd}}}"#)).one, None, "{odd}");
        let list = read(&format!(r#"{{"many":[{{"a":1}},{odd},{{"a":2}},{odd}]}}"#)).many;
        assert_eq!(list, Some(vec![a(1), a(2)]), "{odd}");
        let strict = from_json_strict::<Parts>(format!(r#"{{"many":[{{"a":1}},{odd}]}}"#).as_bytes());
        assert!(strict.is_err(), "{odd}");
    }
    for broken in [r#"{"one":{"a":1}"#, r#"{"many":[{"a":1},{"#, r#"{"one":{"a":1,}}"#] {
        assert!(from_json::<Parts>(broken.as_bytes()).is_err(), "{broken}");
    }
    let changed = read(r#"{"one":{"a":1}}"#).with_extra("one", json!({"b": 3}));
    assert_eq!(changed.one, Some(Part::new().b(3)));
}
