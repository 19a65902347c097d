//! Names of columns without an alias.

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Interval,
    Subscript, TypedString, UnaryOperator, Value,
};

use super::super::params::literal;
use super::super::spark::value::V;
use super::super::spark::{cast, interval, text, types};
use super::expressions::{suffixed, uncast};
use super::{Rewriter, paths};

impl Rewriter<'_> {
    /// The name that the platform gives to a column without an alias: that of its expression, but a cast has that of the
    /// column that it casts.
    pub(super) fn title(&self, expr: &Expr) -> String {
        match expr {
            Expr::Nested(inner) => self.title(inner),
            Expr::Cast { expr: inner, .. } => match inner.as_ref() {
                Expr::Identifier(ident) => ident.value.clone(),
                Expr::CompoundIdentifier(parts) => parts.last().map(|i| i.value.clone()).unwrap_or_default(),
                _ => self.name(expr),
            },
            _ => self.name(expr),
        }
    }

    /// The name that the platform gives to an expression.
    pub(super) fn name(&self, expr: &Expr) -> String {
        match expr {
            Expr::Identifier(ident) => ident.value.clone(),
            Expr::CompoundIdentifier(parts) => parts.last().map(|i| i.value.clone()).unwrap_or_default(),
            Expr::Nested(inner) => self.name(inner),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if literal_digits(inner).is_some() => {
                format!("-{}", literal_digits(inner).unwrap_or_default())
            }
            Expr::JsonAccess { value, path } => {
                paths::name(path).unwrap_or_else(|| format!("{}:{path}", self.name(value)))
            }
            // As the path is, that the cast is of.
            Expr::Cast { expr: inner, .. } if matches!(inner.as_ref(), Expr::JsonAccess { .. }) => self.name(inner),
            Expr::Cast { kind, expr: inner, data_type, .. } => match (kind, literal_digits(expr)) {
                (_, Some(digits)) => digits,
                (kind, None) => {
                    let word = if matches!(kind, CastKind::TryCast) { "TRY_CAST" } else { "CAST" };
                    let kind = data_type.to_string();
                    let kind = types::parse(&kind).map_or(kind, |kind| types::name(&kind));
                    format!("{word}({} AS {kind})", self.name(inner))
                }
            },
            Expr::Extract { field, expr: inner, .. } => format!("extract({field} FROM {})", self.name(inner)),
            Expr::Exists { negated, .. } => if *negated { "(NOT exists())" } else { "exists()" }.to_owned(),
            Expr::Subquery(_) => "scalarsubquery()".to_owned(),
            Expr::InSubquery { expr: inner, negated, .. } => {
                let text = format!("({} IN (listquery()))", self.name(inner));
                if *negated { format!("(NOT {text})") } else { text }
            }
            Expr::UnaryOp { op: op @ (UnaryOperator::Minus | UnaryOperator::Plus), expr: inner }
                if !matches!(inner.as_ref(), Expr::Value(_)) =>
            {
                format!("({op} {})", self.name(inner))
            }
            Expr::IsNull(inner) => format!("({} IS NULL)", self.name(inner)),
            Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", self.name(inner)),
            Expr::InList { expr: inner, list, negated } => {
                let list: Vec<_> = list.iter().map(|e| self.name(e)).collect();
                let text = format!("({} IN ({}))", self.name(inner), list.join(", "));
                if *negated { format!("(NOT {text})") } else { text }
            }
            Expr::Between { expr: inner, negated, low, high } => {
                let text = format!("between({}, {}, {})", self.name(inner), self.name(low), self.name(high));
                if *negated { format!("(NOT {text})") } else { text }
            }
            Expr::Like { negated, any: false, expr: inner, pattern, escape_char: None } => {
                let text = format!("{} LIKE {}", self.name(inner), self.name(pattern));
                if *negated { format!("(NOT {text})") } else { text }
            }
            Expr::RLike { negated: false, expr: inner, pattern, .. } => {
                format!("RLIKE({}, {})", self.name(inner), self.name(pattern))
            }
            Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
                format!("concat({}, {})", self.name(left), self.name(right))
            }
            Expr::BinaryOp { left, op: BinaryOperator::MyIntegerDivide, right } => {
                format!("({} div {})", self.name(left), self.name(right))
            }
            Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } => {
                format!("(NOT ({} = {}))", self.name(left), self.name(right))
            }
            Expr::Case { operand: None, conditions, else_result, .. } => {
                let arms = conditions
                    .iter()
                    .map(|c| format!(" WHEN {} THEN {}", self.name(&c.condition), self.name(&c.result)));
                let other = else_result.as_ref().map(|e| format!(" ELSE {}", self.name(e))).unwrap_or_default();
                format!("CASE{}{other} END", arms.collect::<String>())
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } => format!("(NOT {})", self.name(inner)),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let parts = access_chain.iter().map(|access| match access {
                    AccessExpr::Dot(part) => format!(".{}", self.name(part)),
                    AccessExpr::Subscript(Subscript::Index { index }) => format!("[{}]", self.name(index)),
                    other => other.to_string(),
                });
                format!("{}{}", self.name(root), parts.collect::<String>())
            }
            // A time and an interval.
            Expr::BinaryOp { left, op: op @ (BinaryOperator::Plus | BinaryOperator::Minus), right }
                if is_interval(left) != is_interval(right) =>
            {
                format!("{} {op} {}", self.name(left), self.name(right))
            }
            Expr::BinaryOp { left, op, right } => {
                format!("({} {op} {})", self.name(left), self.name(right))
            }
            Expr::TypedString(typed) => moment(typed).unwrap_or_else(|| typed.to_string()),
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(s) | Value::DoubleQuotedString(s) => s.clone(),
                Value::Null => "NULL".to_owned(),
                Value::Placeholder(marker) => self
                    .setting
                    .parameters
                    .get(marker.trim_start_matches(':'))
                    .map_or_else(|| marker.clone(), |e| self.name(uncast(e))),
                other => other.to_string(),
            },
            Expr::Function(function) if function.over.is_none() => {
                let name = function.name.to_string().to_ascii_lowercase();
                if name == "interval_literal"
                    && let Some(text) = interval_name(function)
                {
                    return text;
                }
                match &function.args {
                    FunctionArguments::List(list) if list.clauses.is_empty() => {
                        let arguments: Vec<_> = list
                            .args
                            .iter()
                            .map(|a| match a {
                                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => self.name(e),
                                // `count(*)` counts ones.
                                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => "1".to_owned(),
                                other => other.to_string(),
                            })
                            .collect();
                        if let Some(named) = by_meaning(&name, &arguments) {
                            return named;
                        }
                        let distinct = match list.duplicate_treatment {
                            Some(treatment) => format!("{treatment} "),
                            None => String::new(),
                        };
                        format!("{name}({distinct}{})", arguments.join(", "))
                    }
                    _ => format!("{name}()"),
                }
            }
            other => other.to_string(),
        }
    }
}

