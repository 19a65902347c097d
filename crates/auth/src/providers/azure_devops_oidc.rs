//! `azure-devops-oidc`: the identity of an Azure DevOps pipeline.

use databricks_core::Secret;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::exchange::{IdTokens, exchanged};
use super::provider::{Provider, meant_for_entra, need};
use crate::allowed_hosts;
use crate::config::ResolvedConfig;
use crate::config::attributes::Key;
use crate::context::Context;
use crate::error::AuthError;
use crate::http::Outgoing;
use crate::oauth::not_configured;
use crate::sanitize::trimmed;
use crate::token::BoxFuture;

const NAME: &str = "azure-devops-oidc";

/// The variables that every pipeline sets; the token must be mapped explicitly.
const VARIABLES: [&str; 5] =
    ["SYSTEM_TEAMFOUNDATIONCOLLECTIONURI", "SYSTEM_TEAMPROJECTID", "SYSTEM_PLANID", "SYSTEM_JOBID", "SYSTEM_HOSTTYPE"];
const TOKEN: &str = "SYSTEM_ACCESSTOKEN";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: true,
    honours_group: true,
    inputs: |config| {
        need(config, &[Key::Host])?;
        meant_for_entra(config, NAME)?;
        let missing: Vec<_> = VARIABLES
            .into_iter()
            .filter(|name| config.environment().get(name).is_none_or(|value| trimmed(value).is_empty()))
            .collect();
        match (missing.as_slice(), config.environment().get(TOKEN).filter(|token| !trimmed(token).is_empty())) {
            ([], Some(_)) => Ok(()),
            ([], None) => {
                Err(format!("{TOKEN} is not set; map it in the pipeline: env: {TOKEN}: $(System.AccessToken)"))
            }
            _ => Err(format!(
                "{} {} not set: not running in an Azure DevOps pipeline",
                missing.join(", "),
                if missing.len() == 1 { "is" } else { "are" }
            )),
        }
    },
    configure: |cx| Box::pin(async { Ok(exchanged(NAME, cx, Pipeline)) }),
};

#[derive(Debug)]
struct Pipeline;

/// The URL that issues ID tokens to the pipeline, and the token that authenticates the request.
fn request(config: &ResolvedConfig) -> Option<(String, &str)> {
    let environment = config.environment();
    let [collection, project, plan, job, host_type] = VARIABLES.map(|name| environment.get(name).map(trimmed));
    let collection = collection?.trim_end_matches('/');
    let path =
        format!("{}/_apis/distributedtask/hubs/{}/plans/{}/jobs/{}/oidctoken", project?, host_type?, plan?, job?);
    Some((format!("{collection}/{path}?api-version=7.2-preview.1"), environment.get(TOKEN).map(trimmed)?))
}

impl IdTokens for Pipeline {
    fn id_token<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Secret, AuthError>> {
        Box::pin(async {
            let (url, token) =
                request(&cx.config).ok_or_else(|| not_configured(NAME, "not running in an Azure DevOps pipeline"))?;
            allowed_hosts::check_scheme(&url, "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI")?;
            let outgoing = Outgoing::post(url)
                .bearer(token)
                .plain_header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let response = cx.http.send(outgoing.operation("Azure DevOps ID token")).await;
            let response = response.map_err(|error| {
                AuthError::failed(NAME, "the request for the pipeline's ID token got no response").with_cause(error)
            })?;
            if !response.is_success() {
                let why = response.explanation(&[token]);
                return Err(AuthError::failed(NAME, format!("Azure DevOps refused an ID token with {why}"))
                    .with_status(Some(response.status), None));
            }
            let body = response.json();
            let id = body
                .as_ref()
                .and_then(|body| body.get("oidcToken"))
                .and_then(Value::as_str)
                .map(trimmed)
                .filter(|text| !text.is_empty());
            id.map(Secret::from).ok_or_else(|| not_configured(NAME, "the response of Azure DevOps has no oidcToken"))
        })
    }
}
