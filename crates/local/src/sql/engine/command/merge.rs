//! MERGE INTO: pairs of rows are found once, then each clause is computed for the rows that it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::Array as _;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;

use super::super::core::rows_name;
use super::super::scope::{Listing, Named, Read, Reply, Scope};
use super::super::spark::value::{V, read};
use super::super::store::operation::Operation;
use super::super::store::table::{Rows, TableState};
use super::super::store::{Name, quoted};
use super::assemble::{self, Source};
use super::change::{self, Changes, ROW, arrow, numbered, only, row_of, together, without};
use super::columns::unresolved;
use super::cursor::Cursor;
use super::{evolve, expressions};
use crate::sql::Failure;

/// The column of the source that counts its rows.
const SOURCE_ROW: &str = "__source_row";
const WHEN: &[&str] = &["WHEN MATCHED", "WHEN NOT MATCHED", ";"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Matched,
    NotMatched,
    NotMatchedBySource,
}

#[derive(Debug)]
enum Action {
    Delete,
    Update(Vec<(usize, String)>),
    UpdateAll,
    /// Positions of columns, and the texts of their values.
    Insert(Vec<usize>, Vec<String>),
    InsertAll,
}

#[derive(Debug)]
struct Clause {
    about: About,
    condition: Option<String>,
    action: Action,
}

fn clauses(c: &mut Cursor<'_>, state: &TableState, names: &[String]) -> Result<Vec<Clause>, Failure> {
    let mut all = Vec::new();
    while c.eat("WHEN") {
        let about = if c.eat("MATCHED") {
            About::Matched
        } else if c.eat("NOT MATCHED BY SOURCE") {
            About::NotMatchedBySource
        } else {
            c.expect("NOT MATCHED")?;
            c.eat("BY TARGET");
            About::NotMatched
        };
        let condition = if c.eat("AND") { Some(c.until(&["THEN"], false)?.to_owned()) } else { None };
        c.expect("THEN")?;
        let action = match about {
            About::NotMatched => insert(c, state)?,
            _ if c.eat("DELETE") => Action::Delete,
            _ => {
                c.expect("UPDATE SET")?;
                if about == About::Matched && c.eat("*") {
                    Action::UpdateAll
                } else {
                    Action::Update(change::assignments(c, state, names, WHEN)?)
                }
            }
        };
        all.push(Clause { about, condition, action });
    }
    c.done()?;
    if all.is_empty() {
        let text = "There must be at least one WHEN clause in a MERGE statement.";
        return Err(Failure::class("MERGE_WITHOUT_WHEN", text, "42601"));
    }
    for about in [About::Matched, About::NotMatched, About::NotMatchedBySource] {
        let of: Vec<_> = all.iter().filter(|cl| cl.about == about).collect();
        if of.iter().rev().skip(1).any(|cl| cl.condition.is_none()) {
            let (class, shown) = match about {
                About::Matched => ("NON_LAST_MATCHED_CLAUSE_OMIT_CONDITION", "MATCHED"),
                About::NotMatched => {
                    ("NON_LAST_NOT_MATCHED_BY_TARGET_CLAUSE_OMIT_CONDITION", "NOT MATCHED [BY TARGET]")
                }
                About::NotMatchedBySource => {
                    ("NON_LAST_NOT_MATCHED_BY_SOURCE_CLAUSE_OMIT_CONDITION", "NOT MATCHED BY SOURCE")
                }
            };
            return Err(Failure::class(
                class,
                &format!(
                    "When there are more than one {shown} clauses in a MERGE statement, only the last {shown} clause can omit the \
                     condition."
                ),
                "42613",
            ));
        }
    }
    Ok(all)
}

