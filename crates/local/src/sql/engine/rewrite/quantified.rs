//! `LIKE ANY`, `LIKE SOME` and `LIKE ALL`.

use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value};

use super::super::functions;
use super::super::params::literal;

/// Puts the call that compares with all patterns in place of a LIKE with a quantifier, before its list is taken for a
/// structure.
pub(super) fn quantify(expr: &mut Expr) {
    let is_blind = matches!(expr, Expr::ILike { .. });
    let (Expr::Like { negated, any, expr: text, pattern, escape_char: None }
    | Expr::ILike { negated, any, expr: text, pattern, escape_char: None }) = expr
    else {
        return;
    };
    let (is_all, patterns) = match pattern.as_ref() {
        Expr::Tuple(list) if *any => (false, list.clone()),
        Expr::Nested(one) if *any => (false, vec![one.as_ref().clone()]),
        one if *any => (false, vec![one.clone()]),
        Expr::Function(function) => match list(function) {
            Some(found) => found,
            None => return,
        },
        _ => return,
    };
    // Not any one matches where all do not match, and the other way round; NULL stays NULL in both.
    let name = match (is_all != *negated, is_blind) {
        (false, false) => "__like_any",
        (true, false) => "__like_all",
        (false, true) => "__ilike_any",
        (true, true) => "__ilike_all",
    };
    let text = std::mem::replace(text.as_mut(), literal(Value::Null));
    let call = functions::call(name, std::iter::once(text).chain(patterns).collect());
    *expr = functions::negated(call, *negated);
}

/// Whether a call is that of ALL, which the parser does not know in this place, or SOME; and the patterns.
fn list(function: &Function) -> Option<(bool, Vec<Expr>)> {
    let word = function.name.to_string();
    let is_all = word.eq_ignore_ascii_case("all");
    if !is_all && !word.eq_ignore_ascii_case("some") {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let patterns = list.args.iter().map(|a| match a {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
        _ => None,
    });
    Some((is_all, patterns.collect::<Option<_>>()?))
}
