//! Driving the client as a case states.

use std::time::Duration;

use databricks_auth::{CredentialChain, Credentials as _};
use databricks_core::{AuthHeaders, Body, Error, SharedCredentials};
use databricks_sdk::Client;
use http::Request;
use serde_json::{Value, json};

use super::expect::{self, Came};
use super::machine::Machine;
use super::text;
use databricks_tests::Log;

/// The longest that a case may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a case; the error states what is wrong.
pub(crate) fn run(case: &Value) -> Result<(), String> {
    let machine = Machine::set_up(case)?;
    let log = Log::default();
    let catching = log.catch_all();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let came = runtime.block_on(async { tokio::time::timeout(LIMIT, drive(&machine)).await });
    runtime.shutdown_timeout(Duration::from_millis(200));
    drop(catching);

    let expected = &machine.case["expect"];
    let came = came.map_err(|_| format!("it took longer than {} s", LIMIT.as_secs()))?;
    match came {
        Ok(_) if expect::is_error(expected) => {
            return Err(format!("no error, wanted is {}", text(expected, "error_kind")));
        }
        Ok(mut came) => {
            came.rendered.push_str(&log.text());
            expect::success(expected, &came, machine.case.get("parallel").is_some())?;
        }
        // A request without a response shows what was really asked, which states more than the error after it.
        Err(error) => {
            expect::error(expected, &error, &log.text()).map_err(|why| match machine.network.verify(false) {
                Err(unexpected) => format!("{why}\n{unexpected}"),
                Ok(()) => why,
            })?;
        }
    }
    machine.network.verify(!expect::is_error(expected))?;
    expect::aftermath(expected, &machine)
}

async fn drive(machine: &Machine) -> Result<Came, Error> {
    let client = Client::builder(machine.config()).connection(machine.network.service()).build()?;
    let credentials = client.credentials().clone();
    let before = format!("{:?}\n{}\n{:?}\n", client.config(), client.config().describe(), machine.config());
    let endpoint = credentials.endpoint().await?;
    let headers = authenticate(machine, &credentials).await?;
    if let Some(call) = machine.case.get("api_call") {
        api_call(machine, &client, call).await?;
    }
    let config = credentials.config();
    let rendered =
        format!("{before}{config:?}\n{}\n{credentials:?}\n{client:?}\n{headers:?}\n", credentials.describe());
    Ok(Came { config, endpoint, auth_type: credentials.auth_type().to_owned(), headers, rendered })
}

/// Authenticates as often as the case states.
async fn authenticate(machine: &Machine, credentials: &CredentialChain) -> Result<Vec<AuthHeaders>, Error> {
    let case = &machine.case;
    let mut all = Vec::new();
    if let Some(callers) = case.get("parallel").and_then(Value::as_u64) {
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let credentials = credentials.clone();
                tokio::spawn(async move { credentials.headers().await })
            })
            .collect();
        for task in tasks {
            all.push(task.await.expect("a caller panicked")?);
        }
        return Ok(all);
    }
    if let Some(steps) = case.get("timeline").and_then(Value::as_array) {
        for step in steps {
            machine.clock.move_to(step.as_f64().unwrap_or(0.0));
            all.push(credentials.headers().await?);
            settle(machine).await;
        }
        return Ok(all);
    }
    for number in 0..case.get("calls").and_then(Value::as_u64).unwrap_or(1) {
        if let (true, Some(pause)) = (number > 0, case.get("sleep_between_s").and_then(Value::as_f64)) {
            settle(machine).await;
            machine.clock.move_by(pause);
        }
        all.push(credentials.headers().await?);
    }
    Ok(all)
}

/// Lets background work come to its end.
async fn settle(machine: &Machine) {
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while machine.network.is_busy() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}

/// Makes the call of the case.
async fn api_call(machine: &Machine, client: &Client, call: &Value) -> Result<(), Error> {
    use databricks_sdk::models::{iam, provisioning};
    match text(call, "operation") {
        "current_user.me" => client.call(iam::current_user::Me::new()).await.map(drop),
        "account.workspaces.list" => client.call(provisioning::workspaces::List::new()).await.map(drop),
        "workspace_id" => {
            let response = client.call(iam::current_user::Me::new()).send_full().await?;
            let id = response.headers.get("x-databricks-org-id").cloned();
            assert!(id.is_some(), "the response does not tell the workspace");
            Ok(())
        }
        "" => raw_call(machine, client.credentials(), call).await,
        other => panic!("the operation {other} is not known: {}", json!(call)),
    }
}

/// Any request, through the whole transport.
async fn raw_call(machine: &Machine, credentials: &CredentialChain, call: &Value) -> Result<(), Error> {
    let base = credentials.endpoint().await?.base;
    let transport = databricks_transport::Client::builder()
        .connection(machine.network.service())
        .credentials(SharedCredentials::new(credentials.clone()))
        .environment(credentials.config().environment().clone())
        .build()?;
    let url = format!("{}{}", base.to_string().trim_end_matches('/'), text(call, "path"));
    let request = Request::builder()
        .method(text(call, "method"))
        .uri(url)
        .body(Body::empty())
        .expect("the call of the case is not a request");
    transport.send(request).await.map(drop)
}
