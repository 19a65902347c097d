//! Authenticating over a scripted service, through the public API.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use databricks_auth::{
    AuthErrorKind, Config, CredentialChain, Credentials as _, Environment, HttpService, Storage, error_kind,
};
use databricks_core::{Body, Error, ErrorKind};
use http::{Request, Response};

type Log = Arc<Mutex<Vec<String>>>;

/// A service that responds by URL and records the requests; unknown URLs are 404.
fn service(responses: &'static [(&'static str, u16, &'static str)]) -> (HttpService, Log) {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let service = tower::service_fn(move |request: Request<Body>| {
        let url = request.uri().to_string();
        let body = String::from_utf8_lossy(request.body().as_bytes().unwrap_or_default()).into_owned();
        seen.lock().unwrap().push(format!("{} {url} {body}", request.method()));
        let (status, text) = responses
            .iter()
            .find(|(known, ..)| url == *known)
            .map_or((404, "{}"), |(_, status, text)| (*status, *text));
        let response = Response::builder().status(status).body(Body::from(text)).unwrap();
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, Error>(response)
        }
    });
    (HttpService::new(service), log)
}

fn chain(vars: &[(&str, &str)], http: HttpService) -> CredentialChain {
    Config::new().environment(Environment::from_iter(vars.iter().copied())).resolve().unwrap().credentials_over(http)
}

const M2M: &[(&str, &str)] = &[
    ("DATABRICKS_HOST", "https://ws.example.com"),
    ("DATABRICKS_CLIENT_ID", "id"),
    ("DATABRICKS_CLIENT_SECRET", "top-secret"),
];
const DISCOVERY: (&str, u16, &str) = (
    "https://ws.example.com/oidc/.well-known/oauth-authorization-server",
    200,
    r#"{"token_endpoint": "https://ws.example.com/oidc/v1/token"}"#,
);