fn insert(c: &mut Cursor<'_>, state: &TableState) -> Result<Action, Failure> {
    c.expect("INSERT")?;
    if c.eat("*") {
        return Ok(Action::InsertAll);
    }
    let columns = if c.is("(") {
        let names = c.list(|c| Ok(c.name()?.pop().unwrap_or_default()))?;
        let found: Vec<usize> =
            names.iter().map(|n| state.position(n).ok_or_else(|| unresolved(n, state))).collect::<Result<_, _>>()?;
        if found.iter().enumerate().any(|(at, column)| found[..at].contains(column)) {
            let text = "Duplicate column names in INSERT clause";
            return Err(Failure::class("DELTA_DUPLICATE_COLUMNS_ON_INSERT", text, "42701"));
        }
        found
    } else {
        (0..state.columns.len()).collect()
    };
    c.expect("VALUES")?;
    let mut texts = Vec::new();
    c.expect("(")?;
    loop {
        let text = c.until(&[], true)?;
        let default = columns.get(texts.len()).and_then(|at| state.columns[*at].default.clone());
        texts.push(if text.eq_ignore_ascii_case("default") {
            default.unwrap_or_else(|| "NULL".to_owned())
        } else {
            text.to_owned()
        });
        if !c.eat(",") {
            break;
        }
    }
    c.expect(")")?;
    if texts.len() != columns.len() {
        return Err(Failure::class(
            "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
            &format!("The INSERT clause names {} columns and gives {} values.", columns.len(), texts.len()),
            "42802",
        ));
    }
    Ok(Action::Insert(columns, texts))
}

/// The condition under which a clause is the first of its kind that applies.
fn first(clauses: &[Clause], at: usize) -> String {
    let own = clauses[at].condition.clone().unwrap_or_else(|| "true".to_owned());
    let before = clauses[..at].iter().filter(|c| c.about == clauses[at].about);
    let before = before.map(|c| format!(" AND NOT coalesce(({}), false)", c.condition.as_deref().unwrap_or("true")));
    format!("({own}){}", before.collect::<String>())
}

struct Merge<'a, 'b> {
    scope: &'a Scope<'b>,
    name: Name,
    state: TableState,
    /// Rows of the target as the statement sees them, with their numbers in front.
    seen: RecordBatch,
    source: RecordBatch,
    source_names: Vec<String>,
    target_alias: String,
    source_alias: String,
    /// Whether columns that the source lacks are left as they are.
    evolves: bool,
    changes: Changes,
    gone: BTreeMap<usize, ()>,
    added: Vec<RecordBatch>,
}

impl Merge<'_, '_> {
    /// `target` are places among the rows that are seen.
    fn rows(&self, target: Option<&[usize]>, source: Option<&[usize]>) -> Result<Named, Failure> {
        let taken = |batch: &RecordBatch, rows: Option<&[usize]>| match rows {
            Some(rows) => only(batch, rows),
            None => Ok(batch.clone()),
        };
        let seen = Rows { schema: self.seen.schema(), batches: vec![taken(&self.seen, target)?] };
        let source = numbered(&taken(&self.source, source)?, SOURCE_ROW, source)?;
        Ok([("target".to_owned(), Arc::new(seen)), ("source".to_owned(), Arc::new(source))].into())
    }

    fn target_from(&self) -> String {
        format!("{} AS {}", rows_name("target"), quoted(&[&self.target_alias]))
    }

    fn source_from(&self) -> String {
        format!("{} AS {}", rows_name("source"), quoted(&[&self.source_alias]))
    }

    /// The value of a column of the source that has the name of one of the target.
    fn same_name(&self, column: usize) -> Result<Option<String>, Failure> {
        let key = self.state.columns[column].key();
        let found = self.source_names.iter().find(|n| n.to_lowercase() == key);
        Ok(found.map(|n| quoted(&[&self.source_alias, &n.to_lowercase()])))
    }

