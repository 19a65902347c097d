//! Authenticates from the command line, and shows how.
//!
//! ```sh
//! cargo run -p databricks-auth --features browser,google --example auth -- describe [--profile NAME] [--host URL] [attribute=value …]
//! ```
//!
//! | command | does |
//! |---|---|
//! | `describe` | shows where each setting came from and which credentials provider is used; `--offline` sends no request |
//! | `login` | logs in through a browser and stores the login where the official CLI does |
//! | `logout` | removes that login |
//! | `token` | prints the token that requests would carry, for use in scripts |
//! | `profiles` | lists the profiles of the profile file |

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use databricks_auth::{Config, CredentialChain, Credentials as _};
use databricks_core::{Error, ErrorKind, Result};

const USAGE: &str =
    "usage: auth describe|login|logout|token|profiles [--profile NAME] [--host URL] [--offline] [attribute=value …]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let usage = || Error::new(ErrorKind::InvalidInput, USAGE);
    let command = arguments.next().ok_or_else(usage)?;
    let (mut config, mut offline) = (Config::from_env(), false);
    while let Some(argument) = arguments.next() {
        config = match argument.as_str() {
            "--profile" => config.profile(arguments.next().ok_or_else(usage)?),
            "--host" => config.host(arguments.next().ok_or_else(usage)?),
            "--offline" => {
                offline = true;
                config
            }
            other => {
                let (attribute, value) = other.split_once('=').ok_or_else(usage)?;
                config.set(attribute, value)
            }
        };
    }
    match command.as_str() {
        "describe" => describe(config, offline).await,
        "login" => {
            let config = config.resolve()?;
            let outcome = config.login(config.http_service()?).await?;
            println!("Logged in to {}; the login is in the storage {:?}.", outcome.host, outcome.storage);
            Ok(())
        }
        "logout" => {
            let config = config.resolve()?;
            config.logout(config.http_service()?).await
        }
        "token" => {
            let headers = credentials(config)?.headers().await?;
            for (name, value) in &headers.headers {
                let value = value.to_str().map_err(|error| {
                    Error::new(ErrorKind::Auth, format!("{name} is not a string")).with_source(error)
                })?;
                println!("{name}: {value}");
            }
            Ok(())
        }
        "profiles" => {
            let profiles = config.profiles()?;
            if profiles.is_empty() {
                println!("There are no profiles.");
            }
            for profile in profiles {
                let mark = if profile.is_default { "*" } else { " " };
                let host = profile.host.unwrap_or_else(|| "no host".to_owned());
                println!("{mark} {:20} {host}  {}", profile.name, profile.auth_type.unwrap_or_default());
            }
            Ok(())
        }
        _ => Err(usage()),
    }
}

/// Shows what is configured and, unless offline, whether it authenticates.
async fn describe(config: Config, offline: bool) -> Result<()> {
    if offline {
        println!("{}", config.resolve()?.describe());
        return Ok(());
    }
    let credentials = credentials(config)?;
    let outcome = credentials.headers().await;
    println!("{}", credentials.describe());
    outcome.map(drop)
}

fn credentials(config: Config) -> Result<CredentialChain> {
    config.resolve()?.credentials()
}
