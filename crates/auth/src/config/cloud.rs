//! Which cloud a host belongs to, and where that cloud's identity services are.

use std::fmt;

/// The cloud that a workspace or account runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gcp,
}

impl Cloud {
    /// The name as it stands in the attribute `cloud`: `AWS`, `AZURE` or `GCP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Azure => "AZURE",
            Self::Gcp => "GCP",
        }
    }

    /// The cloud of this name, in any case of letters.
    pub(crate) fn named(text: &str) -> Option<Self> {
        [Self::Aws, Self::Azure, Self::Gcp].into_iter().find(|cloud| text.trim().eq_ignore_ascii_case(cloud.as_str()))
    }

    /// The cloud that the zone of a host name belongs to.
    pub(crate) fn of_host(name: &str) -> Option<Self> {
        Zone::of(name).map(|zone| zone.cloud)
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kind of host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HostType {
    /// One workspace.
    Workspace,
    /// The account console.
    Account,
    /// One host for several workspaces and the account; workspace operations name their workspace.
    Unified,
}

impl HostType {
    /// The name as it stands in the host's metadata: `workspace`, `account` or `unified`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Account => "account",
            Self::Unified => "unified",
        }
    }

    pub(crate) fn named(text: &str) -> Option<Self> {
        [Self::Workspace, Self::Account, Self::Unified]
            .into_iter()
            .find(|kind| text.trim().eq_ignore_ascii_case(kind.as_str()))
    }
}

impl fmt::Display for HostType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A DNS zone of the platform.
struct Zone {
    suffix: &'static str,
    cloud: Cloud,
    application: &'static str,
    environment: AzureEnvironment,
}

/// The resource of Azure tokens for production workspaces.
const PRODUCTION_APPLICATION: &str = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

const fn zone(suffix: &'static str, cloud: Cloud) -> Zone {
    Zone { suffix, cloud, application: PRODUCTION_APPLICATION, environment: AzureEnvironment::Public }
}

const fn azure(suffix: &'static str, application: &'static str, environment: AzureEnvironment) -> Zone {
    Zone { suffix, cloud: Cloud::Azure, application, environment }
}

/// Longer suffixes before those they end with.
static ZONES: &[Zone] = &[
    zone(".staging.cloud.databricks.com", Cloud::Aws),
    zone(".cloud.databricks.com", Cloud::Aws),
    zone(".cloud.databricks.us", Cloud::Aws),
    zone(".staging.gcp.databricks.com", Cloud::Gcp),
    zone(".dev.gcp.databricks.com", Cloud::Gcp),
    zone(".gcp.databricks.com", Cloud::Gcp),
    zone(".dev.databricks.com", Cloud::Aws),
    azure(".staging.azuredatabricks.net", "4a67d088-db5c-48f1-9ff2-0aace800ae68", AzureEnvironment::Public),
    azure(".dev.azuredatabricks.net", "62a912ac-b58e-4c1d-89ea-b2dbfc7358fc", AzureEnvironment::Public),
    azure(".azuredatabricks.net", PRODUCTION_APPLICATION, AzureEnvironment::Public),
    azure(".databricks.azure.us", PRODUCTION_APPLICATION, AzureEnvironment::UsGovernment),
    azure(".databricks.azure.cn", PRODUCTION_APPLICATION, AzureEnvironment::China),
];

impl Zone {
    fn of(name: &str) -> Option<&'static Self> {
        ZONES.iter().find(|zone| name.ends_with(zone.suffix))
    }
}

/// The zone of a host name, with a leading dot.
pub(crate) fn suffix_of(name: &str) -> Option<&'static str> {
    Zone::of(name).map(|zone| zone.suffix)
}

/// Whether a host name lies in one of the platform's zones.
pub(crate) fn is_platform_host(name: &str) -> bool {
    Zone::of(name).is_some() || name == "login.databricks.com"
}

/// One of the separate clouds of Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AzureEnvironment {
    Public,
    UsGovernment,
    China,
}

