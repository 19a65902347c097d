//! Expressions that a table is made with: defaults, generated columns, checks of rows. They are planned over no rows, so that
//! mistakes show when the table is made, and hold nothing that would have another value at another time.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{Expr, Query, Visitor};

use super::super::core::rows_name;
use super::super::output::wire;
use super::super::rewrite::parse;
use super::super::scope::{Named, Scope};
use super::super::spark::types;
use super::super::store::Name;
use super::super::store::table::{Column, Constraint, Rows, TableState};
use super::super::walk;
use super::{assemble, names};
use crate::sql::Failure;

/// Functions whose value is another one each time.
const RANDOM: [&str; 7] = ["rand", "random", "randn", "uuid", "shuffle", "randstr", "uniform"];
/// Functions whose value depends on when and by whom they are called.
const SESSION: [&str; 15] = [
    "current_timestamp",
    "now",
    "localtimestamp",
    "current_date",
    "curdate",
    "current_time",
    "current_user",
    "session_user",
    "user",
    "current_catalog",
    "current_schema",
    "current_database",
    "current_timezone",
    "is_member",
    "is_account_group_member",
];

/// What an expression is made of.
#[derive(Default)]
struct Parts {
    columns: BTreeSet<String>,
    calls: BTreeSet<String>,
    /// Queries, the one around the expression counted.
    queries: usize,
}

impl Parts {
    fn of(expression: &str) -> Result<Self, Failure> {
        let mut parts = Self::default();
        let _: ControlFlow<()> = walk::read(&parse(&format!("SELECT ({expression})"))?, &mut parts);
        Ok(parts)
    }

    fn has_subquery(&self) -> bool {
        self.queries > 1
    }
}

