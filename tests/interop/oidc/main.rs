//! Authentication against a certified OAuth server, over sockets: client credentials, a person's login with PKCE,
//! refresh and its rotation, and what a user sees when something is wrong.
//!
//! `tests/interop/oidc/run` installs the server and starts this.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use databricks_auth::{
    AuthErrorKind, Browser, Config, CredentialChain, Credentials as _, Environment, Storage, error_kind,
};
use databricks_core::{Body, Error, SharedCredentials};
use databricks_transport::{Client, read_body};
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;

const SECRET: &str = "the right secret: 100% & more";

/// Where the server and its dependencies are installed.
fn installed() -> PathBuf {
    PathBuf::from(std::env::var_os("OIDC_SERVER").expect("run tests/interop/oidc/run, which installs the server"))
}

/// A server of its own for each test.
struct Server {
    child: Child,
    origin: String,
}

impl Server {
    fn start(metadata: bool) -> Self {
        let mut command = Command::new("node");
        command.arg(installed().join("server.mjs")).env("METADATA", if metadata { "1" } else { "0" });
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node cannot be run");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let origin =
            lines.map_while(Result::ok).find(|line| line.starts_with("http://")).expect("the server did not start");
        Self { child, origin }
    }

    fn config(&self, home: &TempDir) -> Config {
        Config::hermetic().home(home.path()).host(&self.origin)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person who logs in, perhaps led astray.
#[derive(Debug)]
struct Person {
    forged_state: Option<&'static str>,
}

impl Browser for Person {
    fn open(&self, url: &str) -> std::io::Result<()> {
        let mut command = Command::new("node");
        command.arg(installed().join("login.mjs")).arg(url).args(self.forged_state);
        let output = command.output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }
}

/// Where no person is to be asked.
#[derive(Debug)]
struct NoBrowser;

const NO_BROWSER: NoBrowser = NoBrowser;

impl Browser for NoBrowser {
    fn open(&self, url: &str) -> std::io::Result<()> {
        panic!("a browser was opened: {url}");
    }
}

const ANN: Person = Person { forged_state: None };

/// A client as programs have it: tokens and calls through one transport.
struct Session {
    client: Client,
    credentials: CredentialChain,
    origin: String,
}

impl Session {
    fn new(config: Config, server: &Server) -> Self {
        let plain = Client::builder().environment(Environment::empty()).build().unwrap();
        let credentials = config.resolve().unwrap().credentials_over(plain.service());
        let client = plain.with_credentials(SharedCredentials::new(credentials.clone()));
        Self { client, credentials, origin: server.origin.clone() }
    }

    async fn get(&self, path: &str) -> Result<Value, Error> {
        let request = Request::get(format!("{}{path}", self.origin)).body(Body::empty()).unwrap();
        let response = self.client.send(request).await?;
        Ok(serde_json::from_slice(&read_body(response.into_body(), 1 << 20).await?).unwrap())
    }

    async fn me(&self) -> Result<String, Error> {
        Ok(self.get("/api/2.0/preview/scim/v2/Me").await?["userName"].as_str().unwrap_or_default().to_owned())
    }
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_service_principal_with_and_without_metadata() {
    for metadata in [true, false] {
        let (server, home) = (Server::start(metadata), home());
        let session = Session::new(server.config(&home).client_id("sp-1").client_secret(SECRET), &server);
        assert_eq!(session.me().await.unwrap(), "sp-1");
        assert_eq!(session.credentials.auth_type(), "oauth-m2m");
        let id = session.credentials.endpoint().await.unwrap().workspace_id;
        assert_eq!(id.as_deref(), metadata.then_some("4711"));
        session.me().await.unwrap();
        assert_eq!(session.get("/test/counts").await.unwrap(), json!({ "tokens": 1, "refused": 0 }));
    }
}

#[tokio::test]
async fn a_wrong_secret_and_a_scope_too_many() {
    let (server, home) = (Server::start(true), home());
    let session = Session::new(server.config(&home).client_id("sp-1").client_secret("the wrong secret"), &server);
    let error = session.me().await.unwrap_err();
    assert_eq!(error_kind(&error), Some(AuthErrorKind::AuthFailed));
    let text = error.report();
    assert!(text.contains("oauth-m2m") && text.contains("invalid_client") && !text.contains("wrong secret"), "{text}");

    let session = Session::new(server.config(&home).client_id("sp-1").client_secret(SECRET).scopes(["jobs"]), &server);
    let text = session.me().await.unwrap_err().report();
    assert!(text.contains("invalid_scope"), "{text}");
}

#[tokio::test]
async fn a_token_that_ends_during_a_call_is_replaced() {
    let (server, home) = (Server::start(true), home());
    let session = Session::new(server.config(&home).client_id("sp-1").client_secret(SECRET), &server);
    session.me().await.unwrap();
    session.get("/test/expire").await.unwrap();
    assert_eq!(session.me().await.unwrap(), "sp-1", "the caller sees nothing of it");
    assert_eq!(session.get("/test/counts").await.unwrap(), json!({ "tokens": 2, "refused": 1 }));
}

/// The listener's ports are the same for all, so the logins of people take turns.
#[tokio::test]
async fn people() {
    a_person_signs_in_for_one_program().await;
    a_forged_callback_is_refused().await;
    a_stored_login_lasts_and_its_refresh_tokens_rotate().await;
}

async fn a_person_signs_in_for_one_program() {
    let (server, home) = (Server::start(true), home());
    let session = Session::new(server.config(&home).auth_type("external-browser").browser(ANN), &server);
    assert_eq!(session.me().await.unwrap(), "ann");
    // The token ends, and the refresh token gets another without the person.
    session.get("/test/expire").await.unwrap();
    assert_eq!(session.me().await.unwrap(), "ann");
    assert_eq!(session.get("/test/counts").await.unwrap(), json!({ "tokens": 2, "refused": 1 }));

    // The next program finds the login, and so does the official Python SDK, which stores it in its own words in turn.
    let again = || Session::new(server.config(&home).auth_type("external-browser").browser(NO_BROWSER), &server);
    assert_eq!(again().me().await.unwrap(), "ann");
    if let Some(python) = std::env::var_os("PYTHON_SDK") {
        assert_eq!(python_login(&python, &server, &home, &[]), ["ann"]);
        let said = python_login(&python, &server, &home, &["save"]);
        let text = std::fs::read_to_string(&said[1]).unwrap();
        assert!(!text.contains("+00:00"), "Python did not store it: {text}");
        assert_eq!(again().me().await.unwrap(), "ann");
    }
    assert_eq!(session.get("/test/counts").await.unwrap(), json!({ "tokens": 2, "refused": 1 }));
}

/// Runs the official Python SDK with the logins of a home, and gives its lines.
fn python_login(python: &std::ffi::OsStr, server: &Server, home: &TempDir, more: &[&str]) -> Vec<String> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("interop/oidc/python_login.py");
    let output =
        Command::new(python).arg(script).arg(&server.origin).args(more).env("HOME", home.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

async fn a_forged_callback_is_refused() {
    let (server, home) = (Server::start(false), home());
    let led_astray = Person { forged_state: Some("forged") };
    let session = Session::new(server.config(&home).auth_type("external-browser").browser(led_astray), &server);
    let error = session.me().await.unwrap_err();
    assert_eq!(error_kind(&error), Some(AuthErrorKind::AuthFailed));
    assert!(error.to_string().contains("state"), "{error}");
    assert_eq!(session.client.without_credentials_counts(&session.origin).await, json!({ "tokens": 0, "refused": 0 }));
}

/// The counts, asked for without signing in.
trait Counts {
    async fn without_credentials_counts(&self, origin: &str) -> Value;
}

impl Counts for Client {
    async fn without_credentials_counts(&self, origin: &str) -> Value {
        let request = Request::get(format!("{origin}/test/counts")).body(Body::empty()).unwrap();
        let response = self.without_credentials().send(request).await.unwrap();
        serde_json::from_slice(&read_body(response.into_body(), 1 << 20).await.unwrap()).unwrap()
    }
}

async fn a_stored_login_lasts_and_its_refresh_tokens_rotate() {
    let (server, home) = (Server::start(true), home());
    let config = || server.config(&home).auth_storage(Storage::Plaintext).browser(ANN);
    let plain = Client::builder().environment(Environment::empty()).build().unwrap();
    let outcome = config().resolve().unwrap().login(plain.service()).await.unwrap();
    assert_eq!((outcome.host.as_str(), outcome.storage), (server.origin.as_str(), Storage::Plaintext));

    // Another program, and the chain finds the login by itself.
    let session = Session::new(config(), &server);
    assert_eq!((session.me().await.unwrap().as_str(), session.credentials.auth_type()), ("ann", "databricks-cli"));
    let first = stored(&home, &server);

    // Hours later: refreshed and stored anew, with a new refresh token.
    for _ in 0..2 {
        let before = stored(&home, &server);
        age(&home, &server, &before);
        assert_eq!(Session::new(config(), &server).me().await.unwrap(), "ann");
        let after = stored(&home, &server);
        assert_ne!(before["access_token"], after["access_token"]);
        assert_ne!(before["refresh_token"], after["refresh_token"]);
    }

    // A refresh token that was used before is refused, and the person is told what to do.
    age(&home, &server, &first);
    let error = Session::new(config().auth_type("databricks-cli"), &server).me().await.unwrap_err();
    let text = error.report();
    assert!(text.contains("invalid_grant") && text.contains("databricks auth login"), "{text}");
    assert!(!text.contains(first["refresh_token"].as_str().unwrap()), "{text}");

    config().resolve().unwrap().logout(plain.service()).await.unwrap();
    let error = Session::new(config().auth_type("databricks-cli"), &server).me().await.unwrap_err();
    assert_eq!(error_kind(&error), Some(AuthErrorKind::AuthNotConfigured));
}

fn cache(home: &TempDir) -> PathBuf {
    home.path().join(".databricks").join("token-cache.json")
}

/// The stored login of the server.
fn stored(home: &TempDir, server: &Server) -> Value {
    let document: Value = serde_json::from_slice(&std::fs::read(cache(home)).unwrap()).unwrap();
    document["tokens"][&server.origin].clone()
}

/// Stores a login as if it had ended long ago.
fn age(home: &TempDir, server: &Server, login: &Value) {
    let mut login = login.clone();
    login["expiry"] = "2020-01-01T00:00:00Z".into();
    let document = json!({ "version": 1, "tokens": { &server.origin: login } });
    std::fs::write(cache(home), document.to_string()).unwrap();
}
