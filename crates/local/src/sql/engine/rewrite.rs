//! From the platform's SQL to what the engine plans: markers, literals, names of columns.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, CastKind, CeilFloorKind, DataType, DateTimeField, ExactNumberInfo, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, LimitClause, ObjectName, OrderByKind, Query, Select,
    SelectItem, Statement, Subscript, TableAlias, TableFactor, TimezoneInfo, TrimWhereField, UnaryOperator, Value,
    VisitMut as _, VisitorMut, WindowFrameBound, WindowType,
};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Tokenizer;

use super::dialect::Platform;
use super::params::{self, cast, literal};
use super::{depth, functions, generators, lexical};
use crate::sql::Failure;
use crate::sql::request::Parameter;
use crate::state::USER_NAME;

/// Sets apart names that occur twice in a result, which the engine refuses and the platform does not.
pub(super) const DUPLICATE: char = '\u{1}';

/// Parses exactly one statement.
pub(super) fn parse(sql: &str) -> Result<Statement, Failure> {
    let failed = |text: &str| Failure::class("PARSE_SYNTAX_ERROR", text, "42601");
    let plain = lexical::plain(sql);
    let short = without_table_keyword(&plain);
    let dialect = Platform;
    let tokens = Tokenizer::new(&dialect, short.as_deref().unwrap_or(&plain))
        .tokenize_with_location()
        .map_err(|e| failed(&e.to_string()))?;
    depth::check_tokens(&tokens)?;
    let parser = Parser::new(&dialect).with_recursion_limit(depth::PARSER_RECURSION).with_tokens_with_locations(tokens);
    let mut statements = { parser }.parse_statements().map_err(|e| match e {
        ParserError::RecursionLimitExceeded => {
            depth::too_complex("expressions or queries inside each other", depth::PARSER_RECURSION)
        }
        e => failed(&e.to_string()),
    })?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (Some(_), false) => Err(failed("Only one statement can be executed at a time.")),
        (None, _) => Err(failed("The statement is empty.")),
    }
}

/// `DESCRIBE TABLE x` as `DESCRIBE x`, the form that the parser knows.
fn without_table_keyword(sql: &str) -> Option<String> {
    let mut words = sql.trim_start().splitn(3, char::is_whitespace);
    let (first, second, rest) = (words.next()?, words.next()?, words.next()?);
    let describes = first.eq_ignore_ascii_case("describe") || first.eq_ignore_ascii_case("desc");
    (describes && second.eq_ignore_ascii_case("table")).then(|| format!("DESCRIBE {rest}"))
}

/// The platform's `TIMESTAMP`, a point in time.
fn instant() -> DataType {
    DataType::Timestamp(Some(6), TimezoneInfo::WithTimeZone)
}

/// Type names that the engine does not plan.
fn known_type(kind: &mut DataType) {
    match kind {
        DataType::Binary(_) => *kind = DataType::Bytea,
        DataType::TimestampNtz(_) => *kind = DataType::Timestamp(Some(6), TimezoneInfo::None),
        DataType::Timestamp(_, _) => *kind = instant(),
        DataType::Custom(name, _) => match name.to_string().to_ascii_uppercase().as_str() {
            "TIMESTAMP_NTZ" => *kind = DataType::Timestamp(Some(6), TimezoneInfo::None),
            "TIMESTAMP_LTZ" => *kind = instant(),
            "LONG" => *kind = DataType::BigInt(None),
            "SHORT" => *kind = DataType::SmallInt(None),
            "BYTE" => *kind = DataType::TinyInt(None),
            _ => {}
        },
        _ => {}
    }
}

pub(super) struct Rewriter {
    parameters: BTreeMap<String, Expr>,
    catalog: String,
    schema: String,
    unbound: Option<String>,
    /// Expressions around the one that is visited.
    depth: usize,
    /// Generators that were taken out of projections.
    views: usize,
    refused: Option<Failure>,
}

impl Rewriter {
    pub(super) fn new(parameters: &[Parameter], catalog: &str, schema: &str) -> Result<Self, Failure> {
        let parameters =
            parameters.iter().map(|p| Ok((p.name.clone(), params::expression(p)?))).collect::<Result<_, Failure>>()?;
        Ok(Self {
            parameters,
            catalog: catalog.to_owned(),
            schema: schema.to_owned(),
            unbound: None,
            depth: 0,
            views: 0,
            refused: None,
        })
    }

    pub(super) fn apply(mut self, statement: &mut Statement) -> Result<(), Failure> {
        let _: ControlFlow<()> = statement.visit(&mut self);
        if let Some(failure) = self.refused {
            return Err(failure);
        }
        match self.unbound {
            None => Ok(()),
            Some(name) => Err(Failure::class(
                "UNBOUND_SQL_PARAMETER",
                &format!("Found the unbound parameter: {name}. Give it a value in `parameters`."),
                "42P02",
            )),
        }
    }

    /// Ends the walk with a failure.
    fn refuse(&mut self, failure: Failure) -> ControlFlow<()> {
        self.refused = Some(failure);
        ControlFlow::Break(())
    }

