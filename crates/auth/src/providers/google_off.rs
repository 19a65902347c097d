//! `google-credentials` in a build that cannot sign assertions: states which feature is missing.

use super::provider::{Outcome, Provider, need};
use crate::config::attributes::Key;
use crate::error::feature_off;
use crate::oauth::not_configured;

const NAME: &str = "google-credentials";

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs: |config| need(config, &[Key::Host, Key::GoogleCredentials]),
    configure: |cx| {
        Box::pin(async {
            if let Err(reason) = cx.require_google().await {
                return Outcome::declined(reason);
            }
            let source = cx
                .config
                .settings()
                .source(Key::GoogleCredentials)
                .map(|source| format!(" ({source})"))
                .unwrap_or_default();
            Err(not_configured(NAME, format!("google_credentials is set{source}, and {}", feature_off("google"))))
        })
    },
};
