//! `github-oidc`: the identity of a GitHub Actions job.

use databricks_core::Secret;

use super::exchange::{IdTokens, exchanged};
use super::github;
use super::provider::{Provider, meant_for_entra, need};
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::token::BoxFuture;

const NAME: &str = "github-oidc";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: true,
    honours_group: true,
    inputs: |config| {
        need(config, &[Key::Host])?;
        meant_for_entra(config, NAME)?;
        github::inputs(config)
    },
    configure: |cx| Box::pin(async { Ok(exchanged(NAME, cx, Job)) }),
};

#[derive(Debug)]
struct Job;

impl IdTokens for Job {
    fn id_token<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Secret, AuthError>> {
        Box::pin(async {
            let audience = cx.audience(NAME).await?;
            cx.github_id_token(NAME, &audience).await
        })
    }
}
