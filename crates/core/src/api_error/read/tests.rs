use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(status: u16, body: &str) -> ApiError {
    ApiError::read(
        StatusCode::from_u16(status).unwrap(),
        &HeaderMap::new(),
        body.as_bytes(),
        &Method::GET,
        "/api/2.0/x",
    )
}

fn parts(error: &ApiError) -> (Option<&str>, &str) {
    (error.code(), error.message())
}

#[test]
fn json_of_every_kind() {
    assert_eq!(parts(&read(400, r#"{"error_code":"X","message":"m"}"#)), (Some("X"), "m"));
    assert_eq!(parts(&read(400, r#"{"error_code":1234,"message":"m"}"#)), (Some("1234"), "m"));
    assert_eq!(parts(&read(400, r#"{"message":"m"}"#)), (None, "m"));
    assert_eq!(parts(&read(400, r#"{"error":"e","message":"m"}"#)), (None, "e"));
    assert_eq!(parts(&read(400, r#"{"error_code":"X"}"#)).0, Some("X"));
    assert_eq!(
        parts(&read(401, r#"{"error":"invalid_client","error_description":"who?"}"#)),
        (Some("invalid_client"), "who?")
    );
    assert_eq!(parts(&read(400, r#"{"error":{"code":400,"status":"BAD","message":"m"}}"#)), (Some("BAD"), "m"));
    assert_eq!(
        parts(&read(409, r#"{"detail":"null","status":"409","scimType":"uniqueness"}"#)),
        (Some("SCIM_409"), "uniqueness SCIM API Internal Error")
    );
    assert_eq!(parts(&read(404, r#"{"detail":"no such user","status":404}"#)), (Some("SCIM_404"), "no such user"));
    assert_eq!(parts(&read(400, r#"{"message":"m","detail":"d"}"#)), (None, "m"));
    assert_eq!(parts(&read(500, "{}")), (None, "the request failed: Internal Server Error"));
}

#[test]
fn other_shapes() {
    assert_eq!(parts(&read(404, "")), (None, "Not Found"));
    assert_eq!(parts(&read(499, " \n")), (None, "status 499"));
    assert_eq!(parts(&read(400, "MALFORMED_REQUEST: a: b")), (Some("MALFORMED_REQUEST"), "a: b"));
    assert_eq!(
        parts(&read(404, "<html><head><title>404 Gone away.</title></head></html>")),
        (Some("NOT_FOUND"), "404 Gone away")
    );
    assert_eq!(
        parts(&read(400, "<!DOCTYPE html><body><PRE class=x> Ünö &amp; .. </PRE></body>")),
        (Some("BAD_REQUEST"), "Ünö &")
    );
    assert_eq!(parts(&read(502, "<html></html>")), (Some("BAD_GATEWAY"), "Bad Gateway"));
    assert_eq!(parts(&read(500, "upstream went away")), (None, "GET /api/2.0/x returned: upstream went away"));
    assert_eq!(read(400, "[1,2]").code(), None);
    assert!(read(500, &"x".repeat(5000)).message().ends_with("x... (5000 bytes in all)"));
}

#[test]
fn shapes_of_other_frameworks_tell_what_they_can() {
    for (body, message) in [
        (r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, "body: field required"),
        (
            r#"{"detail":[{"loc":["body","items",3],"msg":"too long","type":"x"},{"msg":"b"}]}"#,
            "body.items.3: too long; b",
        ),
        (r#"{"detail":{"message":"m"}}"#, "m"),
        (r#"{"errors":["a","b"]}"#, "a; b"),
        (r#"{"errors":[{"message":"m","code":1},{"title":"t"}]}"#, "m; t"),
        (r#"{"error":{"errors":[{"message":"deep"}]}}"#, "deep"),
        (r#"{"title":"Bad","status":400,"type":"about:blank"}"#, "Bad"),
        (r#"{"Message":"User: x is not authorized"}"#, "User: x is not authorized"),
        (r#"{"fault":{"faultstring":"rate limit"}}"#, "rate limit"),
        (r#"{"reason":"why"}"#, "why"),
        (r#"[{"message":"m"}]"#, "m"),
        (r#""only text""#, "only text"),
        (r#"{"odd":{"x":1}}"#, r#"the request failed: Bad Request; the body of the response is {"odd":{"x":1}}"#),
        ("[1,2]", "the request failed: Bad Request; the body of the response is [1,2]"),
        ("7", "the request failed: Bad Request; the body of the response is 7"),
        ("null", "the request failed: Bad Request"),
        ("<html><title> </title><body><h1>Not here</h1></body></html>", "Not here"),
    ] {
        let error = read(400, body);
        assert_eq!((error.message(), error.body()), (message, Some(body)));
    }
    let hidden = read(400, r#"{"odd":{"client_secret":"hunter2"}}"#);
    assert!(!hidden.message().contains("hunter2") && hidden.body().unwrap().contains("hunter2"));
    assert!(!format!("{hidden:?}").contains("hunter2"));
    assert_eq!(read(400, " ").body(), None);
    assert_eq!(read(500, &"é".repeat(100_000)).body().unwrap().len(), BODY);
    let deep = format!("{}1{}", r#"{"error":"#.repeat(100), "}".repeat(100));
    assert!(read(400, &deep).message().starts_with("the request failed"));
}

#[test]
fn nothing_in_a_response_drives_a_terminal() {
    let error = read(400, "{\"error_code\":\"A\\u001b[1m\",\"message\":\"x\\u001b]0;t\\u0007\\r\\ny\\u202e\"}");
    assert_eq!(error.to_string(), "A[1m: x]0;t y");
}

#[test]
fn secrets_in_messages_are_hidden() {
    assert_eq!(read(403, r#"{"message":"token dapi0123456789 expired"}"#).message(), "token **REDACTED** expired");
    assert!(!read(500, r#"request was {"password":"hunter2"}"#).message().contains("hunter2"));
}

#[test]
fn missing_resources_are_recognised() {
    let kind = |method: Method, path: &str, code: &str, message: &str| {
        let body = json!({"error_code": code, "message": message}).to_string();
        ApiError::read(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), &method, path).kind()
    };
    let invalid = "INVALID_PARAMETER_VALUE";
    for (path, message) in [
        ("/api/2.1/clusters/get", "Cluster abc does not exist"),
        ("/api/2.2/jobs/get", "Job 1 does not exist."),
        ("/api/2.2/jobs/runs/get", "Run 5 does not exist"),
        ("/api/2.2/jobs/runs/get", "Run: 5 in job: 6 doesn't exist"),
    ] {
        assert_eq!(kind(Method::GET, path, invalid, message), ApiErrorKind::ResourceDoesNotExist, "{message}");
        assert_eq!(kind(Method::POST, path, invalid, message), ApiErrorKind::InvalidParameterValue);
        assert_eq!(kind(Method::GET, path, "INVALID_STATE", message), ApiErrorKind::InvalidState);
    }
    assert_eq!(
        kind(Method::GET, "/api/2.0/other/get", invalid, "Job 1 does not exist"),
        ApiErrorKind::InvalidParameterValue
    );
}

#[test]
fn waits_come_from_the_header_then_from_the_details() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
    let of = |header: Option<&str>, body: &str| {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(RETRY_AFTER, header.parse().unwrap());
        }
        ApiError::read_at(StatusCode::TOO_MANY_REQUESTS, &headers, body.as_bytes(), &Method::GET, "/", now)
            .retry_after()
    };
    assert_eq!(of(Some("7"), ""), Some(Duration::from_secs(7)));
    assert_eq!(of(Some("Sun, 06 Nov 1994 08:50:37 GMT"), ""), Some(Duration::from_secs(60)));
    assert_eq!(of(Some("Wed, 21 Oct 1992 07:28:00 GMT"), ""), Some(Duration::ZERO));
    for endless in ["18446744073709551615", "99999999999999999999999999"] {
        assert_eq!(of(Some(endless), ""), Some(LONGEST_WAIT));
    }
    for odd in ["soon", "1.58", "-3", "+3"] {
        assert_eq!(of(Some(odd), ""), None, "{odd}");
    }
    let detail = r#"{"details":[{"@type":"google.rpc.RetryInfo","retry_delay":"6s"}]}"#;
    assert_eq!(of(None, detail), Some(Duration::from_secs(6)));
    assert_eq!(of(Some("1"), detail), Some(Duration::from_secs(1)));
}

#[test]
fn private_links_are_told_apart_by_cloud() {
    let query = "x=1&error=private-link-validation-error:123";
    for (host, words) in [
        ("adb-1.2.azuredatabricks.net", "Azure Private Link endpoint"),
        ("1.gcp.databricks.com", "GCP VPC endpoint"),
        ("x.cloud.databricks.com", "AWS VPC endpoint"),
    ] {
        let error = ApiError::private_link(host, "/login.html", query).unwrap();
        assert!(error.message().contains(words));
        assert!(error.kind().is_a(ApiErrorKind::PermissionDenied));
    }
    assert!(ApiError::private_link("x", "/login.html", "error=other").is_none());
    assert!(ApiError::private_link("x", "/other", query).is_none());
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(status in 400u16..600, body in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,60}") {
        let status = StatusCode::from_u16(status).unwrap();
        let error = ApiError::read(status, &HeaderMap::new(), &body, &Method::GET, "/");
        prop_assert!(!error.message().is_empty());
        for shape in [text.clone(), format!("<html>{text}"), format!("<pre>{text}</pre>"), format!("X: {text}"), json!({"message": text}).to_string()] {
            prop_assert!(ApiError::read(status, &HeaderMap::new(), shape.as_bytes(), &Method::GET, "/").status() == status);
        }
    }
}
