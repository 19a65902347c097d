//! Times behind TIMESTAMP AS OF, which are computed before the query around them is planned.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{TableFactor, TableVersion, Visitor};

use super::super::command::version;
use super::super::rewrite::parse;
use super::super::scope::Scope;
use super::super::store::providers::{Extra, Overlay};
use super::super::walk;
use crate::sql::Failure;

#[derive(Default)]
struct Found(BTreeSet<String>);

impl Visitor for Found {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { version: Some(TableVersion::TimestampAsOf(time)), .. } = factor {
            self.0.insert(time.to_string());
        }
        ControlFlow::Continue(())
    }
}

/// The overlay with the times that a text asks for.
pub(in super::super) async fn known(scope: &Scope<'_>, text: &str, overlay: Overlay) -> Result<Overlay, Failure> {
    // Nearly no query has any.
    let bytes = text.as_bytes();
    if !bytes.windows(9).any(|word| word.eq_ignore_ascii_case(b"timestamp"))
        || !bytes.windows(2).any(|word| word.eq_ignore_ascii_case(b"of"))
    {
        return Ok(overlay);
    }
    let mut found = Found::default();
    let Ok(statement) = parse(text) else { return Ok(overlay) };
    let _: ControlFlow<()> = walk::read(&statement, &mut found);
    if found.0.is_empty() {
        return Ok(overlay);
    }
    let mut extra = Extra::clone(&overlay.extra);
    for expression in found.0 {
        let time = version::time(scope, &expression).await?;
        extra.times.insert(expression, time);
    }
    Ok(Overlay { extra: Arc::new(extra), ..overlay })
}
