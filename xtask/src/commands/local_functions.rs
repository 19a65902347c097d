//! The page of `cargo xtask local-coverage` on the functions of SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Where the page is.
pub(super) const PAGE: &str = "crates/local/FUNCTIONS.md";
/// Facts of the tests: names of the reference, and what statements give.
const FACTS: &str = "crates/local/tests/facts";
const TESTS: &str = "crates/local/tests/it";

/// A function as the program states it.
struct Known {
    kind: String,
    by: String,
}

/// The functions that the tests call, in lower case.
#[derive(Default)]
struct Called {
    /// In statements whose results are those of Spark.
    spark: BTreeSet<String>,
    /// In others.
    tests: BTreeSet<String>,
}

pub(super) fn page(root: &Path, program: &Path) -> Result<String> {
    let known = known(program)?;
    let list = crate::files::text(&root.join(FACTS).join("functions.txt"))?;
    let reference = reference(&list);
    ensure!(!reference.is_empty(), "the reference has no functions");
    Ok(written(&reference, &known, &called(root)?))
}

fn known(program: &Path) -> Result<BTreeMap<String, Known>> {
    let output = Command::new(program).arg("--functions").output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(output.status.success(), "{} does not state its functions", program.display());
    String::from_utf8(output.stdout)?
        .lines()
        .map(|line| {
            let &[name, kind, by] = &line.split('\t').collect::<Vec<_>>()[..] else {
                bail!("not a line of functions: {line}");
            };
            Ok((name.to_owned(), Known { kind: kind.to_owned(), by: by.to_owned() }))
        })
        .collect()
}

fn reference(list: &str) -> Vec<&str> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn called(root: &Path) -> Result<Called> {
    let facts = root.join(FACTS);
    let read = |name: &str| crate::files::text(&facts.join(name));
    let mut called = Called::default();
    for line in read("spark.jsonl")?.lines() {
        let fact: Value = serde_json::from_str(line)?;
        if fact["refused"] != true {
            words(fact["expression"].as_str().unwrap_or_default(), &mut called.spark);
        }
    }
    for statement in compared(&read("spark_statements.txt")?) {
        words(statement, &mut called.spark);
    }
    words(&read("statements.txt")?, &mut called.tests);
    for entry in std::fs::read_dir(root.join(TESTS)).with_context(|| format!("cannot read {TESTS}"))? {
        words(&crate::files::text(&entry?.path())?, &mut called.tests);
    }
    Ok(called)
}

/// The statements of a file of facts that are not refused.
fn compared(facts: &str) -> Vec<&str> {
    let mut all = Vec::new();
    for line in facts.lines() {
        match line.split_once(' ') {
            Some((">", statement)) => all.push(statement),
            Some(("?", _)) => drop(all.pop()),
            _ => {}
        }
    }
    all
}

/// Functions that stand between their arguments.
const OPERATORS: [&str; 1] = ["div"];

/// The words in front of brackets, and operators.
fn words(text: &str, into: &mut BTreeSet<String>) {
    let operators = OPERATORS.iter().filter(|name| text.split(' ').any(|word| word.eq_ignore_ascii_case(name)));
    into.extend(operators.map(|name| (*name).to_owned()));
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for (at, _) in text.match_indices('(') {
        let word = text[..at].trim_end_matches(' ').rsplit(|c| !is_part(c)).next().unwrap_or_default();
        if !word.is_empty() {
            into.insert(word.to_ascii_lowercase());
        }
    }
}

/// Functions of one family, which their names begin with.
const FAMILIES: &[(&str, &str)] = &[
    ("st_", "geometries and geographies"),
    ("h3_", "cells of H3"),
    ("ai_", "models"),
    ("hll_", "sketches of Apache DataSketches"),
    ("kll_", "sketches of Apache DataSketches"),
    ("theta_", "sketches of Apache DataSketches"),
    ("tuple_", "sketches of Apache DataSketches"),
    ("xpath", "XML"),
    ("read_", "sources of streams"),
];

