//! Expressions: literals, operators and calls in the form that the engine plans.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, CastKind, CeilFloorKind, DataType, DateTimeField, ExactNumberInfo, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, ObjectName, Subscript, TrimWhereField, UnaryOperator, Value,
    WindowFrameBound, WindowType,
};

use super::super::functions;
use super::super::params::{cast, literal};
use super::super::store::missing::feature as unsupported;
use super::{Rewriter, naming, paths};
use crate::sql::Failure;

impl Rewriter<'_> {
    pub(super) fn expression(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Value(value) => match &value.value {
                Value::Placeholder(marker) => {
                    let marker = marker.clone();
                    if let Some(bound) = self.bind(&marker) {
                        *expr = bound;
                    }
                }
                // Whole numbers are INT on the platform, if they fit.
                Value::Number(digits, false) if digits.parse::<i32>().is_ok() => {
                    let number = std::mem::replace(expr, literal(Value::Null));
                    *expr = integer(number);
                }
                // With an exponent they are doubles.
                Value::Number(digits, false) if digits.contains(['e', 'E']) => {
                    let digits = digits.clone();
                    *expr = cast(literal(Value::SingleQuotedString(digits)), DataType::Double(ExactNumberInfo::None));
                }
                // Beyond BIGINT they are decimals.
                Value::Number(digits, false)
                    if digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<i64>().is_err() =>
                {
                    let digits = digits.trim_start_matches('0').to_owned();
                    if digits.len() > 38 {
                        let text = format!("The number {digits} has more than 38 digits.");
                        return self.refuse(Failure::class("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", &text, "22003"));
                    }
                    let kind = DataType::Decimal(ExactNumberInfo::PrecisionAndScale(digits.len() as u64, 0));
                    *expr = cast(literal(Value::SingleQuotedString(digits)), kind);
                }
                Value::DoubleQuotedString(text) => {
                    let text = text.clone();
                    *expr = literal(Value::SingleQuotedString(text));
                }
                _ => {}
            },
            Expr::Cast { kind: CastKind::SafeCast, expr: inner, data_type, .. } => {
                let Some(digits) = suffixed(inner) else {
                    return self.refuse(functions::unknown("safe_cast", "this function"));
                };
                let kind = data_type.to_string();
                let range = match kind.as_str() {
                    "BIGINT" => Some((i64::MIN, i64::MAX)),
                    "SMALLINT" => Some((i16::MIN.into(), i16::MAX.into())),
                    "TINYINT" => Some((i8::MIN.into(), i8::MAX.into())),
                    _ => None,
                };
                if let Some((low, high)) = range
                    && !digits.parse().is_ok_and(|n| (low..=high).contains(&n))
                {
                    let text = format!(
                        "Numeric literal {digits} is outside the valid range for {} with minimum value of {low} and maximum value of \
                         {high}. Please adjust the value accordingly.",
                        kind.to_lowercase()
                    );
                    return self.refuse(Failure::class("INVALID_NUMERIC_LITERAL_RANGE", &text, "22003"));
                }
                let whole = range.is_some();
                *expr = if whole {
                    typed(literal(Value::Number(digits, false)), &kind)
                } else {
                    let kind = literal(Value::SingleQuotedString(kind));
                    functions::call("cast_to", vec![take(inner), kind])
                };
            }
            Expr::Cast { kind, expr: inner, data_type, .. } => {
                let name =
                    if matches!(kind, CastKind::Cast | CastKind::DoubleColon) { "cast_to" } else { "try_cast_to" };
                let kind = literal(Value::SingleQuotedString(data_type.to_string()));
                *expr = functions::call(name, vec![take(inner), kind]);
            }
            Expr::TypedString(typed) => {
                let Value::SingleQuotedString(text) = &typed.value.value else { return ControlFlow::Continue(()) };
                let kind = literal(Value::SingleQuotedString(typed.data_type.to_string()));
                *expr = functions::call("cast_to", vec![literal(Value::SingleQuotedString(text.clone())), kind]);
            }
            Expr::Extract { field, expr: from, .. } => {
                let field = literal(Value::SingleQuotedString(field.to_string()));
                *expr = functions::call("extract", vec![field, take(from)]);
            }
            Expr::Substring { expr: text, substring_from, substring_for, .. } => {
                if substring_from.is_none() && substring_for.is_none() {
                    let text = "The `substring` requires [2, 3] parameters but the actual number is 1.";
                    return self.refuse(Failure::class("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", text, "42605"));
                }
                let from = substring_from.take().map_or_else(|| literal(Value::Number("1".to_owned(), false)), |e| *e);
                let arguments = [Some(take(text)), Some(from), substring_for.take().map(|e| *e)];
                *expr = functions::call("substr", arguments.into_iter().flatten().collect());
            }
            Expr::Position { expr: what, r#in } => *expr = functions::call("locate", vec![take(what), take(r#in)]),
            Expr::Overlay { expr: text, overlay_what, overlay_from, overlay_for } => {
                let arguments = [
                    Some(take(text)),
                    Some(take(overlay_what)),
                    Some(take(overlay_from)),
                    overlay_for.take().map(|e| *e),
                ];
                *expr = functions::call("overlay", arguments.into_iter().flatten().collect());
            }
            Expr::Trim { trim_where, trim_what, expr: text, trim_characters } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "trim",
                };
                let signs = trim_what.take().map(|e| *e);
                // `trim(characters, text)`: the parser takes the second for the characters.
                let more = trim_characters.take().and_then(|c| c.into_iter().next());
                let arguments = match more {
                    Some(second) => vec![second, take(text)],
                    None => [Some(take(text)), signs].into_iter().flatten().collect(),
                };
                let arguments = if name == "trim" { arguments } else { arguments.into_iter().rev().collect() };
                *expr = functions::call(name, arguments);
            }
            Expr::Struct { values, fields } if fields.is_empty() => {
                *expr = functions::structure(std::mem::take(values));
            }
            Expr::Tuple(values) if values.len() > 1 => *expr = functions::structure(std::mem::take(values)),
            Expr::Array(array) => *expr = functions::call("array", std::mem::take(&mut array.elem)),
            Expr::RLike { negated, expr: text, pattern, .. } => {
                let matches = functions::call("rlike", vec![take(text), take(pattern)]);
                *expr = functions::negated(matches, *negated);
            }
            Expr::Like { negated, expr: text, pattern, escape_char, .. }
            | Expr::ILike { negated, expr: text, pattern, escape_char, .. } => {
                let mut arguments = vec![take(text), take(pattern)];
                if let Some(escape) = escape_char {
                    if let Value::SingleQuotedString(sign) = &escape.value
                        && sign.chars().count() != 1
                    {
                        let text = format!(
                            "Found an invalid escape string: '{sign}'. The escape string must contain only one character."
                        );
                        return self.refuse(Failure::class("INVALID_ESC", &text, "42604"));
                    }
                    arguments.push(literal(escape.value.clone()));
                }
                let negated = *negated;
                let name = if matches!(expr, Expr::ILike { .. }) { "ilike" } else { "like" };
                *expr = functions::negated(functions::call(name, arguments), negated);
            }
            Expr::Collate { collation, .. } => {
                return self.refuse(unsupported(&format!("the collation {collation}; strings compare by their bytes")));
            }
            Expr::JsonAccess { value, path } => match paths::call(take(value), path) {
                Ok(call) => *expr = call,
                Err(failure) => return self.refuse(failure),
            },
            Expr::BinaryOp { left, op, right } => {
                if let Some(name) = functions::operator(op) {
                    *expr = functions::call(name, vec![take(left), take(right)]);
                }
            }
            // Literals keep their sign, which some places need.
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if is_integer(inner) => {
                if let Expr::Position { expr: number, r#in } = inner.as_mut()
                    && let Expr::Value(value) = number.as_ref()
                    && let Value::Number(digits, _) = &value.value
                {
                    let number = Box::new(literal(Value::Number(format!("-{digits}"), false)));
                    *expr = Expr::Position { expr: number, r#in: Box::new(take(r#in)) };
                }
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if !matches!(uncast(inner), Expr::Value(_)) => {
                *expr = functions::call("negate", vec![take(inner)]);
            }
            Expr::UnaryOp { op: op @ UnaryOperator::BangNot, .. } => *op = UnaryOperator::Not,
            Expr::UnaryOp { op: UnaryOperator::BitwiseNot, expr: inner } => {
                *expr = functions::call("bitwise_not", vec![take(inner)]);
            }
            Expr::Ceil { expr: inner, field } | Expr::Floor { expr: inner, field } => {
                let mut arguments = vec![take(inner)];
                match field {
                    CeilFloorKind::Scale(places) => arguments.push(literal(places.value.clone())),
                    CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => {}
                    CeilFloorKind::DateTimeField(_) => return self.refuse(unsupported("ceil and floor of times")),
                }
                let name = if matches!(expr, Expr::Ceil { .. }) { "ceil" } else { "floor" };
                *expr = functions::call(name, arguments);
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                let mut value = take(root);
                for access in std::mem::take(access_chain) {
                    value = match access {
                        AccessExpr::Dot(Expr::Identifier(name)) => {
                            functions::call("get_member", vec![value, literal(Value::SingleQuotedString(name.value))])
                        }
                        AccessExpr::Subscript(Subscript::Index { index }) => {
                            functions::call("subscript", vec![value, index])
                        }
                        other => return self.refuse(unsupported(&format!("the access {other}"))),
                    };
                }
                *expr = value;
            }
            Expr::Interval(_) => {
                return self.refuse(unsupported("intervals whose value is not a literal; use make_interval"));
            }
            Expr::Identifier(ident) => {
                ident.value = ident.value.to_lowercase();
                if let Some(value) = self.variable(expr) {
                    *expr = value;
                }
            }
            Expr::CompoundIdentifier(parts) => {
                parts.iter_mut().for_each(|p| p.value = p.value.to_lowercase());
                if let Some(value) = self.variable(expr) {
                    *expr = value;
                }
            }
            Expr::Function(function) => {
                match self.session_function(function) {
                    Ok(None) => {}
                    Ok(Some(value)) => {
                        *expr = value;
                        return ControlFlow::Continue(());
                    }
                    Err(failure) => return self.refuse(failure),
                }
                if let Some((name, routine)) = self.routine(function) {
                    if let Some(rights) = &self.overlay.rights
                        && let Err(failure) = rights.may_call(&self.core.store, &name)
                    {
                        return self.refuse(failure);
                    }
                    match self.expand(&name, &routine, function) {
                        Ok(expanded) => *expr = expanded,
                        Err(failure) => return self.refuse(failure),
                    }
                    return ControlFlow::Continue(());
                }
                match functions::rewrite(function) {
                    Ok(None) => {}
                    Ok(Some(other)) => {
                        *expr = other;
                        return ControlFlow::Continue(());
                    }
                    Err(failure) => return self.refuse(failure),
                }
                if wants_literals(function)
                    && let FunctionArguments::List(list) = &mut function.args
                {
                    list.args.iter_mut().for_each(strip_argument);
                }
                if let Some(WindowType::WindowSpec(window)) = &mut function.over
                    && let Some(frame) = &mut window.window_frame
                {
                    strip_bound(&mut frame.start_bound);
                    frame.end_bound.iter_mut().for_each(strip_bound);
                }
                let name = function.name.to_string();
                if name.eq_ignore_ascii_case("grouping") {
                    *expr = cast(take(expr), DataType::TinyInt(None));
                    return ControlFlow::Continue(());
                }
                if name.eq_ignore_ascii_case("grouping_id") {
                    function.name = ObjectName::from(vec![Ident::new("grouping")]);
                    *expr = cast(take(expr), DataType::BigInt(None));
                    return ControlFlow::Continue(());
                }
                // The engine counts in BIGINT where the platform counts in INT.
                if COUNTED_IN_INT.contains(&function.name.to_string().to_ascii_lowercase().as_str()) {
                    let counted = std::mem::replace(expr, literal(Value::Null));
                    *expr = cast(counted, DataType::Int(None));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Rewriter<'_> {
    /// The value of the variable that a name stands for, and of the members behind it.
    pub(super) fn variable(&self, expr: &Expr) -> Option<Expr> {
        let parts: Vec<String> = match expr {
            Expr::Identifier(ident) => vec![ident.value.to_lowercase()],
            Expr::CompoundIdentifier(parts) => parts.iter().map(|p| p.value.to_lowercase()).collect(),
            _ => return None,
        };
        let found = |block: &str, name: &str| {
            let place = (block.to_owned(), name.to_owned());
            let stands = block == "session" || self.substituted.contains(&place);
            if stands { self.setting.variable(block, name) } else { None }
        };
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (value, members) = match &names[..] {
            [name] => (found("", name)?, &[][..]),
            ["system", "session", name, members @ ..] => (found("session", name)?, members),
            [block, name, members @ ..] => (found(block, name)?, members),
            [] => return None,
        };
        Some(members.iter().fold(value, |value, member| {
            functions::call("get_member", vec![value, literal(Value::SingleQuotedString((*member).to_owned()))])
        }))
    }
}

const COUNTED_IN_INT: [&str; 4] = ["row_number", "rank", "dense_rank", "ntile"];

/// Functions whose arguments the engine wants as plain literals.
fn wants_literals(function: &Function) -> bool {
    let name = function.name.to_string().to_ascii_lowercase();
    function.over.is_some() || name.starts_with("approx_") || name.starts_with("percentile")
}

pub(super) fn strip_argument(argument: &mut FunctionArg) {
    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) = argument {
        strip(e);
    }
}

fn strip_bound(bound: &mut WindowFrameBound) {
    if let WindowFrameBound::Preceding(Some(rows)) | WindowFrameBound::Following(Some(rows)) = bound {
        strip(rows);
        // The engine reads intervals of frames itself.
        if let Expr::Function(function) = rows.as_ref()
            && let Some(value) = naming::interval(function)
        {
            **rows = value;
        }
    }
}

/// Takes the cast off a number.
pub(super) fn strip(expr: &mut Expr) {
    if let Expr::Cast { expr: inner, .. } | Expr::Position { expr: inner, .. } = expr
        && matches!(inner.as_ref(), Expr::Value(v) if matches!(v.value, Value::Number(..)))
    {
        *expr = std::mem::replace(inner.as_mut(), literal(Value::Null));
    }
}

/// A literal of type INT, as the one form of POSITION that the planner of literals is given.
fn integer(number: Expr) -> Expr {
    typed(number, "INT")
}

fn typed(number: Expr, kind: &str) -> Expr {
    Expr::Position { expr: Box::new(number), r#in: Box::new(literal(Value::SingleQuotedString(kind.to_owned()))) }
}

/// The digits of a literal with a suffix, such as `1L`.
pub(super) fn suffixed(inner: &Expr) -> Option<String> {
    match inner {
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(digits)
                if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) =>
            {
                Some(digits.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_integer(expr: &Expr) -> bool {
    matches!(expr, Expr::Position { expr, .. } if matches!(expr.as_ref(), Expr::Value(v) if matches!(&v.value, Value::Number(n, _) if !n.starts_with('-'))))
}

fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, literal(Value::Null))
}

pub(super) fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } | Expr::Position { expr, .. } => expr,
        other => other,
    }
}
