//! OAuth app integrations of the account: apps that Databricks publishes, and the user's own.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::caller::TokenHash;
use crate::extract::{Fields, missing};
use crate::reply::ApiError;
use crate::state::USER_NAME;
use crate::state::kept::Kept;

/// Apps that can be integrated: identifier, client id, name, whether the client keeps a secret. Integrations have the same
/// identifiers.
static PUBLISHED: [(&str, &str, &str, bool); 4] = [
    ("databricks-cli", "databricks-cli", "Databricks CLI", false),
    ("databricks-dbt-adapter", "dbt-databricks", "dbt adapter for Databricks", false),
    ("tableau-desktop", "7de584d0-b7ad-4850-b915-be7de7d58711", "Tableau Desktop", false),
    ("power-bi", "power-bi", "Power BI Desktop", true),
];

/// Those that an account has from the start.
static FROM_THE_START: [&str; 3] = ["databricks-dbt-adapter", "power-bi", "tableau-desktop"];

/// Kept once the account has those, which may be disabled since.
const BEGUN: &str = "begun";

/// Numeric identifier of the user that creates integrations.
const CREATED_BY: i64 = 1_000_001;

/// One kind of integration, by identifier.
#[derive(Debug, Default)]
pub(crate) struct Integrations {
    all: BTreeMap<String, Map<String, Value>>,
    /// In order of creation, which listings keep.
    order: Vec<String>,
    /// Hashes of the secrets of confidential clients, by client.
    secrets: BTreeMap<String, TokenHash>,
    kept: Kept,
}

/// Where the hash of a secret is kept among the members of an integration.
const HASH: &str = "secret_hash";

impl Integrations {
    /// Those that were kept.
    pub(crate) fn new(kept: Kept) -> Self {
        let mut own = Self::default();
        for (id, mut members) in kept.all() {
            let hash = members.remove(HASH).and_then(|hash| TokenHash::from_hex(hash.as_str()?));
            let client = members.get("client_id").and_then(Value::as_str).map(str::to_owned);
            own.secrets.extend(client.zip(hash));
            own.order.push(id.clone());
            own.all.insert(id, members);
        }
        Self { kept, ..own }
    }

    /// Those of published apps that were kept, or those that every account has.
    pub(crate) fn published(kept: Kept, created: &str) -> Result<Self, ApiError> {
        let mut own = Self::new(kept);
        if own.all.remove(BEGUN).is_some() {
            own.order.retain(|id| id != BEGUN);
            return Ok(own);
        }
        own.kept.put(BEGUN, Map::new())?;
        for (id, _, name, _) in PUBLISHED.iter().filter(|(id, ..)| FROM_THE_START.contains(id)) {
            own.insert(id, integration(id, name, usual_policy()), created.to_owned(), None)?;
        }
        Ok(own)
    }

    /// Keeps an integration as it is now.
    fn keep(&self, id: &str) -> Result<(), ApiError> {
        let Some(mut record) = self.all.get(id).cloned() else { return Ok(()) };
        let client = record.get("client_id").and_then(Value::as_str).unwrap_or_default();
        if let Some(hash) = self.secrets.get(client) {
            record.insert(HASH.to_owned(), json!(hash.to_hex()));
        }
        self.kept.put(id, record)
    }

    /// Notes the secret of the confidential client of an integration.
    pub(crate) fn keep_secret(&mut self, id: &str, client_id: &str, secret: &str) -> Result<(), ApiError> {
        self.secrets.insert(client_id.to_owned(), TokenHash::of(secret));
        self.keep(id)
    }

    /// Whether the secret is that of the client; `None` for clients without one.
    pub(crate) fn is_secret_of(&self, client_id: &str, secret: &str) -> Option<bool> {
        self.secrets.get(client_id).map(|kept| kept.same(&TokenHash::of(secret)))
    }

    fn insert(
        &mut self,
        id: &str,
        mut members: Map<String, Value>,
        created: String,
        by: Option<i64>,
    ) -> Result<(), ApiError> {
        members.insert("integration_id".to_owned(), json!(id));
        members.extend(by.map(|by| ("created_by".to_owned(), json!(by))));
        members.insert("create_time".to_owned(), json!(created));
        self.order.retain(|other| other != id);
        self.all.insert(id.to_owned(), members);
        self.order.push(id.to_owned());
        self.keep(id)
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        let members = self.order.iter().filter_map(|id| self.all.get(id));
        members.cloned().map(Value::Object).collect()
    }

    pub(crate) fn get(&self, id: &str) -> Result<Value, ApiError> {
        self.all.get(id).cloned().map(Value::Object).ok_or_else(|| none(id))
    }

    pub(crate) fn delete(&mut self, id: &str) -> Result<(), ApiError> {
        self.get(id)?;
        self.kept.remove(id)?;
        self.all.remove(id);
        self.order.retain(|i| i != id);
        Ok(())
    }

