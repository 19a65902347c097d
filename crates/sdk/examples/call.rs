//! Calls any operation by name: `cargo run --example call --features dynamic,full -- clusters.list page_size=10`.
//!
//! Inputs are `name=value`, by their names on the wire; a value that is JSON is taken as JSON, all else as a string.
//! `--all` fetches every page of a list, `--wait` waits until what was started has finished, `--inputs` lists the
//! inputs instead of calling. Without an id the operations are listed.

#![allow(clippy::print_stdout)] // A program's output.

use databricks_sdk::models::dynamic::{find, operations};
use databricks_sdk::{AccountClient, WorkspaceClient};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let flag = |name: &str| flags.iter().any(|flag| flag == name);
    let Some((id, inputs)) = arguments.split_first() else {
        for operation in operations() {
            println!("{:<60} {}", operation.id(), operation.summary);
        }
        return Ok(());
    };
    let operation = find(id).ok_or_else(|| format!("there is no operation {id}"))?;
    if flag("--inputs") {
        for input in operation.inputs {
            println!("{:<40} {:?}{}", input.name, input.kind, if input.required { ", required" } else { "" });
        }
        return Ok(());
    }
    let client = if operation.info.path.contains("{account_id}") {
        AccountClient::from_env()?.client().clone()
    } else {
        WorkspaceClient::from_env()?.client().clone()
    };
    let mut call = client.operation(id)?;
    for input in inputs {
        let (name, text) = input.split_once('=').ok_or_else(|| format!("{input} is not of the form name=value"))?;
        call = call.input(name, serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
    }
    let response = if flag("--wait") {
        call.wait(None).await?
    } else if flag("--all") {
        json!(call.items()?.try_collect().await?)
    } else {
        call.await?.json
    };
    println!("{response:#}");
    Ok(())
}