impl Visitor for Parts {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => {
                self.columns.insert(name.value.to_lowercase());
            }
            Expr::CompoundIdentifier(parts) => {
                self.columns.extend(parts.first().map(|part| part.value.to_lowercase()));
            }
            Expr::Function(call) => {
                self.calls.insert(call.name.to_string().to_lowercase());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether a condition has another value each time. What cannot be read is an error where it is planned.
pub(super) fn is_random(condition: &str) -> bool {
    Parts::of(condition).is_ok_and(|parts| parts.calls.iter().any(|call| RANDOM.contains(&call.as_str())))
}

/// Checks the expressions of a table.
pub(super) async fn check(scope: &Scope<'_>, state: &TableState) -> Result<(), Failure> {
    for column in &state.columns {
        if let Some(text) = &column.default {
            default(scope, column, text).await?;
        }
        if let Some(text) = &column.generated {
            generated(scope, state, column, text).await?;
        }
    }
    for (name, constraint) in &state.constraints {
        if let Constraint::Check(text) = constraint {
            let planned = scope.plan(&over(text), rows(state)).await?;
            if aggregates(&planned.plan) {
                let text = format!(
                    "Found {text} in a CHECK constraint. Aggregate expressions are not allowed in CHECK constraints."
                );
                return Err(Failure::class("DELTA_AGGREGATE_IN_CHECK_CONSTRAINT", &text, "42621"));
            }
            if !matches!(wire(planned.plan.schema().field(0).data_type()), DataType::Boolean | DataType::Null) {
                let text = format!("CHECK constraint '{name}' ({text}) should be a boolean expression.");
                return Err(Failure::class("DELTA_NON_BOOLEAN_CHECK_CONSTRAINT", &text, "42621"));
            }
        }
    }
    Ok(())
}

fn rows(state: &TableState) -> Named {
    let empty = Rows { schema: state.schema(), batches: Vec::new() };
    [("made".to_owned(), Arc::new(empty))].into()
}

fn over(expression: &str) -> String {
    format!("SELECT ({expression}) FROM {}", rows_name("made"))
}

async fn default(scope: &Scope<'_>, column: &Column, text: &str) -> Result<(), Failure> {
    let wrong = |sub: &str, why: &str| {
        let text = format!(
            "Failed to execute the command because the destination column or variable `{}` has a DEFAULT value {text}, which {why}.",
            column.name
        );
        Failure::class(&format!("INVALID_DEFAULT_VALUE.{sub}"), &text, "42623")
    };
    if Parts::of(text)?.has_subquery() {
        return Err(wrong("SUBQUERY_EXPRESSION", "contains subquery expressions"));
    }
    let planned = scope.plan(&format!("SELECT ({text})"), Named::new()).await.map_err(|failure| {
        if failure.message.starts_with("[UNRESOLVED_COLUMN") {
            return wrong("UNRESOLVED_EXPRESSION", "fails to resolve as a valid expression");
        }
        failure
    })?;
    let kind = wire(planned.plan.schema().field(0).data_type());
    let none = Name { catalog: String::new(), schema: String::new(), object: column.name.clone() };
    let incompatible = || {
        let (wanted, given) = (types::name(&column.kind), types::name(&kind));
        let why =
            format!("requires \"{wanted}\" type, but the statement provided a value of incompatible \"{given}\" type");
        wrong("DATA_TYPE", &why)
    };
    assemble::storable(&kind, column, &none).map_err(|_| incompatible())?;
    // A string may be no value of the type.
    if kind == DataType::Utf8 && column.kind != DataType::Utf8 {
        let (value, kind) = scope.value(text).await?;
        assemble::values_of(&[value], &kind, column, &none).map_err(|_| incompatible())?;
    }
    Ok(())
}

async fn generated(scope: &Scope<'_>, state: &TableState, column: &Column, text: &str) -> Result<(), Failure> {
    let parts = Parts::of(text)?;
    let refused = |class: &str, text: String| Err(Failure::class(class, &text, "42621"));
    let other = |name: &String| {
        let found = state.position(name).map(|at| &state.columns[at]);
        found.is_some_and(|found| found.generated.is_some() || found.identity.is_some())
    };
    let references = || {
        let text = "A generated column cannot use a non-existent column or another generated column";
        Failure::class("DELTA_INVALID_GENERATED_COLUMN_REFERENCES", text, "42621")
    };
    if parts.columns.iter().any(other) {
        return Err(references());
    }
    if parts.has_subquery() {
        return refused(
            "DELTA_UNSUPPORTED_EXPRESSION_GENERATED_COLUMN",
            format!("A subquery ({text}) cannot be used in a generated column"),
        );
    }
    for call in &parts.calls {
        if RANDOM.contains(&call.as_str()) {
            return refused(
                "DELTA_NON_DETERMINISTIC_EXPRESSION_IN_GENERATED_COLUMN",
                format!("Found {call}(). A generated column cannot use a non deterministic expression."),
            );
        }
        if SESSION.contains(&call.as_str()) {
            return refused(
                "DELTA_UNSUPPORTED_EXPRESSION_GENERATED_COLUMN",
                format!("{call}() cannot be used in a generated column"),
            );
        }
        let own = names::parts(call).and_then(|parts| scope.resolve(&parts));
        let built_in = super::super::functions::is_builtin(call);
        if !built_in && own.is_ok_and(|name| scope.core.store.function(&name).is_some()) {
            return refused(
                "DELTA_UDF_IN_GENERATED_COLUMN",
                format!("Found {call}(). A generated column cannot use a user-defined function"),
            );
        }
    }
    let planned = scope
        .plan(&over(text), rows(state))
        .await
        .map_err(|failure| if failure.message.starts_with("[UNRESOLVED_COLUMN") { references() } else { failure })?;
    if aggregates(&planned.plan) {
        return refused(
            "DELTA_AGGREGATE_IN_GENERATED_COLUMN",
            format!("Found {text}. A generated column cannot use an aggregate expression"),
        );
    }
    let kind = wire(planned.plan.schema().field(0).data_type());
    if kind != column.kind {
        let text = format!(
            "The expression type of the generated column {} is {}, but the column type is {}",
            column.name,
            types::name(&kind),
            column.type_text().to_uppercase()
        );
        return Err(Failure::class("DELTA_GENERATED_COLUMNS_EXPR_TYPE_MISMATCH", &text, "42K09"));
    }
    Ok(())
}

fn aggregates(plan: &LogicalPlan) -> bool {
    let mut found = false;
    // The closure cannot fail.
    let _ = plan.apply(|node| {
        found |= matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}
