//! Calls and other expressions in the form that the parser gives them.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, ObjectNamePart, UnaryOperator, Value,
};

use super::params::literal;

/// The function that an operator stands for.
pub(super) fn operator(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Plus => "op_add",
        BinaryOperator::Minus => "op_subtract",
        BinaryOperator::Multiply => "op_multiply",
        BinaryOperator::Divide => "op_divide",
        BinaryOperator::Modulo => "op_mod",
        BinaryOperator::MyIntegerDivide => "op_div",
        BinaryOperator::StringConcat => "concat",
        BinaryOperator::BitwiseAnd => "bit_and_op",
        BinaryOperator::BitwiseOr => "bit_or_op",
        BinaryOperator::BitwiseXor => "bit_xor_op",
        BinaryOperator::PGBitwiseShiftLeft => "shiftleft",
        BinaryOperator::PGBitwiseShiftRight => "shiftright",
        _ => return None,
    })
}

pub(super) fn negated(expr: Expr, negated: bool) -> Expr {
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) } } else { expr }
}

pub(super) fn case(pairs: Vec<(Expr, Expr)>, other: Option<Expr>) -> Expr {
    let conditions = pairs.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect();
    Expr::Case {
        case_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        end_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        operand: None,
        conditions,
        else_result: other.map(Box::new),
    }
}

/// The arguments, if each is a plain expression.
pub(super) fn plain(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else {
        return matches!(function.args, FunctionArguments::None).then(Vec::new);
    };
    list.args
        .iter()
        .map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
            FunctionArg::Named { arg: FunctionArgExpr::Expr(e), .. } => Some(e.clone()),
            FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(e), .. } => Some(e.clone()),
            _ => None,
        })
        .collect()
}

/// A unit such as `DAY`, which stands where an expression does.
pub(super) fn unit(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) if ident.quote_style.is_none() => Some(ident.value.to_ascii_uppercase()),
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(s) => Some(s.to_ascii_uppercase()),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn text(s: impl Into<String>) -> Expr {
    literal(Value::SingleQuotedString(s.into()))
}

/// `struct(…)`: named by columns and aliases, else `col1` and so on.
pub(super) fn structure(values: Vec<Expr>) -> Expr {
    let mut pairs = Vec::with_capacity(2 * values.len());
    for (position, value) in values.into_iter().enumerate() {
        let (name, value) = match value {
            Expr::Named { expr, name } => (name.value, *expr),
            Expr::Identifier(ident) => (ident.value.clone(), Expr::Identifier(ident)),
            Expr::CompoundIdentifier(parts) => {
                (parts.last().map(|i| i.value.clone()).unwrap_or_default(), Expr::CompoundIdentifier(parts))
            }
            other => (format!("col{}", position + 1), other),
        };
        pairs.push(text(name));
        pairs.push(value);
    }
    call("named_struct", pairs)
}

pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into_iter().map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e))).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
