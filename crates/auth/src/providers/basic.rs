//! `basic`: user name and password. Workspaces no longer accept it; the account API may, for account admins.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use databricks_core::Secret;

use super::headers::Headers;
use super::provider::{Outcome, Provider, need};
use crate::config::HostType;
use crate::config::attributes::Key;

pub(crate) static PROVIDER: Provider = Provider {
    name: "basic",
    ambient: false,
    honours_group: false,
    inputs: |config| need(config, &[Key::Host, Key::Username, Key::Password]),
    configure: |cx| {
        Box::pin(async {
            let (Some(name), Some(password)) = (cx.config.text(Key::Username), cx.config.secret_of(Key::Password))
            else {
                return Outcome::declined("username or password is not set");
            };
            if cx.config.host_type() == HostType::Workspace {
                tracing::warn!(target: "databricks_auth", "workspaces no longer accept user name and password; use OAuth or a token");
            }
            Ok(Outcome::Ready(Headers::fixed(&value(name, password))))
        })
    },
};

/// The value of an `Authorization` header with name and password in UTF-8 (RFC 7617).
pub(crate) fn value(name: &str, password: &Secret) -> Secret {
    Secret::new(format!("Basic {}", STANDARD.encode(format!("{name}:{}", password.expose()))))
}
