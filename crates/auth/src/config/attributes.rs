//! Every attribute of the unified configuration, as one table.
//!
//! The table decides where an attribute is read from, how its text is parsed, whether it is a secret, and which family of
//! credentials it belongs to. A macro turns it into the [`Key`] enum, into [`ATTRIBUTES`] and into the setters of
//! [`Config`](super::Config), so that the three cannot differ.

/// How the text of an attribute is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// A path of this machine; a leading `~` means the home directory.
    Path,
    /// `true`, `false` and their short forms.
    Bool,
    /// A whole number between two bounds, both included.
    Int(i64, i64),
    /// Words parted by commas or blanks.
    List,
}

/// What there is to know about an attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) key: Key,
    /// The names in profile files and maps; the first is the one we show.
    pub(crate) names: &'static [&'static str],
    /// The environment variables; the first that is set wins.
    pub(crate) variables: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) sensitive: bool,
    /// The family of credentials: attributes of two families at once are an error unless `auth_type` decides.
    pub(crate) family: Option<&'static str>,
}

impl Attribute {
    pub(crate) fn name(&self) -> &'static str {
        self.names[0]
    }
}

impl Key {
    pub(crate) fn attribute(self) -> &'static Attribute {
        &ATTRIBUTES[self as usize]
    }

    pub(crate) fn name(self) -> &'static str {
        self.attribute().name()
    }

    /// The attribute of this name or alias, in any case of letters.
    pub(crate) fn find(name: &str) -> Option<Self> {
        ATTRIBUTES.iter().find(|a| a.names.iter().any(|n| n.eq_ignore_ascii_case(name))).map(|a| a.key)
    }

    /// `token (DATABRICKS_TOKEN)`: the form in which messages name what is missing.
    pub(crate) fn described(self) -> String {
        let attribute = self.attribute();
        match attribute.variables.first() {
            Some(variable) => format!("{} ({variable})", attribute.name()),
            None => attribute.name().to_owned(),
        }
    }
}

macro_rules! family {
    () => {
        None
    };
    ($family:literal) => {
        Some($family)
    };
}

