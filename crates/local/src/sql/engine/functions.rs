//! Functions that have another form in the engine.
//!
//! A function that the engine has but that means something else on the platform is refused by name: a wrong value
//! without a word is worse than none.

use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Ident, NullTreatment, ObjectName, ObjectNamePart, Value, WindowSpec, WindowType,
};

pub(super) use super::calls::{call, negated, operator, structure};
use super::calls::{case, plain, text, unit};
use super::function_names::WINDOWS;
pub(super) use super::function_names::{is_builtin, names};
use super::params::literal;
use super::rewrite::sessions;
use super::spark;
use crate::sql::Failure;

/// What gathers the values of a subquery; no statement writes it.
pub(super) const GATHERED: &str = "__gathered";

/// Those of the inner functions that a text has before its calls are read; no statement writes them.
const WRITTEN: [&str; 8] = [
    "interval_literal",
    "maybe_null",
    "in_values",
    "time_windows",
    "__like_any",
    "__like_all",
    "__ilike_any",
    "__ilike_all",
];

pub(super) fn register(context: &SessionContext) -> datafusion::error::Result<()> {
    for def in spark::functions() {
        context.register_udf(spark::function::udf(def));
    }
    spark::lambdas::register(context);
    spark::aggregates::register(context, spark::zone::Zone::UTC);
    spark::generators::register(context)
}

pub(super) fn unknown(name: &str, why: &str) -> Failure {
    Failure::class(
        "UNRESOLVED_ROUTINE",
        &format!(
            "Cannot resolve routine `{name}` on search path [`system`.`builtin`, `system`.`session`]: the embedded workspace does not have {why}."
        ),
        "42883",
    )
}

pub(super) fn name_of(function: &Function) -> String {
    let name = function.name.to_string().replace('`', "").to_ascii_lowercase();
    name.strip_prefix("system.builtin.").or_else(|| name.strip_prefix("builtin.")).unwrap_or(&name).to_owned()
}

/// What the platform refuses over a window that states itself; the engine would number rows in any order.
fn windowed(name: &str, function: &Function, is_ordered: bool) -> Result<(), Failure> {
    if WINDOWS.contains(&name) && name != "nth_value" && !is_ordered {
        return Err(Failure::class(
            "WINDOW_FUNCTION_FRAME_NOT_ORDERED",
            &format!("Window function \"{name}()\" requires window to be ordered, please add ORDER BY clause."),
            "42601",
        ));
    }
    match &function.args {
        FunctionArguments::List(list) if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) => {
            Err(Failure::class(
                "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
                &format!("Distinct window functions are not supported: {name}."),
                "0A000",
            ))
        }
        _ => Ok(()),
    }
}

/// The number of a row, from 0.
fn numbered() -> Expr {
    let mut number = call("row_number", Vec::new());
    if let Expr::Function(function) = &mut number {
        function.over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by: Vec::new(),
            order_by: Vec::new(),
            window_frame: None,
        }));
    }
    let one = literal(Value::Number("1".to_owned(), false));
    call("op_subtract", vec![call("cast_to", vec![number, text("BIGINT")]), call("cast_to", vec![one, text("BIGINT")])])
}

