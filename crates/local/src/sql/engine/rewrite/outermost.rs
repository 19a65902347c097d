//! Expressions of a clause without those of the queries inside of it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, VisitMut, VisitorMut};

use super::super::walk;

/// Calls a function with each expression that belongs to a clause itself, inner ones first.
pub(super) fn visit(clause: &mut impl VisitMut, each: &mut dyn FnMut(&mut Expr) -> ControlFlow<()>) -> ControlFlow<()> {
    walk::change(clause, &mut Outermost { queries: 0, each })
}

struct Outermost<'a> {
    /// Queries around the place that is visited.
    queries: usize,
    each: &'a mut dyn FnMut(&mut Expr) -> ControlFlow<()>,
}

impl VisitorMut for Outermost<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.queries > 0 { ControlFlow::Continue(()) } else { (self.each)(expr) }
    }
}
