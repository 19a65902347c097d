//! A client of the OpenAI protocol on a serving endpoint: this SDK states the base URL and the token, any such client
//! does the rest. Here it is a plain HTTP client.
//!
//! Without any configuration it works on an embedded workspace, in this process, whose endpoint `echo` repeats what it is
//! asked. With one, state the endpoint.
//!
//! ```text
//! cargo run -p databricks-sdk --features serving --example openai [-- <endpoint>]
//! ```

#![allow(clippy::print_stdout)] // A program's output.

#[path = "quickstart/workspace.rs"]
mod workspace;

use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = workspace::open(false).await?;
    let model = std::env::args().nth(1).unwrap_or_else(|| "echo".to_owned());
    let openai = session.client().serving_endpoints().openai().await?;
    let url = format!("{}/chat/completions", openai.base_url());
    let question = json!({"model": model, "messages": [{"role": "user", "content": "What is a volume?"}]});
    // Cheap while the token is valid, so it is asked for before each request.
    let key = openai.api_key().await?;
    let asking = tokio::task::spawn_blocking(move || {
        let request = ureq::post(url).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", key.expose()));
        request.send(question.to_string())?.into_body().read_to_string()
    });
    let response: Value = serde_json::from_str(&asking.await??)?;
    println!("{}", response["choices"][0]["message"]["content"].as_str().unwrap_or_default());
    session.close().await;
    Ok(())
}