/// The digits of a literal with a suffix.
fn literal_digits(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Cast { kind: CastKind::SafeCast, expr: inner, .. } => suffixed(inner),
        _ => None,
    }
}

/// Functions whose names are those of what they stand for, or whose options have no place in them.
fn by_meaning(name: &str, arguments: &[String]) -> Option<String> {
    let pattern = "yyyy-MM-dd HH:mm:ss";
    Some(match (name, arguments) {
        ("dateadd" | "date_add", [unit, amount, time]) => {
            format!("timestampadd({}, {amount}, {time})", unit.to_uppercase())
        }
        ("datediff" | "date_diff", [unit, from, to]) => format!("timestampdiff({}, {from}, {to})", unit.to_uppercase()),
        ("from_unixtime" | "unix_timestamp" | "to_unix_timestamp", [time]) => format!("{name}({time}, {pattern})"),
        ("to_json" | "from_json" | "to_csv" | "from_csv", [value, ..]) => format!("{name}({value})"),
        ("random", arguments) => format!("rand({})", arguments.join(", ")),
        ("convert_timezone", [to, time]) => format!("{name}(current_timezone(), {to}, {time})"),
        _ => return None,
    })
}

fn is_interval(expr: &Expr) -> bool {
    matches!(expr, Expr::Interval(_))
        || matches!(expr, Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("interval_literal"))
}

/// A literal in the form that a cast to a string gives it, on the clocks of the session.
fn moment(typed: &TypedString) -> Option<String> {
    let kind = types::parse(&typed.data_type.to_string()).ok()?;
    let Value::SingleQuotedString(written) = &typed.value.value else { return None };
    let value = cast::cast(&V::str(written.as_str()), &DataType::Utf8, &kind).ok()?;
    types::is_time(&kind).then(|| format!("{} '{}'", types::name(&kind), text::text(&value, &kind)))
}

/// `INTERVAL '1' DAY`, as a cast to a string writes it.
fn interval_name(function: &Function) -> Option<String> {
    let (value, kind) = interval_value(function)?;
    Some(text::text(&value, &kind))
}

/// The literal in the form that the engine reads by itself.
pub(super) fn interval(function: &Function) -> Option<Expr> {
    let written = match interval_value(function)?.0 {
        V::Ym(months) => format!("{months} MONTHS"),
        V::Dt(us) => format!("{us} MICROSECONDS"),
        V::Cal(months, days, us) => format!("{months} MONTHS {days} DAYS {us} MICROSECONDS"),
        _ => return None,
    };
    Some(Expr::Interval(Interval {
        value: Box::new(literal(Value::SingleQuotedString(written))),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

fn interval_value(function: &Function) -> Option<(V, DataType)> {
    if !function.name.to_string().eq_ignore_ascii_case("interval_literal") {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let texts: Vec<&str> = list
        .args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(v))) => match &v.value {
                Value::SingleQuotedString(s) => Some(s.as_str()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let [amount, from, to] = texts.as_slice() else { return None };
    Some((interval::literal(amount, from, to)?, interval::literal_type(amount, from, to)?))
}
