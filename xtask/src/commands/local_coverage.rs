//! `cargo xtask local-coverage`: what the embedded workspace does of the API, and which client shows it, and its functions of SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Where the table is.
const PAGE: &str = "crates/local/COVERAGE.md";
/// Clients, and the programs of theirs.
const CLIENTS: &[(&str, &str)] = &[
    ("Python", "tests/interop"),
    ("Go", "tests/interop/go"),
    ("Java", "tests/interop/java/src/main/java/interop"),
    ("Node", "tests/interop/node"),
    ("Airflow", "tests/interop/airflow"),
];
/// What the programs call services whose name in the API's description is another.
const NAMES: &[(&str, &str)] = &[("commands", "command_execution"), ("statements", "statement_execution")];

/// One service: operations that work, that keep records, and all.
struct Row {
    service: String,
    work: usize,
    records: usize,
    all: usize,
}

/// Prints how much is covered and writes the pages, or fails if it is not what was written down.
///
/// Asks `program`, which is built if there is none.
pub(crate) fn run(root: &Path, check: bool, program: Option<PathBuf>) -> Result<()> {
    let program = program.map_or_else(|| built(root), Ok)?;
    let rows = rows(&program)?;
    let page = page(&rows, &shown_by(root)?);
    let sum = |of: fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
    println!("{} of {} operations are covered", sum(|r| r.work + r.records), sum(|r| r.all));
    let functions = super::local_functions::page(root, &program)?;
    for (place, page) in [(PAGE, page), (super::local_functions::PAGE, functions)] {
        let path = root.join(place);
        if check {
            let written = crate::files::text(&path)?;
            ensure!(
                written == page,
                "{place} is not what the embedded workspace covers: run `cargo xtask local-coverage`"
            );
        } else {
            std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// The program, built with the features of the workspace.
fn built(root: &Path) -> Result<PathBuf> {
    let mut build = super::process::cargo();
    build.current_dir(root).env("CARGO_INCREMENTAL", "0");
    let status = build.args(["build", "--quiet", "--workspace", "--bin", "databricks-local"]).status()?;
    ensure!(status.success(), "the embedded workspace cannot be built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    Ok(target.join("debug/databricks-local"))
}

fn rows(program: &Path) -> Result<Vec<Row>> {
    let output = Command::new(program).arg("--coverage").output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    String::from_utf8(output.stdout)?.lines().map(row).collect()
}

fn row(line: &str) -> Result<Row> {
    let &[service, work, records, all] = &line.split('\t').collect::<Vec<_>>()[..] else {
        bail!("not a line of coverage: {line}");
    };
    Ok(Row { service: service.to_owned(), work: work.parse()?, records: records.parse()?, all: all.parse()? })
}

/// The clients by the service that their programs call.
fn shown_by(root: &Path) -> Result<BTreeMap<String, BTreeSet<&'static str>>> {
    let mut shown: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for (client, directory) in CLIENTS {
        let directory = root.join(directory);
        for entry in std::fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))? {
            let path = entry?.path();
            let source = path.extension().is_some_and(|e| ["py", "go", "java", "mjs"].iter().any(|own| e == *own));
            if source {
                for service in called(&crate::files::text(&path)?) {
                    shown.entry(service).or_default().insert(client);
                }
            }
        }
    }
    for service in commands(&crate::files::text(&root.join("tests/interop/cli/run"))?) {
        shown.entry(service).or_default().insert("CLI");
    }
    Ok(shown)
}

/// The services of names such as `"clusters.get"`.
fn called(source: &str) -> BTreeSet<String> {
    let words = source.split('"').filter_map(|quoted| quoted.split_once('.'));
    let services = words.filter(|(service, call)| {
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        is_name(service) && call.split(' ').next().is_some_and(is_name)
    });
    services.map(|(service, _)| named(service)).collect()
}

/// The services of commands such as `cluster-policies list`.
fn commands(script: &str) -> BTreeSet<String> {
    let known = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let listed = script.lines().skip_while(|line| !line.starts_with("for list in")).take_while(|line| *line != "done");
    let listed = listed.flat_map(|line| line.split('"').skip(1).step_by(2));
    let said = script.lines().filter_map(|line| line.strip_prefix("says ")).map(|line| match line.strip_prefix('\'') {
        Some(rest) => rest.split_once('\'').map_or("", |(_, rest)| rest.trim_start()),
        None => line.split_once(' ').map_or("", |(_, rest)| rest),
    });
    let services = listed.chain(said).filter_map(|command| command.split(' ').next()).filter(|word| known(word));
    services
        .filter(|word| !word.is_empty())
        .map(|word| match word {
            "fs" => "dbfs".to_owned(),
            other => named(&other.replace('-', "_")),
        })
        .collect()
}

fn named(service: &str) -> String {
    let found = NAMES.iter().find(|(own, _)| *own == service);
    found.map_or(service, |(_, name)| *name).to_owned()
}

fn page(rows: &[Row], shown: &BTreeMap<String, BTreeSet<&'static str>>) -> String {
    let sum = |of: fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
    let (work, records, all) = (sum(|r| r.work), sum(|r| r.records), sum(|r| r.all));
    let mut out = String::from("# What the embedded workspace covers\n\n");
    out.push_str("Written by `cargo xtask local-coverage`; `--check` fails when it is out of date.\n\n");
    let _ = writeln!(
        out,
        "{} of {all} operations are covered: {work} do real work, {records} keep records. The other {} respond with 501 \
         `NOT_IMPLEMENTED` and the\nname of the operation.\n",
        work + records,
        all - work - records
    );
    out.push_str(
        "- **work**: the effect is there. Statements compute, code runs, files are kept, states change with time.\n\
         - **records**: what is stated is checked, kept and given back, with the identifiers and times of the service; nothing\n  \
         happens besides.\n\
         - **refused**: 501, never a made-up response.\n\
         - **shown by**: the official clients whose programs under `tests/interop` call the service.\n\n\
         | service | work | records | refused | shown by |\n|---|---|---|---|---|\n",
    );
    let blank = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    for row in rows {
        // Programs call some services to see that they are refused.
        let clients = shown.get(&row.service).filter(|_| row.work + row.records > 0);
        let clients = clients.into_iter().flatten().copied().collect::<Vec<_>>().join(", ");
        let refused = row.all - row.work - row.records;
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {clients} |",
            row.service,
            blank(row.work),
            blank(row.records),
            blank(refused)
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_in_programs_and_scripts() {
        let program = r#"ask(c, "clusters.get", x); ask(c, "statements.execute a mistake", y); open("a.Txt"); "x/y.z""#;
        assert_eq!(called(program).into_iter().collect::<Vec<_>>(), ["clusters", "statement_execution"]);
        let script = "says '' fs ls dbfs:/\nsays MANAGE secrets list-acls cli\n\
                      for list in \"users list\" \"cluster-policies list\" \\\n  \"repos list\"; do\ndone\n";
        let found: Vec<_> = commands(script).into_iter().collect();
        assert_eq!(found, ["cluster_policies", "dbfs", "repos", "secrets", "users"]);
    }
}
