//! `pat`: a personal access token, or any other bearer token that was obtained elsewhere.

use databricks_core::Secret;

use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::config::attributes::Key;

pub(crate) static PROVIDER: Provider = Provider {
    name: "pat",
    ambient: false,
    honours_group: false,
    inputs: |config| need(config, &[Key::Host, Key::Token]),
    configure: |cx| {
        Box::pin(async {
            let Some(token) = cx.config.secret_of(Key::Token) else { return Outcome::declined("token is not set") };
            Ok(Outcome::Ready(Headers::fixed(&Secret::new(format!("Bearer {}", token.expose())))))
        })
    },
};
