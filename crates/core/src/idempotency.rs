//! Which calls may be sent twice.

/// What sending a request a second time would do, decided per operation.
///
/// The transport retries every request that certainly did not execute (refused connections, 429, 503). Where that is
/// unknown (a lost connection, 502, 504), it retries only those that [are retryable](Self::is_retryable).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Idempotency {
    /// The request reads and changes nothing: `GET`, `HEAD`, and the `POST`s that are known to search or list.
    ReadOnly,
    /// A second run leaves the same state: `PUT`, `DELETE`.
    Idempotent,
    /// The request carries a key by which the service recognises a repetition.
    Keyed,
    /// A second run may do the work twice: `POST`, `PATCH`.
    #[default]
    NotIdempotent,
}

impl Idempotency {
    /// The class that a method has by itself (RFC 9110, section 9.2).
    pub fn of_method(method: &http::Method) -> Self {
        match *method {
            http::Method::GET | http::Method::HEAD | http::Method::OPTIONS => Self::ReadOnly,
            http::Method::PUT | http::Method::DELETE => Self::Idempotent,
            _ => Self::NotIdempotent,
        }
    }

    /// Whether a request whose fate is unknown may be sent again.
    pub const fn is_retryable(self) -> bool {
        !matches!(self, Self::NotIdempotent)
    }
}

/// A fresh key for fields such as `request_id` and `idempotency_token`: a random UUID (version 4, RFC 9562) as a string.
///
/// The operations that know such a field fill it when the caller leaves it empty, once, before the first attempt. It
/// marks repetitions and is not a secret, so an ordinary random number generator will do.
pub fn new_key() -> String {
    let mut b = fastrand::u128(..).to_be_bytes();
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    let hex = b.iter().map(|x| format!("{x:02x}")).collect::<String>();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Fills a field for such a key unless the caller did.
pub fn fill(key: &mut Option<String>) {
    if key.as_deref().is_none_or(str::is_empty) {
        *key = Some(new_key());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_version_four_uuids_and_differ() {
        let (a, b) = (new_key(), new_key());
        assert_ne!(a, b);
        assert_eq!(a.len(), 36);
        assert_eq!(&a[14..15], "4");
        assert!("89ab".contains(&a[19..20]));
    }

    #[test]
    fn only_plain_posts_and_patches_must_not_be_repeated() {
        assert!(Idempotency::of_method(&http::Method::GET).is_retryable());
        assert!(Idempotency::of_method(&http::Method::DELETE).is_retryable());
        assert!(!Idempotency::of_method(&http::Method::POST).is_retryable());
        assert!(!Idempotency::of_method(&http::Method::PATCH).is_retryable());
    }
}
