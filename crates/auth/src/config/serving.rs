//! The variables of a model serving endpoint: the host, and the file of the token.

use std::path::PathBuf;

use databricks_transport::Environment;

use super::attributes::Key;
use super::resolved::Settings;
use super::source::Source;
use super::value::Value;
use crate::sanitize::trimmed;

/// The path of the token, if this process runs in model serving.
pub(crate) fn token_file(environment: &Environment) -> Option<PathBuf> {
    let serving = ["IS_IN_DB_MODEL_SERVING_ENV", "IS_IN_DATABRICKS_MODEL_SERVING_ENV"]
        .iter()
        .any(|name| environment.get(name).map(trimmed) == Some("true"));
    let directory = environment.get("SERVING_CREDENTIALS_DIR").map(trimmed).unwrap_or("/var/credentials-secret");
    let path = PathBuf::from(directory).join("model-dependencies-oauth-token");
    (serving && path.is_file()).then_some(path)
}

/// Fills in the host from the variables of model serving.
pub(crate) fn fill_host(settings: &mut Settings, environment: &Environment) {
    if settings.is_set(Key::Host) || token_file(environment).is_none() {
        return;
    }
    for name in ["DATABRICKS_MODEL_SERVING_HOST_URL", "DB_MODEL_SERVING_HOST_URL"] {
        if let Some(host) = environment.get(name) {
            settings.fill(
                Key::Host,
                Value::Text(trimmed(host).to_owned()),
                Source::Environment { variable: name.to_owned() },
            );
            return;
        }
    }
}
