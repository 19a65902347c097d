//! URLs.

use datafusion::error::Result;

use super::fail;
use super::function::{Def, f};
use super::value::V;

pub(crate) const FUNCTIONS: &[Def] = &[
    f("url_encode", "s -> s", |_, a| {
        Ok(form_urlencoded::byte_serialize(a[0].text().as_bytes()).collect::<String>().into())
    }),
    f("url_decode", "s -> s", |_, a| {
        url_decode(a[0].text()).map(V::Str).ok_or_else(|| fail("CANNOT_DECODE_URL", "22546", &format!("The provided URL cannot be decoded: {}. Please ensure that the URL is properly formatted and try again.", a[0].text())))
    }),
    f("try_url_decode", "s -> s", |_, a| Ok(url_decode(a[0].text()).into())),
    f("parse_url", "s s s? -> s", |_, a| parse_url(a, false)),
    f("try_parse_url", "s s s? -> s", |_, a| parse_url(a, true)),
];

fn url_decode(text: &str) -> Option<String> {
    let bytes = text.replace('+', " ");
    let mut valid = bytes.as_bytes();
    while let Some(at) = valid.iter().position(|b| *b == b'%') {
        let digits = valid.get(at + 1..at + 3)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        valid = &valid[at + 3..];
    }
    percent_encoding::percent_decode_str(&bytes).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn parse_url(a: &[V], lenient: bool) -> Result<V> {
    let url = a[0].text();
    if url.contains([' ', '\\', '^', '`', '{', '}', '|', '<', '>', '"']) {
        if lenient {
            return Ok(V::Null);
        }
        return Err(fail(
            "INVALID_URL",
            "22P02",
            &format!("The url is invalid: {url}. Use `try_parse_url` to tolerate invalid URL and return NULL instead."),
        ));
    }
    let (scheme, rest) = match url.split_once(':') {
        Some((s, rest))
            if !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')) =>
        {
            (Some(s), rest)
        }
        _ => (None, url),
    };
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(r, f)| (r, Some(f)));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(r, q)| (r, Some(q)));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(r) => {
            let end = r.find('/').unwrap_or(r.len());
            (Some(&r[..end]), &r[end..])
        }
        None => (None, rest),
    };
    let user = authority.and_then(|a| a.rsplit_once('@')).map(|(u, _)| u);
    let host = authority.map(|a| a.rsplit_once('@').map_or(a, |(_, h)| h)).map(|h| match h.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => h,
    });
    let found = match a[1].text() {
        "HOST" => host.filter(|h| !h.is_empty()).map(str::to_owned),
        "PATH" => Some(path.to_owned()),
        "QUERY" => match a.get(2) {
            None => query.map(str::to_owned),
            Some(key) => query.and_then(|q| {
                q.split('&')
                    .find_map(|p| p.split_once('=').filter(|(k, _)| *k == key.text()).map(|(_, v)| v.to_owned()))
            }),
        },
        "REF" => fragment.map(str::to_owned),
        "PROTOCOL" => scheme.map(str::to_owned),
        "FILE" => Some(query.map_or_else(|| path.to_owned(), |q| format!("{path}?{q}"))),
        "AUTHORITY" => authority.map(str::to_owned),
        "USERINFO" => user.map(str::to_owned),
        _ => None,
    };
    Ok(found.into())
}
