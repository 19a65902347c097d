//! Functions that Apache Spark has not, by the rules that the platform's reference states for them.

use serde_json::{Value, json};

use crate::client::{fast, get, post};
use crate::sql_catalog::{as_principal, principal};
use crate::statements::{execute, fails, rows};

/// The only value of a statement.
async fn value(w: &databricks_local::LocalWorkspace, expression: &str) -> Value {
    rows(w, &format!("SELECT {expression}"), json!({})).await[0][0].clone()
}

async fn class(w: &databricks_local::LocalWorkspace, expression: &str) -> String {
    let (message, _) = fails(w, &format!("SELECT {expression}"), json!({})).await;
    message[1..].split(']').next().unwrap().to_owned()
}

#[tokio::test]
async fn addresses_are_read_and_written_in_their_shortest_form() {
    let w = fast().await;
    for (expression, expected) in [
        ("ip_host('10.0.0.7')", json!("10.0.0.7")),
        ("ip_host('FE80:0:0:0:0:0:0:1')", json!("fe80::1")),
        ("hex(ip_host(X'0A000007'))", json!("0A000007")),
        ("ip_host(NULL)", Value::Null),
        ("try_ip_host('10.0.0.0/8')", Value::Null),
        ("try_ip_host(X'0A')", Value::Null),
        ("ip_cidr('10.9.8.7/12')", json!("10.0.0.0/12")),
        ("ip_cidr('fd00:1:2::3/33')", json!("fd00:1::/33")),
        ("hex(ip_cidr(X'0A0908070C'))", json!("0A0000000C")),
        ("try_ip_cidr('10.9.8.7')", Value::Null),
        ("ip_network('10.9.8.7/31')", json!("10.9.8.6")),
        ("ip_network_first('fd00::ff/120')", json!("fd00::")),
        ("ip_network_last('10.9.8.7/12')", json!("10.15.255.255")),
        ("ip_network_last('fd00::/126')", json!("fd00::3")),
        ("hex(ip_network_last(X'0A0908071E'))", json!("0A090807")),
        ("ip_prefix_length('fd00::/64')", json!("64")),
        ("typeof(ip_prefix_length('10.0.0.0/8'))", json!("int")),
        ("ip_version('10.0.0.0/8')", json!("4")),
        ("ip_version('::ffff:10.0.0.1')", json!("6")),
        ("ip_version(X'00000000000000000000000000000001')", json!("6")),
        ("hex(ip_as_binary('10.9.8.7/12'))", json!("0A0000000C")),
        ("hex(ip_as_binary('::2'))", json!("00000000000000000000000000000002")),
        ("ip_as_string(X'0A0908070C')", json!("10.0.0.0/12")),
        ("try_ip_as_string(X'0A09')", Value::Null),
        ("try_ip_as_binary('ten')", Value::Null),
        ("ip_cidr_contains('10.0.0.0/8', '10.200.1.1')", json!("true")),
        ("ip_cidr_contains('10.0.0.0/8', '11.0.0.0/16')", json!("false")),
        ("ip_cidr_contains('10.1.0.0/16', '10.0.0.0/8')", json!("false")),
        ("ip_cidr_contains('10.1.0.0/16', '10.1.0.0/16')", json!("true")),
        ("ip_cidr_contains('::ffff:10.0.0.0/104', '10.3.2.1')", json!("true")),
        ("ip_cidr_contains('fd00::/8', '10.3.2.1')", json!("false")),
        ("ip_cidr_contains(X'0A00000008', '10.3.2.1')", json!("true")),
        ("ip_cidr_contains(NULL, '10.3.2.1')", Value::Null),
    ] {
        assert_eq!(value(&w, expression).await, expected, "{expression}");
    }
    for (expression, expected) in [
        ("ip_host('10.0.0')", "INVALID_IP_ADDRESS"),
        ("ip_host('10.0.0.0/8')", "INVALID_IP_ADDRESS"),
        ("ip_cidr('10.0.0.0')", "INVALID_CIDR_BLOCK"),
        ("ip_network_last('10.0.0.0/33')", "INVALID_CIDR_BLOCK"),
        ("ip_version('')", "INVALID_IP_ADDRESS_OR_CIDR_BLOCK"),
        ("ip_as_string(X'0102')", "INVALID_IP_ADDRESS_OR_CIDR_BLOCK"),
        ("ip_cidr_contains('10.0.0.0/8', 'x')", "INVALID_IP_ADDRESS_OR_CIDR_BLOCK"),
        // Neither answer is known to be the platform's.
        ("ip_cidr_contains('::/0', '10.0.0.1')", "UNSUPPORTED_FEATURE"),
    ] {
        assert_eq!(class(&w, expression).await, expected, "{expression}");
    }
    let many = "SELECT ip_cidr(c) FROM VALUES ('10.1.1.1/8'), (NULL), ('::1/128') AS t(c)";
    assert_eq!(rows(&w, many, json!({})).await, json!([["10.0.0.0/8"], [null], ["::1/128"]]));
}

