//! Unpredictable string for tokens, secrets and identifiers.

/// Fills an array from the operating system's generator.
///
/// There is no fallback: with no randomness there can be no secret, and the start of the workspace reports it.
pub(crate) fn bytes<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut out = [0_u8; N];
    getrandom::fill(&mut out).map_err(std::io::Error::other)?;
    Ok(out)
}

/// Lower-case hexadecimal of `bytes`.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    out
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Source of identifiers that have to be unique, not secret: one random start, then a counter mixed into it.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: u64,
    next: std::sync::atomic::AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { seed: u64::from_le_bytes(bytes::<8>()?), next: std::sync::atomic::AtomicU64::new(1) })
    }

    /// A number that this workspace has not given before: a bijection of the counter (the mixer of SplitMix64).
    pub(crate) fn number(&self) -> u64 {
        let n = self
            .next
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(self.seed);
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// Sixteen hexadecimal digits, as warehouses have.
    pub(crate) fn hex16(&self) -> String {
        format!("{:016x}", self.number())
    }

    /// Thirty-two hexadecimal digits, as commands have.
    pub(crate) fn hex32(&self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }

    /// Eighteen decimal digits, as execution contexts have.
    pub(crate) fn digits(&self) -> String {
        format!("{:018}", self.number() % 1_000_000_000_000_000_000)
    }

    /// The number of a cluster's Spark context: positive, as the platform's are.
    pub(crate) fn spark_context(&self) -> i64 {
        (self.number() >> 1) as i64
    }

    /// String in the form of a UUID of version 4.
    pub(crate) fn uuid(&self) -> String {
        let (a, b) = (self.number(), self.number());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0x0fff,
            (b >> 48) & 0x3fff | 0x8000,
            b & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_do_not_repeat_and_have_their_form() {
        let ids = Ids::new().unwrap();
        let all: std::collections::BTreeSet<_> = (0..1000).map(|_| ids.uuid()).collect();
        assert_eq!(all.len(), 1000);
        let one = ids.uuid();
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert_eq!(ids.hex16().len(), 16);
        assert_eq!(ids.digits().len(), 18);
    }

    #[test]
    fn hexadecimal_keeps_leading_zeros() {
        assert_eq!(to_hex(&[0, 0x0f, 0xa0]), "000fa0");
    }
}
