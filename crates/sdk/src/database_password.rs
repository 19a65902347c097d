//! Passwords of Lakebase databases, which last an hour.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use databricks_core::{Error, ErrorKind, Result, Secret, Timestamp};
use databricks_models::database::database::GenerateDatabaseCredential;
use tokio::sync::Mutex;

use crate::WorkspaceClient;
use crate::client::Client;

/// How long before its end a password is replaced.
const AHEAD: Duration = Duration::from_secs(5 * 60);

impl WorkspaceClient {
    /// A source of passwords for a database instance: the one it has while that is valid, or else a new one. Give a pool
    /// of connections a fresh one for every connection that it opens; open connections are not closed when their
    /// password ends.
    ///
    /// ```no_run
    /// # async fn example(w: &databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
    /// let instance = w.database().get_database_instance("my-instance").await?;
    /// let passwords = w.database_passwords(["my-instance"]);
    /// let password = passwords.get().await?;
    /// println!("host {:?}, user: yours, password {password:?}", instance.read_write_dns);
    /// # Ok(())
    /// # }
    /// ```
    pub fn database_passwords(&self, instances: impl IntoIterator<Item = impl Into<String>>) -> DatabasePasswords {
        let instances = instances.into_iter().map(Into::into).collect();
        DatabasePasswords(Arc::new(Inner { client: self.client.clone(), instances, known: Mutex::new(None) }))
    }
}

/// A source of passwords for database instances; see [`WorkspaceClient::database_passwords`]. Clones share it.
#[derive(Clone, Debug)]
pub struct DatabasePasswords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    instances: Vec<String>,
    known: Mutex<Option<Password>>,
}

#[derive(Clone, Debug)]
struct Password {
    secret: Secret,
    until: SystemTime,
}

impl DatabasePasswords {
    /// The password. Callers that come while a new one is asked for wait for the same.
    ///
    /// # Errors
    /// As any call.
    pub async fn get(&self) -> Result<Secret> {
        let Inner { client, instances, known } = &*self.0;
        let mut known = known.lock().await;
        let now = client.clock().wall();
        if let Some(password) = known.as_ref().filter(|password| password.until > now + AHEAD) {
            return Ok(password.secret.clone());
        }
        let mut ask = GenerateDatabaseCredential::new();
        ask.instance_names = Some(instances.clone());
        let made = client.call(ask).await?;
        let missing = |what: &str| {
            Error::new(ErrorKind::Decode, format!("the response is missing `{what}`"))
                .with_operation("database.generate_database_credential")
        };
        let secret = Secret::from(made.token.ok_or_else(|| missing("token"))?);
        // Without an end it is used once: better a request more than a connection refused.
        let until = made.expiration_time.and_then(|end| end.parse::<Timestamp>().ok());
        *known = until.map(|until| Password { secret: secret.clone(), until: until.to_system_time() });
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::testing::{Reply, Script};

    #[tokio::test]
    async fn a_password_is_used_until_shortly_before_its_end() {
        let script = Script::new();
        let end = |clock: SystemTime| {
            let seconds = clock.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 3600;
            Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap()).unwrap().to_string()
        };
        let wall = databricks_transport::Clock::wall(script.clock());
        let reply = |token: &str, end: String| Reply::json(&json!({"token": token, "expiration_time": end}));
        let asked = script.expect(Method::POST, "/api/2.0/database/credentials");
        let asked = asked.matching(|request| {
            let body: serde_json::Value = request.json().unwrap();
            body["instance_names"] == json!(["db"]) && body["request_id"].is_string()
        });
        let asked = asked.reply(reply("one", end(wall))).reply(reply("two", end(wall + Duration::from_secs(3600))));
        let passwords = script.workspace().unwrap().database_passwords(["db"]);
        let (first, second) = tokio::join!(passwords.get(), passwords.get());
        assert!(first.unwrap().matches("one") && second.unwrap().matches("one"));
        script.clock().advance(Duration::from_secs(54 * 60));
        assert!(passwords.get().await.unwrap().matches("one"));
        script.clock().advance(Duration::from_secs(2 * 60));
        assert!(passwords.get().await.unwrap().matches("two"));
        assert_eq!(asked.hits(), 2);
        assert!(!format!("{passwords:?}").contains("two"));
    }
}