    /// All columns that are in the source as well; others of the target must be able to stay or be filled.
    fn all(&self) -> Result<Vec<(usize, String)>, Failure> {
        let mut all = Vec::new();
        for (at, column) in self.state.columns.iter().enumerate() {
            match self.same_name(at)? {
                Some(text) => all.push((at, text)),
                None if self.evolves || column.generated.is_some() || column.identity.is_some() => {}
                None => {
                    return Err(Failure::class(
                        "DELTA_MERGE_UNRESOLVED_EXPRESSION",
                        &format!(
                            "Cannot resolve {} in UPDATE clause or INSERT clause given columns {}.",
                            column.name,
                            self.source_names
                                .iter()
                                .map(|n| format!("{}.{n}", self.source_alias))
                                .collect::<Vec<_>>()
                                .join(", ")
                        ),
                        "42601",
                    ));
                }
            }
        }
        Ok(all)
    }

    /// Takes what a clause changes from the rows of a query: the number of the row, then values.
    fn change(&mut self, read: &Read, set: &[(usize, String)], skip: usize) -> Result<(), Failure> {
        let found = read.values();
        for row in &found {
            self.changes.entry(row_of(row.first())).or_default();
        }
        for (at, (column, _)) in set.iter().enumerate() {
            let given: Vec<V> = found.iter().map(|r| r.get(at + skip).cloned().unwrap_or(V::Null)).collect();
            let made = assemble::values_of(&given, &read.kinds[at + skip], &self.state.columns[*column], &self.name)
                .map_err(|failure| change::overflow(failure, &read.kinds[at + skip], &self.state.columns[*column]))?;
            for (row, value) in found.iter().zip(made) {
                self.changes.entry(row_of(row.first())).or_default().insert(*column, value);
            }
        }
        Ok(())
    }

    async fn matched(&mut self, clauses: &[Clause], on: &str) -> Result<(BTreeSet<usize>, BTreeSet<usize>), Failure> {
        let join = format!("{} JOIN {} ON {on}", self.target_from(), self.source_from());
        let text = format!("SELECT {ROW}, {SOURCE_ROW} FROM {join}");
        let pairs = self.scope.read(&text, self.rows(None, None)?).await?.values();
        let target: BTreeSet<usize> = pairs.iter().map(|r| row_of(r.first())).collect();
        let source: BTreeSet<usize> = pairs.iter().map(|r| row_of(r.get(1))).collect();
        let several = pairs.len() > target.len();
        let of: Vec<usize> = (0..clauses.len()).filter(|at| clauses[*at].about == About::Matched).collect();
        // Several rows of the source may only delete, and only without a condition.
        let only_deletes =
            of.len() == 1 && matches!(clauses[of[0]].action, Action::Delete) && clauses[of[0]].condition.is_none();
        let mut touched = BTreeSet::new();
        for at in of {
            let set = match &clauses[at].action {
                Action::Update(set) => Some(set.clone()),
                Action::UpdateAll => Some(self.all()?),
                _ => None,
            };
            let values: String = set.iter().flatten().map(|(_, text)| format!(", ({text})")).collect();
            let text = format!("SELECT {ROW}{values} FROM {join} WHERE {}", first(clauses, at));
            let read = self.scope.read(&text, self.rows(None, None)?).await?;
            for row in read.values() {
                let row = row_of(row.first());
                if !touched.insert(row) && several && !only_deletes {
                    return Err(Failure::class(
                        "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
                        "Cannot perform Merge as multiple source rows matched and attempted to modify the same target row in the \
                         Delta table in possibly conflicting ways. By SQL semantics of Merge, when multiple source rows match on \
                         the same target row, the result may be ambiguous as it is unclear which source row should be used to \
                         update or delete the matching target row.",
                        "21506",
                    ));
                }
                if set.is_none() {
                    self.gone.insert(row, ());
                }
            }
            if let Some(set) = set {
                self.change(&read, &set, 1)?;
            }
        }
        Ok((target, source))
    }

