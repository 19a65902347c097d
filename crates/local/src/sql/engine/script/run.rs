//! Running the statements of a script.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;

use super::super::command::{self, Running, cursor::Cursor, names, variables};
use super::super::scope::{Finished, Named, Reply, Scope};
use super::super::session::Variable;
use super::super::spark::value::V;
use super::handling::Active;
use super::locals::{Frame, Locals};
use super::read;
use super::signals::{self, Raised};
use super::tree::{Block, Form, Item, Kind, Step};
use crate::sql::Failure;

/// The name of the value that a CASE statement compares, which no script can write.
const CASE_VALUE: &str = "\u{1}case";

/// How a script goes on behind a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow<'t> {
    Next,
    Leave(&'t str),
    Iterate(&'t str),
    /// Out of the block of that number, whose handler has run.
    Exit(usize),
}

pub(super) type Walk<'w, 't> = Pin<Box<dyn Future<Output = Result<Flow<'t>, Failure>> + 'w>>;

/// Runs a script, whose literals are in plain form.
pub(in super::super) fn run<'a>(scope: &'a Scope<'_>, text: &'a str) -> Running<'a> {
    Box::pin(async move {
        let block = read::script(text)?;
        let locals = Arc::new(Locals::default());
        let scope = Scope { locals: Some(Arc::clone(&locals)), ..scope.clone() };
        let mut machine = Machine { scope, locals, active: Vec::new(), handled: Vec::new(), result: None };
        machine.block(&block).await?;
        Ok(machine.result.map_or(Reply::Nothing, |finished| Reply::Finished(Box::new(finished))))
    })
}

pub(super) struct Machine<'s, 't> {
    scope: Scope<'s>,
    pub(super) locals: Arc<Locals>,
    /// Blocks that run, innermost last.
    pub(super) active: Vec<Active<'t>>,
    /// Failures whose handlers run, innermost last.
    pub(super) handled: Vec<Raised>,
    result: Option<Finished>,
}

