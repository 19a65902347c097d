//! The parser's dialect: the one that it has for the platform, and what that lacks.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use datafusion::sql::sqlparser::dialect::{DatabricksDialect, Dialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::functions;

/// Shifts bind less than sums and more than `&`.
const SHIFT: u8 = 25;

#[derive(Debug)]
pub(super) struct Platform;

macro_rules! yes {
    ($($name:ident)*) => { $(fn $name(&self) -> bool { true })* };
}

impl Dialect for Platform {
    /// What the parser asks for by type is what the platform's dialect has.
    fn dialect(&self) -> TypeId {
        TypeId::of::<DatabricksDialect>()
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_ascii_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_ascii_alphanumeric() || c == '_'
    }

    yes! {
        supports_numeric_prefix
        supports_interval_options
        supports_filter_during_aggregation
        supports_group_by_expr
        supports_table_versioning
        supports_lambda_functions
        supports_select_wildcard_except
        supports_struct_literal
        supports_nested_comments
        supports_group_by_with_modifier
        supports_values_as_table_factor
        supports_optimize_table
        supports_bang_not_operator
        supports_cte_without_as
        supports_select_item_multi_column_alias
        supports_bitwise_shift_operators
        supports_map_literal_with_angle_brackets
        supports_create_table_using
        supports_comment_on
        supports_subquery_as_function_arg
        supports_string_literal_concatenation
        supports_order_by_all
        supports_window_function_null_treatment_arg
        supports_create_view_comment_syntax
        supports_within_after_array_aggregation
        supports_long_type_as_bigint
        supports_window_clause_named_window_reference
        supports_pipe_operator
        supports_from_first_select
        supports_table_sample_before_alias
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        if matches!(parser.peek_token_ref().token, Token::ShiftLeft | Token::ShiftRight) {
            return Some(Ok(SHIFT));
        }
        parser.peek_keyword(Keyword::DIV).then(|| Ok(self.prec_value(Precedence::MulDivModOp)))
    }

    fn parse_infix(&self, parser: &mut Parser<'_>, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        // `>>>` comes as two signs without a space between them.
        let [first, second] = parser.peek_tokens_with_location();
        if first.token == Token::ShiftRight && second.token == Token::Gt && first.span.end == second.span.start {
            parser.next_token();
            parser.next_token();
            return Some(
                parser
                    .parse_subexpr(precedence)
                    .map(|right| functions::call("shiftrightunsigned", vec![expr.clone(), right])),
            );
        }
        parser.parse_keyword(Keyword::DIV).then(|| {
            Ok(Expr::BinaryOp {
                left: Box::new(expr.clone()),
                op: BinaryOperator::MyIntegerDivide,
                right: Box::new(parser.parse_subexpr(precedence)?),
            })
        })
    }
}
