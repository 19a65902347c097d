//! Expressions of a clause without those of the queries inside of it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, VisitMut, VisitorMut};

/// Calls a function with each expression that belongs to a clause itself, inner ones first.
pub(super) struct Outermost<F> {
    /// Queries around the place that is visited.
    queries: usize,
    each: F,
}

impl<B, F: FnMut(&mut Expr) -> ControlFlow<B>> Outermost<F> {
    pub(super) fn visit(clause: &mut impl VisitMut, each: F) -> ControlFlow<B> {
        clause.visit(&mut Self { queries: 0, each })
    }
}

impl<B, F: FnMut(&mut Expr) -> ControlFlow<B>> VisitorMut for Outermost<F> {
    type Break = B;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<B> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<B> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<B> {
        if self.queries > 0 { ControlFlow::Continue(()) } else { (self.each)(expr) }
    }
}
