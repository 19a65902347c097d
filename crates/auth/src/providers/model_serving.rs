//! `model-serving`: the token that a model serving endpoint puts into a file for the model it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use databricks_core::Secret;
use databricks_transport::SharedClock;
use serde_json::Value as Json;

use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::config::attributes::Key;
use crate::config::serving::token_file;
use crate::error::AuthError;
use crate::sanitize::trimmed;
use crate::token::{Token, TokenSource};

const NAME: &str = "model-serving";

/// How long a token that was read counts as current.
const LIFE: Duration = Duration::from_secs(300);
/// The pause before the file is read a second time: it may have been in the middle of being replaced.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) static PROVIDER: Provider = Provider {
    name: NAME,
    ambient: false,
    honours_group: false,
    inputs: |config| {
        need(config, &[Key::Host])?;
        match token_file(config.environment()) {
            Some(_) => Ok(()),
            None => Err("not running in model serving".to_owned()),
        }
    },
    configure: |cx| {
        Box::pin(async {
            let Some(path) = token_file(cx.config.environment()) else {
                return Outcome::declined("not running in model serving");
            };
            let source = File { path, clock: cx.config.clock().clone() };
            // One that cannot be read now does not apply.
            if let Err(reason) = source.read().await {
                return Outcome::declined(reason);
            }
            Ok(Outcome::Ready(Headers::token(cx.cache(NAME, source))))
        })
    },
};

#[derive(Debug)]
struct File {
    path: PathBuf,
    clock: SharedClock,
}

impl File {
    async fn read(&self) -> Result<Secret, String> {
        if let Ok(token) = read(&self.path) {
            return Ok(token);
        }
        self.clock.sleep(PAUSE).await;
        read(&self.path)
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let fail = |why: &str| format!("the token file {} {why}", path.display());
    let text = fs::read_to_string(path).map_err(|error| fail(&format!("cannot be read: {error}")))?;
    let json: Json = serde_json::from_str(trimmed(&text)).map_err(|_| fail("is not JSON"))?;
    let token = json
        .pointer("/OAUTH_TOKEN/0/oauthTokenValue")
        .and_then(Json::as_str)
        .map(trimmed)
        .filter(|token| !token.is_empty());
    token.map(Secret::from).ok_or_else(|| fail("has no OAUTH_TOKEN[0].oauthTokenValue"))
}

impl TokenSource for File {
    async fn token(&self) -> databricks_core::Result<Token> {
        let token = self.read().await.map_err(|reason| AuthError::failed(NAME, reason))?;
        Ok(Token::new(token).expires_in(LIFE))
    }
}
