//! Joins with USING and NATURAL: the columns that both sides share come once and first, with the value of the side that has
//! one. Those of each side stay there for who names the side, but are no part of `*`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, DFSchemaRef, ExprSchema as _, NullEquality, TableReference};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::logical_plan::{EmptyRelation, Extension, Join};
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{
    Expr, JoinConstraint, JoinType, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNodeCore,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast;

use super::spark::fail;
use super::store::table::SPELLING;

/// The alias of a nested join that is planned by [`plan`], and what qualifies its shared columns.
pub(super) const SHARED: &str = "__shared";

/// Which side a shared column has its value from.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    Left,
    Right,
    Either,
}

pub(super) fn plan(sides: ast::TableWithJoins, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let refused =
        |what: &str| fail("UNSUPPORTED_FEATURE", "0A000", &format!("The embedded workspace does not support {what}."));
    let Some(join) = sides.joins.into_iter().next() else { return Err(refused("a join of one relation")) };
    let (left, right) = (context.plan(sides.relation)?, context.plan(join.relation)?);
    let (constraint, kind, kept) = match join.join_operator {
        ast::JoinOperator::Join(c) | ast::JoinOperator::Inner(c) => (c, JoinType::Inner, Kept::Left),
        ast::JoinOperator::Left(c) | ast::JoinOperator::LeftOuter(c) => (c, JoinType::Left, Kept::Left),
        ast::JoinOperator::Right(c) | ast::JoinOperator::RightOuter(c) => (c, JoinType::Right, Kept::Right),
        ast::JoinOperator::FullOuter(c) => (c, JoinType::Full, Kept::Either),
        ast::JoinOperator::LeftSemi(c) => (c, JoinType::LeftSemi, Kept::Left),
        ast::JoinOperator::LeftAnti(c) => (c, JoinType::LeftAnti, Kept::Left),
        other => return Err(refused(&format!("{other:?} with USING or NATURAL"))),
    };
    let names = match constraint {
        ast::JoinConstraint::Using(names) => names
            .into_iter()
            .map(|name| match name.0.as_slice() {
                [ast::ObjectNamePart::Identifier(one)] => Ok(one.value.to_lowercase()),
                _ => Err(refused("qualified names in USING")),
            })
            .collect::<Result<Vec<_>>>()?,
        _ => common(left.schema(), right.schema()),
    };
    let mut pairs = Vec::new();
    for name in &names {
        pairs.push((column(left.schema(), name, "left")?, column(right.schema(), name, "right")?));
    }
    joined(left, right, kind, kept, &names, &pairs)
}

/// Names that both sides have, in the order of the left.
fn common(left: &DFSchema, right: &DFSchema) -> Vec<String> {
    let mut seen = HashSet::new();
    let there = |name: &str| !right.columns_with_unqualified_name(name).is_empty();
    let names = left.fields().iter().map(|f| f.name().clone());
    names.filter(|name| there(name) && seen.insert(name.clone())).collect()
}

/// The column of a side that has a name: what joins below have made of several, or else the first.
fn column(schema: &DFSchema, name: &str, side: &str) -> Result<Column> {
    let mut found = schema.columns_with_unqualified_name(name);
    let at = found.iter().position(is_shared).unwrap_or(0);
    if at < found.len() {
        return Ok(found.swap_remove(at));
    }
    let mut there: Vec<String> =
        schema.fields().iter().map(|f| format!("`{}`", f.metadata().get(SPELLING).unwrap_or(f.name()))).collect();
    there.sort();
    let there = there.join(", ");
    Err(fail(
        "UNRESOLVED_USING_COLUMN_FOR_JOIN",
        "42703",
        &format!(
            "USING column `{name}` cannot be resolved on the {side} side of the join. The {side}-side columns: [{there}]."
        ),
    ))
}

fn is_shared(column: &Column) -> bool {
    column.relation.as_ref().is_some_and(|relation| relation.table() == SHARED)
}