    async fn not_matched(&mut self, clauses: &[Clause], matched: &BTreeSet<usize>) -> Result<(), Failure> {
        let rest: Vec<usize> = (0..self.source.num_rows()).filter(|row| !matched.contains(row)).collect();
        for at in 0..clauses.len() {
            if clauses[at].about != About::NotMatched {
                continue;
            }
            let (columns, texts) = match &clauses[at].action {
                Action::Insert(columns, texts) => (columns.clone(), texts.clone()),
                _ => self.all()?.into_iter().unzip(),
            };
            let values: Vec<_> = texts.iter().map(|t| format!("({t})")).collect();
            let text = format!("SELECT {} FROM {} WHERE {}", values.join(", "), self.source_from(), first(clauses, at));
            let read = self.scope.read(&text, self.rows(Some(&[]), Some(&rest))?).await?;
            let mut sources = vec![Source::Absent; self.state.columns.len()];
            for (given, column) in columns.iter().enumerate() {
                sources[*column] = Source::Given(given);
            }
            let made = assemble::rows(self.scope, &self.name, &mut self.state, &read, &sources).await?;
            self.added.extend(made);
        }
        Ok(())
    }

    async fn not_matched_by_source(&mut self, clauses: &[Clause], matched: &BTreeSet<usize>) -> Result<(), Failure> {
        let numbers = self.seen.column(0);
        let rest: Vec<usize> =
            (0..numbers.len()).filter(|at| !matched.contains(&row_of(Some(&read(numbers, *at))))).collect();
        for at in 0..clauses.len() {
            if clauses[at].about != About::NotMatchedBySource {
                continue;
            }
            let set = match &clauses[at].action {
                Action::Update(set) => Some(set.clone()),
                _ => None,
            };
            let values: String = set.iter().flatten().map(|(_, text)| format!(", ({text})")).collect();
            let text = format!("SELECT {ROW}{values} FROM {} WHERE {}", self.target_from(), first(clauses, at));
            let read = self.scope.read(&text, self.rows(Some(&rest), Some(&[]))?).await?;
            match set {
                Some(set) => self.change(&read, &set, 1)?,
                None => self.gone.extend(read.values().iter().map(|r| (row_of(r.first()), ()))),
            }
        }
        Ok(())
    }
}

/// Gives the target the columns of the source that it lacks and that a clause writes to, and types that hold the source's.
fn evolve(
    name: &Name,
    state: &mut TableState,
    source: &Read,
    clauses: impl Fn(&TableState) -> Result<Vec<Clause>, Failure>,
) -> Result<(), Failure> {
    let width = state.columns.len();
    let lacking = evolve::lacking(state, source);
    let added: Vec<_> = lacking.into_iter().map(|at| (source.names[at].clone(), source.kinds[at].clone())).collect();
    let mut wider = TableState { batches: Vec::new(), ..state.clone() };
    let usable: Vec<_> = added.iter().filter(|(_, kind)| *kind != DataType::Null).cloned().collect();
    evolve::add(&mut wider, &usable)?;
    // What is wrong is told where the clauses are read for the table as it will be.
    let Ok(found) = clauses(&wider) else { return Ok(()) };
    let all = found.iter().any(|clause| matches!(clause.action, Action::UpdateAll | Action::InsertAll));
    let written: BTreeSet<usize> = found
        .iter()
        .flat_map(|clause| match &clause.action {
            Action::Update(set) => set.iter().map(|(column, _)| *column).collect(),
            Action::Insert(columns, _) => columns.clone(),
            _ => Vec::new(),
        })
        .collect();
    let used: Vec<_> = if all {
        added
    } else {
        let places = usable.into_iter().enumerate();
        places.filter(|(at, _)| written.contains(&(width + at))).map(|(_, column)| column).collect()
    };
    if all {
        let given = source.names.iter().zip(&source.kinds);
        let given: Vec<_> = given.filter_map(|(name, kind)| Some((state.position(name)?, kind.clone()))).collect();
        evolve::widen(state, &given, name)?;
    }
    evolve::add(state, &used)
}

