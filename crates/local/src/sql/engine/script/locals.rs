//! Variables of the blocks and FOR loops that a script is in.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::session::Variable;

/// The variables of one block, and the name that they can be qualified with.
#[derive(Debug, Default)]
pub(in super::super) struct Frame {
    pub(in super::super) label: Option<String>,
    pub(in super::super) variables: BTreeMap<String, Variable>,
}

/// The innermost frame is the last.
#[derive(Debug, Default)]
pub(in super::super) struct Locals(Mutex<Vec<Frame>>);

impl Locals {
    pub(in super::super) fn lock(&self) -> MutexGuard<'_, Vec<Frame>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works with the variable of that name, if there is one: innermost first, or that of the block with the label.
    pub(in super::super) fn with<T>(&self, parts: &[String], work: impl FnOnce(&mut Variable) -> T) -> Option<T> {
        let mut frames = self.lock();
        let (label, name) = match parts {
            [name] => (None, name.to_lowercase()),
            [label, name] => (Some(label.to_lowercase()), name.to_lowercase()),
            _ => return None,
        };
        let mut visible = frames.iter_mut().rev().filter(|f| label.is_none() || f.label == label);
        visible.find_map(|f| f.variables.get_mut(&name)).map(work)
    }

    pub(super) fn depth(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn enter(&self, frame: Frame) {
        self.lock().push(frame);
    }

    /// Forgets the frames inside of so many.
    pub(super) fn leave(&self, depth: usize) {
        self.lock().truncate(depth);
    }

    /// Hides the frames inside of so many until they are put back.
    pub(super) fn hide(&self, depth: usize) -> Vec<Frame> {
        let mut frames = self.lock();
        let depth = depth.min(frames.len());
        frames.split_off(depth)
    }

    pub(super) fn put_back(&self, hidden: Vec<Frame>) {
        self.lock().extend(hidden);
    }
}
