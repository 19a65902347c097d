//! `file-oidc`: an ID token in a file, such as Kubernetes and many CI systems keep up to date.

use std::fs;

use databricks_core::Secret;

use super::exchange::{IdTokens, exchanged};
use super::provider::{Outcome, Provider, need};
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::sanitize::trimmed;
use crate::token::BoxFuture;

const NAME: &str = "file-oidc";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: true,
    inputs: |config| need(config, &[Key::Host, Key::OidcTokenFilepath]),
    configure: |cx| {
        Box::pin(async {
            if let Err(reason) = read(&cx.config) {
                return Outcome::declined(reason);
            }
            Ok(exchanged(NAME, cx, File))
        })
    },
};

#[derive(Debug)]
struct File;

fn read(config: &ResolvedConfig) -> Result<Secret, String> {
    let path = config.text(Key::OidcTokenFilepath).unwrap_or_default();
    match fs::read_to_string(path) {
        Ok(text) if trimmed(&text).is_empty() => Err(format!("the file {path} is empty")),
        Ok(text) => Ok(Secret::from(trimmed(&text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!("the file {path} is not found")),
        Err(error) => Err(format!("the file {path} cannot be read: {error}")),
    }
}

impl IdTokens for File {
    fn id_token<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Secret, AuthError>> {
        Box::pin(async { read(&cx.config).map_err(|reason| AuthError::failed(NAME, reason)) })
    }
}