    /// Makes a published app usable in the account, and returns the integration's identifier. What the account has from
    /// the start is taken over by who creates it.
    pub(crate) fn create_published(&mut self, fields: &Fields, created: String) -> Result<String, ApiError> {
        let app_id = fields.str("app_id")?;
        let (_, _, name, _) = PUBLISHED.iter().find(|(app, ..)| *app == app_id).ok_or_else(|| {
            ApiError::not_found(format!("Published app {app_id} does not exist; list the published apps"))
        })?;
        if self.all.get(app_id).is_some_and(|members| members.contains_key("created_by")) {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "RESOURCE_ALREADY_EXISTS",
                format!("Published app {app_id} is integrated already"),
            ));
        }
        let members = integration(app_id, name, policy(fields)?.unwrap_or_else(usual_policy));
        self.insert(app_id, members, created, Some(CREATED_BY))?;
        Ok(app_id.to_owned())
    }

    /// Registers an app of the user's own.
    pub(crate) fn create_custom(
        &mut self,
        id: &str,
        client_id: &str,
        fields: &Fields,
        created: String,
    ) -> Result<(), ApiError> {
        let redirects = fields.opt_strings("redirect_urls")?.filter(|r| !r.is_empty());
        let mut members = Map::new();
        members.insert("name".to_owned(), json!(fields.str("name")?));
        members.insert("client_id".to_owned(), json!(client_id));
        members.insert("redirect_urls".to_owned(), json!(redirects.ok_or_else(|| missing("redirect_urls"))?));
        members.insert("confidential".to_owned(), json!(fields.opt_bool("confidential")?.unwrap_or(false)));
        let scopes = fields.opt_strings("scopes")?.unwrap_or_else(|| vec!["all-apis".to_owned()]);
        members.insert("scopes".to_owned(), json!(scopes));
        if let Some(scopes) = fields.opt_strings("user_authorized_scopes")? {
            members.insert("user_authorized_scopes".to_owned(), json!(scopes));
        }
        members.insert("token_access_policy".to_owned(), policy(fields)?.unwrap_or_else(usual_policy));
        self.insert(id, members, created, Some(CREATED_BY))
    }

    /// Replaces those of the members in `lists`, and the token policy, that the request names.
    pub(crate) fn update(&mut self, id: &str, fields: &Fields, lists: &[&str]) -> Result<(), ApiError> {
        let members = self.all.get_mut(id).ok_or_else(|| none(id))?;
        let mut changed = Vec::new();
        for name in lists {
            if let Some(list) = fields.opt_strings(name)? {
                changed.push(((*name).to_owned(), json!(list)));
            }
        }
        if let Some(policy) = policy(fields)? {
            changed.push(("token_access_policy".to_owned(), policy));
        }
        members.extend(changed);
        self.keep(id)
    }
}

/// The members of the integration of a published app.
fn integration(app_id: &str, name: &str, policy: Value) -> Map<String, Value> {
    let members = [("app_id", json!(app_id)), ("name", json!(name)), ("token_access_policy", policy)];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The response's items with the creator's name, which listings give on request only.
pub(crate) fn with_creator(mut items: Vec<Value>) -> Vec<Value> {
    for item in &mut items {
        item["creator_username"] = json!(USER_NAME);
    }
    items
}

/// What `published-apps` lists.
pub(crate) fn published_apps() -> Vec<Value> {
    PUBLISHED
        .iter()
        .map(|(app_id, client_id, name, confidential)| {
            json!({
                "app_id": app_id,
                "client_id": client_id,
                "name": name,
                "description": format!("{name} signs users in with OAuth"),
                "is_confidential_client": confidential,
                "redirect_urls": ["http://localhost:8020"],
                "scopes": ["all-apis", "offline_access"],
            })
        })
        .collect()
}

fn usual_policy() -> Value {
    json!({"access_token_ttl_in_minutes": 60, "refresh_token_ttl_in_minutes": 10080})
}

fn policy(fields: &Fields) -> Result<Option<Value>, ApiError> {
    let Some(given) = fields.opt_object("token_access_policy")? else {
        return Ok(None);
    };
    let mut out = Map::new();
    for (name, range) in [
        ("access_token_ttl_in_minutes", 5..=1440),
        ("refresh_token_ttl_in_minutes", 5..=129_600),
        ("absolute_session_lifetime_in_minutes", 5..=525_600),
    ] {
        let Some(minutes) = given.opt_i64(name)? else { continue };
        if !range.contains(&minutes) {
            return Err(ApiError::invalid_parameter(format!(
                "{name} must be between {} and {} minutes, got {minutes}",
                range.start(),
                range.end()
            )));
        }
        out.insert(name.to_owned(), json!(minutes));
    }
    if let Some(flag) = given.opt_bool("enable_single_use_refresh_tokens")? {
        out.insert("enable_single_use_refresh_tokens".to_owned(), json!(flag));
    }
    Ok(Some(Value::Object(out)))
}

fn none(id: &str) -> ApiError {
    ApiError::not_found(format!("OAuth app integration {id} does not exist"))
}
