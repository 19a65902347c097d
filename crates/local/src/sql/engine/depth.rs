//! Bounds on how deep and how large a statement is, so that neither a recursion nor a planner that multiplies can take
//! the process down.
//!
//! Three checks, each of which makes the next one safe: the tokens before they are parsed, the expressions while they
//! are rewritten, the plan before it is optimized. None of them recurses.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::errors;
use crate::sql::Failure;

/// Brackets and `CASE` inside each other. The parser counts its own recursion, of which one bracket can take two.
const NESTING: usize = 200;
pub(super) const PARSER_RECURSION: usize = 2 * NESTING + 50;
/// Tokens between two commas, with those of the brackets around: what is parsed cannot nest deeper than that.
const SEGMENT: usize = 60_000;
/// Weight of the operators, joins and set operations between two commas, with those of the brackets around.
const CHAIN: usize = 1_000;
/// Weight of an arithmetic operator, a concatenation and a join: the time to plan a row of them grows with the third
/// power of their number.
const DEAR: usize = 6;
/// Expressions inside each other, after the statement was rewritten.
pub(super) const EXPRESSIONS: usize = 2_000;
/// Common table expressions of a statement, of which each can read the one before.
const TABLE_EXPRESSIONS: usize = 300;
/// Uses of common table expressions, those inside of each use counted.
const USES: u64 = 2_000;
/// Nodes of a plan above each other, views and subqueries included.
const PLAN_DEPTH: usize = 800;
/// Nodes of a plan, each use of a common table expression or view counted.
const PLAN_NODES: u64 = 20_000;
/// Columns of one node of a plan.
const COLUMNS: usize = 10_000;
/// Arrays, maps and structs inside each other.
const TYPE_DEPTH: usize = 64;

/// The platform's error for statements that it cannot parse for their size.
pub(super) fn too_complex(what: &str, limit: impl std::fmt::Display) -> Failure {
    let text = format!(
        "The statement, including potential SQL functions and referenced views, was too complex for the embedded workspace: \
         more than {limit} {what}. Split the statement into simpler ones."
    );
    Failure::class("FAILED_TO_PARSE_TOO_COMPLEX", &text, "54001")
}

