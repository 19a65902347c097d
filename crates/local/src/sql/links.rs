//! Links to result files: no credentials, but a signature and an end.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::random::{bytes, from_hex, to_hex};

/// Signs links and checks them; its key never leaves the process.
pub(crate) struct Signer([u8; 32]);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// Why a link does not open its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Signature,
    Expired,
}

impl Signer {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self(bytes::<32>()?))
    }

    fn mac(&self, statement: &str, chunk: usize, expires_ms: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{statement}/{chunk}/{expires_ms}").as_bytes());
        Some(mac)
    }

    /// Path and query of a link that works until `expires_ms`.
    pub(crate) fn link(&self, statement: &str, chunk: usize, expires_ms: i64) -> String {
        let signature =
            self.mac(statement, chunk, expires_ms).map(|m| to_hex(&m.finalize().into_bytes())).unwrap_or_default();
        format!("/local/storage/{statement}/{chunk}?expires={expires_ms}&signature={signature}")
    }

    /// Checks a link; the comparison takes constant time.
    pub(crate) fn check(
        &self,
        statement: &str,
        chunk: usize,
        expires_ms: i64,
        signature: &str,
        now: i64,
    ) -> Result<(), Refused> {
        let given = from_hex(signature).ok_or(Refused::Signature)?;
        self.mac(statement, chunk, expires_ms).and_then(|m| m.verify_slice(&given).ok()).ok_or(Refused::Signature)?;
        if now >= expires_ms {
            return Err(Refused::Expired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_its_own_chunk_until_its_end() {
        let signer = Signer::new().unwrap();
        let link = signer.link("s", 1, 100);
        let signature = link.split("signature=").nth(1).unwrap();
        assert_eq!(signature.len(), 64);
        assert_eq!(signer.check("s", 1, 100, signature, 99), Ok(()));
        assert_eq!(signer.check("s", 1, 100, signature, 100), Err(Refused::Expired));
        assert_eq!(signer.check("s", 2, 100, signature, 99), Err(Refused::Signature));
        assert_eq!(signer.check("s", 1, 200, signature, 99), Err(Refused::Signature));
        assert_eq!(signer.check("s", 1, 100, "", 99), Err(Refused::Signature));
        let other = Signer::new().unwrap();
        assert_eq!(other.check("s", 1, 100, signature, 99), Err(Refused::Signature));
    }
}
