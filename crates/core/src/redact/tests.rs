use super::*;
use proptest::prelude::*;
use serde_json::json;

fn clean(mut value: Value) -> Value {
    super::json(&mut value);
    value
}

#[test]
fn secrets_are_found_by_name_at_any_depth() {
    let value = clean(json!({"scope": "s", "string_value": "x", "list": [{"Token_Value": "y", "n": 1}], "token": null, "db_password": 12}));
    assert_eq!(
        value,
        json!({"scope": "s", "string_value": REDACTED, "list": [{"Token_Value": REDACTED, "n": 1}], "token": null, "db_password": REDACTED})
    );
    assert_eq!(clean(json!({"token": {"id": "a", "on": true}})), json!({"token": {"id": REDACTED, "on": true}}));
    assert_eq!(
        clean(json!({"token_id": "a", "page_token": "b", "max_tokens": 3})),
        json!({"token_id": "a", "page_token": "b", "max_tokens": 3})
    );
}

#[test]
fn some_members_are_secret_in_some_calls() {
    let of = |path: &str| {
        let mut value = json!({"value": "v", "url": "u"});
        json_of(path, &mut value);
        value
    };
    assert_eq!(of("/api/2.0/secrets/get"), json!({"value": REDACTED, "url": "u"}));
    assert_eq!(of("/api/2.0/fs/create-download-url"), json!({"value": "v", "url": REDACTED}));
    assert_eq!(of("/api/2.1/clusters/get"), json!({"value": "v", "url": "u"}));
}

#[test]
fn secrets_are_found_by_their_look() {
    for (before, after) in [
        ("token dapi12ab34 refused", "token **REDACTED** refused"),
        ("dapi12ab34-2", "**REDACTED**"),
        ("Authorization: Bearer abc.DEF-1", "Authorization: **REDACTED**"),
        ("sent Bearer abc.DEF-1 there", "sent Bearer **REDACTED** there"),
        ("password: hunter", "password: **REDACTED**"),
        (r#"{"token":"\\)a!A\"b","n":1}"#, r#"{"token":"**REDACTED**","n":1}"#),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln y", "x **REDACTED** y"),
        ("https://s3/x?a=1&X-Amz-Signature=abc%2F&b=2", "https://s3/x?a=1&X-Amz-Signature=**REDACTED**&b=2"),
        ("https://b/x?sv=1&sig=a%2Bb%3D", "https://b/x?sv=1&sig=**REDACTED**"),
        (r#"body {"token": "a\"b", "n": 1}"#, r#"body {"token": "**REDACTED**", "n": 1}"#),
        (r#"{\"password\":\"p w\",\"n\":1}"#, r#"{\"password\":\"**REDACTED**\",\"n\":1}"#),
        ("jdbc:x;password=hunter2;ssl=1", "jdbc:x;password=**REDACTED**;ssl=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest", "**REDACTED**\nrest"),
    ] {
        assert_eq!(text(before), after);
    }
}

#[test]
fn ordinary_texts_stay() {
    for plain in [
        "Basic authentication is off, use a bearer token",
        "the token: none was found",
        "Invalid access token.",
        "dapi tokens, dapper, dosed",
        "page_token=abc&max_tokens=5",
        "error_code: RESOURCE_DOES_NOT_EXIST",
        "/api/2.0/token/list?x=1",
        "ünïcödé ✓ password",
        "",
    ] {
        assert_eq!(text(plain), plain);
        assert!(matches!(text(plain), Cow::Borrowed(_)));
    }
}

#[test]
fn urls_lose_signatures_and_passwords() {
    assert_eq!(url("https://u:p@h:1/a?sig=x&y=1#code=2"), "https://**REDACTED**@h:1/a?sig=**REDACTED**&y=1#code=**REDACTED**");
    assert_eq!(url("/api/2.0/x?filter=a%20b"), "/api/2.0/x?filter=a%20b");
    assert_eq!(query("grant_type=x&client_secret=y&scope=all-apis"), "grant_type=x&client_secret=**REDACTED**&scope=all-apis");
    assert_eq!(query("link=https%3A%2F%2Fh%2F%3Fsig%3Dabc"), "link=**REDACTED**");
}

#[test]
fn headers_hide_what_is_secret_and_drop_line_breaks() {
    let show = |name: &'static str, value: &[u8]| header(&HeaderName::from_static(name), &HeaderValue::from_bytes(value).unwrap());
    assert_eq!(show("authorization", b"x"), REDACTED);
    assert_eq!(show("x-vault-token", b"x"), REDACTED);
    assert_eq!(show("x-note", b"a\tb\xff"), "ab\u{fffd}");
    let mut value = HeaderValue::from_static("plain");
    value.set_sensitive(true);
    assert_eq!(header(&HeaderName::from_static("x-note"), &value), REDACTED);
}

/// Secrets of every kind that this SDK meets, made of random characters.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "dapi[0-9a-f]{8,32}(-[2-9])?",
        "eyJ[A-Za-z0-9]{10,20}\\.eyJ[A-Za-z0-9]{10,20}\\.[A-Za-z0-9_-]{10,20}",
        "dose[0-9][0-9a-f]{20,32}"
    ]
}

/// Anything at all around a secret, but for what would make it part of a longer word.
fn around() -> impl Strategy<Value = (String, String)> {
    ("\\PC{0,20}[ \"'=:,;/?&{}()\\[\\]<>|]", "[ \"',;/?&{}()\\[\\]<>|]\\PC{0,20}")
}

proptest! {
    #[test]
    fn no_token_survives_in_a_text(secret in secret(), (before, after) in around()) {
        let shown = text(&format!("{before}{secret}{after}")).into_owned();
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }

    #[test]
    fn no_value_of_a_secret_member_survives(name in prop::sample::select(SECRET_MEMBERS), value in "[!-~]{6,30}", depth in 0usize..5, array in any::<bool>()) {
        let mut json = json!({name: value});
        for _ in 0..depth {
            json = if array { json!([1, json]) } else { json!({"x": json}) };
        }
        let as_text = json.to_string();
        super::json(&mut json);
        prop_assert!(!json.to_string().contains(&value) || REDACTED.contains(&value));
        let encoded = serde_json::to_string(&value).unwrap();
        prop_assert!(!text(&as_text).contains(encoded.trim_matches('"')) || name.contains(&value), "{}", text(&as_text));
    }

    #[test]
    fn redaction_is_stable_and_never_panics(input in "\\PC{0,80}") {
        let once = text(&input).into_owned();
        prop_assert_eq!(text(&once).into_owned(), once);
        url(&input);
        query(&input);
    }
}