/// Refuses common table expressions that use each other so often that their expansion has no end: each use is planned.
fn check_uses(tokens: &[TokenWithSpan]) -> Result<(), Failure> {
    let tokens: Vec<&Token> = tokens.iter().map(|t| &t.token).filter(|t| !matches!(t, Token::Whitespace(_))).collect();
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(w)) => Some(w),
        _ => None,
    };
    let mut weights: HashMap<String, u64> = HashMap::new();
    // Name, bracket and uses of those that are being defined, with the statement itself as the first.
    let mut open: Vec<(String, usize, u64)> = vec![(String::new(), 0, 0)];
    let mut brackets = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => {
                brackets += 1;
                let name =
                    (at >= 2 && word(at - 1).is_some_and(|w| w.keyword == Keyword::AS)).then(|| word(at - 2)).flatten();
                if let Some(name) = name {
                    open.push((name.value.to_lowercase(), brackets, 0));
                }
            }
            Token::RParen => {
                if open.len() > 1 && open.last().is_some_and(|(_, bracket, _)| *bracket == brackets) {
                    let (name, _, uses) = open.pop().unwrap_or_default();
                    weights.insert(name, uses.saturating_add(1));
                }
                brackets = brackets.saturating_sub(1);
            }
            Token::Word(w)
                if tokens.get(at + 1) != Some(&&Token::Period) && (at == 0 || *tokens[at - 1] != Token::Period) =>
            {
                let weight = weights.get(&w.value.to_lowercase()).copied().unwrap_or(0);
                for (_, _, uses) in &mut open {
                    *uses = uses.saturating_add(weight);
                }
                if open.last().is_some_and(|(_, _, uses)| *uses > USES) {
                    return Err(too_complex("uses of common table expressions", USES));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Segment {
    tokens: usize,
    chain: usize,
}

/// Checks a statement before it is parsed.
pub(super) fn check_tokens(tokens: &[TokenWithSpan]) -> Result<(), Failure> {
    // The segments that are open, one for each bracket; sums of all below the last are kept beside.
    let mut open: Vec<Segment> = Vec::new();
    let mut outside = Segment::default();
    let mut now = Segment::default();
    let (mut after_as, mut table_expressions) = (false, 0);
    for token in tokens {
        if !matches!(token.token, Token::Whitespace(_)) {
            table_expressions += usize::from(after_as && token.token == Token::LParen);
            after_as = matches!(&token.token, Token::Word(w) if w.keyword == Keyword::AS);
        }
        match &token.token {
            Token::Whitespace(_) => continue,
            Token::LParen | Token::LBracket | Token::LBrace => down(&mut open, &mut outside, &mut now),
            Token::Word(w) if w.keyword == Keyword::CASE => down(&mut open, &mut outside, &mut now),
            // Types nest in angle brackets; what is a comparison is counted as an operator as well.
            Token::RParen | Token::RBracket | Token::RBrace => up(&mut open, &mut outside, &mut now),
            Token::Word(w) if w.keyword == Keyword::END => up(&mut open, &mut outside, &mut now),
            Token::Comma | Token::SemiColon => now = Segment::default(),
            Token::Word(w) if matches!(w.keyword, Keyword::WHEN | Keyword::THEN | Keyword::ELSE) => {
                now = Segment::default();
            }
            other => {
                now.tokens += 1;
                now.chain += weight(other);
            }
        }
        if table_expressions > TABLE_EXPRESSIONS {
            return Err(too_complex("common table expressions", TABLE_EXPRESSIONS));
        }
        if open.len() > NESTING {
            return Err(too_complex("brackets or CASE expressions inside each other", NESTING));
        }
        if outside.chain + now.chain > CHAIN {
            let limit = format!(
                "{CHAIN} logical operators or set operations, or {} arithmetic operators or joins,",
                CHAIN / DEAR
            );
            return Err(too_complex("in a row", limit));
        }
        if outside.tokens + now.tokens > SEGMENT {
            return Err(too_complex("words without a comma between them", SEGMENT));
        }
    }
    check_uses(tokens)
}

fn down(open: &mut Vec<Segment>, outside: &mut Segment, now: &mut Segment) {
    open.push(*now);
    outside.tokens += now.tokens;
    outside.chain += now.chain;
    *now = Segment::default();
}

fn up(open: &mut Vec<Segment>, outside: &mut Segment, now: &mut Segment) {
    // One that closes nothing is the parser's to refuse.
    let Some(before) = open.pop() else { return };
    outside.tokens -= before.tokens;
    outside.chain -= before.chain;
    // A bracket that hangs on another, as in `a[0][0]`, makes the whole one deeper.
    *now = Segment { tokens: before.tokens + 1, chain: before.chain + 1 };
}

/// By how much what is parsed gets deeper, or dearer to plan, by this token.
fn weight(token: &Token) -> usize {
    match token {
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => DEAR,
        Token::Word(w) if w.keyword == Keyword::JOIN => DEAR,
        other => usize::from(deepens(other)),
    }
}

/// Whether what is parsed gets deeper by this token.
fn deepens(token: &Token) -> bool {
    match token {
        Token::Word(w) => matches!(
            w.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::DIV
                | Keyword::COLLATE
                | Keyword::INTERVAL
                | Keyword::AT
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::MINUS
                | Keyword::JOIN
                | Keyword::LATERAL
                | Keyword::PIVOT
                | Keyword::UNPIVOT
                | Keyword::EXPLAIN
                | Keyword::BEGIN
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Placeholder(_)
        | Token::Colon
        | Token::Period
        | Token::EOF => false,
        _ => true,
    }
}

/// Checks a plan before anything walks through it, views and subqueries included.
pub(super) fn check_plan(plan: &LogicalPlan) -> Result<(), Failure> {
    Walk::default().measure(plan, 0).map(drop)
}

#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    nodes: u64,
}

impl Size {
    /// What a node has that reads from both.
    fn join(self, other: Self) -> Self {
        Self { depth: self.depth.max(other.depth), nodes: self.nodes.saturating_add(other.nodes) }
    }
}

enum Visit<'a> {
    Enter(&'a LogicalPlan),
    /// After its children; the size is that of the subqueries in its expressions.
    Leave(&'a LogicalPlan, Vec<&'a LogicalPlan>, Size),
}

/// Sizes of the nodes seen so far: what is used many times is walked through once.
#[derive(Default)]
struct Walk(HashMap<*const LogicalPlan, Size>);

impl Walk {
    /// `level` counts the subqueries around, the only thing that recurses here.
    fn measure(&mut self, plan: &LogicalPlan, level: usize) -> Result<Size, Failure> {
        if level > NESTING {
            return Err(too_complex("subqueries inside each other", NESTING));
        }
        let mut work = vec![Visit::Enter(plan)];
        while let Some(visit) = work.pop() {
            match visit {
                Visit::Enter(node) => {
                    if self.0.contains_key(&std::ptr::from_ref(node)) {
                        continue;
                    }
                    check_columns(node)?;
                    let subqueries = self.expressions(node, level)?;
                    let children = children(node);
                    work.push(Visit::Leave(node, children.clone(), subqueries));
                    work.extend(children.into_iter().map(Visit::Enter));
                }
                Visit::Leave(node, children, subqueries) => {
                    let below = children.into_iter().map(|child| self.size(child)).fold(subqueries, Size::join);
                    let size = Size { depth: below.depth + 1, nodes: below.nodes.saturating_add(1) };
                    if size.depth > PLAN_DEPTH {
                        return Err(too_complex("queries, views and joins above each other", PLAN_DEPTH));
                    }
                    if size.nodes > PLAN_NODES {
                        return Err(too_complex("steps in its plan", PLAN_NODES));
                    }
                    self.0.insert(std::ptr::from_ref(node), size);
                }
            }
        }
        Ok(self.size(plan))
    }

    fn size(&self, plan: &LogicalPlan) -> Size {
        self.0.get(&std::ptr::from_ref(plan)).copied().unwrap_or_default()
    }

    /// Checks the expressions of a node; gives the size of the subqueries in them.
    fn expressions(&mut self, node: &LogicalPlan, level: usize) -> Result<Size, Failure> {
        let mut size = Size::default();
        let mut refused = None;
        let visited = node.apply_expressions(|root| {
            match self.expression(root, level) {
                Ok(found) => size = size.join(found),
                Err(failure) => {
                    refused = Some(failure);
                    return Ok(TreeNodeRecursion::Stop);
                }
            }
            Ok(TreeNodeRecursion::Continue)
        });
        visited.map_err(|e| errors::failure(&e))?;
        refused.map_or(Ok(size), Err)
    }

    fn expression(&mut self, root: &Expr, level: usize) -> Result<Size, Failure> {
        let mut size = Size::default();
        let mut work = vec![(root, 1)];
        while let Some((expr, depth)) = work.pop() {
            if depth > EXPRESSIONS {
                return Err(too_complex("expressions inside each other", EXPRESSIONS));
            }
            let subquery = match expr {
                Expr::ScalarSubquery(q) => Some(&q.subquery),
                Expr::Exists(e) => Some(&e.subquery.subquery),
                Expr::InSubquery(i) => Some(&i.subquery.subquery),
                _ => None,
            };
            if let Some(subquery) = subquery {
                size = size.join(self.measure(subquery, level + 1)?);
            }
            let visited = expr.apply_children(|child| {
                work.push((child, depth + 1));
                Ok(TreeNodeRecursion::Continue)
            });
            visited.map_err(|e| errors::failure(&e))?;
        }
        Ok(size)
    }
}

/// Inputs, and the query of a view.
fn children(node: &LogicalPlan) -> Vec<&LogicalPlan> {
    let mut out = node.inputs();
    if let LogicalPlan::TableScan(scan) = node
        && let Some(Cow::Borrowed(view)) = scan.source.get_logical_plan()
    {
        out.push(view);
    }
    out
}

fn check_columns(node: &LogicalPlan) -> Result<(), Failure> {
    let fields = node.schema().fields();
    if fields.len() > COLUMNS {
        return Err(too_complex("columns", COLUMNS));
    }
    let mut seen = HashSet::new();
    let mut work: Vec<(&DataType, usize)> = fields.iter().map(|f| (f.data_type(), 0)).collect();
    while let Some((kind, depth)) = work.pop() {
        if depth > TYPE_DEPTH {
            return Err(too_complex("arrays, maps and structs inside each other", TYPE_DEPTH));
        }
        if !kind.is_nested() || !seen.insert((std::ptr::from_ref(kind), depth)) {
            continue;
        }
        match kind {
            DataType::Struct(fields) => work.extend(fields.iter().map(|f| (f.data_type(), depth + 1))),
            DataType::List(f)
            | DataType::LargeList(f)
            | DataType::ListView(f)
            | DataType::LargeListView(f)
            | DataType::FixedSizeList(f, _) => work.push((f.data_type(), depth + 1)),
            // Its entries are one struct, which is not a level of its own.
            DataType::Map(f, _) => work.push((f.data_type(), depth)),
            _ => {}
        }
    }
    Ok(())
}
