//! Functions that make rows, as lateral views: each row of the input, joined with what the function makes of it.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, NullHandling, TableReference, UnnestOptions};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlanBuilder, lit};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, TableFactor};

use super::function::{Call, Def, Shape, tn, udf, unexpected, wrong_count};
use super::types::{self, common, element, key_value, list};
use super::value::V;
use super::{fail, members};

/// The platform's names.
pub(crate) const NAMES: &[&str] = &[
    "explode",
    "explode_outer",
    "posexplode",
    "posexplode_outer",
    "inline",
    "inline_outer",
    "stack",
    "json_tuple",
    "variant_explode",
    "variant_explode_outer",
];

/// The table function that stands for a lateral view: the call, and the relation that it is joined with.
pub(crate) const VIEW: &str = "__lateral_view";

/// The rows that a call makes, as an array of structures.
const ROWS: &[Def] = &[
    tn("rows_explode", |c| exploded(c, false), |_, a| Ok(rows(&a[0], false))),
    tn("rows_posexplode", |c| exploded(c, true), |_, a| Ok(rows(&a[0], true))),
    tn(
        "rows_inline",
        |c| match c.kinds {
            [DataType::List(f)] if matches!(f.data_type(), DataType::Struct(_)) => {
                Ok(Shape { kinds: c.kinds.to_vec(), result: c.kinds[0].clone() })
            }
            [k] => Err(unexpected("inline", 0, "\"ARRAY<STRUCT>\"", k)),
            other => Err(wrong_count("inline", "1", other.len())),
        },
        |_, a| Ok(V::List(a[0].items().to_vec())),
    ),
    tn(
        "rows_stack",
        |c| {
            let Some(Some(V::Int(n))) = c.constants.first() else {
                return Err(fail(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "42K09",
                    "the input `n` of `stack` should be a foldable \"INT\" expression.",
                ));
            };
            let n = usize::try_from(*n).ok().filter(|n| *n > 0).ok_or_else(|| {
                fail("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09", "The `n` of `stack` must be greater than 0.")
            })?;
            let width = (c.kinds.len() - 1).div_ceil(n);
            let columns = (0..width).map(|i| {
                let all =
                    c.kinds.iter().skip(1 + i).step_by(width.max(1)).try_fold(DataType::Null, |a, b| common(&a, b));
                all.map(|k| (format!("col{i}"), k)).ok_or_else(|| super::function::different("stack", c.kinds))
            });
            let fields = columns.collect::<Result<Vec<_>>>()?;
            let mut kinds = vec![DataType::Int32];
            kinds.extend((1..c.kinds.len()).map(|i| fields[(i - 1) % width].1.clone()));
            Ok(Shape { kinds, result: list(types::structure(fields)) })
        },
        |_, a| {
            let n = usize::try_from(a[0].i()).unwrap_or(1).max(1);
            let width = (a.len() - 1).div_ceil(n);
            Ok(V::List(
                (0..n)
                    .map(|r| {
                        V::Struct((0..width).map(|i| a.get(1 + r * width + i).cloned().unwrap_or(V::Null)).collect())
                    })
                    .collect(),
            ))
        },
    ),
    tn(
        "rows_json_tuple",
        |c| {
            let fields = (0..c.kinds.len().saturating_sub(1)).map(|i| (format!("c{i}"), DataType::Utf8));
            Ok(Shape { kinds: vec![DataType::Utf8; c.kinds.len()], result: list(types::structure(fields)) })
        },
        |_, a| {
            let root = serde_json::from_str::<serde_json::Value>(a[0].text()).unwrap_or_default();
            let cells = a[1..].iter().map(|name| match root.get(name.text()) {
                None | Some(serde_json::Value::Null) => V::Null,
                Some(serde_json::Value::String(s)) => V::str(s.as_str()),
                Some(other) => V::str(other.to_string()),
            });
            Ok(V::List(vec![V::Struct(cells.collect())]))
        },
    ),
    tn(
        "rows_variant_explode",
        |c| match c.kinds {
            [k] if types::is_variant(k) || types::is_text(k) => Ok(Shape {
                kinds: vec![types::variant()],
                result: list(types::structure([
                    ("pos", DataType::Int32),
                    ("key", DataType::Utf8),
                    ("value", types::variant()),
                ])),
            }),
            [k] => Err(unexpected("variant_explode", 0, "\"VARIANT\"", k)),
            other => Err(wrong_count("variant_explode", "1", other.len())),
        },
        |_, a| {
            let of = |v: &serde_json::Value| V::Struct(vec![V::str(v.to_string())]);
            Ok(V::List(match super::json::json_of(&a[0]) {
                serde_json::Value::Array(items) => {
                    items.iter().enumerate().map(|(i, v)| V::Struct(vec![V::int(i), V::Null, of(v)])).collect()
                }
                serde_json::Value::Object(o) => o
                    .iter()
                    .enumerate()
                    .map(|(i, (k, v))| V::Struct(vec![V::int(i), V::str(k.as_str()), of(v)]))
                    .collect(),
                _ => Vec::new(),
            }))
        },
    ),
    // An input without rows has one of NULL in the `outer` form.
    tn(
        "rows_outer",
        |c| Ok(Shape { kinds: c.kinds.to_vec(), result: c.kinds.first().cloned().unwrap_or(DataType::Null) }),
        |e, a| {
            let width = match element(e.result) {
                DataType::Struct(fields) => fields.len(),
                _ => 0,
            };
            Ok(if a[0].items().is_empty() { V::List(vec![V::Struct(vec![V::Null; width])]) } else { a[0].clone() })
        },
    ),
];

