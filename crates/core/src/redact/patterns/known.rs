//! What tokens, keys and addresses look like.

use super::is_token;

/// What follows a prefix.
#[derive(Clone, Copy)]
pub(super) enum Alphabet {
    /// Letters and digits, one of them a digit.
    Alphanumeric,
    /// Capitals and digits.
    Capitals,
    /// Letters, digits, `-` and `_`, one of them a digit.
    Token,
    /// Letters, digits, `-` and `_`.
    AnyToken,
}

impl Alphabet {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Capitals => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Token | Self::AnyToken => is_token(byte),
        }
    }

    pub(super) fn needs_digit(self) -> bool {
        matches!(self, Self::Alphanumeric | Self::Token)
    }
}

/// Prefixes of tokens and keys, with the least number of characters that follow.
pub(super) const PREFIXES: &[(&str, usize, Alphabet)] = &[
    // Databricks: personal access tokens, OAuth secrets, user and service tokens.
    ("dapi", 3, Alphabet::Alphanumeric),
    ("dose", 8, Alphabet::Alphanumeric),
    ("doau", 8, Alphabet::Alphanumeric),
    ("dkea", 8, Alphabet::Alphanumeric),
    ("dkti", 8, Alphabet::Alphanumeric),
    ("dsapi", 8, Alphabet::Alphanumeric),
    // AWS: ids of access keys, bearer tokens of Bedrock.
    ("AKIA", 12, Alphabet::Capitals),
    ("ASIA", 12, Alphabet::Capitals),
    ("ABIA", 12, Alphabet::Capitals),
    ("ACCA", 12, Alphabet::Capitals),
    ("ABSK", 24, Alphabet::AnyToken),
    // Google: access and refresh tokens, client secrets, API keys.
    ("ya29.", 6, Alphabet::AnyToken),
    ("1//0", 16, Alphabet::AnyToken),
    ("GOCSPX-", 8, Alphabet::AnyToken),
    ("AIza", 20, Alphabet::AnyToken),
    // GitHub and GitLab.
    ("ghp_", 16, Alphabet::AnyToken),
    ("gho_", 16, Alphabet::AnyToken),
    ("ghu_", 16, Alphabet::AnyToken),
    ("ghs_", 16, Alphabet::AnyToken),
    ("ghr_", 16, Alphabet::AnyToken),
    ("github_pat_", 16, Alphabet::AnyToken),
    ("glpat-", 16, Alphabet::AnyToken),
    // Makers of models, chat services and others that connections lead to.
    ("sk-", 20, Alphabet::Token),
    ("hf_", 20, Alphabet::AnyToken),
    ("xoxb-", 10, Alphabet::Token),
    ("xoxp-", 10, Alphabet::Token),
    ("xoxa-", 10, Alphabet::Token),
    ("xoxe-", 10, Alphabet::Token),
    ("xapp-", 10, Alphabet::Token),
    ("ATATT3x", 16, Alphabet::AnyToken),
    ("npm_", 20, Alphabet::AnyToken),
    ("pypi-", 40, Alphabet::AnyToken),
    ("dckr_pat_", 16, Alphabet::AnyToken),
];

/// Prefixes that count in the middle of a word too, when at least this many hexadecimal digits follow.
pub(super) const ANYWHERE: &[&str] = &["dapi", "dose", "doau", "dkea", "dkti", "dsapi"];
pub(super) const ANYWHERE_HEX: usize = 16;

/// Schemes of storage, where what stands before `@` names a container.
pub(super) const STORAGE_SCHEMES: &[&str] = &["abfs", "abfss", "wasb", "wasbs", "adl"];

/// Names of auth types, which begin sentences about them.
pub(super) const AUTH_TYPES: &[&str] = &["azure-client-secret"];
