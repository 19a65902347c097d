//! From the text of a script to its statements. All of it is read before any of it runs.

use datafusion::sql::sqlparser::ast::Statement;

use super::super::command::cursor::Cursor;
use super::super::store::missing::feature;
use super::super::{depth, rewrite};
use super::labels::{Labels, Place, check_end};
use super::tree::{Block, Conditions, Form, Kind, Step};
use crate::sql::Failure;

/// Blocks, loops and branches inside each other.
const NESTING: usize = 100;
/// What a statement without its semicolon would run into.
const ENDS: [&str; 7] = [";", "END CASE", "END FOR", "END IF", "END LOOP", "END REPEAT", "END WHILE"];

/// Reads a script from its BEGIN on.
pub(super) fn script(text: &str) -> Result<Block, Failure> {
    let mut reader = Reader {
        c: Cursor::new(text),
        text,
        labels: Labels::default(),
        conditions: Vec::new(),
        nesting: 0,
        handles: false,
        line: (0, 1),
    };
    let block = reader.block(None)?;
    reader.c.eat(";");
    reader.c.done()?;
    Ok(block)
}

pub(super) struct Reader<'a> {
    pub(super) c: Cursor<'a>,
    text: &'a str,
    pub(super) labels: Labels,
    /// Those that the blocks around declare, innermost last.
    pub(super) conditions: Vec<Conditions>,
    nesting: usize,
    /// Whether this is part of a handler.
    pub(super) handles: bool,
    /// A place in the text, and its line.
    line: (usize, usize),
}

