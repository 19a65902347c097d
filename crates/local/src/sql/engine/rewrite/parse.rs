//! From text to the parser's tree, with the platform's errors.

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::super::command::cursor::syntax;
use super::super::depth;
use super::super::dialect::Platform;
use crate::sql::Failure;

/// Parses exactly one statement, whose literals are in plain form.
pub(in super::super) fn parse(sql: &str) -> Result<Statement, Failure> {
    let failed = |text: &str| Failure::class("PARSE_SYNTAX_ERROR", text, "42601");
    let dialect = Platform;
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|e| failed(&e.to_string()))?;
    depth::check_tokens(&tokens)?;
    let mut words = tokens.iter().map(|t| &t.token).filter(|t| !matches!(t, Token::Whitespace(_))).peekable();
    while let Some(token) = words.next() {
        if *token == Token::Comma && words.peek().is_some_and(|next| is_from(next)) {
            return Err(trailing_comma());
        }
    }
    let parser = Parser::new(&dialect).with_recursion_limit(depth::PARSER_RECURSION).with_tokens_with_locations(tokens);
    let mut statements = { parser }.parse_statements().map_err(|e| match e {
        ParserError::RecursionLimitExceeded => {
            depth::too_complex("expressions or queries inside each other", depth::PARSER_RECURSION)
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => located(sql, &text),
    })?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (Some(_), false) => Err(failed("Only one statement can be executed at a time.")),
        (None, _) => Err(failed("The statement is empty.")),
    }
}

fn is_from(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("from"))
}

fn trailing_comma() -> Failure {
    let text = "Trailing comma detected in SELECT clause. Remove the trailing comma before the FROM clause.";
    Failure::class("TRAILING_COMMA_IN_SELECT", text, "42601")
}

/// Checks how deep and large any statement is, before it is read in any way.
pub(in super::super) fn check(sql: &str) -> Result<(), Failure> {
    let tokens = Tokenizer::new(&Platform, sql).tokenize_with_location();
    let tokens = tokens.map_err(|e| Failure::class("PARSE_SYNTAX_ERROR", &e.to_string(), "42601"))?;
    depth::check_tokens(&tokens)
}

/// The parser's error with the word that it found, and its place.
fn located(sql: &str, text: &str) -> Failure {
    let place = || {
        let (before, place) = text.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let found = before.rsplit_once("found: ").map(|(_, found)| found)?;
        let line: usize = line.trim().parse().ok()?;
        let column: usize = column.trim().parse().ok()?;
        let start: usize = sql.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        let inside =
            sql.get(start..)?.char_indices().nth(column.checked_sub(1)?).map_or(sql.len() - start, |(at, _)| at);
        Some((found, start + inside))
    };
    match place() {
        Some(("EOF", _)) => syntax(sql, "end of input", None),
        Some((found, at)) => syntax(sql, found, Some(at)),
        None if text.contains("found: EOF") => syntax(sql, "end of input", None),
        None => Failure::class("PARSE_SYNTAX_ERROR", text, "42601"),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn errors_have_a_place() {
        let message = parse("SELECT 1\nFRM t u v").unwrap_err().message;
        assert!(message.starts_with("[PARSE_SYNTAX_ERROR] Syntax error at or near 't'."), "{message}");
        assert!(message.contains("(line 2, pos 4)"), "{message}");
        let message = parse("SELECT (1").unwrap_err().message;
        assert!(message.contains("end of input"), "{message}");
    }
}