fn written(reference: &[&str], known: &BTreeMap<String, Known>, called: &Called) -> String {
    let computed: Vec<(&str, &Known)> = reference.iter().filter_map(|name| Some((*name, known.get(*name)?))).collect();
    let refused: Vec<&str> = reference.iter().copied().filter(|name| !known.contains_key(*name)).collect();
    let count = |kind: &str| computed.iter().filter(|(_, it)| it.kind == kind).count();
    let spark = computed.iter().filter(|(name, _)| called.spark.contains(*name)).count();
    let tests =
        computed.iter().filter(|(name, _)| !called.spark.contains(*name) && called.tests.contains(*name)).count();
    let mut out = String::from("# The functions of SQL\n\n");
    out.push_str("Written by `cargo xtask local-coverage`; `--check` fails when it is out of date.\n\n");
    let _ = writeln!(
        out,
        "The embedded workspace computes {} of the {} functions of the [Databricks SQL reference][reference]: {} of values, {} \
         aggregates, {} of\nwindows, {} generators, {} tables, and {} that are syntax. It refuses the other {} with \
         `UNRESOLVED_ROUTINE` and their name.\n",
        computed.len(),
        reference.len(),
        count("scalar"),
        count("aggregate"),
        count("window"),
        count("generator"),
        count("table"),
        count("syntax"),
        refused.len()
    );
    let _ = writeln!(
        out,
        "- **computed by**: `here` is code of this crate by the meaning on the platform, `engine` is DataFusion's function.\n\
         - **compared with**: `Spark` is what Apache Spark gave for statements that call the function ({spark} functions); `tests` \
         are\n  statements whose results follow from the rules of the reference ({tests}). One without either is called by no \
         test ({}).\n\n\
         [reference]: https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-functions-builtin-alpha\n",
        computed.len() - spark - tests
    );
    out.push_str("| function | kind | computed by | compared with |\n|---|---|---|---|\n");
    for (name, it) in &computed {
        let compared = match name {
            name if called.spark.contains(*name) => "Spark",
            name if called.tests.contains(*name) => "tests",
            _ => "",
        };
        let _ = writeln!(out, "| `{name}` | {} | {} | {compared} |", it.kind, it.by);
    }
    out.push_str("\n## Refused\n\n");
    for (family, about) in FAMILIES {
        let own: Vec<_> =
            refused.iter().filter(|name| name.starts_with(family)).map(|name| format!("`{name}`")).collect();
        if !own.is_empty() {
            let _ = writeln!(out, "- {about} ({}): {}", own.len(), own.join(", "));
        }
    }
    let is_rest = |name: &&&str| !FAMILIES.iter().any(|(family, _)| name.starts_with(family));
    let rest: Vec<_> = refused.iter().filter(is_rest).map(|name| format!("`{name}`")).collect();
    if !rest.is_empty() {
        let _ = writeln!(out, "- others ({}): {}", rest.len(), rest.join(", "));
    }
    let own: Vec<_> =
        known.keys().filter(|name| !reference.contains(&name.as_str())).map(|name| format!("`{name}`")).collect();
    let _ = writeln!(
        out,
        "\n## Beside the reference\n\nFunctions that Spark has, and those of the reference under another name ({}): {}",
        own.len(),
        own.join(", ")
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        words(text, &mut found);
        found.into_iter().collect()
    }

    #[test]
    fn calls_are_words_in_front_of_brackets() {
        assert_eq!(all("SELECT abs(-1), x IN (1), (2), é(3), max_by(a, b(c))"), ["abs", "b", "in", "max_by"]);
        assert_eq!(all("SELECT 7 DIV 2"), ["div"]);
    }

    #[test]
    fn refused_statements_compare_nothing() {
        assert_eq!(
            compared("# a: b\n> SELECT f()\n: a int\n> SELECT g()\n? refused\n> SELECT h()\n! X 1"),
            ["SELECT f()", "SELECT h()"]
        );
    }

    #[test]
    fn the_page_counts_what_it_lists() {
        let known = [("abs", "scalar"), ("sum", "aggregate"), ("own", "scalar")];
        let known = known.map(|(n, kind)| (n.to_owned(), Known { kind: kind.to_owned(), by: "here".to_owned() }));
        let called = Called { spark: BTreeSet::from(["abs".to_owned()]), ..Called::default() };
        let page = written(&["abs", "st_x", "sum"], &BTreeMap::from(known), &called);
        assert!(page.contains("computes 2 of the 3 functions"), "{page}");
        assert!(page.contains("| `abs` | scalar | here | Spark |\n| `sum` | aggregate | here |  |\n"), "{page}");
        assert!(page.contains("geographies (1): `st_x`") && page.contains("(1): `own`"), "{page}");
    }
}
