//! LIST: what a directory of a volume holds.

use std::collections::BTreeMap;

use super::super::scope::{Listing, Reply, Scope};
use super::super::spark::value::V;
use super::super::store::missing::feature;
use super::cursor::Cursor;
use super::string;
use crate::sql::Failure;

/// `LIST '/Volumes/…' [LIMIT n]`.
pub(super) fn list(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let written = c.string()?;
    let most = if c.eat("LIMIT") { usize::try_from(c.integer()?).unwrap_or(0) } else { usize::MAX };
    c.done()?;
    let path = written.strip_prefix("dbfs:").unwrap_or(&written).trim_end_matches('/');
    if !path.starts_with("/Volumes/") {
        return Err(feature(&format!("LIST of '{written}'; files are in volumes (/Volumes/…)")));
    }
    super::super::rights::check_volume(scope, path)?;
    // By path: the size, and when it was changed; directories have neither.
    let mut found: BTreeMap<String, Option<(u64, i64)>> = BTreeMap::new();
    for file in scope.host.files(path)? {
        let inside = file.path.strip_prefix(path).unwrap_or_default().trim_start_matches('/');
        match inside.split_once('/') {
            Some((directory, _)) => found.entry(format!("{path}/{directory}/")).or_insert(None),
            None => found.entry(file.path.clone()).or_insert(Some((file.length, file.modified_ms))),
        };
    }
    let rows = found.into_iter().take(most).map(|(path, file)| {
        let ending = if path.ends_with('/') { "/" } else { "" };
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let (size, changed) = match file {
            Some((size, ms)) => (i64::try_from(size).unwrap_or(i64::MAX), V::Ts(ms.saturating_mul(1000))),
            None => (0, V::Null),
        };
        vec![string(path.as_str()), string(format!("{name}{ending}")), V::Int(size), changed]
    });
    let rows: Vec<Vec<V>> = rows.collect();
    Ok(Reply::Rows(Listing::new(&["path", "name", "size:l", "modification_time:t"]).with(rows)))
}