#[tokio::test]
async fn secrets_are_those_that_the_user_may_read() {
    let w = fast().await;
    for scope in ["own", "shared.with others"] {
        post(&w, "/api/2.0/secrets/scopes/create", json!({"scope": scope})).await.ok();
        let secret = json!({"scope": scope, "key": "pass-word", "string_value": format!("it's {scope}")});
        post(&w, "/api/2.0/secrets/put", secret).await.ok();
    }
    assert_eq!(value(&w, "secret('own', 'pass-word')").await, "it's own");
    assert_eq!(value(&w, "typeof(try_secret('own', 'nothing'))").await, "string");
    assert_eq!(value(&w, "try_secret('own', 'nothing')").await, Value::Null);
    assert_eq!(value(&w, "try_secret(CAST(NULL AS STRING), 'pass-word')").await, Value::Null);
    assert_eq!(class(&w, "secret('own', 'nothing')").await, "INVALID_SECRET_LOOKUP.SECRET_FUNCTION_LOOKUP_FAILED");
    let of_column = "secret('own', k) FROM VALUES ('pass-word') AS t(k)";
    assert_eq!(class(&w, of_column).await, "INVALID_SECRET_LOOKUP.SECRET_FUNCTION_KEY_NOT_CONSTANT");
    assert_eq!(class(&w, "secret(concat('o', 'wn'), 'pass-word')").await, "UNRESOLVED_ROUTINE");
    assert_eq!(class(&w, "secret('own')").await, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION");
    let parameter = json!({"parameters": [{"name": "k", "value": "pass-word"}]});
    assert_eq!(rows(&w, "SELECT secret('own', :k)", parameter).await, json!([["it's own"]]));
    execute(
        &w,
        "CREATE FUNCTION masked(s STRING) RETURNS STRING RETURN concat(s, secret('own', 'pass-word'))",
        json!({}),
    )
    .await
    .ok();
    assert_eq!(value(&w, "masked('1 ')").await, "1 it's own");
    let all = json!([["own", "pass-word"], ["shared.with others", "pass-word"]]);
    assert_eq!(rows(&w, "SELECT * FROM list_secrets() ORDER BY scope", json!({})).await, all);
    let one = "SELECT l.key, l.scope FROM list_secrets('own') AS l WHERE key LIKE 'p%'";
    assert_eq!(rows(&w, one, json!({})).await, json!([["pass-word", "own"]]));
    let (message, state) = fails(&w, "SELECT * FROM list_secrets('none')", json!({})).await;
    assert!(message.starts_with("[INVALID_SECRET_LOOKUP.LIST_SECRETS_FAILED]"), "{message}");
    assert_eq!(state, "22531");

    // Another user sees what it was given.
    let bearer = principal(&w).await;
    let me = rows_of(as_principal(&w, &bearer, "SELECT current_user()").await);
    let read = "SELECT try_secret('shared.with others', 'pass-word'), try_secret('own', 'pass-word')";
    assert_eq!(as_principal(&w, &bearer, read).await.unwrap(), json!([[null, null]]));
    assert_eq!(as_principal(&w, &bearer, "SELECT * FROM list_secrets()").await.unwrap(), Value::Null);
    let acl = json!({"scope": "shared.with others", "principal": me, "permission": "READ"});
    post(&w, "/api/2.0/secrets/acls/put", acl).await.ok();
    assert_eq!(as_principal(&w, &bearer, read).await.unwrap(), json!([["it's shared.with others", null]]));
    let listed = as_principal(&w, &bearer, "SELECT * FROM list_secrets()").await.unwrap();
    assert_eq!(listed, json!([["shared.with others", "pass-word"]]));
    assert!(as_principal(&w, &bearer, "SELECT masked('1')").await.unwrap_err().contains("INVALID_SECRET_LOOKUP"));
}

fn rows_of(outcome: Result<Value, String>) -> Value {
    outcome.unwrap()[0][0].clone()
}

#[tokio::test]
async fn the_workspace_tells_what_it_is() {
    let w = fast().await;
    let summary = get(&w, "/api/2.1/unity-catalog/metastore_summary").await.ok();
    assert_eq!(value(&w, "current_metastore()").await, summary["global_metastore_id"]);
    let version = value(&w, "version()").await;
    assert!(version.as_str().unwrap().contains(" databricks-local-"), "{version}");
    let version = value(&w, "current_version().dbsql_version").await;
    assert!(version.as_str().unwrap().starts_with("databricks-local "), "{version}");
    assert_eq!(value(&w, "current_version().dbr_version IS NULL").await, "true");
    let collations = "SELECT name, case_sensitivity FROM collations()";
    assert_eq!(rows(&w, collations, json!({})).await, json!([["UTF8_BINARY", "CASE_SENSITIVE"]]));
    assert_eq!(class(&w, "version(1)").await, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION");
    assert_eq!(value(&w, "typeof(current_time())").await, "time(6)");
    assert_eq!(value(&w, "current_time() BETWEEN TIME '00:00:00' AND TIME '23:59:59.999999'").await, "true");
    assert_eq!(value(&w, "getdate() = now()").await, "true");
    assert_eq!(value(&w, "session_user() = current_user()").await, "true");
    assert_eq!(value(&w, "typeof(current_timezone())").await, "string");
    // There is no file name of rows that are in memory.
    assert_eq!(class(&w, "input_file_name()").await, "UNRESOLVED_ROUTINE");
}

#[tokio::test]
async fn values_of_functions_of_the_platform_alone() {
    let w = fast().await;
    for (expression, expected) in [
        ("bit_reverse(1Y)", json!("-128")),
        ("bit_reverse(1S)", json!("-32768")),
        ("bit_reverse(6)", json!("1610612736")),
        ("bit_reverse(0L)", json!("0")),
        ("bit_reverse(NULL)", Value::Null),
        ("typeof(bit_reverse(1S))", json!("smallint")),
        ("timediff(HOUR, TIMESTAMP '2024-01-01 00:00:00', TIMESTAMP '2024-01-01 05:59:59')", json!("5")),
        ("timediff(MONTH, DATE '2024-03-31', DATE '2024-02-29')", json!("-1")),
        ("charindex('l', 'hello')", json!("3")),
        ("charindex('l', 'hello', 4)", json!("4")),
        ("charindex('z', 'hello')", json!("0")),
        ("charindex('é', 'aé😀é', 3)", json!("4")),
        ("charindex('', 'abc')", json!("1")),
        ("charindex(NULL, 'abc')", Value::Null),
        ("iff(1 > 2, 'yes', 'no')", json!("no")),
        ("iff(NULL, 1, 2.5)", json!("2.5")),
        // The whole of an example of the reference.
        (
            "string(zstd_decompress(unbase64('KLUv/SCCpQAAaEFwYWNoZSBTcGFyayABABLS+QU=')))",
            json!("Apache Spark ".repeat(10)),
        ),
        ("string(zstd_decompress(zstd_compress(repeat('no', 1000), 19)))", json!("no".repeat(1000))),
        ("string(zstd_decompress(zstd_compress('é', 1, true)))", json!("é")),
        ("length(zstd_decompress(zstd_compress('')))", json!("0")),
        ("length(zstd_compress(repeat('x', 10000))) < 100", json!("true")),
        ("try_zstd_decompress('nothing that was compressed')", Value::Null),
        ("try_zstd_decompress(X'')", Value::Null),
        ("zstd_compress(NULL)", Value::Null),
    ] {
        assert_eq!(value(&w, expression).await, expected, "{expression}");
    }
    for (expression, expected) in [
        ("zstd_decompress(X'28B52FFD')", "INVALID_PARAMETER_VALUE.ZSTD_DECOMPRESS_INPUT"),
        ("zstd_compress('x', 0)", "INVALID_PARAMETER_VALUE"),
        ("bit_reverse(1.5)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("timediff(HOUR, now())", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ("current_time(3)", "UNRESOLVED_ROUTINE"),
    ] {
        assert_eq!(class(&w, expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn schemas_of_many_json_texts_are_merged() {
    let w = fast().await;
    let schema = |values: &str| format!("SELECT schema_of_json_agg(j) FROM VALUES {values} AS t(j)");
    for (values, expected) in [
        (r#"('{"a": 1}'), ('{"a": 2.5, "b": []}'), (NULL)"#, "STRUCT<a: DOUBLE, b: ARRAY<STRING>>"),
        (r#"('{"a": {"x": 1}}'), ('{"a": "text"}')"#, "STRUCT<a: STRING>"),
        (r#"('[null]'), ('[{"k": true}]')"#, "ARRAY<STRUCT<k: BOOLEAN>>"),
        (r#"('1'), ('12345678901234567890')"#, "DECIMAL(20,0)"),
        (r#"('{"n": null}'), ('{"n": 7}')"#, "STRUCT<n: BIGINT>"),
    ] {
        assert_eq!(rows(&w, &schema(values), json!({})).await, json!([[expected]]), "{values}");
    }
    let (message, _) = fails(&w, &schema("('{')"), json!({})).await;
    assert!(message.starts_with("[INVALID_JSON_SCHEMA]"), "{message}");
}

#[tokio::test]
async fn rows_are_numbered_in_their_order() {
    let w = fast().await;
    let numbered = "SELECT x, monotonically_increasing_id() AS id, spark_partition_id() AS p FROM VALUES ('c'), ('a'), ('b') AS t(x)";
    let all = json!([["c", "0", "0"], ["a", "1", "0"], ["b", "2", "0"]]);
    assert_eq!(rows(&w, numbered, json!({})).await, all);
    let kinds = "SELECT DISTINCT typeof(id), typeof(p) FROM (".to_owned() + numbered + ")";
    assert_eq!(rows(&w, &kinds, json!({})).await, json!([["bigint", "int"]]));
    let (message, _) =
        fails(&w, "SELECT 1 FROM VALUES (1) AS t(x) WHERE monotonically_increasing_id() > 0", json!({})).await;
    assert!(message.starts_with('['), "{message}");
}

#[tokio::test]
async fn functions_that_are_not_here_are_named() {
    let w = fast().await;
    for name in
        ["st_point", "h3_ispentagon", "ai_query", "hll_sketch_agg", "kll_sketch_agg_bigint", "reflect", "from_avro"]
    {
        let (message, state) = fails(&w, &format!("SELECT {name}('1')"), json!({})).await;
        assert!(message.starts_with("[UNRESOLVED_ROUTINE]") && message.contains(name), "{message}");
        assert_eq!(state, "42883");
    }
}