impl AzureEnvironment {
    pub(crate) const EXPECTED: &'static str = "PUBLIC, USGOVERNMENT or CHINA";

    /// The environment of this name, short or long, in any case of letters.
    pub(crate) fn named(text: &str) -> Option<Self> {
        match text.trim().to_ascii_uppercase().as_str() {
            "PUBLIC" | "AZUREPUBLICCLOUD" | "AZURECLOUD" => Some(Self::Public),
            "USGOVERNMENT" | "AZUREUSGOVERNMENT" | "AZUREUSGOVERNMENTCLOUD" => Some(Self::UsGovernment),
            "CHINA" | "AZURECHINACLOUD" => Some(Self::China),
            _ => None,
        }
    }

    pub(crate) fn of_host(name: &str) -> Option<Self> {
        Zone::of(name).filter(|zone| zone.cloud == Cloud::Azure).map(|zone| zone.environment)
    }

    /// The authority host of Entra, with a trailing slash.
    pub(crate) const fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com/",
            Self::UsGovernment => "https://login.microsoftonline.us/",
            Self::China => "https://login.chinacloudapi.cn/",
        }
    }

    /// Azure Resource Manager, with a trailing slash.
    pub(crate) const fn resource_manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com/",
            Self::UsGovernment => "https://management.usgovcloudapi.net/",
            Self::China => "https://management.chinacloudapi.cn/",
        }
    }

    /// The resource of the management token, with a trailing slash.
    pub(crate) const fn service_management(self) -> &'static str {
        match self {
            Self::Public => "https://management.core.windows.net/",
            Self::UsGovernment => "https://management.core.usgovcloudapi.net/",
            Self::China => "https://management.core.chinacloudapi.cn/",
        }
    }

    /// The environment whose authority has this host name.
    pub(crate) fn of_authority(name: &str) -> Option<Self> {
        [Self::Public, Self::UsGovernment, Self::China].into_iter().find(|environment| {
            environment.authority().strip_prefix("https://").and_then(|rest| rest.strip_suffix('/')) == Some(name)
        })
    }
}

/// The resource of Azure tokens for this host.
pub(crate) fn azure_application(host_name: Option<&str>) -> &'static str {
    host_name.and_then(Zone::of).map_or(PRODUCTION_APPLICATION, |zone| zone.application)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones() {
        for (name, cloud) in [
            ("accounts.cloud.databricks.com", Some(Cloud::Aws)),
            ("w.staging.cloud.databricks.com", Some(Cloud::Aws)),
            ("w.dev.databricks.com", Some(Cloud::Aws)),
            ("ws.cloud.databricks.us", Some(Cloud::Aws)),
            ("adb-1.2.azuredatabricks.net", Some(Cloud::Azure)),
            ("adb-1.2.databricks.azure.us", Some(Cloud::Azure)),
            ("1.2.gcp.databricks.com", Some(Cloud::Gcp)),
            ("evilazuredatabricks.net", None),
            ("azuredatabricks.net.evil.com", None),
        ] {
            assert_eq!(Cloud::of_host(name), cloud, "{name}");
        }
    }

    #[test]
    fn longer_suffixes_come_first() {
        for (index, zone) in ZONES.iter().enumerate() {
            assert!(
                ZONES[..index].iter().all(|earlier| !zone.suffix.ends_with(earlier.suffix)),
                "{} is never reached",
                zone.suffix
            );
        }
    }

    #[test]
    fn azure_facts() {
        assert_eq!(azure_application(Some("x.staging.azuredatabricks.net")), "4a67d088-db5c-48f1-9ff2-0aace800ae68");
        assert_eq!(azure_application(None), PRODUCTION_APPLICATION);
        assert_eq!(AzureEnvironment::named("AzureChinaCloud"), Some(AzureEnvironment::China));
        assert_eq!(AzureEnvironment::of_authority("login.microsoftonline.us"), Some(AzureEnvironment::UsGovernment));
        assert_eq!(AzureEnvironment::of_authority("login.example.com"), None);
    }
}
