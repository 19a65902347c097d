//! Versions and times that a query computes, behind TIMESTAMP AS OF and in table_changes: before the query around them is
//! planned.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{Expr, TableFactor, TableVersion, Value, Visitor};

use super::super::command::version;
use super::super::rewrite::{changes_of, parse};
use super::super::scope::Scope;
use super::super::spark::value::V;
use super::super::store::providers::{Extra, Overlay};
use super::super::walk;
use super::at::{self, At};
use crate::sql::Failure;

#[derive(Default)]
struct Found {
    times: BTreeSet<String>,
    /// Versions or times.
    bounds: BTreeSet<String>,
}

impl Visitor for Found {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { version: Some(TableVersion::TimestampAsOf(time)), .. } = factor {
            self.times.insert(time.to_string());
        }
        if let Some(Ok(arguments)) = changes_of(factor) {
            let is_literal = |e: &Expr| matches!(e, Expr::Value(v) if !matches!(v.value, Value::Placeholder(_)));
            self.bounds.extend(arguments.iter().skip(1).filter(|e| !is_literal(e)).map(ToString::to_string));
        }
        ControlFlow::Continue(())
    }
}

/// The overlay with the times and versions that a text asks for.
pub(in super::super) async fn known(scope: &Scope<'_>, text: &str, overlay: Overlay) -> Result<Overlay, Failure> {
    // Nearly no query has any.
    let has = |word: &str| text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    if !(has("timestamp") && has("of") || has("table_changes")) {
        return Ok(overlay);
    }
    let mut found = Found::default();
    let Ok(statement) = parse(text) else { return Ok(overlay) };
    let _: ControlFlow<()> = walk::read(&statement, &mut found);
    if found.times.is_empty() && found.bounds.is_empty() {
        return Ok(overlay);
    }
    let mut extra = Extra::clone(&overlay.extra);
    for expression in found.times {
        let time = version::time(scope, &expression).await?;
        extra.times.insert(expression, time);
    }
    for expression in found.bounds {
        // Boxed, since this is on the way of every plan.
        let at = match Box::pin(scope.value(&expression)).await?.0 {
            V::Int(version) => {
                At::Version(u64::try_from(version).map_err(|_| at::invalid_version(&version.to_string()))?)
            }
            V::Null => return Err(at::no_bound()),
            _ => version::time(scope, &expression).await?,
        };
        extra.times.insert(expression, at);
    }
    Ok(Overlay { extra: Arc::new(extra), ..overlay })
}
