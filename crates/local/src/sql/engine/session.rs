//! SQL sessions: temporary views, variables and settings, which live as long as the session does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::arrow::datatypes::DataType;

use super::spark::value::V;
use super::spark::zone::Zone;
use super::store::View;

/// Seconds that a statement may run, if the session does not say.
const TIMEOUT: u64 = 172_800;
/// Sessions that are kept; of more the one that was used longest ago is forgotten.
const MOST: usize = 1_000;

#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) kind: DataType,
    pub(super) value: V,
    pub(super) default: (V, Option<String>),
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) views: BTreeMap<String, Arc<View>>,
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) settings: BTreeMap<String, String>,
    /// What the settings start from.
    pub(super) initial: BTreeMap<String, String>,
}

impl Inner {
    pub(super) fn setting(&self, name: &str) -> Option<&String> {
        self.settings.get(name).or_else(|| self.initial.get(name))
    }
}

#[derive(Debug, Default)]
pub(super) struct SqlSession(Mutex<Inner>);

impl SqlSession {
    fn starting(initial: &BTreeMap<String, String>) -> Self {
        Self(Mutex::new(Inner { initial: initial.clone(), ..Inner::default() }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqlSession {
    /// The name of the time zone, if the session has set one.
    pub(super) fn time_zone(&self) -> Option<String> {
        self.lock().setting("timezone").cloned()
    }

    pub(super) fn zone(&self) -> Zone {
        self.time_zone().and_then(|name| Zone::parse(&name)).unwrap_or(Zone::UTC)
    }

    /// How long a statement may run: STATEMENT_TIMEOUT in seconds, of which 0 is the default.
    pub(super) fn time_limit(&self) -> Duration {
        let stated = self.lock().setting("statement_timeout").and_then(|text| text.trim().parse().ok());
        Duration::from_secs(stated.filter(|seconds| *seconds > 0).unwrap_or(TIMEOUT).min(TIMEOUT))
    }
}

/// Sessions by identifier, with the number of their last use.
#[derive(Debug, Default)]
pub(super) struct SqlSessions(Mutex<(u64, Uses)>);

type Uses = BTreeMap<String, (u64, Arc<SqlSession>)>;

impl SqlSessions {
    /// The session of that identifier; one of its own for a statement without.
    pub(super) fn get(&self, id: Option<&str>, initial: &BTreeMap<String, String>) -> Arc<SqlSession> {
        let Some(id) = id else { return Arc::default() };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (clock, sessions) = &mut *all;
        *clock += 1;
        if !sessions.contains_key(id) && sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| id.clone());
            oldest.map(|id| sessions.remove(&id));
        }
        let new = || (0, Arc::new(SqlSession::starting(initial)));
        let entry = sessions.entry(id.to_owned()).or_insert_with(new);
        entry.0 = *clock;
        Arc::clone(&entry.1)
    }

    pub(super) fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_kept_by_use() {
        let (all, none) = (SqlSessions::default(), BTreeMap::new());
        let first = all.get(Some("first"), &none);
        for n in 0..MOST - 1 {
            all.get(Some(&n.to_string()), &none);
        }
        assert!(Arc::ptr_eq(&first, &all.get(Some("first"), &none)));
        all.get(Some("one more"), &none);
        assert!(Arc::ptr_eq(&first, &all.get(Some("first"), &none)), "the one that was used last stays");
        all.forget("first");
        assert!(!Arc::ptr_eq(&first, &all.get(Some("first"), &none)));
        assert!(!Arc::ptr_eq(&all.get(None, &none), &all.get(None, &none)));
    }
}
