//! The throw-away key of the runner, and signatures made with it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

/// Made for these cases; nothing trusts it.
pub(crate) const PEM: &str = include_str!("throwaway_key.pem");

/// A decoded JWT whose signature is right.
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Jwt {
    /// Decodes a JWT and checks that the throw-away key signed it.
    pub(crate) fn verify(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else { return Err("not a JWT of three parts".to_owned()) };
        let decode = |part: &str| {
            URL_SAFE_NO_PAD.decode(part).map_err(|error| format!("a part of the JWT is not base64url: {error}"))
        };
        let json = |part: &str| {
            serde_json::from_slice(&decode(part)?)
                .map_err(|error| format!("a part of the JWT is not valid JSON: {error}"))
        };
        let der = STANDARD
            .decode(PEM.lines().filter(|line| !line.starts_with('-')).collect::<String>())
            .map_err(|error| error.to_string())?;
        let pair = KeyPair::from_pkcs8(&der).map_err(|error| error.to_string())?;
        let message = format!("{header}.{claims}");
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public())
            .verify(message.as_bytes(), &decode(signature)?)
            .map_err(|_| "the JWT was not signed with the key of the case".to_owned())?;
        Ok(Self { header: json(header)?, claims: json(claims)? })
    }
}
