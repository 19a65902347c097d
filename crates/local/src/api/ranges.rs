//! Ranges and conditions of downloads (RFC 9110, sections 13 and 14).

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Why a download is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The file has changed since the time that the client named.
    Changed,
    /// The range lies beyond the end.
    Range,
}

/// First byte, the one after the last, and whether that is a part of the file.
pub(super) fn select(headers: &HeaderMap, size: u64, modified_ms: i64) -> Result<(u64, u64, bool), Refused> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let since = text(header::IF_UNMODIFIED_SINCE).and_then(parse_date);
    // Dates have whole seconds.
    if since.is_some_and(|since| modified_ms.div_euclid(1000) > since) {
        return Err(Refused::Changed);
    }
    let whole = Ok((0, size, false));
    let Some((from, to)) = text(header::RANGE).and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return whole;
    };
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), _) if from >= size => Err(Refused::Range),
        (Ok(from), Ok(to)) if to >= from => Ok((from, to.saturating_add(1).min(size), true)),
        (Ok(from), Err(_)) if to.is_empty() => Ok((from, size, true)),
        (Err(_), Ok(last)) if from.is_empty() && last > 0 && size > 0 => Ok((size.saturating_sub(last), size, true)),
        _ => whole,
    }
}

const FORM: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// A time as an HTTP date.
pub(super) fn http_date(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.strftime(FORM).to_string()).unwrap_or_default()
}

/// Seconds since the Unix epoch.
fn parse_date(text: &str) -> Option<i64> {
    let time = jiff::civil::DateTime::strptime(FORM, text).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(HeaderName, &str)]) -> Result<(u64, u64, bool), Refused> {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        select(&headers, 10, 1_751_364_000_500)
    }

    #[test]
    fn ranges_and_dates_are_read() {
        let range = |value| ask(&[(header::RANGE, value)]);
        assert_eq!(ask(&[]), Ok((0, 10, false)));
        assert_eq!(range("bytes=2-4"), Ok((2, 5, true)));
        assert_eq!(range("bytes=2-"), Ok((2, 10, true)));
        assert_eq!(range("bytes=-3"), Ok((7, 10, true)));
        assert_eq!(range("bytes=8-99"), Ok((8, 10, true)));
        assert_eq!(range("bytes=10-"), Err(Refused::Range));
        assert_eq!(range("bytes=4-2"), Ok((0, 10, false)));
        let date = http_date(1_751_364_000_500);
        assert_eq!(date, "Tue, 01 Jul 2025 10:00:00 GMT");
        let since = |value: &str| ask(&[(header::IF_UNMODIFIED_SINCE, value)]);
        assert_eq!(since(&date), Ok((0, 10, false)));
        assert_eq!(since(&http_date(1_751_363_999_999)), Err(Refused::Changed));
    }
}
