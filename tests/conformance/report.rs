//! What came of a set of cases.

use std::collections::{BTreeMap, BTreeSet};

/// What came of one case.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// The part of the client that the case is about is not there yet.
    NotBuilt,
}

/// What came of all cases of one file.
#[derive(Debug)]
pub(crate) struct Report {
    suite: &'static str,
    features: BTreeMap<String, Vec<(String, Outcome)>>,
}

impl Report {
    pub(crate) fn new(suite: &'static str) -> Self {
        Self { suite, features: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, feature: &str, name: &str, outcome: Outcome) {
        self.features.entry(feature.to_owned()).or_default().push((name.to_owned(), outcome));
    }

    /// How many cases ran.
    pub(crate) fn len(&self) -> usize {
        self.features.values().map(Vec::len).sum()
    }

    /// Turns into failures what differs from the list of cases that are known not to be built: a case that is not built
    /// and not listed, and one that is listed although it runs. So neither a renamed operation nor a finished part goes
    /// unnoticed.
    pub(crate) fn expect_not_built(&mut self, listed: &BTreeSet<String>) {
        for (name, outcome) in self.features.values_mut().flatten() {
            match outcome {
                Outcome::NotBuilt if !listed.contains(name) => {
                    *outcome = Outcome::Failed(
                        "the harness does not know the operation; build it, or list the case in not_built.txt".into(),
                    );
                }
                Outcome::Passed if listed.contains(name) => {
                    *outcome = Outcome::Failed("the case passes; take it out of not_built.txt".into());
                }
                _ => {}
            }
        }
    }

    /// Whether nothing failed.
    pub(crate) fn passed(&self) -> bool {
        !self.features.values().flatten().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    #[allow(clippy::print_stdout)]
    pub(crate) fn print(&self) {
        let (mut passed, mut total, mut not_built) = (0, 0, 0);
        println!("\n{}", self.suite);
        for (feature, cases) in &self.features {
            let missing = cases.iter().filter(|(_, outcome)| matches!(outcome, Outcome::NotBuilt)).count();
            let good = cases.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Passed)).count();
            let built = cases.len() - missing;
            let note = if missing > 0 { format!(", {missing} not built") } else { String::new() };
            println!("  {feature:<20} {good}/{built}{note}");
            for (name, outcome) in cases {
                if let Outcome::Failed(why) = outcome {
                    println!("    FAILED {name}: {}", why.replace('\n', "\n      "));
                }
            }
            passed += good;
            total += built;
            not_built += missing;
        }
        println!("  {:<20} {passed}/{total}, {not_built} not built", "all");
    }
}