pub(super) async fn merge(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let evolves = c.eat("WITH SCHEMA EVOLUTION");
    c.expect("INTO")?;
    let (name, table) = scope.table(&c.name()?)?;
    let target_alias = change::alias(c, &name, &["USING"])?;
    c.expect("USING")?;
    let (query, own) = if c.is("(") {
        (format!("SELECT * FROM ({})", c.brackets()?), "__source".to_owned())
    } else {
        let parts = c.name()?;
        let arguments = if c.is("(") { format!("({})", c.brackets()?) } else { String::new() };
        let own = parts.last().cloned().unwrap_or_default();
        (format!("SELECT * FROM {}{arguments}", quoted(&parts)), own)
    };
    let source_name = Name { object: own, ..name.clone() };
    let source_alias = change::alias(c, &source_name, &["ON"])?;
    c.expect("ON")?;
    let on = c.until(&["WHEN"], false)?.to_owned();
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    let aliases = std::slice::from_ref(&target_alias);
    let source = scope.read(&query, Named::new()).await?;
    if evolves {
        evolve(&name, &mut state, &source, |state| clauses(&mut c.clone(), state, aliases))?;
    }
    let evolved = state.schema() != table.state().schema();
    let clauses = clauses(c, &state, aliases)?;
    if clauses.iter().any(|clause| clause.about != About::NotMatched) {
        state.check_removable()?;
    }
    for condition in clauses.iter().filter_map(|clause| clause.condition.as_deref()).chain([on.as_str()]) {
        if expressions::is_random(condition) {
            let text = format!(
                "Non-deterministic functions are not supported in the search condition of MERGE operation (condition = {condition})."
            );
            return Err(Failure::class("DELTA_NON_DETERMINISTIC_FUNCTION_NOT_SUPPORTED", &text, "0AKDC"));
        }
    }
    let rows = source.provider()?;
    let target = together(&state)?;
    let seen = change::seen(scope, &name, &state, &target).await?;
    let seen = match seen.batches.as_slice() {
        // Mostly they are one, which need not be copied.
        [one] => one.clone(),
        all => concat_batches(&seen.schema, all).map_err(arrow)?,
    };
    let mut merge = Merge {
        scope,
        seen,
        source: concat_batches(&rows.schema, &rows.batches).map_err(arrow)?,
        source_names: source.names.clone(),
        name,
        state,
        target_alias,
        source_alias,
        evolves,
        changes: Changes::new(),
        gone: BTreeMap::new(),
        added: Vec::new(),
    };
    let (target_rows, source_rows) = merge.matched(&clauses, &on).await?;
    merge.not_matched(&clauses, &source_rows).await?;
    merge.not_matched_by_source(&clauses, &target_rows).await?;
    let Merge { name, mut state, changes, gone, added, .. } = merge;
    let (updated, deleted) = (changes.len(), gone.len());
    let inserted: usize = added.iter().map(RecordBatch::num_rows).sum();
    let rows: Vec<usize> = changes.keys().copied().collect();
    let removed: Vec<usize> = gone.keys().copied().collect();
    let (before, deletes) = (only(&target, &rows)?, only(&target, &removed)?);
    let changed =
        if changes.is_empty() { target } else { change::apply(scope, &name, &state, &target, &changes).await? };
    let after = only(&changed, &rows)?;
    state.batches = vec![without(&changed, &gone)?];
    let inserts = concat_batches(&state.schema(), &added).map_err(arrow)?;
    state.batches.extend(added);
    let operation = Operation::new("MERGE")
        .where_(Some(&on))
        .counting("numTargetRowsInserted", inserted)
        .counting("numTargetRowsUpdated", updated)
        .counting("numTargetRowsDeleted", deleted)
        .counting("numOutputRows", inserted + updated)
        .counting("numSourceRows", source.rows())
        .feeding("update_preimage", before)
        .feeding("update_postimage", after)
        .feeding("delete", deletes)
        .feeding("insert", inserts);
    if evolved || updated + deleted + inserted > 0 {
        table.commit(state, &scope.change(operation))?;
    }
    Ok(Listing::counts(&[
        ("num_affected_rows", updated + deleted + inserted),
        ("num_updated_rows", updated),
        ("num_deleted_rows", deleted),
        ("num_inserted_rows", inserted),
    ]))
}
