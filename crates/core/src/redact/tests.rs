use super::*;
use proptest::prelude::*;
use serde_json::json;

fn clean(mut value: Value) -> Value {
    super::json(&mut value);
    value
}

#[test]
fn secrets_are_found_by_name_at_any_depth() {
    let value = clean(
        json!({"scope": "s", "string_value": "x", "list": [{"Token_Value": "y", "n": 1}], "token": null, "db_password": 12}),
    );
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
    assert_eq!(of("/api/2.0/fs/create-download-url"), json!({"value": REDACTED, "url": REDACTED}));
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
        ("password={hunter2", "password=**REDACTED**"),
        ("password: [hunter2 x", "password: **REDACTED** x"),
        (
            r#"{"secret": {"token": "a"}, "password": ["b"]}"#,
            r#"{"secret": {"token": "**REDACTED**"}, "password": ["b"]}"#,
        ),
        (r#"{"token":"\\)a!A\"b","n":1}"#, r#"{"token":"**REDACTED**","n":1}"#),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln y", "x **REDACTED** y"),
        ("https://s3/x?a=1&X-Amz-Signature=abc%2F&b=2", "https://s3/x?a=1&X-Amz-Signature=**REDACTED**&b=2"),
        ("https://b/x?sv=1&sig=a%2Bb%3D", "https://b/x?sv=1&sig=**REDACTED**"),
        (r#"body {"token": "a\"b", "n": 1}"#, r#"body {"token": "**REDACTED**", "n": 1}"#),
        (r#"{\"password\":\"p w\",\"n\":1}"#, r#"{\"password\":\"**REDACTED**\",\"n\":1}"#),
        ("jdbc:x;password=hunter2;ssl=1", "jdbc:x;password=**REDACTED**;ssl=1"),
        (
            "AccountName=a;AccountKey=Zm9vYmFyCg==;EndpointSuffix=core",
            "AccountName=a;AccountKey=**REDACTED**;EndpointSuffix=core",
        ),
        ("token doau0123456789abcdef0123, dkti0123456789abcdef", "token **REDACTED**, **REDACTED**"),
        ("x_dapi0123456789abcdef0123456789abcdef", "x_**REDACTED**"),
        ("tokendapi0123456789abcdef0123456789abcdef", "token**REDACTED**"),
        ("token%3Ddapi0123456789abcdef", "token%3D**REDACTED**"),
        ("of a new kind: dxyz0123456789abcdef0123456789abcdef", "of a new kind: **REDACTED**"),
        ("secret abc8Q~abcdefghijklmnopqrstuvwxyz0123456 is wrong", "secret **REDACTED** is wrong"),
        ("AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE", "**REDACTED** and **REDACTED**"),
        (
            "ya29.a0AfH6SMBx-y_z GOCSPX-abcdefghij AIzaSyD-abcdefghijklmnopqrstuv",
            "**REDACTED** **REDACTED** **REDACTED**",
        ),
        ("ghp_abcdefghijklmnop1234 gho_abcdefghijklmnop1234", "**REDACTED** **REDACTED**"),
        (
            "ghu_abcdefghijklmnop1234 ghs_abcdefghijklmnop1234 ghr_abcdefghijklmnop1234",
            "**REDACTED** **REDACTED** **REDACTED**",
        ),
        ("github_pat_11ABCDEFG0abcdefghij_klmnop", "**REDACTED**"),
        ("clone https://user:pw@github.com/o/r failed", "clone https://**REDACTED**@github.com/o/r failed"),
        ("clientSecret=abc&x=1", "clientSecret=**REDACTED**&x=1"),
        (
            "fs.azure.account.key.acct.dfs.core.windows.net=Zm9v",
            "fs.azure.account.key.acct.dfs.core.windows.net=**REDACTED**",
        ),
        (
            "X-Amz-Security-Token=a%2Bb&X-Amz-Credential=c",
            "X-Amz-Security-Token=**REDACTED**&X-Amz-Credential=**REDACTED**",
        ),
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
        "commit deadbeef0123456789abcdef0123456789abcdef, version 1.2.3",
        "abfss://container@account.dfs.core.windows.net/path, git@github.com:o/r, ssh://git@h/r",
        "azure-client-secret: azure_tenant_id (ARM_TENANT_ID) is not set",
        "task-runner-2024, disk-12345678901234567890",
        "",
    ] {
        assert_eq!(text(plain), plain);
        assert!(matches!(text(plain), Cow::Borrowed(_)));
    }
}

#[test]
fn urls_lose_signatures_and_passwords() {
    assert_eq!(
        url("https://u:p@h:1/a?sig=x&y=1#code=2"),
        "https://**REDACTED**@h:1/a?sig=**REDACTED**&y=1#code=**REDACTED**"
    );
    assert_eq!(url("/api/2.0/x?filter=a%20b"), "/api/2.0/x?filter=a%20b");
    assert_eq!(
        query("grant_type=x&client_secret=y&scope=all-apis"),
        "grant_type=x&client_secret=**REDACTED**&scope=all-apis"
    );
    assert_eq!(query("link=https%3A%2F%2Fh%2F%3Fsig%3Dabc"), "link=**REDACTED**");
}

#[test]
fn headers_hide_what_is_secret_and_drop_line_breaks() {
    let show = |name: &'static str, value: &[u8]| {
        header(&HeaderName::from_static(name), &HeaderValue::from_bytes(value).unwrap())
    };
    assert_eq!(show("authorization", b"x"), REDACTED);
    assert_eq!(show("x-vault-token", b"x"), REDACTED);
    assert_eq!(show("x-note", b"a\tb\xff"), "a b\u{fffd}");
    let mut value = HeaderValue::from_static("plain");
    value.set_sensitive(true);
    assert_eq!(header(&HeaderName::from_static("x-note"), &value), REDACTED);
}

const NAMES: &[&str] = &[
    "token",
    "token_value",
    "clientSecret",
    "client-secret",
    "Password",
    "openai_api_key_plaintext",
    "personal_access_token",
    "bearerToken",
    "secret_access_key",
    "sas_token",
    "private_key",
    "string_value",
];

/// Strings that once took, or could take, a time that grows with the square of their length.
fn hard(length: usize) -> Vec<String> {
    let parts = [
        "a-",
        "a",
        "-",
        "eyJ",
        "dapi-",
        "dapi",
        "d",
        "Bearer ",
        "Bearer x ",
        "token=",
        "token:",
        "token: a",
        "://",
        "a://",
        "=",
        " = ",
        "\"",
        "\\",
        "\\\"",
        "'=",
        "%",
        "%3D",
        "sig%3D",
        "Q~",
        "1Q~",
        "a=\"",
        "token=\"\\\\",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "x@",
        "https://x@",
        " ",
        "\n",
        "é",
        "authorization: ",
        "]=",
        "token]=",
        "sk-",
        "_",
        ".",
        "a.",
        "dapi0",
    ];
    parts.iter().map(|part| part.repeat(length / part.len())).collect()
}

#[test]
fn the_time_grows_with_the_length_alone() {
    for (short, long) in hard(2_000).iter().zip(&hard(32_000)) {
        let (few, many) = (patterns::steps(short), patterns::steps(long));
        assert!(
            many <= few * 17 + 4_096 && many <= long.len() * 200,
            "{:?}: {few} steps, then {many}",
            short.chars().take(20).collect::<String>()
        );
    }
}

#[test]
fn maps_of_settings_keep_their_keys() {
    let value = clean(json!({"spark_conf": {
        "fs.azure.account.key.a.dfs.core.windows.net": "Zm9v", "spark.speculation": "true", "spark.x": "word", "n": 12,
    }, "tags": {"db_password": "p", "team": "t"}}));
    assert_eq!(
        value,
        json!({"spark_conf": {
            "fs.azure.account.key.a.dfs.core.windows.net": REDACTED, "spark.speculation": "true", "spark.x": REDACTED, "n": 12,
        }, "tags": {"db_password": REDACTED, "team": "t"}})
    );
}

#[test]
fn names_are_known_in_all_spellings() {
    for name in [
        "clientSecret",
        "CLIENT-SECRET",
        "client.secret",
        "dbPassword",
        "openaiApiKeyPlaintext",
        "aad_token",
        "SLACK_WEBHOOK_URL",
        "azure_sas",
        "connectionString",
        "AWS_SECRET_ACCESS_KEY",
        "spark.hadoop.fs.s3a.secret.key",
        "kafka.sasl.jaas.password",
        "pwd",
    ] {
        assert!(is_secret_member(name), "{name}");
    }
    for name in [
        "nextPageToken",
        "idempotency_token",
        "max_tokens",
        "secret_scope",
        "credential_name",
        "key",
        "task_key",
        "primary_key",
        "author",
        "client_id",
        "password_set",
        "path",
    ] {
        assert!(!is_secret_member(name), "{name}");
    }
}

#[test]
fn what_drives_a_terminal_is_taken_out() {
    assert_eq!(printable("a\r\nb\tc\u{1b}[2J\u{7}\u{9b}1m\u{202e}\u{2066}d\u{feff}"), "a b c[2J1md");
    assert!(matches!(printable("ünï ✓ 日本"), Cow::Borrowed(_)));
    assert_eq!(message("dapi\u{200b}0123456789abcdef"), REDACTED);
}

/// Secrets of every kind that this SDK meets, made of random characters.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "dapi[0-9a-f]{8,32}(-[2-9])?",
        "eyJ[A-Za-z0-9]{10,20}\\.eyJ[A-Za-z0-9]{10,20}\\.[A-Za-z0-9_-]{10,20}",
        "dose[0-9][0-9a-f]{20,32}",
        "d(oau|kea|kti|sapi)[0-9][0-9a-f]{20,32}",
        "A[KS]IA[0-9A-Z]{16}",
        "gh[pousr]_[A-Za-z0-9]{36}",
        "github_pat_[A-Za-z0-9_]{22,59}",
        "ya29\\.[A-Za-z0-9_-]{20,40}",
        "GOCSPX-[A-Za-z0-9_-]{28}",
        "AIza[A-Za-z0-9_-]{35}",
        "[A-Za-z0-9]{3}[0-9]Q~[A-Za-z0-9_.~-]{34}"
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
    fn no_value_of_a_secret_member_survives(name in prop::sample::select(NAMES), value in "[!-~]{6,30}", depth in 0usize..5, array in any::<bool>()) {
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
        let line = message(&input);
        prop_assert!(!line.chars().any(char::is_control));
        prop_assert_eq!(message(&line), line);
    }
}
