//! ALTER TABLE: columns, names, properties, constraints.

use super::super::renames::{self, Kind, Renaming};
use super::super::scope::{Reply, Scope};
use super::super::store::missing::{self, feature};
use super::super::store::operation::Operation;
use super::super::store::table::{Column, Constraint, TableState};
use super::super::store::{Name, Relation, quoted};
use super::cursor::Cursor;
use super::{alter_column, assemble, change, columns, expressions, policies, properties};
use crate::sql::Failure;

pub(super) async fn alter(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let parts = c.name()?;
    if c.eat("RENAME TO") {
        return rename(scope, c, &parts).await;
    }
    let (name, relation) = scope.relation(&parts)?;
    let Relation::Table(table) = relation else { return Err(missing::not_a_table(&name)) };
    let before = c.clone();
    if let Some(stated) = properties::stated(c)? {
        c.done()?;
        properties::edit(scope, "TABLE", &parts, stating(&before), stated).await?;
        return Ok(Reply::Nothing);
    }
    let _writing = table.writer.lock().await;
    let mut state = table.state().as_ref().clone();
    let operation =
        if c.eat("ADD CONSTRAINT") || c.is("ADD PRIMARY KEY") || c.is("ADD FOREIGN KEY") || c.is("ADD CHECK") {
            if c.eat("ADD") {
            } else {
                c.back();
            }
            add_constraint(scope, c, &name, &mut state).await?;
            "ADD CONSTRAINT"
        } else if c.eat("ADD COLUMNS") || c.eat("ADD COLUMN") || (c.is("ADD") && !c.is("ADD PARTITION") && c.eat("ADD"))
        {
            add_columns(scope, c, &name, &mut state).await?;
            "ADD COLUMNS"
        } else if c.eat("RENAME COLUMN") {
            rename_column(c, &name, &mut state)?;
            "RENAME COLUMN"
        } else if c.eat("DROP CONSTRAINT") || c.is("DROP PRIMARY KEY") || c.is("DROP FOREIGN KEY") {
            drop_constraint(c, &mut state)?;
            "DROP CONSTRAINT"
        } else if c.eat("DROP COLUMNS") || c.eat("DROP COLUMN") {
            drop_columns(c, &name, &mut state)?;
            "DROP COLUMNS"
        } else if c.eat("ALTER COLUMN") || c.eat("CHANGE COLUMN") || c.eat("ALTER") || c.eat("CHANGE") {
            loop {
                alter_column::alter(scope, c, &name, &mut state).await?;
                if !c.eat(",") {
                    break;
                }
            }
            "CHANGE COLUMN"
        } else if c.eat("CLUSTER BY") {
            state.clusters =
                if c.eat("NONE") || c.eat("AUTO") { Vec::new() } else { c.list(|c| Ok(c.name()?.join(".")))? };
            columns::check(scope, &mut state)?;
            "CLUSTER BY"
        } else if c.eat("DROP FEATURE") {
            let feature = c.identifier()?;
            state.about.properties.remove(&format!("delta.feature.{feature}"));
            c.eat("TRUNCATE HISTORY");
            "DROP FEATURE"
        } else if c.eat("SET ROW FILTER") {
            let filter = policies::filter(c)?;
            policies::set_filter(scope, &name, &mut state, filter).await?;
            "SET ROW FILTER"
        } else if c.eat("DROP ROW FILTER") {
            state.filter = None;
            "DROP ROW FILTER"
        } else if c.is("SET LOCATION")
            || c.is("ADD PARTITION")
            || c.is("RECOVER PARTITIONS")
            || c.is("REPLACE COLUMNS")
            || c.is("DROP PARTITION")
            || c.is("PARTITION")
        {
            return Err(feature("this form of ALTER TABLE"));
        } else if c.eat("ENABLE PREDICTIVE OPTIMIZATION")
            || c.eat("DISABLE PREDICTIVE OPTIMIZATION")
            || c.eat("INHERIT PREDICTIVE OPTIMIZATION")
        {
            c.done()?;
            return Ok(Reply::Nothing);
        } else {
            return Err(c.error());
        };
    c.done()?;
    table.commit(state, &scope.change(Operation::new(operation).keeping_rows()))?;
    Ok(Reply::Nothing)
}

