//! Handlers at work: which block has one for a failure, and how the script goes on behind it.

use super::run::{Flow, Machine, Walk};
use super::signals::{self, Raised};
use super::tree::Handler;

/// A block that runs.
#[derive(Debug)]
pub(super) struct Active<'t> {
    pub(super) handlers: &'t [Handler],
    /// Whether one of them runs: none of a block's handlers is for failures of another.
    pub(super) handling: bool,
    /// Frames of variables up to the block's own.
    pub(super) depth: usize,
}

impl<'t> Machine<'_, 't> {
    /// Runs the handler for a failure, which else ends the script.
    pub(super) fn handle<'m>(&'m mut self, raised: Raised) -> Walk<'m, 't> {
        Box::pin(async move {
            if !signals::is_condition(&raised.failure) {
                return Err(raised.failure);
            }
            let found = self.active.iter().enumerate().rev().filter(|(_, block)| !block.handling);
            let found = found.map(|(number, block)| (number, signals::handler(block.handlers, &raised.failure)));
            let Some((number, handler)) = found.filter_map(|(n, h)| h.map(|h| (n, h))).next() else {
                return Err(raised.failure);
            };
            // The handler's names are those of its block.
            let blocks = self.active.split_off(number + 1);
            let mut hidden = Vec::new();
            if let Some(block) = self.active.last_mut() {
                block.handling = true;
                hidden = self.locals.hide(block.depth);
            }
            self.handled.push(raised);
            let flow = self.steps(&handler.body).await?;
            self.handled.pop();
            if let Some(block) = self.active.get_mut(number) {
                block.handling = false;
            }
            if flow != Flow::Next {
                return Ok(flow);
            }
            if !handler.continues {
                return Ok(Flow::Exit(number));
            }
            self.active.extend(blocks);
            self.locals.put_back(hidden);
            Ok(Flow::Next)
        })
    }
}
