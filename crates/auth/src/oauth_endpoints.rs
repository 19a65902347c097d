//! The addresses of an OAuth server.

/// Where the platform's OAuth server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OAuthEndpoints {
    /// Unknown where only the token endpoint was given.
    pub(crate) authorize: Option<String>,
    pub(crate) token: String,
}