/// Puts the engine's call in place of the platform's; gives what takes the place of the whole expression, if that
/// changes.
pub(super) fn rewrite(function: &mut Function) -> Result<Option<Expr>, Failure> {
    let name = name_of(function);
    if WRITTEN.contains(&name.as_str()) {
        return Ok(None);
    }
    // All values of a subquery, NULL included.
    if name == GATHERED {
        function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new("array_agg"))]);
        return Ok(None);
    }
    if function.over.is_none() && WINDOWS.contains(&name.as_str()) {
        return Err(Failure::class(
            "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
            &format!("Window function \"{name}()\" requires an OVER clause."),
            "42601",
        ));
    }
    if let Some(WindowType::WindowSpec(window)) = &function.over {
        windowed(&name, function, !window.order_by.is_empty())?;
    }
    if !is_builtin(&name) {
        return Err(unknown(&name, "this function"));
    }
    if let FunctionArguments::List(list) = &function.args
        && list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
    {
        return Err(Failure::class(
            "PARSE_SYNTAX_ERROR",
            "Syntax error at or near 'ORDER': extra input 'ORDER'.",
            "42601",
        ));
    }
    if name == sessions::NAME {
        return Err(unknown(&name, "it outside of GROUP BY"));
    }
    let arguments = plain(function);
    // The planner has a rule of its own for maps, which asks for one argument at least.
    if name == "map" && arguments.as_ref().is_some_and(Vec::is_empty) {
        let none = || call("array", Vec::new());
        return Ok(Some(call("map_from_arrays", vec![none(), none()])));
    }
    let count = arguments.as_ref().map_or(1, Vec::len);
    let only = |allowed: usize| {
        if count > allowed { Err(unknown(&name, &format!("its form with {count} arguments"))) } else { Ok(()) }
    };
    let wrong = |expected: &str| {
        Failure::class(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            &format!("The `{name}` requires {expected} parameters but the actual number is {count}."),
            "42605",
        )
    };
    let mut rename = |to: &str| function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(to))]);
    if let Some(mut a) = arguments {
        let replaced = match (name.as_str(), a.len()) {
            ("if" | "iff", 3) => {
                let (other, then, condition) = (a.pop(), a.pop(), a.pop());
                condition.zip(then).map(|pair| case(vec![pair], other))
            }
            ("nvl" | "ifnull", 2) => Some(call("coalesce", a)),
            ("nvl2", 3) => {
                let (other, then, tested) = (a.pop(), a.pop(), a.pop());
                tested.zip(then).map(|(e, then)| case(vec![(Expr::IsNotNull(Box::new(e)), then)], other))
            }
            ("if" | "iff" | "nvl2", _) => return Err(wrong("3")),
            ("nvl" | "ifnull", _) => return Err(wrong("2")),
            ("coalesce", 0) => return Err(wrong("> 0")),
            // Two arguments are a binary and a character set.
            ("decode", n) if n > 2 => {
                let tested = a.remove(0);
                let other = (a.len() % 2 == 1).then(|| a.pop()).flatten();
                let pairs = a.chunks(2).filter_map(|pair| match pair {
                    [search, result] => {
                        let op = BinaryOperator::Spaceship;
                        let (left, right) = (Box::new(tested.clone()), Box::new(search.clone()));
                        Some((Expr::BinaryOp { left, op, right }, result.clone()))
                    }
                    _ => None,
                });
                Some(case(pairs.collect(), other))
            }
            ("struct", _) => Some(structure(a)),
            ("decimal", 1) => {
                a.push(text("DECIMAL(10,0)"));
                Some(call("cast_to", a))
            }
            ("dateadd" | "date_add" | "timestampadd", 3) => {
                let unit = unit(&a[0]).ok_or_else(|| unknown(&name, "it with a unit that is not a word"))?;
                a[0] = text(unit);
                Some(call("timestampadd", a))
            }
            ("datediff" | "date_diff" | "timediff" | "timestampdiff", 3) => {
                let unit = unit(&a[0]).ok_or_else(|| unknown(&name, "it with a unit that is not a word"))?;
                a[0] = text(unit);
                Some(call("timestampdiff", a))
            }
            ("time_diff", 3) => {
                if let Some(unit) = unit(&a[0]) {
                    a[0] = text(unit);
                }
                Some(call("time_diff", a))
            }
            ("current_time", 0) => {
                let local = call("cast_to", vec![call("now", a), text("TIMESTAMP_NTZ")]);
                Some(call("clock_of", vec![local]))
            }
            ("current_time", 1) => return Err(unknown(&name, "it with a precision")),
            // All rows are one partition.
            ("spark_partition_id", 0) => {
                Some(call("cast_to", vec![literal(Value::Number("0".to_owned(), false)), text("INT")]))
            }
            ("monotonically_increasing_id", 0) => Some(numbered()),
            ("current_time", _) => return Err(wrong("[0, 1]")),
            ("spark_partition_id" | "monotonically_increasing_id" | "getdate", 1..) => return Err(wrong("0")),
            ("timediff", _) => return Err(wrong("3")),
            ("current_timestamp" | "getdate" | "now", 0) => {
                Some(call("cast_to", vec![call("now", a), text("TIMESTAMP")]))
            }
            ("localtimestamp", 0) => Some(call("cast_to", vec![call("now", a), text("TIMESTAMP_NTZ")])),
            ("current_date" | "curdate", 0) => Some(call("cast_to", vec![call("now", a), text("DATE")])),
            ("window", _) => return Err(unknown(&name, "it at this place")),
            ("array_sort", 1) => Some(call("array_sort_plain", a)),
            ("approx_count_distinct", 1 | 2) => {
                a.truncate(1);
                let mut counted = call("count", a);
                if let Expr::Function(f) = &mut counted {
                    f.over.clone_from(&function.over);
                    f.filter.clone_from(&function.filter);
                    if let FunctionArguments::List(list) = &mut f.args {
                        list.duplicate_treatment = Some(datafusion::sql::sqlparser::ast::DuplicateTreatment::Distinct);
                    }
                }
                Some(counted)
            }
            _ => None,
        };
        if replaced.is_some() {
            return Ok(replaced);
        }
    }
    match name.as_str() {
        "any_value" | "first" | "last" | "first_value" | "last_value" => {
            // `first(x, true)` leaves NULL out.
            if let FunctionArguments::List(list) = &mut function.args
                && list.args.len() == 2
            {
                if matches!(list.args.get(1).map(ToString::to_string).as_deref(), Some("true")) {
                    function.null_treatment = Some(NullTreatment::IgnoreNulls);
                }
                list.args.truncate(1);
            }
            if let FunctionArguments::List(list) = &mut function.args {
                list.clauses.retain(|c| match c {
                    FunctionArgumentClause::IgnoreOrRespectNulls(t) => {
                        function.null_treatment = Some(*t);
                        false
                    }
                    _ => true,
                });
            }
            function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(if name.starts_with("last") {
                "last_value"
            } else {
                "first_value"
            }))]);
        }
        "rank" | "dense_rank" | "percent_rank" | "cume_dist" => {
            if let FunctionArguments::List(list) = &mut function.args {
                list.args.clear();
            }
        }
        "count" if count > 1 => rename("__count_rows"),
        "percentile_cont" | "percentile_disc" | "listagg" | "string_agg" if !function.within_group.is_empty() => {
            let order = function.within_group.remove(0);
            let down = order.options.asc == Some(false);
            let FunctionArguments::List(list) = &mut function.args else { return Ok(None) };
            let flag = |down: bool| {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(if name.starts_with('p') {
                    literal(Value::Number(u8::from(down).to_string(), false))
                } else {
                    literal(Value::Boolean(down))
                }))
            };
            let key = FunctionArg::Unnamed(FunctionArgExpr::Expr(order.expr));
            if name.starts_with('p') {
                list.args.insert(0, key);
                list.args.push(flag(down));
                rename(if name == "percentile_cont" { "__percentile_cont" } else { "__percentile_disc" });
            } else {
                if list.args.len() == 1 {
                    list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(text(""))));
                }
                list.args.extend([key, flag(down)]);
                rename("__listagg_ordered");
            }
        }
        "percentile_cont" | "percentile_disc" => return Err(unknown(&name, "it without WITHIN GROUP")),
        "every" => rename("bool_and"),
        "any" | "some" => rename("bool_or"),
        "std" | "stddev" => rename("stddev_samp"),
        "variance" => rename("var_samp"),
        "mean" => rename("avg"),
        "array_agg" | "collect_list" => {
            only(1)?;
            rename("array_agg");
            function.null_treatment = Some(NullTreatment::IgnoreNulls);
        }
        _ => {}
    }
    Ok(None)
}
