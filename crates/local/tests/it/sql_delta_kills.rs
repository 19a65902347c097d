//! The program is killed while statements change tables: what it acknowledged is there at the next start, and nothing of a
//! statement that it did not acknowledge is there in part.
//!
//! Some kills by default; `LOCAL_KILLS=50` is the full measure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::process::{Connection, Program};

const WRITERS: usize = 4;
/// How many rows of the table that all share a writer has.
const ROWS: usize = 6;

/// The rows of one writer by their key, as they were acknowledged; and what the statement under way would make of them.
#[derive(Clone, Default)]
struct Known {
    rows: BTreeMap<i64, String>,
    open: Option<BTreeMap<i64, String>>,
    /// Rows that were added to the writer's own table, two a statement.
    added: i64,
    adding: bool,
    /// Tables that it has made and not dropped, and the one that is being made or dropped.
    made: BTreeSet<String>,
    naming: Option<String>,
}

/// What a statement changes.
enum Step {
    Rows(String),
    Own(String),
    Tables(String),
}

/// The rows that a statement gives; `None` where the connection broke.
fn run(c: &mut Connection, warehouse: &str, statement: &str) -> Option<Value> {
    let body = json!({"warehouse_id": warehouse, "statement": statement, "wait_timeout": "50s"});
    let (status, body) = c.json("POST", "/api/2.0/sql/statements", &body).ok()?;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["status"]["state"], "SUCCEEDED", "{statement}: {body}");
    Some(body["result"]["data_array"].clone())
}

/// The next statement of a writer, which notes what it would change.
fn next(known: &mut Known, w: usize, round: usize, step: usize) -> Step {
    let key = |slot: usize| (w * ROWS + slot) as i64;
    let text = format!("{w} {round} {step} {}", "x".repeat(step % 7 * 100));
    let slot = key(step / 6 % ROWS);
    let mut rows = known.rows.clone();
    let statement = match step % 6 {
        0 => {
            rows.insert(slot, text.clone());
            format!(
                "MERGE INTO shared USING (SELECT {slot} AS k, '{text}' AS v) s ON shared.k = s.k \
                 WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)"
            )
        }
        1 => {
            // All rows of the writer change, or none.
            rows.values_mut().for_each(|v| v.clone_from(&text));
            format!("UPDATE shared SET v = '{text}' WHERE k BETWEEN {} AND {}", key(0), key(ROWS - 1))
        }
        2 if rows.len() > 3 => {
            rows.remove(&slot);
            format!("DELETE FROM shared WHERE k = {slot}")
        }
        3 if known.made.len() > 1 => {
            known.naming = known.made.first().cloned();
            return Step::Tables(format!("DROP TABLE {}", known.made.first().unwrap()));
        }
        3 => {
            let name = format!("made_{w}_{round}_{step}");
            known.naming = Some(name.clone());
            return Step::Tables(format!("CREATE TABLE {name} AS SELECT {step} AS a"));
        }
        _ => {
            known.adding = true;
            return Step::Own(format!("INSERT INTO own_{w} VALUES ({}), ({})", known.added, known.added + 1));
        }
    };
    known.open = Some(rows);
    Step::Rows(statement)
}

/// Changes rows and tables until the connection breaks, and reports every acknowledgement.
fn writer(
    c: &mut Connection,
    warehouse: &str,
    w: usize,
    round: usize,
    mut known: Known,
    done: &mpsc::Sender<()>,
) -> Known {
    for number in 0.. {
        let step = next(&mut known, w, round, number);
        let (Step::Rows(statement) | Step::Own(statement) | Step::Tables(statement)) = &step;
        if run(c, warehouse, statement).is_none() {
            return known;
        }
        match step {
            Step::Rows(_) => known.rows = known.open.take().unwrap_or_default(),
            Step::Own(_) => {
                known.added += 2;
                known.adding = false;
            }
            Step::Tables(_) => {
                let name = known.naming.take().unwrap_or_default();
                if !known.made.remove(&name) {
                    known.made.insert(name);
                }
            }
        }
        if done.send(()).is_err() {
            return known;
        }
    }
    known
}