fn authorization(headers: &databricks_core::AuthHeaders) -> &str {
    headers.headers["authorization"].to_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_needs_no_request() {
    let (http, log) = service(&[]);
    let credentials = chain(&[("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_TOKEN", "dapi-1")], http);
    assert_eq!(credentials.auth_type(), "");
    let headers = credentials.headers().await.unwrap();
    assert_eq!((authorization(&headers), credentials.auth_type()), ("Bearer dapi-1", "pat"));
    assert_eq!(headers.origin.unwrap().to_string(), "https://ws.example.com");
    assert!(log.lock().unwrap().is_empty());
    assert!(!format!("{credentials:?} {}", credentials.describe()).contains("dapi-1"));
}

#[tokio::test(start_paused = true)]
async fn a_service_principal_gets_one_token_for_all() {
    let (http, log) = service(&[
        DISCOVERY,
        ("https://ws.example.com/oidc/v1/token", 200, r#"{"access_token": "t1", "expires_in": 3600}"#),
    ]);
    let credentials = chain(M2M, http);
    let calls = (0..1000).map(|_| {
        let credentials = credentials.clone();
        tokio::spawn(async move { authorization(&credentials.headers().await.unwrap()).to_owned() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), "Bearer t1");
    }
    let log = log.lock().unwrap();
    let tokens: Vec<_> = log.iter().filter(|line| line.starts_with("POST")).collect();
    assert_eq!(tokens, ["POST https://ws.example.com/oidc/v1/token grant_type=client_credentials&scope=all-apis"]);
    assert_eq!(log.len(), 3, "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_explained_shared_and_retried_later() {
    let (http, log) = service(&[
        DISCOVERY,
        (
            "https://ws.example.com/oidc/v1/token",
            401,
            r#"{"error": "invalid_client", "error_description": "secret top-secret is wrong"}"#,
        ),
    ]);
    let credentials = chain(M2M, http);
    let (a, b) = tokio::join!(credentials.headers(), credentials.headers());
    for error in [a.unwrap_err(), b.unwrap_err()] {
        assert_eq!(error_kind(&error), Some(AuthErrorKind::AuthFailed));
        let text = error.report();
        assert!(
            text.contains("invalid_client") && text.contains("oauth-m2m") && !text.contains("top-secret"),
            "{text}"
        );
        for part in [
            "\"id\" (environment variable DATABRICKS_CLIENT_ID)",
            "client_secret (environment variable DATABRICKS_CLIENT_SECRET)",
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(!error.to_string().contains('\n') && !text.contains("auth_failed"), "{text}");
    }
    let tokens = || log.lock().unwrap().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(tokens(), 1);
    credentials.headers().await.unwrap_err();
    assert_eq!(tokens(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_not_sent_to_untrusted_endpoints_of_a_document() {
    let (http, log) = service(&[(
        "https://ws.example.com/oidc/.well-known/oauth-authorization-server",
        200,
        r#"{"token_endpoint": "https://evil.example.org/oidc/v1/token"}"#,
    )]);
    let error = chain(M2M, http).headers().await.unwrap_err();
    assert_eq!(error_kind(&error), Some(AuthErrorKind::UntrustedEndpoint));
    assert!(error.to_string().contains("evil.example.org"), "{error}");
    assert!(log.lock().unwrap().iter().all(|line| line.starts_with("GET")));
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_is_requested_once() {
    let (http, log) = service(&[(
        "https://ws.example.com/.well-known/databricks-config",
        200,
        r#"{"account_id": "acc", "workspace_id": "77", "cloud": "GCP", "host_type": "unified"}"#,
    )]);
    let credentials = chain(
        &[("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_TOKEN", "t"), ("DATABRICKS_ACCOUNT_ID", "mine")],
        http,
    );
    for _ in 0..2 {
        let endpoint = credentials.endpoint().await.unwrap();
        assert_eq!(endpoint.base, "https://ws.example.com/");
        assert_eq!((endpoint.account_id.as_deref(), endpoint.workspace_id.as_deref()), (Some("mine"), Some("77")));
        assert_eq!((endpoint.host_type.as_str(), endpoint.cloud.as_str()), ("unified", "GCP"));
    }
    assert_eq!(log.lock().unwrap().len(), 1);
    assert_eq!(credentials.config().source("workspace_id").unwrap().to_string(), "metadata of the host");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_responds_does_not_delay_for_long() {
    let http =
        HttpService::new(tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Error>>()));
    let credentials = chain(&[("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_TOKEN", "t")], http);
    let start = tokio::time::Instant::now();
    credentials.endpoint().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn the_report_of_an_empty_chain_has_everything_but_secrets() {
    let (http, _) = service(&[]);
    let error = chain(&[("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_PASSWORD", "pw-secret")], http)
        .headers()
        .await
        .unwrap_err();
    assert_eq!(error_kind(&error), Some(AuthErrorKind::NoCredentials));
    let text = error.report();
    for part in [
        "https://ws.example.com",
        "DATABRICKS_HOST",
        "pat: token (DATABRICKS_TOKEN) is not set",
        "basic: username",
        "oauth-m2m:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("pw-secret"), "{text}");
}

#[tokio::test]
async fn own_credentials_replace_the_chain() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let own = databricks_auth::from_fn("vault", move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(databricks_auth::Token::new("own").expires_in(Duration::from_secs(600))) }
    });
    let (http, _) = service(&[]);
    let config = Config::hermetic().host("ws.example.com").credentials(own).resolve().unwrap();
    let credentials = config.credentials_over(http);
    for _ in 0..3 {
        assert_eq!(authorization(&credentials.headers().await.unwrap()), "Bearer own");
    }
    assert_eq!((credentials.auth_type(), calls.load(Ordering::SeqCst)), ("vault", 1));
    let generation = credentials.headers().await.unwrap().generation;
    assert!(credentials.invalidate(generation));
    credentials.headers().await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_received_token_is_exchanged() {
    let (http, log) = service(&[
        DISCOVERY,
        ("https://ws.example.com/oidc/v1/token", 200, r#"{"access_token": "swapped", "expires_in": 3600}"#),
    ]);
    let config = Config::hermetic().host("ws.example.com").scopes(["sql"]).resolve().unwrap();
    let credentials = config.exchange_token(http, "received");
    for _ in 0..2 {
        assert_eq!(authorization(&credentials.headers().await.unwrap()), "Bearer swapped");
    }
    let log = log.lock().unwrap();
    let posts: Vec<_> = log.iter().filter(|line| line.starts_with("POST")).collect();
    assert_eq!(posts.len(), 1);
    assert!(
        posts[0].contains("subject_token=received")
            && posts[0].contains("personal-access-token")
            && posts[0].contains("scope=sql"),
        "{posts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn data_plane_tokens_are_cached_by_what_they_are_for() {
    let (http, log) = service(&[
        DISCOVERY,
        ("https://ws.example.com/oidc/v1/token", 200, r#"{"access_token": "made", "expires_in": 3600}"#),
    ]);
    let credentials = chain(&[("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_TOKEN", "own-token")], http);
    for details in ["[1]", "[2]", "[1]"] {
        assert_eq!(authorization(&credentials.clone().data_plane(details).headers().await.unwrap()), "Bearer made");
    }
    let posts = log
        .lock()
        .unwrap()
        .iter()
        .filter(|line| line.starts_with("POST") && line.contains("assertion=own-token"))
        .count();
    assert_eq!(posts, 2);
    let orphan = credentials.data_plane("[3]");
    drop(credentials);
    assert!(orphan.headers().await.unwrap_err().report().contains("were dropped"));
}

/// A service behind the whole transport, with its retries, that responds to each request by a function and counts them.
fn transport(
    response: impl Fn(&str) -> Result<(u16, &'static str), Error> + Clone + Send + Sync + 'static,
) -> (HttpService, Log) {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let connection = HttpService::new(tower::service_fn(move |request: Request<Body>| {
        let line = format!("{} {}", request.method(), request.uri());
        seen.lock().unwrap().push(line.clone());
        let response =
            response(&line).map(|(status, text)| Response::builder().status(status).body(Body::from(text)).unwrap());
        async move { response }
    }));
    let client = databricks_transport::Client::builder()
        .environment(Environment::empty())
        .connection(connection)
        .build()
        .unwrap();
    (client.service(), log)
}

const LOGIN: &str = r#"{"version": 1, "tokens": {"https://ws.example.com": {"access_token": "old", "token_type": "Bearer",
    "refresh_token": "rt-1", "expiry": "2001-01-01T00:00:00Z"}}}"#;

/// A home directory with files.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    home
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_sent_once_and_client_credentials_again() {
    let lost = || Err(Error::new(ErrorKind::ConnectionLost, "the connection broke"));
    for failure in [None, Some(500), Some(502), Some(504)] {
        let response = move |line: &str| match (line.starts_with("POST"), failure) {
            (true, None) => lost(),
            (true, Some(status)) => Ok((status, "down")),
            (false, _) if line.ends_with("oauth-authorization-server") => Ok((200, DISCOVERY.2)),
            (false, _) => Ok((404, "{}")),
        };
        let (http, log) = transport(response);
        let home = home(&[(".databricks/token-cache.json", LOGIN)]);
        let config = Config::hermetic()
            .home(home.path())
            .host("ws.example.com")
            .auth_type("databricks-cli")
            .auth_storage(Storage::Plaintext);
        let error = config.resolve().unwrap().credentials_over(http).headers().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("may have been used up") && text.contains("log in again"), "{failure:?}: {text}");
        let posts = |log: &Log| log.lock().unwrap().iter().filter(|line| line.starts_with("POST")).count();
        assert_eq!(posts(&log), 1, "{failure:?}");

        let (http, log) = transport(response);
        chain(M2M, http).headers().await.unwrap_err();
        assert!(posts(&log) > 1 || failure == Some(500), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn several_profiles_of_a_host_are_no_matter_where_the_ids_are_stated() {
    let profiles =
        "[a]\nhost = https://ws.example.com\naccount_id = acc\n[b]\nhost = https://ws.example.com\naccount_id = acc\n";
    let home = home(&[(".databrickscfg", profiles), (".databricks/token-cache.json", &LOGIN.replace("2001", "2999"))]);
    let config = || {
        Config::hermetic()
            .home(home.path())
            .host("ws.example.com")
            .auth_type("databricks-cli")
            .auth_storage(Storage::Plaintext)
    };
    let (http, _) = service(&[]);
    let error = config().resolve().unwrap().credentials_over(http.clone()).headers().await.unwrap_err().to_string();
    assert!(error.contains("several profiles") && error.contains("DATABRICKS_CONFIG_PROFILE"), "{error}");
    let credentials = config().account_id("acc").resolve().unwrap().credentials_over(http);
    assert_eq!(authorization(&credentials.headers().await.unwrap()), "Bearer old");
}

#[tokio::test(start_paused = true)]
async fn an_error_names_a_line_of_the_profile_that_had_no_effect() {
    let home = home(&[(".databrickscfg", "[dev]\nhost https://ws.example.com\ntoken = t\n")]);
    let (http, _) = service(&[]);
    let config = Config::hermetic().home(home.path()).profile("dev").resolve().unwrap();
    let credentials = config.credentials_over(http);
    for error in
        [credentials.endpoint().await.map(drop).unwrap_err(), credentials.headers().await.map(drop).unwrap_err()]
    {
        let text = error.to_string();
        assert!(text.contains(".databrickscfg: line 2 has no equals sign") && text.contains("host ="), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_configuration_knows_the_provider_once_it_authenticated() {
    let (http, _) = service(&[]);
    let config = Config::hermetic().host("ws.example.com").token("dapi-1\r\n").resolve().unwrap();
    let credentials = config.credentials_over(http);
    assert_eq!(config.auth_type(), None);
    assert_eq!(authorization(&credentials.headers().await.unwrap()), "Bearer dapi-1");
    assert_eq!((config.auth_type(), credentials.config().auth_type()), (Some("pat"), Some("pat")));
}

#[test]
fn without_a_runtime_there_is_an_error_and_a_token_still_works() {
    use futures_util::FutureExt as _;

    let (http, _) = service(&[]);
    let credentials = chain(M2M, http.clone());
    for error in [
        credentials.endpoint().now_or_never().unwrap().map(drop).unwrap_err(),
        credentials.headers().now_or_never().unwrap().map(drop).unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("needs a Tokio runtime") && error.to_string().contains("#[tokio::main]"),
            "{error}"
        );
    }
    // The same credentials work in a runtime afterwards.
    let (http, _) = service(&[
        DISCOVERY,
        ("https://ws.example.com/oidc/v1/token", 200, r#"{"access_token": "t1", "expires_in": 3600}"#),
    ]);
    let credentials = chain(M2M, http);
    credentials.headers().now_or_never().unwrap().unwrap_err();
    let without_timers = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let error = without_timers.block_on(credentials.headers()).unwrap_err();
    assert!(error.to_string().contains("no timers"), "{error}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(authorization(&runtime.block_on(credentials.headers()).unwrap()), "Bearer t1");

    let (http, _) = service(&[]);
    let token = chain(&[("DATABRICKS_HOST", "ws.example.com"), ("DATABRICKS_TOKEN", "t")], http);
    assert_eq!(authorization(&token.headers().now_or_never().unwrap().unwrap()), "Bearer t");
}

#[test]
fn a_runtime_without_io_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let config = Config::hermetic().host("http://127.0.0.1:9").client_id("id").client_secret("s").resolve().unwrap();
    let credentials = config.credentials().unwrap();
    for error in [
        runtime.block_on(credentials.endpoint()).map(drop).unwrap_err(),
        runtime.block_on(credentials.headers()).map(drop).unwrap_err(),
    ] {
        assert!(error.report().contains("has no IO") && error.report().contains("enable_all"), "{}", error.report());
    }
}

#[cfg(not(feature = "google"))]
#[tokio::test(start_paused = true)]
async fn a_key_that_this_build_cannot_use_names_the_feature() {
    let (http, _) = service(&[]);
    let config = Config::hermetic().host("1.2.gcp.databricks.com").google_credentials("{}").resolve().unwrap();
    let error = config.credentials_over(http).headers().await.unwrap_err().to_string();
    for part in ["google_credentials is set (set in code)", "feature `google` of databricks-sdk"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_identity_gets_an_error_with_the_request() {
    for (status, text) in [
        (404, r#"{"error": "invalid_request", "error_description": "Identity not found"}"#),
        (502, "bad \u{1b}[31mgateway"),
    ] {
        let (http, _) =
            transport(move |line| if line.contains("169.254.169.254") { Ok((status, text)) } else { Ok((404, "{}")) });
        let config = Config::hermetic().host("adb-1.2.azuredatabricks.net").azure_use_msi(true).resolve().unwrap();
        let error = config.credentials_over(http).headers().await.unwrap_err().to_string();
        assert!(error.contains("http://169.254.169.254/metadata/identity/oauth2/token"), "{error}");
        assert!(!error.contains('\u{1b}') && !error.contains("[31m"), "{error}");
    }
}