impl<'t> Machine<'_, 't> {
    pub(super) async fn steps(&mut self, steps: &'t [Step]) -> Result<Flow<'t>, Failure> {
        for step in steps {
            match self.step(step).await? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn step<'m>(&'m mut self, step: &'t Step) -> Walk<'m, 't> {
        Box::pin(async move {
            // A loop without an end has to be one that can be canceled.
            tokio::task::yield_now().await;
            let done = match &step.kind {
                Kind::Statement(text) => self.statement(text).await,
                Kind::Declare(text) => self.declare(text).await,
                Kind::Assign(text) => variables::set(&self.scope, &mut Cursor::new(text)).await.map(|_| ()),
                Kind::Block(block) => return self.block(block).await,
                Kind::Choice { value, branches, otherwise } => {
                    return self.choice(step.line, value.as_deref(), branches, otherwise).await;
                }
                Kind::Loop { label, form, body } => {
                    return self.repeated(step.line, label.as_deref(), form, body).await;
                }
                Kind::Leave(label) => return Ok(Flow::Leave(label)),
                Kind::Iterate(label) => return Ok(Flow::Iterate(label)),
                Kind::Signal(signal) => match signals::raised(&self.scope, signal).await {
                    Ok((failure, arguments)) => {
                        return self.handle(Raised { failure, line: step.line, arguments }).await;
                    }
                    Err(failure) => Err(failure),
                },
                Kind::Resignal => match self.handled.last().cloned() {
                    Some(raised) => return self.handle(raised).await,
                    None => Ok(()),
                },
                Kind::Diagnostics(items) => self.diagnostics(items),
            };
            self.settle(done, step.line).await
        })
    }

    /// Goes on, or with the handler of a failure.
    async fn settle(&mut self, done: Result<(), Failure>, line: usize) -> Result<Flow<'t>, Failure> {
        match done {
            Ok(()) => Ok(Flow::Next),
            Err(failure) => self.handle(Raised { failure, line, arguments: None }).await,
        }
    }

    async fn statement(&mut self, text: &str) -> Result<(), Failure> {
        // What SHOW and the like list is no result.
        let query = ["SELECT", "WITH", "VALUES", "FROM", "TABLE", "(", "EXECUTE"];
        let shown = query.iter().any(|word| Cursor::new(text).is(word));
        match command::run(&self.scope, text).await? {
            Reply::Query(planned) if shown => self.result = Some(planned.finish().await?),
            Reply::Finished(finished) => self.result = Some(*finished),
            Reply::Nothing | Reply::Rows(_) | Reply::Query(_) => {}
        }
        Ok(())
    }

    async fn declare(&mut self, text: &str) -> Result<(), Failure> {
        let (names, variable) = variables::declared(&self.scope, &mut Cursor::new(text)).await?;
        let mut frames = self.locals.lock();
        let Some(frame) = frames.last_mut() else { return Ok(()) };
        for name in names {
            if frame.variables.contains_key(&name) {
                return Err(variables::exists(&[&name]));
            }
            frame.variables.insert(name, variable.clone());
        }
        Ok(())
    }

    fn diagnostics(&mut self, items: &[(Vec<String>, Item)]) -> Result<(), Failure> {
        let Some(raised) = self.handled.last() else { return Ok(()) };
        for (name, item) in items {
            let (value, kind) = signals::stated(*item, raised)?;
            variables::assign(&self.scope, name, &value, &kind)?;
        }
        Ok(())
    }

    /// The value of an expression, with names that it computes.
    async fn value(&self, text: &str) -> Result<(V, DataType), Failure> {
        let resolved = names::identifiers(&self.scope, text).await?;
        self.scope.value(resolved.as_deref().unwrap_or(text)).await
    }

    /// Whether a condition holds, which it does not where it is unknown.
    async fn holds(&self, text: &str) -> Result<bool, Failure> {
        match self.value(text).await? {
            (V::Bool(truth), _) => Ok(truth),
            (V::Null, DataType::Boolean) => Ok(false),
            _ => Err(Failure::class(
                "INVALID_BOOLEAN_STATEMENT",
                &format!("Boolean statement is expected in the condition, but {} was found.", text.to_uppercase()),
                "22546",
            )),
        }
    }

    pub(super) fn block<'m>(&'m mut self, block: &'t Block) -> Walk<'m, 't> {
        Box::pin(async move {
            let (number, depth) = (self.active.len(), self.locals.depth());
            self.locals.enter(Frame { label: block.label.clone(), variables: BTreeMap::new() });
            self.active.push(Active { handlers: &block.handlers, handling: false, depth: depth + 1 });
            let flow = self.steps(&block.steps).await?;
            self.active.truncate(number);
            self.locals.leave(depth);
            Ok(match flow {
                Flow::Exit(to) if to == number => Flow::Next,
                Flow::Leave(label) if Some(label) == block.label.as_deref() => Flow::Next,
                other => other,
            })
        })
    }

    async fn choice(
        &mut self,
        line: usize,
        value: Option<&str>,
        branches: &'t [(String, Vec<Step>)],
        otherwise: &'t [Step],
    ) -> Result<Flow<'t>, Failure> {
        let depth = self.locals.depth();
        let found = self.branch(value, branches).await;
        self.locals.leave(depth);
        match found {
            Ok(Some(body)) => self.steps(body).await,
            Ok(None) => self.steps(otherwise).await,
            Err(failure) => self.settle(Err(failure), line).await,
        }
    }

    /// The statements of the first branch whose condition holds.
    async fn branch(
        &mut self,
        value: Option<&str>,
        branches: &'t [(String, Vec<Step>)],
    ) -> Result<Option<&'t [Step]>, Failure> {
        if let Some(text) = value {
            let (value, kind) = self.value(text).await?;
            let variable = Variable { kind, value, default: (V::Null, None) };
            let variables = BTreeMap::from([(CASE_VALUE.to_owned(), variable)]);
            self.locals.enter(Frame { label: None, variables });
        }
        for (condition, body) in branches {
            let holds = match value {
                Some(_) => self.holds(&format!("`{CASE_VALUE}` = ({condition})")).await?,
                None => self.holds(condition).await?,
            };
            if holds {
                return Ok(Some(body));
            }
        }
        Ok(None)
    }

    async fn repeated(
        &mut self,
        line: usize,
        label: Option<&'t str>,
        form: &'t Form,
        body: &'t [Step],
    ) -> Result<Flow<'t>, Failure> {
        if let Form::For { row, query } = form {
            return self.rows(line, label, (row.as_deref(), query), body).await;
        }
        loop {
            if let Form::While(condition) = form {
                match self.holds(condition).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(Flow::Next),
                    Err(failure) => return self.settle(Err(failure), line).await,
                }
            }
            if let Some(flow) = after(self.steps(body).await?, label) {
                return Ok(flow);
            }
            if let Form::Until(condition) = form {
                match self.holds(condition).await {
                    Ok(false) => {}
                    Ok(true) => return Ok(Flow::Next),
                    Err(failure) => return self.settle(Err(failure), line).await,
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Runs the statements once for each row of a query, whose columns are variables.
    async fn rows(
        &mut self,
        line: usize,
        label: Option<&'t str>,
        (row, query): (Option<&str>, &str),
        body: &'t [Step],
    ) -> Result<Flow<'t>, Failure> {
        let read = async {
            let resolved = names::identifiers(&self.scope, query).await?;
            let text = resolved.as_deref().unwrap_or(query);
            let whole = if text.trim_start().to_ascii_uppercase().starts_with("VALUES") {
                format!("SELECT * FROM ({text})")
            } else {
                text.to_owned()
            };
            self.scope.read(&whole, Named::new()).await
        };
        let read = match read.await {
            Ok(read) => read,
            Err(failure) => return self.settle(Err(failure), line).await,
        };
        for values in read.values() {
            let mut variables = BTreeMap::new();
            for ((name, kind), value) in read.names.iter().zip(&read.kinds).zip(values) {
                let variable = Variable { kind: kind.clone(), value, default: (V::Null, None) };
                if variables.insert(name.to_lowercase(), variable).is_some() {
                    return self.settle(Err(variables::exists(&[name])), line).await;
                }
            }
            let depth = self.locals.depth();
            self.locals.enter(Frame { label: row.map(str::to_owned), variables });
            let flow = self.steps(body).await?;
            self.locals.leave(depth);
            if let Some(flow) = after(flow, label) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }
}

/// How a loop is left behind its body; `None` if it goes on.
fn after<'t>(flow: Flow<'t>, label: Option<&str>) -> Option<Flow<'t>> {
    match flow {
        Flow::Next => None,
        Flow::Iterate(to) if Some(to) == label => None,
        Flow::Leave(to) if Some(to) == label => Some(Flow::Next),
        other => Some(other),
    }
}
