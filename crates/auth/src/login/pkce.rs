//! The random strings of a login.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use databricks_core::Secret;

/// What binds the callback to its login: the state that is returned, and the secret whose digest was sent.
#[derive(Debug)]
pub(crate) struct Pkce {
    pub(crate) state: Secret,
    pub(crate) verifier: Secret,
}

impl Pkce {
    /// New random strings; `None` if the system has no source of randomness.
    pub(crate) fn new() -> Option<Self> {
        let (mut state, mut verifier) = ([0; 16], [0; 64]);
        getrandom::fill(&mut state).ok()?;
        getrandom::fill(&mut verifier).ok()?;
        Some(Self {
            state: Secret::new(URL_SAFE_NO_PAD.encode(state)),
            verifier: Secret::new(URL_SAFE_NO_PAD.encode(verifier)),
        })
    }

    /// The challenge of method S256.
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac_sha256::Hash::hash(self.verifier.expose().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_of_the_rfc() {
        // Appendix B of RFC 7636.
        let pkce = Pkce { state: "".into(), verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into() };
        assert_eq!(pkce.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn strings_are_random_and_long_enough() {
        let (a, b) = (Pkce::new().unwrap(), Pkce::new().unwrap());
        assert!(!a.state.matches(b.state.expose()) && !a.verifier.matches(b.verifier.expose()));
        assert_eq!((a.state.expose().len(), a.verifier.expose().len()), (22, 86));
    }
}
