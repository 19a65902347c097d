//! Calls of Spark Connect, which are passed on to an attached engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use databricks_local::faults::Rule;
use databricks_local::{LocalWorkspace, LocalWorkspaceBuilder};
use h2::Ping;
use http::{HeaderMap, Request};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::client::{get, post, send, until};
use crate::grpc::{Channel, EXECUTE, Ended, attached, builder, engine, head};

const CLUSTER: &str = "x-databricks-cluster-id";

/// An engine that counts its calls and ends each well.
async fn counting() -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&count);
    let url = engine(move |_, mut respond| {
        calls.fetch_add(1, Ordering::SeqCst);
        async move {
            let mut out = respond.send_response(head(), false).unwrap();
            out.send_data(Bytes::from_static(b"done"), false).unwrap();
            out.send_trailers(HeaderMap::from_iter([("grpc-status".parse().unwrap(), 0.into())])).unwrap();
        }
    })
    .await;
    (url, count)
}

fn bearer(w: &LocalWorkspace) -> String {
    format!("Bearer {}", w.token())
}

#[tokio::test]
async fn both_streams_run_as_they_come_and_trailers_are_kept() {
    let (seen, mut heads) = mpsc::unbounded_channel();
    let url = engine(move |request, mut respond| {
        let seen = seen.clone();
        async move {
            seen.send((request.uri().path().to_owned(), request.headers().clone())).unwrap();
            let mut out = respond.send_response(head(), false).unwrap();
            let mut body = request.into_body();
            while let Some(data) = body.data().await {
                let reply = [b"got ", &data.unwrap()[..]].concat();
                out.send_data(reply.into(), false).unwrap();
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", 5.into());
            trailers.insert("grpc-message", "no such%20table".parse().unwrap());
            trailers.insert("grpc-status-details-bin", "AAEC".parse().unwrap());
            out.send_trailers(trailers).unwrap();
        }
    })
    .await;
    let w = attached(&url).await;
    let mut channel = Channel::open(&w).await;
    let bearer = bearer(&w);
    let cluster = w.cluster_id().unwrap();
    let headers =
        [("authorization", bearer.as_str()), (CLUSTER, cluster), ("grpc-timeout", "9S"), ("cookie", "session=1")];
    let (mut stream, response) = channel.begin(EXECUTE, &headers).await;
    let response = response.await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let mut body = response.into_body();
    // Each part comes before the next is sent: nothing waits for the end of either stream.
    for part in ["a", "bc"] {
        stream.send_data(Bytes::from_static(part.as_bytes()), false).unwrap();
        assert_eq!(body.data().await.unwrap().unwrap(), format!("got {part}"));
    }
    stream.send_data(Bytes::new(), true).unwrap();
    let mut rest = 0;
    while let Some(data) = body.data().await {
        rest += data.unwrap().len();
    }
    // An empty part at the end may come as one or not at all.
    assert!(rest == 0 || rest == "got ".len(), "{rest}");
    let ended = Ended::read(body.trailers().await.unwrap().unwrap());
    assert_eq!((ended.code, ended.message.as_str()), (5, "no such table"));
    assert_eq!(ended.trailers["grpc-status-details-bin"], "AAEC");

    let (path, passed_on) = heads.recv().await.unwrap();
    assert_eq!(path, EXECUTE);
    assert_eq!((&passed_on["te"], &passed_on["grpc-timeout"]), (&"trailers".parse().unwrap(), &"9S".parse().unwrap()));
    assert_eq!(passed_on[CLUSTER], cluster);
    assert!(!passed_on.contains_key("authorization") && !passed_on.contains_key("cookie"), "{passed_on:?}");
    let recorded = w.requests();
    assert_eq!((recorded[0].path.as_str(), recorded[0].handled), (EXECUTE, true));
    assert_eq!(recorded[0].headers["authorization"], "Bearer **REDACTED**");
}

#[tokio::test]
async fn the_engines_own_token_takes_the_place_of_the_workspaces() {
    let (seen, mut tokens) = mpsc::unbounded_channel();
    let url = engine(move |request, mut respond| {
        seen.send(request.headers()["authorization"].clone()).unwrap();
        async move {
            let mut head = head();
            head.headers_mut().insert("grpc-status", 0.into());
            respond.send_response(head, true).unwrap();
        }
    })
    .await;
    let w = attached(&format!("{url}/;token=own")).await;
    let (_, ended) =
        Channel::open(&w).await.call(&[("authorization", &bearer(&w)), (CLUSTER, w.cluster_id().unwrap())]).await;
    assert_eq!(ended.code, 0);
    assert_eq!(tokens.recv().await.unwrap(), "Bearer own");
}

#[tokio::test]
async fn without_an_engine_calls_are_not_implemented() {
    let w = builder().start().await.unwrap();
    let (_, ended) = Channel::open(&w).await.call(&[("authorization", &bearer(&w))]).await;
    assert_eq!(ended.code, 12);
    assert!(ended.message.contains("--spark sail") && ended.message.contains("--spark-connect sc://"), "{ended:?}");
    assert_eq!(w.spark_remote(), None);
}

#[tokio::test]
async fn the_page_says_how_spark_connect_is_reached() {
    let page = async |w: &LocalWorkspace| crate::client::send(w, "GET", "/", &[], b"").await.unwrap().text();
    let without = page(&builder().start().await.unwrap()).await;
    assert!(without.contains("--spark sail") && without.contains("--spark-connect sc://"), "{without}");
    assert!(!without.contains("SPARK_REMOTE"), "{without}");
    let w = attached("sc://localhost:1/;token=own").await;
    let with = page(&w).await;
    let port = w.url().rsplit_once(':').unwrap().1;
    assert!(with.contains(&format!("export SPARK_REMOTE='sc://localhost:{port}/;token=…'")), "{with}");
    assert!(!with.contains(w.token()) && !with.contains("token=own") && !with.contains("--spark sail"), "{with}");
}

#[tokio::test]
async fn only_those_with_a_token_get_through() {
    let (url, calls) = counting().await;
    let w = attached(&url).await;
    let mut channel = Channel::open(&w).await;
    let cluster = (CLUSTER, w.cluster_id().unwrap());
    for headers in [&[("authorization", "Bearer dapi0"), cluster][..], &[cluster]] {
        assert_eq!(channel.call(headers).await.1.code, 16);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let (body, ended) = channel.call(&[("authorization", &bearer(&w)), cluster]).await;
    assert_eq!((body.as_slice(), ended.code, calls.load(Ordering::SeqCst)), (&b"done"[..], 0, 1));
    // HTTP/1.1 has no trailers that clients of gRPC read.
    let old = send(&w, "POST", EXECUTE, &[("authorization", &bearer(&w))], b"").await.unwrap();
    assert_eq!((old.header("grpc-status"), calls.load(Ordering::SeqCst)), (Some("3"), 1));
}

#[tokio::test]
async fn a_call_starts_the_cluster_that_it_names() {
    let (url, calls) = counting().await;
    let w = attached(&url).await;
    let mut channel = Channel::open(&w).await;
    let bearer = bearer(&w);
    let (_, unknown) = channel.call(&[("authorization", &bearer), (CLUSTER, "0101-000000-nothere")]).await;
    assert_eq!(unknown.code, 5);
    assert!(unknown.message.contains("0101-000000-nothere"), "{unknown:?}");
    let (_, none) = channel.call(&[("authorization", &bearer)]).await;
    assert_eq!(none.code, 3);
    assert!(none.message.contains(CLUSTER), "{none:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    let id = w.cluster_id().unwrap();
    let state = format!("/api/2.1/clusters/get?cluster_id={id}");
    post(&w, "/api/2.1/clusters/delete", json!({"cluster_id": id})).await.ok();
    until(&w, &state, |cluster| cluster["state"] == "TERMINATED").await;
    let (_, ended) = channel.call(&[("authorization", &bearer), (CLUSTER, id)]).await;
    assert_eq!((ended.code, calls.load(Ordering::SeqCst)), (0, 1));
    assert_eq!(get(&w, &state).await.ok()["state"], "RUNNING");

    let (_, serverless) = channel.call(&[("authorization", &bearer), ("x-databricks-session-id", "any")]).await;
    assert_eq!(serverless.code, 0);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("sc://{}", listener.local_addr().unwrap());
    drop(listener);
    let w = attached(&url).await;
    let (_, ended) =
        Channel::open(&w).await.call(&[("authorization", &bearer(&w)), (CLUSTER, w.cluster_id().unwrap())]).await;
    assert_eq!(ended.code, 14);
    assert!(ended.message.contains(&url) && ended.message.contains("--spark-connect"), "{ended:?}");
}

#[tokio::test]
async fn a_response_that_breaks_off_ends_with_a_status() {
    let url = engine(|_, mut respond| async move {
        let mut out = respond.send_response(head(), false).unwrap();
        out.send_data(Bytes::from_static(b"half"), false).unwrap();
        // The part above may be lost where the stream is reset at once.
        std::future::poll_fn(|cx| {
            if out.capacity() > 0 {
                return std::task::Poll::Ready(());
            }
            out.reserve_capacity(1);
            out.poll_capacity(cx).map(drop)
        })
        .await;
        out.send_reset(h2::Reason::INTERNAL_ERROR);
    })
    .await;
    let w = attached(&url).await;
    let (_, ended) =
        Channel::open(&w).await.call(&[("authorization", &bearer(&w)), (CLUSTER, w.cluster_id().unwrap())]).await;
    assert_eq!(ended.code, 14);
    assert!(ended.message.contains("--spark-connect"), "{ended:?}");
}

#[tokio::test]
async fn a_call_that_the_client_gives_up_ends_at_the_engine_too() {
    let (seen, mut resets) = mpsc::unbounded_channel();
    let url = engine(move |_, mut respond| {
        let seen = seen.clone();
        async move {
            let mut out = respond.send_response(head(), false).unwrap();
            let reason = std::future::poll_fn(|cx| out.poll_reset(cx)).await;
            seen.send(reason.unwrap()).unwrap();
        }
    })
    .await;
    let w = attached(&url).await;
    let mut channel = Channel::open(&w).await;
    let headers = [("authorization", &*bearer(&w)), (CLUSTER, w.cluster_id().unwrap())];
    let (mut stream, response) = channel.begin(EXECUTE, &headers).await;
    let response = response.await.unwrap();
    stream.send_reset(h2::Reason::CANCEL);
    assert_eq!(resets.recv().await.unwrap(), h2::Reason::CANCEL);
    drop(response);
}

#[tokio::test]
async fn faults_have_the_form_of_grpc() {
    let (url, calls) = counting().await;
    let w = attached(&url).await;
    w.faults().add(Rule::new("POST", "/spark.connect.*").times(1).status(429));
    let mut channel = Channel::open(&w).await;
    let headers = [("authorization", &*bearer(&w)), (CLUSTER, w.cluster_id().unwrap())];
    assert_eq!(channel.call(&headers).await.1.code, 8);
    assert_eq!((channel.call(&headers).await.1.code, calls.load(Ordering::SeqCst)), (0, 1));
}

fn impatient() -> LocalWorkspaceBuilder {
    builder().idle_limit(Duration::from_millis(200))
}

#[tokio::test]
async fn a_silent_stream_is_left_alone_and_a_half_sent_request_is_not() {
    let url = engine(|request, mut respond| async move {
        let mut out = respond.send_response(head(), false).unwrap();
        let mut body = request.into_body();
        while let Some(data) = body.data().await {
            out.send_data(data.unwrap(), false).unwrap();
        }
        out.send_trailers(HeaderMap::from_iter([("grpc-status".parse().unwrap(), 0.into())])).unwrap();
    })
    .await;
    let w = impatient().spark_connect(url).start().await.unwrap();
    let mut silent = Channel::open(&w).await;
    let headers = [("authorization", &*bearer(&w)), (CLUSTER, w.cluster_id().unwrap())];
    let (mut stream, response) = silent.begin(EXECUTE, &headers).await;
    let mut body = response.await.unwrap().into_body();
    silent.pings.ping(Ping::opaque()).await.unwrap();

    // Connections whose request stays out are closed, later than the silent one would be.
    let address = w.url().trim_start_matches("http://").to_owned();
    let mut half = TcpStream::connect(&address).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let _ = half.read_to_end(&mut Vec::new()).await;
    let mut half = Channel::open(&w).await;
    let request = Request::post(format!("{}/oidc/v1/token", w.url())).body(()).unwrap();
    let (response, mut rest) = half.requests.send_request(request, false).unwrap();
    rest.send_data(Bytes::from_static(b"grant_type="), false).unwrap();
    assert!(response.await.is_err());
    // Its end is an error or not, as the operating system sees it.
    let _ = half.connection.await.unwrap();

    stream.send_data(Bytes::from_static(b"still here"), true).unwrap();
    assert_eq!(body.data().await.unwrap().unwrap(), "still here");
    assert!(!silent.connection.is_finished());
}

#[tokio::test]
async fn the_rest_api_speaks_http_2_too() {
    let w = builder().start().await.unwrap();
    let mut channel = Channel::open(&w).await;
    for (bearer, status) in [(bearer(&w), 200), ("Bearer dapi0".to_owned(), 403)] {
        let request = Request::get(format!("{}/api/2.0/token/list", w.url())).header("authorization", bearer);
        let (response, _) = channel.requests.send_request(request.body(()).unwrap(), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (status, &"application/json".parse().unwrap())
        );
        let mut body = response.into_body();
        let mut text = Vec::new();
        while let Some(data) = body.data().await {
            text.extend_from_slice(&data.unwrap());
        }
        serde_json::from_slice::<serde_json::Value>(&text).unwrap();
    }
}

#[tokio::test]
async fn a_start_that_cannot_be_states_why() {
    let error = builder().spark_connect("http://localhost:1").start().await.unwrap_err();
    assert!(error.to_string().contains("sc://HOST:PORT"), "{error}");
    let error = builder().python("no-such-python").spark_sail().start().await.unwrap_err();
    assert!(error.to_string().contains("'no-such-python', which was not found: install"), "{error}");
}

#[tokio::test]
async fn commands_find_the_engine_by_their_environment() {
    let (url, calls) = counting().await;
    let w = attached(&url).await;
    let cluster = w.cluster_id().unwrap();
    until(&w, &format!("/api/2.1/clusters/get?cluster_id={cluster}"), |c| c["state"] == "RUNNING").await;
    let made = post(&w, "/api/1.2/contexts/create", json!({"clusterId": cluster, "language": "python"})).await.ok();
    let context = made["id"].as_str().unwrap();
    let code = "import os; print(os.environ['SPARK_REMOTE'])";
    let body = json!({"clusterId": cluster, "contextId": context, "language": "python", "command": code});
    let made = post(&w, "/api/1.2/commands/execute", body).await.ok();
    let command = made["id"].as_str().unwrap();
    let status = format!("/api/1.2/commands/status?clusterId={cluster}&contextId={context}&commandId={command}");
    let end = until(&w, &status, |c| c["status"] == "Finished").await;
    let remote = end["results"]["data"].as_str().unwrap();
    let port = w.url().rsplit_once(':').unwrap().1;
    let rest = remote.strip_prefix(&format!("sc://localhost:{port}/;token=")).unwrap_or_else(|| panic!("{end}"));
    let (token, session) = rest.split_once(";x-databricks-session-id=").unwrap();
    let headers = [("authorization", &*format!("Bearer {token}")), ("x-databricks-session-id", session)];
    assert_eq!((Channel::open(&w).await.call(&headers).await.1.code, calls.load(Ordering::SeqCst)), (0, 1));
}

/// A Python that is a script of the shell.
#[cfg(unix)]
fn python(directory: &std::path::Path, script: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;

    let python = directory.join("python");
    std::fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o700)).unwrap();
    python
}

#[cfg(unix)]
#[tokio::test]
async fn an_engine_of_its_own_ends_with_the_workspace() {
    let (url, calls) = counting().await;
    let port = url.rsplit_once(':').unwrap().1;
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let script = format!("echo $$ > {}; echo '{{\"port\": {port}}}'; exec sleep 10000", pid.display());
    let w = builder().python(python(directory.path(), &script)).spark_sail().start().await.unwrap();
    let headers = [("authorization", &*bearer(&w)), (CLUSTER, w.cluster_id().unwrap())];
    assert_eq!((Channel::open(&w).await.call(&headers).await.1.code, calls.load(Ordering::SeqCst)), (0, 1));
    let pid = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::test_kill_process(pid).unwrap();
    w.shutdown().await;
    assert!(rustix::process::test_kill_process(pid).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn sail_that_does_not_start_is_stated() {
    let directory = tempfile::tempdir().unwrap();
    for (script, why) in [
        ("exec python3 -I -S \"$@\"", "-m pip install pysail"),
        ("echo '{\"failed\": \"OSError: no port\"}'", "OSError: no port"),
        ("exit 1", "ended before it listened"),
    ] {
        let error = builder().python(python(directory.path(), script)).spark_sail().start().await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn the_url_for_clients_has_all_that_they_need() {
    let w = attached("sc://localhost:1").await;
    let port = w.url().rsplit_once(':').unwrap().1;
    let expected =
        format!("sc://localhost:{port}/;token={};x-databricks-cluster-id={}", w.token(), w.cluster_id().unwrap());
    assert_eq!(w.spark_remote().unwrap(), expected);
}