    fn bind(&mut self, marker: &str) -> Option<Expr> {
        let name = marker.strip_prefix(':').unwrap_or(marker);
        let bound = self.parameters.get(name).cloned();
        if bound.is_none() && self.unbound.is_none() {
            self.unbound = Some(name.to_owned());
        }
        bound
    }

    /// Functions that tell about the session.
    fn session_function(&self, function: &Function) -> Option<Expr> {
        let bare = match &function.args {
            FunctionArguments::None => true,
            FunctionArguments::List(list) => list.args.is_empty(),
            FunctionArguments::Subquery(_) => false,
        };
        if !bare {
            return None;
        }
        let value = match function.name.to_string().to_ascii_lowercase().as_str() {
            "current_user" | "session_user" | "user" => USER_NAME,
            "current_timezone" => "Etc/UTC",
            "current_catalog" => &self.catalog,
            "current_schema" | "current_database" => &self.schema,
            _ => return None,
        };
        Some(literal(Value::SingleQuotedString(value.to_owned())))
    }

    /// The name that the platform gives to an expression without an alias.
    fn name(&self, expr: &Expr) -> String {
        match expr {
            Expr::Identifier(ident) => ident.value.clone(),
            Expr::CompoundIdentifier(parts) => parts.last().map(|i| i.value.clone()).unwrap_or_default(),
            Expr::Nested(inner) => self.name(inner),
            Expr::BinaryOp { left, op, right } => {
                format!("({} {op} {})", self.name(left), self.name(right))
            }
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(s) | Value::DoubleQuotedString(s) => s.clone(),
                Value::Null => "NULL".to_owned(),
                Value::Placeholder(marker) => self
                    .parameters
                    .get(marker.trim_start_matches(':'))
                    .map_or_else(|| marker.clone(), |e| self.name(uncast(e))),
                other => other.to_string(),
            },
            Expr::Function(function) if function.over.is_none() => {
                let name = function.name.to_string().to_ascii_lowercase();
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

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<()> {
        if let Statement::CreateTable(create) = statement {
            create.columns.iter_mut().for_each(|c| known_type(&mut c.data_type));
        }
        ControlFlow::Continue(())
    }

    /// Names every column, since the engine's own names tell of its types.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.views += generators::take_generators(select, self.views);
        let mut seen = BTreeSet::new();
        for (position, item) in select.projection.iter_mut().enumerate() {
            let (name, plain) = match item {
                SelectItem::UnnamedExpr(e) => {
                    let plain = matches!(e, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                    (self.name(e), plain)
                }
                SelectItem::ExprWithAlias { alias, .. } => (alias.value.clone(), true),
                _ => continue,
            };
            let fresh = seen.insert(name.to_lowercase());
            if fresh && plain {
                continue;
            }
            let name = if fresh { name } else { format!("{name}{DUPLICATE}{position}") };
            let alias = Ident::with_quote('`', name);
            match item {
                SelectItem::UnnamedExpr(e) => {
                    let expr = std::mem::replace(e, literal(Value::Null));
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
                SelectItem::ExprWithAlias { alias: old, .. } => *old = alias,
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        // The smallest integers are literals with their sign.
        if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
            && let Expr::Value(value) = inner.as_ref()
            && let Value::Number(digits, false) = &value.value
        {
            let kind = match digits.as_str() {
                "2147483648" => Some(DataType::Int(None)),
                "9223372036854775808" => Some(DataType::BigInt(None)),
                _ => None,
            };
            if let Some(kind) = kind {
                *expr = cast(literal(Value::SingleQuotedString(format!("-{digits}"))), kind);
            }
        }
        self.depth += 1;
        if self.depth > depth::EXPRESSIONS {
            return self.refuse(depth::too_complex("expressions inside each other", depth::EXPRESSIONS));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.depth -= 1;
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
            Expr::Like { negated, any, expr: text, pattern, escape_char }
            | Expr::ILike { negated, any, expr: text, pattern, escape_char }
                if !*any =>
            {
                let mut arguments = vec![take(text), take(pattern)];
                if let Some(escape) = escape_char {
                    arguments.push(literal(escape.value.clone()));
                }
                let negated = *negated;
                let name = if matches!(expr, Expr::ILike { .. }) { "ilike" } else { "like" };
                *expr = functions::negated(functions::call(name, arguments), negated);
            }
            Expr::Like { negated, expr: text, pattern, .. } => {
                let patterns = match take(pattern) {
                    Expr::Tuple(list) => list,
                    Expr::Nested(one) => vec![*one],
                    one => vec![one],
                };
                let arguments = std::iter::once(take(text)).chain(patterns).collect();
                *expr = functions::negated(functions::call("like_any", arguments), *negated);
            }
            Expr::BinaryOp { left, op, right } => {
                if let Some(name) = functions::operator(op) {
                    *expr = functions::call(name, vec![take(left), take(right)]);
                }
            }
            // Literals keep their sign, which some places need.
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if is_integer(inner) => {
                if let Expr::Value(value) = uncast(inner)
                    && let Value::Number(digits, _) = &value.value
                {
                    *expr = integer(literal(Value::Number(format!("-{digits}"), false)));
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
            Expr::Function(function) => {
                if let Some(value) = self.session_function(function) {
                    *expr = value;
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
                if function.name.to_string().eq_ignore_ascii_case("grouping") {
                    let counted = std::mem::replace(expr, literal(Value::Null));
                    *expr = cast(counted, DataType::TinyInt(None));
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

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { version, sample, name, .. } = &*factor {
            if let Some(view) = information_schema_view(name)
                && !["catalogs", "schemata", "tables"].contains(&view.as_str())
            {
                let hint = if view == "columns" { "; DESCRIBE TABLE lists columns" } else { "" };
                return self.refuse(unsupported(&format!("the view information_schema.{view}{hint}")));
            }
            let what = if version.is_some() { "older versions of a table" } else { "TABLESAMPLE" };
            if version.is_some() || sample.is_some() {
                return self.refuse(unsupported(what));
            }
        }
        if let Some(derived) = tables_view(factor) {
            match derived {
                Ok(derived) => *factor = derived,
                Err(failure) => return self.refuse(failure),
            }
        }
        match factor {
            TableFactor::Table { args: Some(args), .. } => {
                args.args.iter_mut().for_each(strip_argument);
            }
            TableFactor::Function { args, .. } => args.iter_mut().for_each(strip_argument),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        generators::join_views(select);
        if let GroupByExpr::Expressions(list, _) = &mut select.group_by {
            list.iter_mut().for_each(strip);
        }
        ControlFlow::Continue(())
    }

    /// Ordinals and limits have to be plain numbers.
    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(list) = &mut order.kind
        {
            list.iter_mut().for_each(|o| strip(&mut o.expr));
        }
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter_mut().for_each(strip);
                offset.iter_mut().for_each(|o| strip(&mut o.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                strip(offset);
                strip(limit);
            }
            None => {}
        }
        ControlFlow::Continue(())
    }
}

/// `information_schema.tables` with the platform's types of tables.
fn tables_view(factor: &TableFactor) -> Option<Result<TableFactor, Failure>> {
    let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
    if information_schema_view(name)? != "tables" {
        return None;
    }
    let sql = format!(
        "SELECT table_catalog, table_schema, table_name, CASE table_type WHEN 'BASE TABLE' THEN 'MANAGED' ELSE table_type END \
         AS table_type FROM {name}"
    );
    let alias = alias.clone().unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new("tables"),
        columns: Vec::new(),
        at: None,
    });
    Some(parse(&sql).and_then(|statement| match statement {
        Statement::Query(subquery) => {
            Ok(TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None })
        }
        _ => Err(unsupported("information_schema.tables")),
    }))
}

/// The view's name, if the table is one of the information schema.
fn information_schema_view(name: &ObjectName) -> Option<String> {
    let parts: Vec<_> =
        name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.to_ascii_lowercase()).collect();
    match parts.as_slice() {
        [.., schema, view] if schema == "information_schema" => Some(view.clone()),
        _ => None,
    }
}

fn unsupported(what: &str) -> Failure {
    Failure::class("UNSUPPORTED_FEATURE", &format!("The embedded workspace does not support {what}."), "0A000")
}

const COUNTED_IN_INT: [&str; 4] = ["row_number", "rank", "dense_rank", "ntile"];

/// Functions whose arguments the engine wants as plain literals.
fn wants_literals(function: &Function) -> bool {
    let name = function.name.to_string().to_ascii_lowercase();
    function.over.is_some() || name.starts_with("approx_") || name.starts_with("percentile")
}

fn strip_argument(argument: &mut FunctionArg) {
    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) = argument {
        strip(e);
    }
}

fn strip_bound(bound: &mut WindowFrameBound) {
    if let WindowFrameBound::Preceding(Some(rows)) | WindowFrameBound::Following(Some(rows)) = bound {
        strip(rows);
    }
}

/// Takes the cast off a number.
fn strip(expr: &mut Expr) {
    if let Expr::Cast { expr: inner, .. } | Expr::Position { expr: inner, .. } = expr
        && matches!(inner.as_ref(), Expr::Value(v) if matches!(v.value, Value::Number(..)))
    {
        *expr = std::mem::replace(inner.as_mut(), literal(Value::Null));
    }
}

/// A literal of type INT, as the one form of POSITION that the planner of literals is given.
fn integer(number: Expr) -> Expr {
    Expr::Position { expr: Box::new(number), r#in: Box::new(literal(Value::SingleQuotedString("INT".to_owned()))) }
}

fn is_integer(expr: &Expr) -> bool {
    matches!(expr, Expr::Position { expr, .. } if matches!(expr.as_ref(), Expr::Value(v) if matches!(&v.value, Value::Number(n, _) if !n.starts_with('-'))))
}

fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, literal(Value::Null))
}

fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } | Expr::Position { expr, .. } => expr,
        other => other,
    }
}
