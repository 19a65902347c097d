//! Which names stand for secrets: of members, form fields, query parameters, settings and headers.
//!
//! The members of the API are decided one by one ([`members`](super::members), generated from a reviewed file). What
//! the API does not describe, such as keys of a map or members of a raw call, is judged by its words, in doubt as a
//! secret.

use http::HeaderName;

use super::members::{PLAIN, SENSITIVE};

/// Parts that make a name suspicious wherever they stand, in the spelling of [`Spelling`].
const PARTS: &[&str] = &[
    "secret",
    "passw",
    "passphrase",
    "plaintext",
    "credential",
    "bearer",
    "connectionstring",
    "cookie",
    "jwt",
    "hmac",
];

/// The same for names with `key`, most of which are none.
const KEYS: &[&str] = &[
    "privatekey",
    "accesskey",
    "accountkey",
    "apikey",
    "sharedkey",
    "signingkey",
    "masterkey",
    "encryptionkey",
    "keymaterial",
];

/// The same for names with `token`.
const TOKENS: &[&str] = &["sastoken", "authtoken", "accesstoken"];

/// Endings that make a name suspicious.
const ENDINGS: &[&str] = &[
    "token",
    "pwd",
    "passwd",
    "pat",
    "sas",
    "authorization",
    "auth",
    "assertion",
    "signature",
    "codeverifier",
    "webhookurl",
    "webhookuri",
    "sessionkey",
    "otp",
];

/// Short names that are secrets as a whole.
const WHOLE: &[&str] = &["sig", "pass", "pw", "pin", "salt"];

/// Endings of names that describe a secret instead of holding it.
const ABOUT: &[&str] = &[
    "id",
    "ids",
    "name",
    "names",
    "type",
    "types",
    "scope",
    "scopes",
    "ref",
    "reference",
    "arn",
    "region",
    "alias",
    "url",
    "uri",
    "path",
    "version",
    "count",
    "set",
    "ttl",
    "lifetime",
    "expiry",
    "expiration",
    "time",
    "hours",
    "minutes",
    "seconds",
    "days",
    "policy",
    "info",
    "required",
    "enabled",
    "status",
    "state",
    "method",
    "provider",
    "endpoint",
    "columns",
    "column",
    "location",
];

/// Tokens that are no secrets: they continue a list or make a request recognisable.
const HARMLESS_TOKENS: &[&str] = &[
    "pagetoken",
    "idempotencytoken",
    "requesttoken",
    "clienttoken",
    "consistencytoken",
    "continuationtoken",
    "synctoken",
    "nexttoken",
];

/// Parts of settings of headers; see [`is_secret_header`].
const HEADER_PARTS: &[&str] =
    &["token", "secret", "password", "authorization", "api-key", "apikey", "cookie", "signature", "credential"];

/// Query parameters that are secrets beside the names of members.
const PARAMETERS: &[&str] =
    &["sig", "signature", "code", "state", "codechallenge", "key", "awsaccesskeyid", "googleaccessid"];

/// A name without what its spellings differ in: `client_secret`, `clientSecret`, `Client-Secret` and `client.secret`
/// are the same.
///
/// Of very long names the end counts.
pub(super) struct Spelling {
    letters: [u8; Self::MOST],
    length: usize,
}

impl Spelling {
    const MOST: usize = 96;

    pub(super) fn of(name: &str) -> Self {
        let letters = || name.bytes().filter(u8::is_ascii_alphanumeric);
        let skip = letters().count().saturating_sub(Self::MOST);
        let mut spelling = Self { letters: [0; Self::MOST], length: 0 };
        for (slot, letter) in spelling.letters.iter_mut().zip(letters().skip(skip)) {
            *slot = letter.to_ascii_lowercase();
            spelling.length += 1;
        }
        spelling
    }

    pub(super) fn as_str(&self) -> &str {
        // Letters and digits of ASCII are all that is in it.
        std::str::from_utf8(&self.letters[..self.length]).unwrap_or_default()
    }
}

/// Whether a member of this name holds a secret, in any spelling and case.
///
/// ```
/// use databricks_core::redact::is_secret_member;
///
/// assert!(is_secret_member("client_secret") && is_secret_member("clientSecret") && is_secret_member("bind-password"));
/// assert!(!is_secret_member("page_token") && !is_secret_member("secret_scope"));
/// ```
pub fn is_secret_member(name: &str) -> bool {
    let spelling = Spelling::of(name);
    is_secret(spelling.as_str())
}

/// As [`is_secret_member`], for a name in the spelling of [`Spelling`].
pub(super) fn is_secret(name: &str) -> bool {
    if SENSITIVE.binary_search(&name).is_ok() {
        return true;
    }
    if PLAIN.binary_search(&name).is_ok() {
        return false;
    }
    is_suspicious(name)
}

/// Whether an undecided name is taken for that of a secret.
fn is_suspicious(name: &str) -> bool {
    if HARMLESS_TOKENS.iter().any(|token| name.ends_with(token)) {
        return false;
    }
    // Few names get beyond the first words, so that this costs little for every `x=` in a long text.
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let hit = WHOLE.contains(&name)
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
        || has(PARTS)
        || name.contains("key") && has(KEYS)
        || name.contains("token") && has(TOKENS);
    hit && !ABOUT.iter().any(|about| name.ends_with(about))
        || name.ends_with("webhookurl")
        || name.ends_with("webhookuri")
}

/// Whether a query parameter of this name holds a secret, in any spelling and case.
pub fn is_secret_parameter(name: &str) -> bool {
    let spelling = Spelling::of(name);
    let name = spelling.as_str();
    is_secret(name) || PARAMETERS.contains(&name) || name.starts_with("xamz") || name.starts_with("xgoog")
}

/// Whether a header holds a secret.
pub fn is_secret_header(name: &HeaderName) -> bool {
    const NAMES: &[&str] = &[
        "metadata-flavor-token",
        "x-identity-header",
        "x-ms-copy-source",
        "x-functions-key",
        "ocp-apim-subscription-key",
    ];
    let name = name.as_str();
    NAMES.contains(&name)
        || HEADER_PARTS.iter().any(|part| name.contains(part))
        || name.contains("encryption-customer-key")
        || name.contains("encryption-key")
}