impl Reader<'_> {
    /// Reads `BEGIN … END`.
    pub(super) fn block(&mut self, label: Option<&str>) -> Result<Block, Failure> {
        for what in ["BEGIN TRANSACTION", "BEGIN ATOMIC", "BEGIN WORK"] {
            if self.c.is(what) {
                return Err(feature(what));
            }
        }
        self.c.expect("BEGIN")?;
        self.c.eat("NOT ATOMIC");
        self.deeper()?;
        let labels = self.labels.depth();
        if let Some(label) = label {
            self.labels.enter(label, Place::Block)?;
        }
        self.conditions.push(Conditions::new());
        let mut block = Block { label: label.map(str::to_lowercase), ..Block::default() };
        // The words of the grammar have an order: variables and conditions, handlers, statements.
        while !self.c.eat("END") {
            if self.c.is("DECLARE") {
                self.declaration(&mut block)?;
            } else {
                let step = self.step()?;
                block.steps.push(step);
            }
            self.c.expect(";")?;
        }
        if self.nesting > 1 {
            self.end_label(label)?;
        }
        self.conditions.pop();
        self.labels.leave(labels);
        self.nesting -= 1;
        Ok(block)
    }

    fn deeper(&mut self) -> Result<(), Failure> {
        self.nesting += 1;
        if self.nesting > NESTING {
            return Err(depth::too_complex("blocks and loops of a script inside each other", NESTING));
        }
        Ok(())
    }

    fn end_label(&mut self, begin: Option<&str>) -> Result<(), Failure> {
        if self.c.is(";") || self.c.at_end() {
            return Ok(());
        }
        let end = self.c.identifier()?;
        check_end(begin, &end)
    }

    /// The line of the next word.
    pub(super) fn line(&mut self) -> usize {
        let at = self.c.offset();
        let (from, line) = self.line;
        let passed = self.text.get(from..at).map_or(0, |passed| passed.matches('\n').count());
        self.line = (at, line + passed);
        line + passed
    }

    /// Statements up to one of the words that end them, of which there has to be one at least.
    fn steps(&mut self, ends: &[&str]) -> Result<Vec<Step>, Failure> {
        self.deeper()?;
        let mut steps = Vec::new();
        if ends.iter().any(|word| self.c.is(word)) {
            return Err(self.c.error());
        }
        loop {
            steps.push(self.step()?);
            self.c.expect(";")?;
            if ends.iter().any(|word| self.c.is(word)) {
                self.nesting -= 1;
                return Ok(steps);
            }
        }
    }

    pub(super) fn step(&mut self) -> Result<Step, Failure> {
        let line = self.line();
        let label = self.label();
        let kind = self.kind(label.as_deref())?;
        Ok(Step { line, kind })
    }

    /// `label:`, in front of what can have one.
    fn label(&mut self) -> Option<String> {
        const LABELED: [&str; 5] = ["BEGIN", "FOR", "LOOP", "REPEAT", "WHILE"];
        let before = self.c.clone();
        match self.c.identifier() {
            Ok(label) if self.c.eat(":") && LABELED.iter().any(|word| self.c.is(word)) => Some(label),
            _ => {
                self.c.back_to(&before);
                None
            }
        }
    }

    fn kind(&mut self, label: Option<&str>) -> Result<Kind, Failure> {
        if self.c.is("BEGIN") {
            return self.block(label).map(Kind::Block);
        }
        if self.c.eat("WHILE") {
            let condition = self.expression("DO")?;
            return self.repeated(label, Form::While(condition), "WHILE");
        }
        if self.c.eat("LOOP") {
            return self.repeated(label, Form::Endless, "LOOP");
        }
        if self.c.eat("REPEAT") {
            return self.repeated(label, Form::Until(String::new()), "REPEAT");
        }
        if self.c.eat("FOR") {
            let before = self.c.clone();
            let row = match self.c.identifier() {
                Ok(name) if self.c.eat("AS") => Some(name.to_lowercase()),
                _ => {
                    self.c.back_to(&before);
                    None
                }
            };
            let query = self.c.until(&["DO"], false)?.to_owned();
            self.c.expect("DO")?;
            query_is_read(&query)?;
            return self.repeated(label, Form::For { row, query }, "FOR");
        }
        if label.is_some() {
            return Err(self.c.error());
        }
        if self.c.eat("IF") {
            return self.branches();
        }
        if self.c.eat("CASE") {
            return self.case();
        }
        for statement in ["LEAVE", "ITERATE"] {
            if self.c.eat(statement) {
                let label = self.c.identifier()?;
                if !self.c.is(";") {
                    return Err(self.c.error());
                }
                let target = self.labels.target(&label, statement)?;
                return Ok(if statement == "LEAVE" { Kind::Leave(target) } else { Kind::Iterate(target) });
            }
        }
        if let Some(kind) = self.diagnostics()? {
            return Ok(kind);
        }
        self.plain()
    }

    /// An expression and the word behind it.
    fn expression(&mut self, end: &str) -> Result<String, Failure> {
        let text = self.c.until(&[end, ";"], false)?.to_owned();
        self.c.expect(end)?;
        query_is_read(&format!("SELECT ({text})"))?;
        Ok(text)
    }

    fn repeated(&mut self, label: Option<&str>, form: Form, word: &str) -> Result<Kind, Failure> {
        let labels = self.labels.depth();
        if let Some(label) = label {
            self.labels.enter(label, Place::Loop)?;
        }
        if let Form::For { row: Some(row), .. } = &form {
            self.labels.enter(row, Place::Row)?;
        }
        let (form, body) = if matches!(form, Form::Until(_)) {
            let body = self.steps(&["UNTIL"])?;
            self.c.expect("UNTIL")?;
            let condition = self.expression("END")?;
            (Form::Until(condition), body)
        } else {
            let body = self.steps(&["END"])?;
            self.c.expect("END")?;
            (form, body)
        };
        self.c.expect(word)?;
        self.end_label(label)?;
        self.labels.leave(labels);
        Ok(Kind::Loop { label: label.map(str::to_lowercase), form, body })
    }

    fn branches(&mut self) -> Result<Kind, Failure> {
        let mut branches = Vec::new();
        loop {
            let condition = self.expression("THEN")?;
            branches.push((condition, self.steps(&["ELSEIF", "ELSE", "END"])?));
            if !self.c.eat("ELSEIF") {
                break;
            }
        }
        self.otherwise(None, branches, "IF")
    }

    fn case(&mut self) -> Result<Kind, Failure> {
        let value = if self.c.is("WHEN") {
            None
        } else {
            let text = self.c.until(&["WHEN", ";"], false)?.to_owned();
            query_is_read(&format!("SELECT ({text})"))?;
            Some(text)
        };
        let mut branches = Vec::new();
        self.c.expect("WHEN")?;
        loop {
            let condition = self.expression("THEN")?;
            branches.push((condition, self.steps(&["WHEN", "ELSE", "END"])?));
            if !self.c.eat("WHEN") {
                break;
            }
        }
        self.otherwise(value, branches, "CASE")
    }

    fn otherwise(
        &mut self,
        value: Option<String>,
        branches: Vec<(String, Vec<Step>)>,
        word: &str,
    ) -> Result<Kind, Failure> {
        let otherwise = if self.c.eat("ELSE") { self.steps(&["END"])? } else { Vec::new() };
        self.c.expect("END")?;
        self.c.expect(word)?;
        Ok(Kind::Choice { value, branches, otherwise })
    }

    /// The text up to the next semicolon.
    pub(super) fn text(&mut self) -> Result<String, Failure> {
        self.c.until(&ENDS, false).map(str::to_owned)
    }

    /// A statement that is none of scripts alone.
    fn plain(&mut self) -> Result<Kind, Failure> {
        if self.c.is("DECLARE") {
            return Err(self.misplaced());
        }
        for what in ["OPEN", "FETCH", "CLOSE"] {
            if self.c.is(what) {
                return Err(feature(&format!("cursors in SQL scripts ({what}); use FOR … DO")));
            }
        }
        for what in ["USE", "SET CATALOG"] {
            if self.c.is(what) {
                let text = format!("{what} in SQL scripts; send it before the script, or write names in full");
                return Err(feature(&text));
            }
        }
        if self.c.is("DROP TEMPORARY VARIABLE") || self.c.is("DROP VARIABLE") {
            let text = "The feature is not supported: DROP TEMPORARY VARIABLE is not supported within SQL scripts.";
            return Err(Failure::class("UNSUPPORTED_FEATURE.SQL_SCRIPTING_DROP_TEMPORARY_VARIABLE", text, "0A000"));
        }
        if self.c.eat("SET") {
            let before = self.c.clone();
            let variable = self.c.eat("VAR") || self.c.eat("VARIABLE");
            if variable || self.c.is("(") || (self.c.name().is_ok() && self.c.is("=")) {
                if !variable {
                    self.c.back_to(&before);
                }
                return Ok(Kind::Assign(self.text()?));
            }
            self.c.back_to(&before);
            self.c.back();
        }
        if self.c.is(";") || self.c.at_end() {
            return Err(self.c.error());
        }
        let values = self.c.is("VALUES");
        let query = ["SELECT", "WITH", "FROM", "("].iter().any(|word| self.c.is(word));
        let text = self.text()?;
        if values {
            query_is_read(&format!("SELECT * FROM ({text})"))?;
        } else if query {
            query_is_read(&text)?;
        }
        Ok(Kind::Statement(text))
    }
}

/// Checks that a query can be read, so that a mistake is found before anything has run.
fn query_is_read(text: &str) -> Result<(), Failure> {
    // Names that are computed are put in when the statement runs.
    if text.to_ascii_lowercase().contains("identifier") {
        return Ok(());
    }
    match rewrite::parse(text)? {
        Statement::Query(_) => Ok(()),
        _ => Err(Failure::class("PARSE_SYNTAX_ERROR", "Syntax error: a query was expected.", "42601")),
    }
}