fn joined(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinType,
    kept: Kept,
    names: &[String],
    pairs: &[(Column, Column)],
) -> Result<LogicalPlan> {
    let spelled = |plan: &LogicalPlan, column: &Column| -> Result<String> {
        let field = plan.schema().field_from_column(column)?;
        Ok(field.metadata().get(SPELLING).unwrap_or(field.name()).clone())
    };
    let mut shared = Vec::new();
    for (name, (l, r)) in names.iter().zip(pairs) {
        let (own, spelling) = (|c: &Column| Expr::Column(c.clone()), spelled(&left, l)?);
        let (value, spelling) = match kept {
            Kept::Left => (own(l), spelling),
            Kept::Right => (own(r), spelled(&right, r)?),
            Kept::Either => (coalesce(vec![own(l), own(r)]), spelling),
        };
        let spelled = FieldMetadata::from(HashMap::from([(SPELLING.to_owned(), spelling)]));
        let alias = Alias::new(value, Some(TableReference::bare(SHARED)), name.clone()).with_metadata(Some(spelled));
        shared.push(Expr::Alias(alias));
    }
    let equal: Vec<Expr> = pairs.iter().map(|(l, r)| Expr::Column(l.clone()).eq(Expr::Column(r.clone()))).collect();
    let builder = LogicalPlanBuilder::from(left);
    let plan = if equal.is_empty() && kind == JoinType::Inner {
        builder.cross_join(right)?
    } else {
        builder.join_on(right, kind, equal)?
    }
    .build()?;
    // What joins below have made of the same columns is replaced; other columns of either side stay, to be named.
    let replaced = |c: &Column| is_shared(c) && names.contains(&c.name);
    let rest: Vec<Column> = plan.schema().columns().into_iter().filter(|c| !replaced(c)).collect();
    // Where joins below share the column, all of its name are hidden already.
    let hides_one = |one: &Column, c: &Column| one == c || (is_shared(one) && one.name == c.name);
    let hidden: Vec<Column> =
        rest.iter().filter(|c| pairs.iter().any(|(l, r)| hides_one(l, c) || hides_one(r, c))).cloned().collect();
    // With the side's name, too, what is shared comes first.
    let others = rest.iter().filter(|c| !hidden.contains(c));
    let all = shared.into_iter().chain(hidden.iter().chain(others).cloned().map(Expr::Column));
    let plan = LogicalPlanBuilder::from(plan).project(all.collect::<Vec<_>>())?.build()?;
    if hidden.is_empty() {
        return Ok(plan);
    }
    let hidden = never_run(plan.schema(), names, &hidden)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(Hiding { input: plan, hidden }) }))
}

/// A join that is never run. The planner of `*` looks for joins with USING and leaves out what they make equal, but the first by
/// name of its relation: that is the shared column, since its relation's name begins with what no name of a table does.
fn never_run(schema: &DFSchema, names: &[String], hidden: &[Column]) -> Result<LogicalPlan> {
    let empty = |columns: &[Column]| -> Result<Arc<LogicalPlan>> {
        let fields = columns
            .iter()
            .map(|c| Ok((c.relation.clone(), Arc::clone(schema.field_from_column(c)?))))
            .collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        Ok(Arc::new(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })))
    };
    let shared: Vec<Column> = names.iter().map(|name| Column::new(Some(TableReference::bare(SHARED)), name)).collect();
    let on = hidden.iter().map(|column| {
        let own = Column::new(Some(TableReference::bare(SHARED)), &column.name);
        (Expr::Column(own), Expr::Column(column.clone()))
    });
    let (on, equality) = (on.collect(), NullEquality::NullEqualsNothing);
    let (left, right) = (empty(&shared)?, empty(hidden)?);
    Join::try_new(left, right, on, None, JoinType::Inner, JoinConstraint::Using, equality, false).map(LogicalPlan::Join)
}

/// A relation with columns that `*` leaves out.
#[derive(Debug, PartialEq, Eq, PartialOrd, Hash)]
struct Hiding {
    input: LogicalPlan,
    /// Never run; see [`never_run`].
    hidden: LogicalPlan,
}

impl UserDefinedLogicalNodeCore for Hiding {
    fn name(&self) -> &'static str {
        "Hiding"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input, &self.hidden]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hiding")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 2]>::try_from(inputs) {
            Ok([input, hidden]) => Ok(Self { input, hidden }),
            Err(_) => datafusion::common::plan_err!("a relation with hidden columns has two inputs"),
        }
    }
}

/// Takes out of a plan what only its planner needs.
#[derive(Debug)]
pub(super) struct Unhide;

impl AnalyzerRule for Unhide {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let taken = plan.transform_up_with_subqueries(|node| match &node {
            LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<Hiding>() {
                Some(hiding) => Ok(Transformed::yes(hiding.input.clone())),
                None => Ok(Transformed::no(node)),
            },
            _ => Ok(Transformed::no(node)),
        });
        Ok(taken?.data)
    }

    fn name(&self) -> &str {
        "shared_columns"
    }
}
