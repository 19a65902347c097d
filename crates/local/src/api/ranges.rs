//! Ranges and conditions of downloads (RFC 9110, sections 13 and 14).

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Why a download is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The file has changed since the time that the client named.
    Changed,
    /// The range lies beyond the end.
    Range,
}

/// What tells one content of a file from the next.
#[derive(Clone, Debug)]
pub(super) enum Version {
    /// When it was written, in milliseconds since the Unix epoch.
    Modified(i64),
    /// Its entity tag, quotes included.
    Tag(String),
}

/// The bytes that a response has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Selected {
    /// The first byte.
    pub(super) start: u64,
    /// The one after the last.
    pub(super) end: u64,
    /// Whether a range was asked for.
    partial: bool,
    /// How many bytes the file has.
    size: u64,
}

/// What the headers of a request ask for, of a file with `size` bytes.
pub(super) fn select(headers: &HeaderMap, size: u64, version: &Version) -> Result<Selected, Refused> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let whole = Ok(Selected { start: 0, end: size, partial: false, size });
    match version {
        // Dates have whole seconds.
        Version::Modified(at) => {
            let since = text(header::IF_UNMODIFIED_SINCE).and_then(parse_date);
            if since.is_some_and(|since| at.div_euclid(1000) > since) {
                return Err(Refused::Changed);
            }
        }
        Version::Tag(tag) if text(header::IF_RANGE).is_some_and(|asked| asked != tag) => return whole,
        Version::Tag(_) => {}
    }
    let Some((from, to)) = text(header::RANGE).and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return whole;
    };
    let part = |start, end| Ok(Selected { start, end, partial: true, size });
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), _) if from >= size => Err(Refused::Range),
        (Ok(from), Ok(to)) if to >= from => part(from, to.saturating_add(1).min(size)),
        (Ok(from), Err(_)) if to.is_empty() => part(from, size),
        (Err(_), Ok(last)) if from.is_empty() && last > 0 && size > 0 => part(size.saturating_sub(last), size),
        _ => whole,
    }
}

impl Selected {
    /// The response with these bytes in its body.
    pub(super) fn respond(self, body: Body, content_type: &str, version: &Version) -> Response {
        let mut response = Response::new(body);
        if self.partial {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let span = format!("bytes {}-{}/{}", self.start, self.end.saturating_sub(1), self.size);
            set(&mut response, header::CONTENT_RANGE, &span);
        }
        set(&mut response, header::CONTENT_TYPE, content_type);
        set(&mut response, header::CONTENT_LENGTH, &(self.end - self.start).to_string());
        match version {
            Version::Modified(at) => set(&mut response, header::LAST_MODIFIED, &http_date(*at)),
            Version::Tag(tag) => set(&mut response, header::ETAG, tag),
        }
        set(&mut response, header::ACCEPT_RANGES, "bytes");
        response
    }
}

const FORM: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// A time as an HTTP date.
fn http_date(ms: i64) -> String {
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

    fn of(pairs: &[(HeaderName, &str)], version: &Version) -> Result<(u64, u64, bool), Refused> {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        select(&headers, 10, version).map(|selected| (selected.start, selected.end, selected.partial))
    }

    fn ask(pairs: &[(HeaderName, &str)]) -> Result<(u64, u64, bool), Refused> {
        of(pairs, &Version::Modified(1_751_364_000_500))
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

    #[test]
    fn a_range_of_another_content_is_not_served() {
        let version = Version::Tag("\"t\"".to_owned());
        let ask = |tag| of(&[(header::RANGE, "bytes=2-4"), (header::IF_RANGE, tag)], &version);
        assert_eq!(ask("\"t\""), Ok((2, 5, true)));
        assert_eq!(ask("\"other\""), Ok((0, 10, false)));
        assert_eq!(of(&[(header::RANGE, "lines=1-2")], &version), Ok((0, 10, false)));
    }

    #[test]
    fn a_response_says_which_bytes_it_has() {
        let selected = Selected { start: 2, end: 5, partial: true, size: 10 };
        let response = selected.respond(Body::empty(), "text/csv", &Version::Tag("\"t\"".to_owned()));
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(response.headers()[header::CONTENT_RANGE], "bytes 2-4/10");
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "3");
        assert_eq!(response.headers()[header::ETAG], "\"t\"");
    }
}