/// What the history calls a statement on properties, tags or the owner.
fn stating(c: &Cursor<'_>) -> &'static str {
    let forms = [
        ("SET TBLPROPERTIES", "SET TBLPROPERTIES"),
        ("UNSET TBLPROPERTIES", "UNSET TBLPROPERTIES"),
        ("SET TAGS", "SET TAGS"),
        ("UNSET TAGS", "UNSET TAGS"),
    ];
    forms.into_iter().find(|(words, _)| c.is(words)).map_or("SET OWNER", |(_, name)| name)
}

/// Gives a table or view another name in its catalog.
pub(super) async fn rename(scope: &Scope<'_>, c: &mut Cursor<'_>, parts: &[String]) -> Result<Reply, Failure> {
    let to = c.name()?;
    c.done()?;
    if let [one] = parts {
        let mut session = scope.session.lock();
        if let Some(view) = session.views.remove(&one.to_lowercase()) {
            let new = to.last().map(|t| t.to_lowercase()).unwrap_or_default();
            session.views.insert(new, view);
            return Ok(Reply::Nothing);
        }
    }
    let (from, _) = scope.relation(parts)?;
    // A name of one part stays in the schema of the table.
    let to = match to.as_slice() {
        [one] => Name { object: one.to_lowercase(), ..from.clone() },
        _ => scope.resolve(&to)?,
    };
    to_name(scope, Kind::Relation, &from, &to).await
}

/// Gives what has three parts in its name another one.
pub(super) async fn to_name(scope: &Scope<'_>, kind: Kind, from: &Name, to: &Name) -> Result<Reply, Failure> {
    let (from, to) = ([&*from.catalog, &from.schema, &from.object], [&*to.catalog, &to.schema, &to.object]);
    let renaming = Renaming { kind, from: &from, to: &to };
    renames::rename(&scope.core.store, scope.host, renaming, Some(&scope.user)).await?;
    Ok(Reply::Nothing)
}

async fn add_constraint(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
    table: &Name,
    state: &mut TableState,
) -> Result<(), Failure> {
    let (name, constraint) = columns::constraint(c, None, state.constraints.len())?;
    columns::add(&mut state.constraints, name.clone(), constraint.clone())?;
    columns::check(scope, state)?;
    policies::refuse_checks(table, state)?;
    expressions::check(scope, state).await?;
    if let Constraint::Check(expression) = &constraint {
        let batch = change::together(state)?;
        let failing = assemble::failing(scope, expression, &batch).await?.len();
        if failing > 0 {
            return Err(Failure::class(
                "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION",
                &format!("{failing} rows in {} violate the new CHECK constraint ({expression}).", table.plain()),
                "23512",
            ));
        }
    }
    Ok(())
}

fn drop_constraint(c: &mut Cursor<'_>, state: &mut TableState) -> Result<(), Failure> {
    let primary = c.eat("DROP PRIMARY KEY");
    let foreign = !primary && c.eat("DROP FOREIGN KEY");
    let columns = if foreign { c.list(Cursor::identifier)? } else { Vec::new() };
    let quietly = c.eat("IF EXISTS");
    let found = if primary || foreign {
        let fits = |constraint: &Constraint| match constraint {
            Constraint::PrimaryKey(_) => primary,
            Constraint::ForeignKey(of, _) => foreign && *of == columns,
            Constraint::Check(_) => false,
        };
        state.constraints.iter().find(|(_, c)| fits(c)).map(|(n, _)| n.clone())
    } else {
        Some(c.identifier()?.to_lowercase())
    };
    c.eat("RESTRICT");
    c.eat("CASCADE");
    let gone = found.as_ref().and_then(|n| state.constraints.remove(n));
    if gone.is_none() && !quietly {
        let name = found.unwrap_or_else(|| "the key".to_owned());
        return Err(Failure::class(
            "DELTA_CONSTRAINT_DOES_NOT_EXIST",
            &format!(
                "Cannot drop nonexistent constraint {name}. To avoid throwing an error, provide the parameter IF EXISTS."
            ),
            "42704",
        ));
    }
    Ok(())
}

async fn add_columns(
    scope: &Scope<'_>,
    c: &mut Cursor<'_>,
    table: &Name,
    state: &mut TableState,
) -> Result<(), Failure> {
    c.eat("IF NOT EXISTS");
    let mut added = Vec::new();
    let bracket = c.eat("(");
    let mut from: Vec<Option<usize>> = (0..state.columns.len()).map(Some).collect();
    loop {
        let mut constraints = std::collections::BTreeMap::new();
        if c.clone().name().is_ok_and(|parts| parts.len() > 1) {
            return Err(feature("adding members to structures"));
        }
        let column: Column = columns::column(c, &mut constraints)?;
        let at = if c.eat("FIRST") {
            0
        } else if c.eat("AFTER") {
            let other = c.identifier()?;
            state.position(&other).ok_or_else(|| not_there(&other, state))? + 1
        } else {
            state.columns.len()
        };
        if state.position(&column.name).is_some() {
            return Err(Failure::class(
                "FIELD_ALREADY_EXISTS",
                &format!("Cannot add column, because {} already exists in {}.", quoted(&[&column.name]), shown(state)),
                "42710",
            ));
        }
        if !column.nullable && state.rows() > 0 {
            return Err(Failure::class(
                "DELTA_ADD_COLUMN_NOT_NULL",
                &format!("The column {} cannot be NOT NULL, since the table has rows.", column.name),
                "42K0N",
            ));
        }
        if column.default.is_some() && state.rows() > 0 {
            return Err(Failure::class(
                "WRONG_COLUMN_DEFAULTS_FOR_DELTA_ALTER_TABLE_ADD_COLUMN_NOT_SUPPORTED",
                "Failed to execute the command because DEFAULT values are not supported when adding new columns to previously \
                 existing Delta tables; please add the column without a default value first, then run a second ALTER TABLE ALTER \
                 COLUMN SET DEFAULT command to apply for future inserted rows instead.",
                "0AKDC",
            ));
        }
        if column.generated.is_some() || column.identity.is_some() {
            return Err(feature("generated columns in ALTER TABLE"));
        }
        added.push(column.name.clone());
        state.columns.insert(at, column);
        from.insert(at, None);
        for (name, constraint) in constraints {
            columns::add(&mut state.constraints, name, constraint)?;
        }
        if !bracket || !c.eat(",") {
            break;
        }
    }
    if bracket {
        c.expect(")")?;
    }
    columns::check(scope, state)?;
    policies::set_masks(scope, table, state, |name| added.iter().any(|new| new == name)).await?;
    expressions::check(scope, state).await?;
    state.rebuild(&from).map_err(|e| super::super::errors::failure(&e))
}

/// The columns as a structure, which some errors show.
fn shown(state: &TableState) -> String {
    let fields: Vec<_> =
        state.columns.iter().map(|c| format!("{}: {}", c.name, c.type_text().to_uppercase())).collect();
    format!("STRUCT<{}>", fields.join(", "))
}

pub(super) fn not_there(name: &str, state: &TableState) -> Failure {
    columns::unresolved(name, state)
}

/// An expression of the table that reads a column.
pub(super) struct Reader {
    /// Whether it is a check of rows, and not a generated column.
    check: bool,
    shown: String,
}

impl Reader {
    /// The first one, if there is one.
    pub(super) fn of(state: &TableState, column: &str) -> Option<Self> {
        let reads = |text: &str| {
            let lower = text.to_lowercase();
            let key = column.to_lowercase();
            lower.match_indices(&key).any(|(at, _)| {
                let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                !word(lower[..at].chars().next_back()) && !word(lower[at + key.len()..].chars().next())
            })
        };
        let checks = state.constraints.iter().filter_map(|(name, c)| match c {
            Constraint::Check(text) if reads(text) => Some(Self { check: true, shown: format!("{name} -> {text}") }),
            _ => None,
        });
        let generated = state.columns.iter().filter_map(|c| match &c.generated {
            Some(text) if reads(text) => Some(Self { check: false, shown: format!("{} -> {text}", c.name) }),
            _ => None,
        });
        checks.chain(generated).next()
    }

    /// `change` is a verb, and `to` the type that the column would get.
    pub(super) fn refuses(&self, column: &Column, change: &str, to: Option<&str>) -> Failure {
        let (class, readers) = if self.check {
            ("DELTA_CONSTRAINT", "check constraint(s)")
        } else {
            ("DELTA_GENERATED_COLUMNS", "generated column(s)")
        };
        let because = format!("because this column is referenced by the following {readers}:\n{}", self.shown);
        let (class, text) = match to {
            Some(to) => (
                format!("{class}_DATA_TYPE_MISMATCH"),
                format!(
                    "Column {} has data type {} and cannot be altered to data type {to} {because}",
                    column.name,
                    column.type_text().to_uppercase()
                ),
            ),
            None => (
                format!("{class}_DEPENDENT_COLUMN_CHANGE"),
                format!("Cannot {change} column {} {because}", column.name),
            ),
        };
        Failure::class(&class, &text, "42K09")
    }
}

/// Refuses what needs the columns of the files to have names of their own.
fn require_mapping(state: &TableState, what: &str) -> Result<(), Failure> {
    let mode = state.about.properties.get("delta.columnMapping.mode");
    if mode.is_some_and(|mode| ["name", "id"].contains(&mode.to_lowercase().as_str())) {
        return Ok(());
    }
    let (class, told) = match what {
        "rename" => ("DELTA_UNSUPPORTED_RENAME_COLUMN", "Column rename"),
        _ => ("DELTA_UNSUPPORTED_DROP_COLUMN", "DROP COLUMN"),
    };
    let text = format!(
        "{told} is not supported for your Delta table. Please enable Column Mapping on your Delta table with mapping mode 'name'. \
         You can use the following command: ALTER TABLE table_name SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')."
    );
    Err(Failure::class(class, &text, "0AKDC"))
}

fn rename_column(c: &mut Cursor<'_>, table: &Name, state: &mut TableState) -> Result<(), Failure> {
    let from = c.name()?;
    let [from] = from.as_slice() else { return Err(feature("renaming members of structures")) };
    c.expect("TO")?;
    let to = c.identifier()?;
    let at = state.position(from).ok_or_else(|| not_there(from, state))?;
    require_mapping(state, "rename")?;
    if state.position(&to).is_some_and(|other| other != at) {
        return Err(Failure::class(
            "FIELD_ALREADY_EXISTS",
            &format!("Cannot rename column, because {} already exists in {}.", quoted(&[&to]), shown(state)),
            "42710",
        ));
    }
    if let Some(reader) = Reader::of(state, from) {
        return Err(reader.refuses(&state.columns[at], "rename", None));
    }
    policies::refuse_change(table, state, from, "RENAME COLUMN")?;
    let old = std::mem::replace(&mut state.columns[at].name, to.clone());
    let renamed = |names: &mut Vec<String>| {
        names.iter_mut().filter(|n| n.eq_ignore_ascii_case(&old)).for_each(|n| n.clone_from(&to));
    };
    renamed(&mut state.partitions);
    renamed(&mut state.clusters);
    for constraint in state.constraints.values_mut() {
        if let Constraint::PrimaryKey(columns) | Constraint::ForeignKey(columns, _) = constraint {
            renamed(columns);
        }
    }
    let from: Vec<_> = (0..state.columns.len()).map(Some).collect();
    state.rebuild(&from).map_err(|e| super::super::errors::failure(&e))
}

fn drop_columns(c: &mut Cursor<'_>, table: &Name, state: &mut TableState) -> Result<(), Failure> {
    let quietly = c.eat("IF EXISTS");
    let names = if c.is("(") { c.list(Cursor::name)? } else { vec![c.name()?] };
    let mut from: Vec<Option<usize>> = (0..state.columns.len()).map(Some).collect();
    for parts in names {
        let [name] = parts.as_slice() else { return Err(feature("dropping members of structures")) };
        let Some(at) = state.position(name) else {
            if quietly {
                continue;
            }
            return Err(not_there(name, state));
        };
        require_mapping(state, "drop")?;
        if let Some(reader) = Reader::of(state, name) {
            return Err(reader.refuses(&state.columns[at], "drop", None));
        }
        policies::refuse_change(table, state, name, "DROP COLUMN")?;
        if state.partitions.iter().any(|p| p.eq_ignore_ascii_case(name)) {
            return Err(Failure::class(
                "DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN",
                &format!("Dropping partition columns ({name}) is not allowed."),
                "0AKDC",
            ));
        }
        if state.clusters.iter().any(|p| p.eq_ignore_ascii_case(name)) {
            return Err(Failure::class(
                "DELTA_UNSUPPORTED_DROP_CLUSTERING_COLUMN",
                &format!("Dropping clustering columns ({name}) is not allowed."),
                "0AKDC",
            ));
        }
        let key = state.constraints.iter().find(|(_, constraint)| match constraint {
            Constraint::PrimaryKey(columns) | Constraint::ForeignKey(columns, _) => {
                columns.iter().any(|column| column.eq_ignore_ascii_case(name))
            }
            Constraint::Check(_) => false,
        });
        if let Some((key, _)) = key {
            return Err(feature(&format!(
                "dropping the column {name} of the constraint {key}; drop that first by ALTER TABLE … DROP CONSTRAINT"
            )));
        }
        if state.columns.len() == 1 {
            let text = format!("Cannot drop column from a schema with a single column. Schema: {}", shown(state));
            return Err(Failure::class("DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA", &text, "0AKDC"));
        }
        state.columns.remove(at);
        from.remove(at);
    }
    state.rebuild(&from).map_err(|e| super::super::errors::failure(&e))
}
