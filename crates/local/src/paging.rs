//! Pages of lists, distinguished by opaque tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::reply::ApiError;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the following page begins, if there is one.
    pub(crate) next: Option<String>,
    /// Where the page before begins, if there is one.
    pub(crate) previous: Option<String>,
}

/// Bounds of `page_size`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) usual: usize,
    pub(crate) max: usize,
}

/// Cuts the page out of `all` that `token` points at; `list` names the listing, so that tokens of others are refused.
pub(crate) fn page<T>(
    all: Vec<T>,
    list: &str,
    size: Option<i64>,
    token: Option<&str>,
    limits: Limits,
) -> Result<Page<T>, ApiError> {
    let size = match size {
        None | Some(0) => limits.usual,
        Some(n) => usize::try_from(n).ok().filter(|n| *n <= limits.max).ok_or_else(|| {
            ApiError::invalid_parameter(format!("page_size must be between 1 and {}, got {n}", limits.max))
        })?,
    };
    // Clients that ask for the first page may state that as an empty token.
    let start = token.filter(|t| !t.is_empty()).map_or(Ok(0), |t| decode(list, t))?;
    let total = all.len();
    let items: Vec<T> = all.into_iter().skip(start).take(size).collect();
    let end = start.saturating_add(items.len());
    Ok(Page {
        next: (end < total && !items.is_empty()).then(|| encode(list, end)),
        previous: (start > 0).then(|| encode(list, start.saturating_sub(size))),
        items,
    })
}

fn encode(list: &str, offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{offset}"))
}

fn decode(list: &str, token: &str) -> Result<usize, ApiError> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(list)?.strip_prefix(':')?.parse().ok())
        .ok_or_else(|| ApiError::invalid_parameter("The page_token is not one of this listing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { usual: 2, max: 3 };

    #[test]
    fn tokens_walk_the_list_and_back() {
        let all: Vec<_> = (0..5).collect();
        let first = page(all.clone(), "x", None, None, LIMITS).unwrap();
        assert_eq!(first.items, [0, 1]);
        assert!(first.previous.is_none());
        assert_eq!(page(all.clone(), "x", None, Some(""), LIMITS).unwrap().items, first.items);
        let second = page(all.clone(), "x", None, first.next.as_deref(), LIMITS).unwrap();
        assert_eq!(second.items, [2, 3]);
        let third = page(all.clone(), "x", None, second.next.as_deref(), LIMITS).unwrap();
        assert_eq!(third.items, [4]);
        assert!(third.next.is_none());
        let back = page(all, "x", None, third.previous.as_deref(), LIMITS).unwrap();
        assert_eq!(back.items, [2, 3]);
    }

    #[test]
    fn foreign_tokens_and_sizes_are_refused() {
        let token = page(vec![1, 2, 3], "y", Some(1), None, LIMITS).unwrap().next;
        assert!(page(vec![1, 2, 3], "x", None, token.as_deref(), LIMITS).is_err());
        assert!(page(vec![1], "x", None, Some("%%"), LIMITS).is_err());
        assert!(page(vec![1], "x", Some(4), None, LIMITS).is_err());
        assert!(page(vec![1], "x", Some(-1), None, LIMITS).is_err());
    }
}