macro_rules! attributes {
    ($(
        $(#[doc = $doc:literal])+
        $key:ident $setter:ident: $kind:ident $(($min:expr, $max:expr))?, names $names:expr, variables $variables:expr,
        sensitive $sensitive:literal $(, family $family:literal)?;
    )*) => {
        /// The attributes, in the order of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Key {
            $($key,)*
        }

        /// The table.
        pub(crate) static ATTRIBUTES: &[Attribute] = &[
            $(Attribute {
                key: Key::$key,
                names: &$names,
                variables: &$variables,
                kind: Kind::$kind $(($min, $max))?,
                sensitive: $sensitive,
                family: family!($($family)?),
            },)*
        ];

        /// One setter per attribute. A value set here wins over the environment and over the profile file.
        impl super::Config {
            $(attributes!(@setter $kind $(#[doc = $doc])+ $key $setter);)*
        }
    };
    (@setter Bool $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter(self, value: bool) -> Self {
            self.put(Key::$key, super::value::Raw::Bool(value))
        }
    };
    (@setter Int $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter(self, value: i64) -> Self {
            self.put(Key::$key, super::value::Raw::Int(value))
        }
    };
    (@setter List $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter<T: Into<String>>(self, value: impl IntoIterator<Item = T>) -> Self {
            self.put(Key::$key, super::value::Raw::List(value.into_iter().map(Into::into).collect()))
        }
    };
    (@setter $kind:ident $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter(self, value: impl Into<String>) -> Self {
            self.put(Key::$key, super::value::Raw::Text(value.into().into()))
        }
    };
}

attributes! {
    /// The URL of the workspace or of the account console, such as `https://adb-1.2.azuredatabricks.net`.
    ///
    /// `https://` may be left out. Ids in the query (`?o=` or `?w=` for the workspace, `?a=` for the account) are taken over;
    /// path, query and user information are dropped. Plain `http` is accepted for loopback only.
    Host host: Text, names ["host"], variables ["DATABRICKS_HOST"], sensitive false;
    /// The account's id, a UUID. Needed for account operations and for OAuth on account hosts.
    AccountId account_id: Text, names ["account_id"], variables ["DATABRICKS_ACCOUNT_ID"], sensitive false;
    /// The workspace's id. Sent with every workspace operation; `none` means unset.
    WorkspaceId workspace_id: Text, names ["workspace_id"], variables ["DATABRICKS_WORKSPACE_ID"], sensitive false;
    /// A personal access token, or an Entra or Google ID token obtained elsewhere (`pat`).
    Token token: Text, names ["token"], variables ["DATABRICKS_TOKEN"], sensitive true, family "pat";
    /// The user name of `basic`. Workspaces no longer accept it; the account API may.
    Username username: Text, names ["username"], variables ["DATABRICKS_USERNAME"], sensitive false, family "basic";
    /// The password of `basic`.
    Password password: Text, names ["password"], variables ["DATABRICKS_PASSWORD"], sensitive true, family "basic";
    /// The application id of a service principal (`oauth-m2m`, token exchanges) or of your own OAuth app (`external-browser`).
    ClientId client_id: Text, names ["client_id"], variables ["DATABRICKS_CLIENT_ID"], sensitive false, family "oauth";
    /// The OAuth secret of the service principal or of a confidential OAuth app.
    ClientSecret client_secret: Text, names ["client_secret"], variables ["DATABRICKS_CLIENT_SECRET"], sensitive true, family "oauth";
    /// The OAuth scopes to ask for; `all-apis` by default. Sorted and without duplicates on the wire.
    Scopes scopes: List, names ["scopes"], variables [], sensitive false;
    /// JSON that narrows the token's rights, sent as `authorization_details` (RFC 9396) with `oauth-m2m` and token exchanges.
    AuthorizationDetails authorization_details: Text, names ["authorization_details"], variables [], sensitive false;
    /// The id of a group whose rights the token takes on, sent as `assume_group`.
    GroupId group_id: Text, names ["group_id"], variables ["DATABRICKS_GROUP_ID"], sensitive false;
    /// The name of the environment variable that holds the ID token of `env-oidc`; `DATABRICKS_OIDC_TOKEN` by default.
    OidcTokenEnv oidc_token_env: Text, names ["oidc_token_env"], variables ["DATABRICKS_OIDC_TOKEN_ENV"],
    sensitive false, family "env-oidc";
    /// The file that holds the ID token of `file-oidc`. Read again for every exchange.
    OidcTokenFilepath oidc_token_filepath: Path, names ["oidc_token_filepath", "databricks_id_token_filepath"],
    variables ["DATABRICKS_OIDC_TOKEN_FILEPATH", "DATABRICKS_OIDC_TOKEN_FILE"], sensitive false, family "file-oidc";
    /// The audience to ask for when an issuer makes an ID token.
    TokenAudience token_audience: Text, names ["token_audience", "audience"], variables ["DATABRICKS_TOKEN_AUDIENCE"], sensitive false;
    /// The URL of an OAuth authorization server document (RFC 8414), in place of the one found through the host.
    DiscoveryUrl discovery_url: Text, names ["discovery_url"], variables ["DATABRICKS_DISCOVERY_URL"], sensitive false;
    /// The loopback URL of a local token service (`metadata-service`). It contains a session secret.
    MetadataServiceUrl metadata_service_url: Text, names ["metadata_service_url"], variables ["DATABRICKS_METADATA_SERVICE_URL"],
    sensitive true, family "metadata-service";
    /// The Azure Resource Manager id of the workspace, `/subscriptions/…/workspaces/…`. Gives the host if there is none.
    AzureWorkspaceResourceId azure_workspace_resource_id: Text, names ["azure_workspace_resource_id"],
    variables ["DATABRICKS_AZURE_RESOURCE_ID"], sensitive false, family "azure";
    /// The application id of an Entra service principal or of a user-assigned managed identity.
    AzureClientId azure_client_id: Text, names ["azure_client_id"], variables ["ARM_CLIENT_ID"], sensitive false, family "azure";
    /// The secret of the Entra service principal.
    AzureClientSecret azure_client_secret: Text, names ["azure_client_secret"], variables ["ARM_CLIENT_SECRET"],
    sensitive true, family "azure";
    /// The Entra tenant. Found through the workspace's sign-in page if unset.
    AzureTenantId azure_tenant_id: Text, names ["azure_tenant_id"], variables ["ARM_TENANT_ID"], sensitive false, family "azure";
    /// Whether to use the managed identity of the Azure machine this runs on; `false` by default.
    AzureUseMsi azure_use_msi: Bool, names ["azure_use_msi"], variables ["ARM_USE_MSI"], sensitive false, family "azure";
    /// The Azure cloud, `PUBLIC`, `USGOVERNMENT` or `CHINA`. Used only while there is no host that determines it.
    AzureEnvironment azure_environment: Text, names ["azure_environment"], variables ["ARM_ENVIRONMENT"], sensitive false;
    /// Without effect: older programs set it, and it still counts as an Azure setting.
    AzureLoginAppId azure_login_app_id: Text, names ["azure_login_app_id"], variables ["DATABRICKS_AZURE_LOGIN_APP_ID"],
    sensitive false, family "azure";
    /// The e-mail of the Google service account to impersonate (`google-id`).
    GoogleServiceAccount google_service_account: Text, names ["google_service_account"],
    variables ["DATABRICKS_GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT"], sensitive false, family "google";
    /// A Google service account key (`google-credentials`): the path of its file, or its JSON text.
    GoogleCredentials google_credentials: Text, names ["google_credentials"], variables ["GOOGLE_CREDENTIALS"],
    sensitive true, family "google";
    /// Where GitHub Actions hands out ID tokens. Set by the runner.
    ActionsIdTokenRequestUrl actions_id_token_request_url: Text, names ["actions_id_token_request_url"],
    variables ["ACTIONS_ID_TOKEN_REQUEST_URL"], sensitive false;
    /// The token that permits asking GitHub Actions for an ID token. Set by the runner.
    ActionsIdTokenRequestToken actions_id_token_request_token: Text, names ["actions_id_token_request_token"],
    variables ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], sensitive true;
    /// The Databricks CLI to run for `databricks-cli`: a path, or a name to look for in `PATH`.
    DatabricksCliPath databricks_cli_path: Text, names ["databricks_cli_path"], variables ["DATABRICKS_CLI_PATH"], sensitive false;
    /// The port of the loopback listener of an interactive login; by default the first free one from 8020 to 8040.
    OauthCallbackPort oauth_callback_port: Int(0, 65535), names ["oauth_callback_port"], variables ["DATABRICKS_OAUTH_CALLBACK_PORT"],
    sensitive false;
    /// Whether an interactive login goes without a refresh token; `false` by default.
    DisableOauthRefreshToken disable_oauth_refresh_token: Bool, names ["disable_oauth_refresh_token"],
    variables ["DATABRICKS_DISABLE_OAUTH_REFRESH_TOKEN"], sensitive false;
    /// Whether tokens are renewed only once they have expired, never ahead of time; `false` by default.
    DisableAsyncTokenRefresh disable_async_token_refresh: Bool, names ["disable_async_token_refresh"],
    variables ["DATABRICKS_DISABLE_ASYNC_TOKEN_REFRESH"], sensitive false;
    /// The auth type, such as `pat` or `oauth-m2m`. Nothing else is tried then.
    AuthType auth_type: Text, names ["auth_type"], variables ["DATABRICKS_AUTH_TYPE"], sensitive false;
    /// The section of the profile file to read.
    Profile profile: Text, names ["profile"], variables ["DATABRICKS_CONFIG_PROFILE"], sensitive false;
    /// The profile file; `~/.databrickscfg` by default.
    ConfigFile config_file: Path, names ["config_file"], variables ["DATABRICKS_CONFIG_FILE"], sensitive false;
    /// The cloud the host belongs to, `AWS`, `AZURE` or `GCP`, where its name does not tell.
    Cloud cloud: Text, names ["cloud"], variables ["DATABRICKS_CLOUD"], sensitive false;
    /// The cluster that a program should use.
    ClusterId cluster_id: Text, names ["cluster_id"], variables ["DATABRICKS_CLUSTER_ID"], sensitive false;
    /// The SQL warehouse that a program should use.
    WarehouseId warehouse_id: Text, names ["warehouse_id"], variables ["DATABRICKS_WAREHOUSE_ID"], sensitive false;
    /// The serverless compute that a program should use.
    ServerlessComputeId serverless_compute_id: Text, names ["serverless_compute_id"],
    variables ["DATABRICKS_SERVERLESS_COMPUTE_ID"], sensitive false;
    /// Seconds without a byte in either direction after which an attempt is given up; 60 by default.
    HttpTimeoutSeconds http_timeout_seconds: Int(0, 1_000_000_000), names ["http_timeout_seconds"], variables [], sensitive false;
    /// Seconds during which failed calls are repeated; 300 by default, negative for no end.
    RetryTimeoutSeconds retry_timeout_seconds: Int(-1_000_000_000, 1_000_000_000), names ["retry_timeout_seconds"],
    variables [], sensitive false;
    /// Requests per second; 15 by default.
    RateLimit rate_limit: Int(0, 1_000_000_000), names ["rate_limit"], variables ["DATABRICKS_RATE_LIMIT"], sensitive false;
    /// Bytes of a body that the debug log shows; 96 by default.
    DebugTruncateBytes debug_truncate_bytes: Int(0, 1_000_000_000), names ["debug_truncate_bytes"],
    variables ["DATABRICKS_DEBUG_TRUNCATE_BYTES"], sensitive false;
    /// Whether the debug log shows headers, secrets redacted; `false` by default.
    DebugHeaders debug_headers: Bool, names ["debug_headers"], variables ["DATABRICKS_DEBUG_HEADERS"], sensitive false;
    /// Whether the server's certificate goes unchecked. For experiments only; `false` by default.
    SkipVerify skip_verify: Bool, names ["skip_verify"], variables [], sensitive false;
    /// The OAuth token endpoint of `oauth-m2m`, in place of the one found through the host. Gives the host if there is none.
    TokenEndpoint token_endpoint: Text, names ["token_endpoint"], variables ["DATABRICKS_TOKEN_ENDPOINT"], sensitive false;
    /// Seconds that a token made by `azure-pat` lives; 3600 by default.
    AzurePatLifetimeSeconds azure_pat_lifetime_seconds: Int(1, 1_000_000_000), names ["azure_pat_lifetime_seconds"],
    variables [], sensitive false;
    /// The comment of a token made by `azure-pat`.
    AzurePatComment azure_pat_comment: Text, names ["azure_pat_comment"], variables [], sensitive false;
}

/// The names that `auth_type` may have, in the order of the chain; those after the chain are never chosen by themselves.
pub(crate) const AUTH_TYPES: &[&str] = &[
    "pat",
    "basic",
    "oauth-m2m",
    "databricks-cli",
    "metadata-service",
    "github-oidc",
    "azure-devops-oidc",
    "env-oidc",
    "file-oidc",
    "github-oidc-azure",
    "azure-msi",
    "azure-client-secret",
    "azure-cli",
    "google-credentials",
    "google-id",
    "model-serving",
    "netrc",
    "external-browser",
    "azure-pat",
    "runtime",
    "runtime-oauth",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_keys() {
        for (index, attribute) in ATTRIBUTES.iter().enumerate() {
            assert_eq!(attribute.key as usize, index, "{}", attribute.name());
        }
    }

    #[test]
    fn names_and_variables_belong_to_one_attribute_each() {
        let mut names: Vec<_> = ATTRIBUTES.iter().flat_map(|a| a.names).collect();
        let mut variables: Vec<_> = ATTRIBUTES.iter().flat_map(|a| a.variables).collect();
        let counts = (names.len(), variables.len());
        names.sort();
        names.dedup();
        variables.sort();
        variables.dedup();
        assert_eq!((names.len(), variables.len()), counts);
    }

    #[test]
    fn aliases_find_their_attribute() {
        assert_eq!(Key::find("audience"), Some(Key::TokenAudience));
        assert_eq!(Key::find("Databricks_Id_Token_Filepath"), Some(Key::OidcTokenFilepath));
        assert_eq!(Key::find("nothing"), None);
    }
}
