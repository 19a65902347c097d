//! Files of this machine: profiles, `.netrc`, stored logins.

use databricks_auth::{Config, Credentials as _, Environment, HttpService, Storage};
use databricks_core::{Body, Error};
use http::{Request, Response, StatusCode};

use crate::engine::fuzz;
use crate::texts::{SECRET, check_error, is_shown};

/// A service without metadata, that renews every login.
fn service() -> HttpService {
    HttpService::new(tower::service_fn(async |request: Request<Body>| {
        let path = request.uri().path();
        let (status, body) = if path.ends_with("oauth-authorization-server") {
            let discovery = r#"{"authorization_endpoint": "https://ws.example.com/a", "token_endpoint": "https://ws.example.com/t"}"#;
            (StatusCode::OK, discovery)
        } else if path == "/t" {
            (
                StatusCode::OK,
                r#"{"access_token": "new", "refresh_token": "newer", "token_type": "Bearer", "expires_in": 1e308}"#,
            )
        } else {
            (StatusCode::NOT_FOUND, "{}")
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        Ok::<_, Error>(response)
    }))
}

/// Asks for headers with these settings. What fails must say so as all errors do.
fn authenticate(config: Config) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    match config.resolve() {
        Ok(config) => {
            let shown = format!("{config:?} {:?}", config.describe());
            assert!(!is_shown(&shown, SECRET), "{shown}");
            if let Err(error) = runtime.block_on(config.credentials_over(service()).headers()) {
                check_error(&error, SECRET);
            }
        }
        Err(error) => check_error(&error, SECRET),
    }
}

#[test]
fn profiles() {
    let tokens = &[
        "[",
        "]",
        "[DEFAULT]\n",
        "[a]\n",
        "[__settings__]\n",
        "default_profile",
        "=",
        ":",
        "\n",
        "\r\n",
        "\t",
        "\\",
        "\"",
        "#",
        ";",
        "\u{feff}",
        "host",
        "token",
        "https://",
        "account_id",
        "client_id",
        "client_secret",
        "auth_type",
        "pat",
        "scopes",
        ",",
        "skip_verify",
        "true",
        "http_timeout_seconds",
        "retry_timeout_seconds",
        "rate_limit",
        "-1",
        "99999999999999999999",
        "é",
    ];
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".databrickscfg");
    fuzz("profiles", tokens, |bytes| {
        // Where the name of a setting is lost, a secret is the value of one that is none.
        std::fs::write(&path, bytes).unwrap();
        for profile in [None, Some("a")] {
            let config = Config::hermetic().home(home.path());
            authenticate(profile.into_iter().fold(config, Config::profile));
        }
        let _ = Config::hermetic().home(home.path()).profiles();
    });
}

#[test]
fn netrc() {
    let tokens = &[
        "machine",
        "login",
        "password",
        "default",
        "macdef",
        "account",
        "token",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\n\n",
        "\"",
        "\\",
        "#",
        "\u{feff}",
        "ws.example.com",
        "é",
    ];
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".netrc");
    fuzz("netrc", tokens, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        authenticate(Config::hermetic().home(home.path()).host("ws.example.com").auth_type("netrc"));
    });
}

#[test]
fn stored_logins() {
    let tokens = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u0000",
        "null",
        "true",
        "1e400",
        "-1",
        "version",
        "tokens",
        "access_token",
        "refresh_token",
        "expiry",
        "token_type",
        "https://ws.example.com",
        "2030-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "é",
    ];
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".databricks/token-cache.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    fuzz("stored_logins", tokens, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        let config = Config::hermetic().home(home.path()).host("ws.example.com").auth_type("databricks-cli");
        authenticate(config.auth_storage(Storage::Plaintext));
    });
}

/// The variables of a process that say which way requests go.
#[test]
fn proxies() {
    let tokens = &[
        "HTTP_PROXY=",
        "HTTPS_PROXY=",
        "ALL_PROXY=",
        "NO_PROXY=",
        "no_proxy=",
        "http://",
        "https://",
        "socks5://",
        "user:",
        "@",
        ":",
        "1",
        "99999",
        "/",
        "*",
        ".",
        "10.0.0.0/8",
        "[::1]",
        ",",
        " ",
        "%",
        "%zz",
        "?",
        "#",
        "\n",
    ];
    fuzz("proxies", tokens, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let variables: Environment = text.lines().filter_map(|line| line.split_once('=')).collect();
        match databricks_transport::Client::builder().environment(variables).build() {
            Ok(client) => {
                let shown = format!("{client:?}");
                assert!(!is_shown(&shown, SECRET), "{shown}");
            }
            Err(error) => check_error(&error, SECRET),
        }
    });
}
