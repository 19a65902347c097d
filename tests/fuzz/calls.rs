//! Hosts and paths of calls, and what their responses hold: models, streams of events.

use databricks_sdk::models::{catalog, compute, jobs, pipelines};
use databricks_sdk::serving::EventParser;
use databricks_sdk::testing::{Reply, Script};
use databricks_sdk::{Config, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::fuzz;
use crate::texts::{SECRET, check_error};

/// A host that is accepted is an origin, and not one that tokens reach in clear.
#[test]
fn hosts() {
    let tokens = &[
        "https://",
        "http://",
        "HTTPS://",
        "ws.example.com",
        "@",
        ":",
        "/",
        "?",
        "#",
        "o=1",
        "w=",
        "&",
        "[::1]",
        "[",
        "]",
        "127.0.0.1",
        "localhost",
        "443",
        "99999",
        ".",
        "..",
        "xn--",
        "É",
        "%2f",
        "\\",
        "user:pw",
        "-",
        " ",
        "\t",
        "\n",
    ];
    fuzz("hosts", tokens, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let Ok(config) = Config::hermetic().host(text.as_ref()).token("t").resolve() else { return };
        let Some(host) = config.host() else { return };
        let uri: http::Uri = host.parse().unwrap_or_else(|error| panic!("{host:?} is not a URL: {error}"));
        assert!(!host.contains('@') && uri.path() == "/" && uri.query().is_none(), "{host}");
        let name = uri.host().unwrap().trim_matches(['[', ']']);
        let here = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        assert!(uri.scheme_str() == Some("https") || here, "{host}");
    });
}

/// A path parameter stays in its segment, and what a path says never leaves the host.
#[test]
fn paths() {
    let tokens = &[
        "/",
        ".",
        "..",
        "%2e",
        "%2F",
        "{id}",
        "?",
        "#",
        "é",
        "\n",
        " ",
        "//",
        "\\",
        "{account_id}",
        "https://evil.example",
        "@",
        ":",
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    fuzz("paths", tokens, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (typed, raw) = (Script::new(), Script::new());
        runtime.block_on(async {
            let w = typed.workspace().unwrap();
            let _ = w.registered_models().get(text.as_ref()).await;
            let _ = w.files().download(text.as_ref()).await;
            let _ = raw.workspace().unwrap().raw(Method::GET, text.as_ref()).text().await;
        });
        for request in typed.requests() {
            assert!(!request.path.split('/').any(|segment| matches!(segment, "." | "..")), "{}", request.path);
        }
        for request in typed.requests().into_iter().chain(raw.requests()) {
            // Where a raw request is for another host, that is what it says, and it gets no credentials.
            let foreign = text.contains("://") && !request.headers.contains_key("authorization");
            assert!(request.host == "workspace.test" || foreign, "{}{}", request.host, request.path);
        }
    });
}

/// Reads, and what was read is written and read back the same.
fn round_trip<T: DeserializeOwned + Serialize + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else { return };
    let _ = format!("{value:?}");
    let written = serde_json::to_value(&value).unwrap();
    let again: T = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), written);
}

#[test]
fn models() {
    let tokens = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "null",
        "true",
        "\"true\"",
        "1e400",
        "-0",
        "2.0",
        "9223372036854775808",
        "\"\"",
        "\"3.5s\"",
        "\"9999-12-31T23:59:59.999999999Z\"",
        "cluster_id",
        "autoscale",
        "num_workers",
        "spark_conf",
        "tasks",
        "settings",
        "state",
        "TERMINATED",
        "unknown",
        "é",
    ];
    fuzz("models", tokens, |bytes| {
        round_trip::<compute::ClusterDetails>(bytes);
        round_trip::<jobs::JobSettings>(bytes);
        round_trip::<jobs::Job>(bytes);
        round_trip::<jobs::Run>(bytes);
        round_trip::<catalog::TableInfo>(bytes);
        round_trip::<pipelines::PipelineEvent>(bytes);
    });
}

/// Events do not depend on where the stream is cut.
#[test]
fn events() {
    let tokens = &[
        "data:",
        "data: ",
        "event:",
        "id:",
        "retry:",
        ":",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "[DONE]",
        "{\"choices\":[]}",
        "\u{feff}",
        "\0",
        "é",
    ];
    fuzz("events", tokens, |bytes| {
        let whole = EventParser::new().push(bytes).unwrap();
        let mut parser = EventParser::new();
        let pieces: Vec<_> = bytes.iter().flat_map(|byte| parser.push(std::slice::from_ref(byte)).unwrap()).collect();
        assert_eq!(whole, pieces);

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let script = Script::new();
        let reply = Reply::bytes(bytes).header("content-type", "text/event-stream");
        let _ = script.expect(Method::POST, "/serving-endpoints/e/invocations").reply(reply);
        let w = script.workspace().unwrap();
        let chunks = runtime.block_on(async { w.serving_endpoints().query("e").chunks().await?.text().await });
        if let Err(error) = chunks {
            check_error(&error, SECRET);
        }
    });
}
