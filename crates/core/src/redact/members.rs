//! Which members of the API hold secrets.

pub(super) const SENSITIVE: &[&str] = &["bytesvalue", "content", "credential", "externallink", "stringvalue", "tokenvalue"];
pub(super) const PLAIN: &[&str] = &[];
pub(super) const MAPS: &[&str] = &["options", "sparkconf", "sparkenvvars"];
pub(super) const SECRETS_IN_CALLS: &[(&str, &[&str])] = &[
    ("url", &["/api/2.0/fs/create-download-url", "/api/2.0/fs/create-upload-part-urls", "/api/2.0/fs/create-abort-upload-url"]),
    ("value", &["/api/2.0/secrets/get", "/api/2.0/fs/create-download-url"]),
];
pub(super) const MAPS_IN_CALLS: &[(&str, &[&str])] = &[];
