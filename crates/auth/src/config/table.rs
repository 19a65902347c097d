//! Every attribute of the configuration, as one table.
//!
//! The table states how an attribute is named, which variables set it, how its string is parsed, whether it is a
//! secret, and to which family of credentials it belongs. [`attributes`](super::attributes) makes keys of it and
//! [`setters`](super::setters) the setters of [`Config`](crate::Config), so that the two cannot differ.

/// Calls a macro with the rows of the table: `/// docs`, `Key setter: Kind, names […], variables […], sensitive bool,
/// family "…";`.
macro_rules! attribute_table {
    ($consumer:ident) => {
        $consumer! {
            /// Sets the URL of the workspace or of the account console, such as `https://adb-1.2.azuredatabricks.net`.
            ///
            /// `https://` may be omitted. Ids in the query (`?o=` or `?w=` for the workspace, `?a=` for the account)
            /// are used; path, query and user information are dropped. Plain `http` is accepted for loopback only.
            Host host: Text, names ["host"], variables ["DATABRICKS_HOST"], sensitive false;
            /// Sets the account's id, a UUID. Needed for account operations and for OAuth on account hosts.
            AccountId account_id: Text, names ["account_id"], variables ["DATABRICKS_ACCOUNT_ID"], sensitive false;
            /// Sets the workspace's id. Sent with every workspace operation; `none` means unset.
            WorkspaceId workspace_id: Text, names ["workspace_id"], variables ["DATABRICKS_WORKSPACE_ID"], sensitive false;
            /// Sets a personal access token, or an Entra or Google ID token from elsewhere (`pat`).
            Token token: Text, names ["token"], variables ["DATABRICKS_TOKEN"], sensitive true, family "pat";
            /// Sets the user name of `basic`. Workspaces no longer accept it; the account API may.
            Username username: Text, names ["username"], variables ["DATABRICKS_USERNAME"], sensitive false, family "basic";
            /// Sets the password of `basic`.
            Password password: Text, names ["password"], variables ["DATABRICKS_PASSWORD"], sensitive true, family "basic";
            /// Sets the application id of a service principal (`oauth-m2m`, token exchanges) or of your own OAuth app
            /// (`external-browser`).
            ClientId client_id: Text, names ["client_id"], variables ["DATABRICKS_CLIENT_ID"], sensitive false, family "oauth";
            /// Sets the OAuth secret of the service principal or of a confidential OAuth app.
            ClientSecret client_secret: Text, names ["client_secret"], variables ["DATABRICKS_CLIENT_SECRET"], sensitive true, family "oauth";
            /// Sets the OAuth scopes to request; `all-apis` by default. They are sent sorted and without duplicates.
            Scopes scopes: List, names ["scopes"], variables [], sensitive false;
            /// Sets JSON that restricts the token's permissions, sent as `authorization_details` (RFC 9396) with
            /// `oauth-m2m` and token exchanges.
            AuthorizationDetails authorization_details: Text, names ["authorization_details"], variables [], sensitive false;
            /// Sets the id of a group whose permissions the token gets, sent as `assume_group`.
            GroupId group_id: Text, names ["group_id"], variables ["DATABRICKS_GROUP_ID"], sensitive false;
            /// Sets the name of the environment variable that contains the ID token of `env-oidc`;
            /// `DATABRICKS_OIDC_TOKEN` by default.
            OidcTokenEnv oidc_token_env: Text, names ["oidc_token_env"], variables ["DATABRICKS_OIDC_TOKEN_ENV"],
                sensitive false, family "env-oidc";
            /// Sets the file that contains the ID token of `file-oidc`. It is read for every exchange.
            OidcTokenFilepath oidc_token_filepath: Path, names ["oidc_token_filepath", "databricks_id_token_filepath"],
                variables ["DATABRICKS_OIDC_TOKEN_FILEPATH", "DATABRICKS_OIDC_TOKEN_FILE"], sensitive false, family "file-oidc";
            /// Sets the audience to request from an issuer of ID tokens.
            TokenAudience token_audience: Text, names ["token_audience", "audience"], variables ["DATABRICKS_TOKEN_AUDIENCE"], sensitive false;
            /// Sets the URL of an OAuth authorization server document (RFC 8414), in place of the one of the host.
            DiscoveryUrl discovery_url: Text, names ["discovery_url"], variables ["DATABRICKS_DISCOVERY_URL"], sensitive false;
            /// Sets the loopback URL of a local token service (`metadata-service`). It contains a session secret.
            MetadataServiceUrl metadata_service_url: Text, names ["metadata_service_url"], variables ["DATABRICKS_METADATA_SERVICE_URL"],
                sensitive true, family "metadata-service";
            /// Sets the Azure Resource Manager id of the workspace, `/subscriptions/…/workspaces/…`. The host is found
            /// through it if unset.
            AzureWorkspaceResourceId azure_workspace_resource_id: Text, names ["azure_workspace_resource_id"],
                variables ["DATABRICKS_AZURE_RESOURCE_ID"], sensitive false, family "azure";
            /// Sets the application id of an Entra service principal or of a user-assigned managed identity.
            AzureClientId azure_client_id: Text, names ["azure_client_id"], variables ["ARM_CLIENT_ID"], sensitive false, family "azure";
            /// Sets the secret of the Entra service principal.
            AzureClientSecret azure_client_secret: Text, names ["azure_client_secret"], variables ["ARM_CLIENT_SECRET"],
                sensitive true, family "azure";
            /// Sets the Entra tenant. Found through the workspace's login page if unset.
            AzureTenantId azure_tenant_id: Text, names ["azure_tenant_id"], variables ["ARM_TENANT_ID"], sensitive false, family "azure";
            /// Sets whether to use the managed identity of the Azure machine that this runs on; `false` by default.
            AzureUseMsi azure_use_msi: Bool, names ["azure_use_msi"], variables ["ARM_USE_MSI"], sensitive false, family "azure";
            /// Sets the Azure cloud, `PUBLIC`, `USGOVERNMENT` or `CHINA`. Used only where the host does not determine
            /// it.
            AzureEnvironment azure_environment: Text, names ["azure_environment"], variables ["ARM_ENVIRONMENT"], sensitive false;
            /// Has no effect: older programs set it, and it still counts as an Azure setting.
            AzureLoginAppId azure_login_app_id: Text, names ["azure_login_app_id"], variables ["DATABRICKS_AZURE_LOGIN_APP_ID"],
                sensitive false, family "azure";
            /// Sets the e-mail address of the Google service account to impersonate (`google-id`).
            GoogleServiceAccount google_service_account: Text, names ["google_service_account"],
                variables ["DATABRICKS_GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT"], sensitive false, family "google";
            /// Sets a Google service account key (`google-credentials`): the path of its file, or its JSON.
            GoogleCredentials google_credentials: Text, names ["google_credentials"], variables ["GOOGLE_CREDENTIALS"],
                sensitive true, family "google";
            /// Sets the URL that issues ID tokens to a GitHub Actions job. The runner sets its variable.
            ActionsIdTokenRequestUrl actions_id_token_request_url: Text, names ["actions_id_token_request_url"],
                variables ["ACTIONS_ID_TOKEN_REQUEST_URL"], sensitive false;
            /// Sets the token for requests to that URL. The runner sets its variable.
            ActionsIdTokenRequestToken actions_id_token_request_token: Text, names ["actions_id_token_request_token"],
                variables ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], sensitive true;
            /// Sets the Databricks CLI to run for `databricks-cli`: a path, or a name to find in `PATH`.
            DatabricksCliPath databricks_cli_path: Text, names ["databricks_cli_path"], variables ["DATABRICKS_CLI_PATH"], sensitive false;
            /// Sets the port of the loopback listener of an interactive login; by default the first free one from 8020
            /// to 8040.
            OauthCallbackPort oauth_callback_port: Int(0, 65535), names ["oauth_callback_port"], variables ["DATABRICKS_OAUTH_CALLBACK_PORT"],
                sensitive false;
            /// Sets whether an interactive login requests no refresh token; `false` by default.
            DisableOauthRefreshToken disable_oauth_refresh_token: Bool, names ["disable_oauth_refresh_token"],
                variables ["DATABRICKS_DISABLE_OAUTH_REFRESH_TOKEN"], sensitive false;
            /// Sets whether tokens are renewed only once they have expired, never ahead of time; `false` by default.
            DisableAsyncTokenRefresh disable_async_token_refresh: Bool, names ["disable_async_token_refresh"],
                variables ["DATABRICKS_DISABLE_ASYNC_TOKEN_REFRESH"], sensitive false;
            /// Sets the auth type, such as `pat` or `oauth-m2m`. No other provider is tried then.
            AuthType auth_type: Text, names ["auth_type"], variables ["DATABRICKS_AUTH_TYPE"], sensitive false;
            /// Sets the profile of the profile file to use.
            Profile profile: Text, names ["profile"], variables ["DATABRICKS_CONFIG_PROFILE"], sensitive false;
            /// Sets the path of the profile file; `~/.databrickscfg` by default.
            ConfigFile config_file: Path, names ["config_file"], variables ["DATABRICKS_CONFIG_FILE"], sensitive false;
            /// Sets the cloud of the host, `AWS`, `AZURE` or `GCP`, where its name does not state it.
            Cloud cloud: Text, names ["cloud"], variables ["DATABRICKS_CLOUD"], sensitive false;
            /// Sets the cluster that a program should use.
            ClusterId cluster_id: Text, names ["cluster_id"], variables ["DATABRICKS_CLUSTER_ID"], sensitive false;
            /// Sets the SQL warehouse that a program should use.
            WarehouseId warehouse_id: Text, names ["warehouse_id"], variables ["DATABRICKS_WAREHOUSE_ID"], sensitive false;
            /// Sets the serverless compute that a program should use.
            ServerlessComputeId serverless_compute_id: Text, names ["serverless_compute_id"],
                variables ["DATABRICKS_SERVERLESS_COMPUTE_ID"], sensitive false;
            /// Sets the idle timeout in seconds: an attempt fails after this time without data sent or received. 60 by
            /// default.
            HttpTimeoutSeconds http_timeout_seconds: Int(0, 1_000_000_000), names ["http_timeout_seconds"], variables [], sensitive false;
            /// Sets the timeout in seconds for the retries of a call; 300 by default, negative for no limit.
            RetryTimeoutSeconds retry_timeout_seconds: Int(-1_000_000_000, 1_000_000_000), names ["retry_timeout_seconds"],
                variables [], sensitive false;
            /// Sets the limit of requests per second; 15 by default.
            RateLimit rate_limit: Int(0, 1_000_000_000), names ["rate_limit"], variables ["DATABRICKS_RATE_LIMIT"], sensitive false;
            /// Sets how many bytes of a body the debug log shows; 96 by default.
            DebugTruncateBytes debug_truncate_bytes: Int(0, 1_000_000_000), names ["debug_truncate_bytes"],
                variables ["DATABRICKS_DEBUG_TRUNCATE_BYTES"], sensitive false;
            /// Sets whether the debug log shows headers, with secrets redacted; `false` by default.
            DebugHeaders debug_headers: Bool, names ["debug_headers"], variables ["DATABRICKS_DEBUG_HEADERS"], sensitive false;
            /// Sets whether the server's certificate is not verified. For experiments only; `false` by default.
            SkipVerify skip_verify: Bool, names ["skip_verify"], variables [], sensitive false;
            /// Sets the OAuth token endpoint, in place of the one of the host. The host is taken from it if unset.
            TokenEndpoint token_endpoint: Text, names ["token_endpoint"], variables ["DATABRICKS_TOKEN_ENDPOINT"], sensitive false;
            /// Sets the lifetime in seconds of a token created by `azure-pat`; 3600 by default.
            AzurePatLifetimeSeconds azure_pat_lifetime_seconds: Int(1, 1_000_000_000), names ["azure_pat_lifetime_seconds"],
                variables [], sensitive false;
            /// Sets the comment of a token created by `azure-pat`.
            AzurePatComment azure_pat_comment: Text, names ["azure_pat_comment"], variables [], sensitive false;
        }
    };
}

pub(crate) use attribute_table;
