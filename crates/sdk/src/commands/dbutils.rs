//! `dbutils` of a cluster, called from afar.

use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::Language;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{Context, OpenContext};
use crate::WorkspaceClient;

impl WorkspaceClient {
    /// The `dbutils` of a cluster: its functions run there, in a Python context that is opened at the first call.
    ///
    /// For what no service of the API offers, such as mounts. Secrets, files and jobs have services of their own.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// let dbutils = w.remote_dbutils("0923-164208-meows279");
    /// let mounts = dbutils.call("fs.mounts", ()).await?;
    /// dbutils.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn remote_dbutils(&self, cluster_id: impl Into<String>) -> RemoteDbutils {
        RemoteDbutils { workspace: self.clone(), cluster_id: cluster_id.into(), context: Mutex::new(None) }
    }
}

/// The `dbutils` of a cluster; see [`WorkspaceClient::remote_dbutils`].
///
/// Its context is destroyed by [`shutdown`](Self::shutdown), or in the background when it is dropped.
#[derive(Debug)]
pub struct RemoteDbutils {
    workspace: WorkspaceClient,
    cluster_id: String,
    context: Mutex<Option<Context>>,
}

/// How long the context may take to open once the cluster runs.
const OPENING: Duration = Duration::from_secs(20 * 60);

impl RemoteDbutils {
    /// Calls a function and returns its result as JSON. The cluster is started if it does not run.
    ///
    /// * `path`: utility and function, such as `fs.mount`.
    /// * `arguments`: a list or tuple that can be written as JSON; `()` for none.
    ///
    /// # Errors
    /// [`ErrorKind::OperationFailed`] with the exception's message when the function raises one, [`ErrorKind::Decode`]
    /// when its result is not JSON, [`ErrorKind::InvalidInput`] when the path or the arguments are of another form.
    pub async fn call(&self, path: &str, arguments: impl Serialize) -> Result<Value> {
        let code = code(path, &arguments)?;
        let context = self.open().await?;
        let result = context.run(&code).user_agent("dbutils", "remote").await?;
        let text = result.text()?;
        serde_json::from_str(text)
            .map_err(|e| Error::decode("", text.as_bytes(), e).with_operation("command_execution.execute"))
    }

    async fn open(&self) -> Result<Context> {
        let mut open = self.context.lock().await;
        if let Some(context) = &*open {
            return Ok(context.clone());
        }
        self.workspace.clusters().ensure_running(&self.cluster_id).await?;
        let opening = OpenContext::new(self.workspace.client.clone(), self.cluster_id.clone(), Language::Python);
        let context = opening.timeout(OPENING).await?;
        *open = Some(context.clone());
        Ok(context)
    }

    /// Destroys the context, if one was opened.
    ///
    /// # Errors
    /// When the service cannot be asked or refuses.
    pub async fn shutdown(self) -> Result<()> {
        match self.context.into_inner() {
            Some(context) => context.shutdown().await,
            None => Ok(()),
        }
    }
}

/// The Python that makes the call. Arguments travel as JSON inside of a string literal, which JSON and Python write
/// alike.
fn code(path: &str, arguments: &impl Serialize) -> Result<String> {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !path.contains('.') || !path.split('.').all(word) {
        let message = format!("{path:?} is not the path of a function of dbutils; write it as fs.mount");
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let invalid = |error: serde_json::Error| {
        Error::new(ErrorKind::InvalidInput, "the arguments cannot be written as JSON").with_source(error)
    };
    let list = match serde_json::to_value(arguments).map_err(invalid)? {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        _ => return Err(Error::new(ErrorKind::InvalidInput, "the arguments must be a list or a tuple")),
    };
    let json = serde_json::to_string(&list).map_err(invalid)?;
    let literal = serde_json::to_string(&json).map_err(invalid)?;
    Ok(format!(
        "import json\nresult = dbutils.{path}(*json.loads({literal}))\ndbutils.notebook.exit(json.dumps(result))"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_cannot_leave_their_literal() {
        let code = code("fs.mount", &["a\"); import os #", "é\n"]).unwrap();
        assert!(code.contains(r#"json.loads("[\"a\\\"); import os #\",\"é\\n\"]")"#), "{code}");
    }

    #[test]
    fn paths_are_words_with_dots() {
        assert!(code("widgets.get", &()).unwrap().contains("json.loads(\"[]\")"));
        for path in ["exit", "fs.", "fs.ls()", "fs..ls", "fs.1s", "a.b;c"] {
            assert_eq!(code(path, &()).unwrap_err().kind(), ErrorKind::InvalidInput, "{path}");
        }
        assert!(code("fs.ls", &7).is_err());
    }
}