/// Compares what is there with what was acknowledged, and settles what was under way.
fn check(c: &mut Connection, warehouse: &str, w: usize, known: &mut Known) {
    let (from, to) = (w * ROWS, (w + 1) * ROWS);
    let found = run(c, warehouse, &format!("SELECT k, v FROM shared WHERE k >= {from} AND k < {to}")).unwrap();
    // No rows are no member.
    let found = found.as_array().into_iter().flatten();
    let found: BTreeMap<i64, String> =
        found.map(|row| (row[0].as_str().unwrap().parse().unwrap(), row[1].as_str().unwrap().to_owned())).collect();
    let open = known.open.take();
    assert!(found == known.rows || Some(&found) == open.as_ref(), "{w}: {found:?}\n{:?}\n{open:?}", known.rows);
    known.rows = found;
    let count = run(c, warehouse, &format!("SELECT count(*), count(DISTINCT id), max(id) FROM own_{w}")).unwrap();
    let [count, distinct, last] = [0, 1, 2].map(|at| count[0][at].as_str().map_or(-1, |n| n.parse::<i64>().unwrap()));
    let whole = known.added + if known.adding { 2 } else { 0 };
    assert!(count == known.added || count == whole, "{w}: {count} of {} or {whole}", known.added);
    assert_eq!((distinct, last), (count, count - 1), "{w}");
    known.added = count;
    known.adding = false;
    let shown = run(c, warehouse, &format!("SHOW TABLES LIKE 'made_{w}_*'")).unwrap();
    let there = shown.as_array().into_iter().flatten().map(|row| row[1].as_str().unwrap().to_owned());
    let there: BTreeSet<String> = there.collect();
    let differs: Vec<&String> = there.symmetric_difference(&known.made).collect();
    assert!(differs.is_empty() || differs == [known.naming.as_ref().unwrap()], "{w}: {there:?} {:?}", known.made);
    for name in &there {
        let rows = run(c, warehouse, &format!("SELECT count(*) FROM {name}")).unwrap();
        assert_eq!(rows, json!([["1"]]), "{name}: a table that is there has its rows");
    }
    known.made = there;
    known.naming = None;
}

#[test]
fn acknowledged_statements_are_there_after_every_kill() {
    let rounds = std::env::var("LOCAL_KILLS").ok().map_or(3, |text| text.parse().unwrap());
    let (temporary, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--data", data.path().to_str().unwrap(), "--speed", "1000000"];
    let mut all: Vec<Known> = (0..WRITERS).map(|_| Known::default()).collect();
    let mut total = 0;
    for round in 0..=rounds {
        let mut program = Program::start(temporary.path(), &arguments);
        let warehouse = program.value("DATABRICKS_WAREHOUSE_ID").to_owned();
        let mut c = program.connect().unwrap();
        if round == 0 {
            run(&mut c, &warehouse, "CREATE TABLE shared (k BIGINT, v STRING, CONSTRAINT some CHECK (length(v) > 0))")
                .unwrap();
            for w in 0..WRITERS {
                run(&mut c, &warehouse, &format!("CREATE TABLE own_{w} (id BIGINT)")).unwrap();
            }
        }
        for (w, known) in all.iter_mut().enumerate() {
            check(&mut c, &warehouse, w, known);
        }
        // Every version can be read, whatever the kill has met.
        let versions = run(&mut c, &warehouse, "SELECT count(*) FROM shared VERSION AS OF 0").unwrap();
        assert_eq!(versions, json!([["0"]]));
        if round == rounds {
            let tables = std::fs::read_dir(data.path().join("tables")).unwrap().count();
            let made: usize = all.iter().map(|known| known.made.len()).sum();
            assert_eq!(tables, WRITERS + 1 + made, "directories that no name leads to were swept, and no others");
            break;
        }
        let (done, count) = mpsc::channel();
        // Every round ends at another number of acknowledgements, with the others' statements under way.
        let wanted = 1 + (round * 37) % 60;
        all = std::thread::scope(|scope| {
            let writers: Vec<_> = std::mem::take(&mut all)
                .into_iter()
                .enumerate()
                .map(|(w, known)| {
                    let (mut c, done, warehouse) = (program.connect().unwrap(), done.clone(), warehouse.clone());
                    scope.spawn(move || writer(&mut c, &warehouse, w, round, known, &done))
                })
                .collect();
            for _ in 0..wanted {
                count.recv().unwrap();
            }
            program.kill();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        total += wanted + count.try_iter().count();
    }
    println!("{rounds} kills, {total} acknowledged statements");
}