fn exploded(c: &Call<'_>, positions: bool) -> Result<Shape> {
    let [kind] = c.kinds else { return Err(wrong_count("explode", "1", c.kinds.len())) };
    let mut fields = if positions { vec![("pos", DataType::Int32)] } else { Vec::new() };
    match kind {
        DataType::List(f) => fields.push(("col", f.data_type().clone())),
        DataType::Map(_, _) => {
            let (k, v) = key_value(kind);
            fields.extend([("key", k), ("value", v)]);
        }
        DataType::Null => fields.push(("col", DataType::Null)),
        kind => return Err(unexpected("explode", 0, "(\"ARRAY\" or \"MAP\")", kind)),
    }
    Ok(Shape { kinds: c.kinds.to_vec(), result: list(types::structure(fields)) })
}

fn rows(v: &V, positions: bool) -> V {
    let cells = |i: usize, cells: Vec<V>| {
        V::Struct(if positions { std::iter::once(V::int(i)).chain(cells).collect() } else { cells })
    };
    V::List(match v {
        V::Map(entries) => entries.iter().enumerate().map(|(i, (k, v))| cells(i, vec![k.clone(), v.clone()])).collect(),
        v => v.items().iter().enumerate().map(|(i, v)| cells(i, vec![v.clone()])).collect(),
    })
}

pub(crate) fn register(context: &SessionContext) -> Result<()> {
    context.register_relation_planner(Arc::new(LateralViews))
}

#[derive(Debug)]
struct LateralViews;

/// The function's own name and whether rows without output stay.
fn generator(name: &ast::ObjectName) -> Option<(String, bool)> {
    let name = name.to_string().replace('`', "").to_ascii_lowercase();
    if !NAMES.contains(&name.as_str()) {
        return None;
    }
    Some(match name.strip_suffix("_outer") {
        Some(plain) => (plain.to_owned(), true),
        None => (name, false),
    })
}

fn expressions(args: Vec<FunctionArg>) -> Result<Vec<ast::Expr>> {
    args.into_iter()
        .map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Ok(e),
            FunctionArg::Named { arg: FunctionArgExpr::Expr(e), .. }
            | FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(e), .. } => Ok(e),
            other => Err(fail(
                "UNSUPPORTED_FEATURE",
                "0A000",
                &format!("The embedded workspace does not support the argument {other}."),
            )),
        })
        .collect()
}

impl RelationPlanner for LateralViews {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (name, args, alias) = match &relation {
            TableFactor::Function { name, args, alias, .. } => (name.clone(), args.clone(), alias.clone()),
            TableFactor::Table { name, args: Some(args), alias, .. } => {
                (name.clone(), args.args.clone(), alias.clone())
            }
            _ => return Ok(RelationPlanning::Original(Box::new(relation))),
        };
        if name.to_string() == VIEW {
            let mut args = expressions(args)?;
            let input = if args.len() > 2 { args.pop() } else { None };
            let (outer, call) = (args.pop(), args.pop());
            let Some(ast::Expr::Function(call)) = call else {
                return Err(fail("PARSE_SYNTAX_ERROR", "42601", "A lateral view needs a generator function."));
            };
            let keep = matches!(outer, Some(ast::Expr::Value(v)) if v.value == ast::Value::Boolean(true));
            let inner = match input {
                Some(ast::Expr::Subquery(query)) => match *query.body {
                    ast::SetExpr::Select(select) => select.from.into_iter().next(),
                    _ => None,
                },
                _ => None,
            };
            return view(&call, keep, inner, alias, context);
        }
        if generator(&name).is_none() {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        let call = ast::Function {
            name,
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::List(ast::FunctionArgumentList {
                duplicate_treatment: None,
                args,
                clauses: Vec::new(),
            }),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: Vec::new(),
        };
        view(&call, false, None, alias, context)
    }
}

fn view(
    call: &ast::Function,
    keep: bool,
    inner: Option<ast::TableWithJoins>,
    alias: Option<ast::TableAlias>,
    context: &mut dyn RelationPlannerContext,
) -> Result<RelationPlanning> {
    let Some((name, outer)) = generator(&call.name) else {
        return Err(fail(
            "UNSUPPORTED_FEATURE",
            "0A000",
            &format!("The embedded workspace has no generator function {}.", call.name),
        ));
    };
    let input = match inner {
        None => LogicalPlanBuilder::empty(true).build()?,
        Some(ast::TableWithJoins { relation, joins }) if joins.is_empty() => context.plan(relation)?,
        Some(table_with_joins) => {
            context.plan(TableFactor::NestedJoin { table_with_joins: Box::new(table_with_joins), alias: None })?
        }
    };
    let schema = Arc::clone(input.schema());
    let args = match &call.args {
        FunctionArguments::List(list) => expressions(list.args.clone())?,
        _ => Vec::new(),
    };
    let args = args.into_iter().map(|a| context.sql_to_expr(a, &schema)).collect::<Result<Vec<_>>>()?;
    let wanted = format!("rows_{name}");
    let find = |wanted: &str| ROWS.iter().find(|d| d.name == wanted).copied();
    let def = find(&wanted).ok_or_else(|| fail("INTERNAL_ERROR", "XX000", &format!("{name} makes no rows")))?;
    let mut made = udf(def).call(args);
    if (outer || keep)
        && let Some(def) = find("rows_outer")
    {
        made = udf(def).call(vec![made]);
    }
    let kind = made.get_type(&schema)?;
    let DataType::Struct(fields) = element(&kind) else {
        return Err(fail("INTERNAL_ERROR", "XX000", &format!("{name} makes no rows")));
    };
    let rows = "__rows";
    let kept: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
    let options = UnnestOptions { null_handling: NullHandling::Drop, ..UnnestOptions::default() };
    let plan = LogicalPlanBuilder::from(input)
        .project(kept.iter().cloned().chain([made.alias(rows)]))?
        .unnest_columns_with_options(vec![Column::from_name(rows)], options)?;
    let table = alias.as_ref().map(|a| TableReference::bare(context.normalize_ident(a.name.clone())));
    let columns: Vec<String> =
        alias.map(|a| a.columns.into_iter().map(|c| context.normalize_ident(c.name)).collect()).unwrap_or_default();
    if !columns.is_empty() && columns.len() != fields.len() {
        return Err(fail(
            "UDTF_ALIAS_NUMBER_MISMATCH",
            "42802",
            &format!(
                "The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF. Expected {} aliases, but got {}.",
                fields.len(),
                columns.len()
            ),
        ));
    }
    let member = members::FUNCTIONS.iter().find(|d| d.name == "get_member").copied();
    let member = udf(member.ok_or_else(|| fail("INTERNAL_ERROR", "XX000", "members of structures"))?);
    let made = fields.iter().enumerate().map(|(i, f)| {
        let name = columns.get(i).cloned().unwrap_or_else(|| f.name().clone());
        member
            .call(vec![Expr::Column(Column::from_name(rows)), lit(f.name().clone())])
            .alias_qualified(table.clone(), name)
    });
    let plan = plan.project(kept.into_iter().chain(made))?.build()?;
    Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))))
}
