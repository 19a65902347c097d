//! Tables with a row filter or column masks as their readers see them: the functions are called as soon as a row is read,
//! for whoever runs the statement, and everything else works on what they leave.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};

use super::core::rows_name;
use super::errors;
use super::spark::types;
use super::store::policy::{Argument, Policy};
use super::store::table::{Rows, TableState, retitled};
use super::store::{Function, Name, Returns, Store};
use crate::sql::Failure;

/// The rows behind the functions, for the text of [`query`].
pub(super) const RAW: &str = "guarded";

pub(super) fn applies(state: &TableState) -> bool {
    state.filter.is_some() || state.columns.iter().any(|c| c.mask.is_some())
}

/// Which of the two a table has, as error classes name it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Filter,
    Masks,
    Both,
}

impl Kind {
    pub(super) fn of(state: &TableState) -> Option<Self> {
        let masks = state.columns.iter().any(|c| c.mask.is_some());
        match (state.filter.is_some(), masks) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Filter),
            (false, true) => Some(Self::Masks),
            (false, false) => None,
        }
    }

    /// The beginning of error classes about one of the two.
    pub(super) fn class(self) -> &'static str {
        if self == Self::Masks { "COLUMN_MASKS" } else { "ROW_LEVEL_SECURITY" }
    }

    pub(super) fn noun(self) -> &'static str {
        if self == Self::Masks { "column mask policies" } else { "row level security policies" }
    }
}

/// Refuses older versions of a table: what the functions mean for those is not defined.
#[cfg(feature = "delta")]
pub(super) fn refuse_time_travel(name: &Name, state: &TableState) -> Result<(), Failure> {
    let Some(kind) = Kind::of(state) else { return Ok(()) };
    let (class, what) = match kind {
        Kind::Filter => ("ROW_LEVEL_SECURITY_FEATURE_NOT_SUPPORTED", "Row level security policies"),
        Kind::Masks => ("COLUMN_MASKS_FEATURE_NOT_SUPPORTED", "Column mask policies"),
        Kind::Both => (
            "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED",
            "Row level security policies and column mask policies",
        ),
    };
    let text = format!("{what} for {} are not supported: Time travel for a table with such policies.", name.quoted());
    Err(Failure::class(&format!("{class}.TIME_TRAVEL"), &text, "0A000"))
}

/// Refuses the history, which shows conditions on rows.
#[cfg(feature = "delta")]
pub(super) fn refuse_history(name: &Name, state: &TableState) -> Result<(), Failure> {
    if !applies(state) {
        return Ok(());
    }
    let text = format!(
        "Row level security policies and column mask policies for {} are not supported: Reading commit history of a table with \
         such policies.",
        name.quoted()
    );
    Err(Failure::class("ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED.DESCRIBE_HISTORY", &text, "0A000"))
}

/// Refuses copies of a table and copies over one.
pub(super) fn refuse_clone(name: &Name, state: &TableState, of: &str) -> Result<(), Failure> {
    let Some(kind) = Kind::of(state) else { return Ok(()) };
    let way = if of == "SOURCE" { "from" } else { "to" };
    let text = format!("Clone {way} table {} with {} is not supported.", name.quoted(), kind.noun());
    Err(Failure::class(&format!("{}_TABLE_CLONE_{of}_NOT_SUPPORTED", kind.class()), &text, "0A000"))
}

/// The query over [`raw`] rows that gives what readers see, in the order of the columns; `first` is a column in front of
/// them.
pub(super) fn query(store: &Store, name: &Name, state: &TableState, first: Option<&str>) -> Result<String, Failure> {
    let mut items: Vec<String> = first.iter().map(|column| (*column).to_owned()).collect();
    for (at, column) in state.columns.iter().enumerate() {
        let Some(mask) = &column.mask else {
            items.push(place(at));
            continue;
        };
        let function = called(store, name, state, mask, false)?;
        let call = call(name, state, mask, Some(at))?;
        let same =
            matches!(&function.returns, Returns::Value(kind) if types::parse(kind).ok().as_ref() == Some(&column.kind));
        let shown = if same { call } else { format!("CAST({call} AS {})", types::name(&column.kind)) };
        items.push(format!("{shown} AS `__v{at}`"));
    }
    let mut text = format!("SELECT {} FROM {}", items.join(", "), rows_name(RAW));
    if let Some(filter) = &state.filter {
        called(store, name, state, filter, true)?;
        text.push_str(&format!(" WHERE {}", call(name, state, filter, None)?));
    }
    Ok(text)
}

/// The function of a policy, which may have changed or gone since it was stated.
fn called(
    store: &Store,
    table: &Name,
    state: &TableState,
    policy: &Policy,
    filter: bool,
) -> Result<Arc<Function>, Failure> {
    let name = policy.name();
    let (what, class, undo) = if filter {
        ("row filter", "ROW_LEVEL_SECURITY", "ALTER TABLE … DROP ROW FILTER")
    } else {
        ("column mask", "COLUMN_MASK", "ALTER TABLE … ALTER COLUMN … DROP MASK")
    };
    let Some(function) = store.function(&name) else {
        let text = format!(
            "The function {} of the {what} of the table {} cannot be found. Make the function again, or remove the {what} by {undo}.",
            name.quoted(),
            table.quoted()
        );
        return Err(Failure::class("ROUTINE_NOT_FOUND", &text, "42883"));
    };
    let given = policy.arguments.len() + usize::from(!filter);
    let needed = function.parameters.iter().filter(|p| p.default.is_none()).count();
    let incompatible = |sub: &str, why: String| {
        let text = format!(
            "Unable to access referenced table because a previously assigned {what} is currently incompatible with the table schema; \
             to continue, please contact the owner of the table to update the policy: For target table {}, the {what} named {} \
             {why}.",
            table.quoted(),
            name.quoted()
        );
        Failure::class(&format!("QUERIED_TABLE_INCOMPATIBLE_WITH_{class}_POLICY.{sub}"), &text, "428HD")
    };
    let boolean = |kind: &str| types::parse(kind).is_ok_and(|kind| kind == DataType::Boolean);
    match &function.returns {
        Returns::Value(kind) if filter && !boolean(kind) => {
            return Err(incompatible(
                "INCOMPATIBLE_COLUMN_TYPES",
                format!("returns {} in place of BOOLEAN", kind.to_uppercase()),
            ));
        }
        Returns::Value(_) => {}
        Returns::Table(_) => return Err(incompatible("NO_RETURN_TYPE", "is a function of tables".to_owned())),
    }
    if given < needed || given > function.parameters.len() {
        let why = format!("has {} parameters and is given {given} arguments", function.parameters.len());
        return Err(incompatible("INCOMPATIBLE_COLUMN_TYPES", why));
    }
    if let Some(gone) = policy.columns().find(|column| state.position(column).is_none()) {
        return Err(incompatible(
            "ARGUMENT_NOT_FOUND_IN_TARGET_TABLE",
            format!("reads the column `{gone}`, which is not there"),
        ));
    }
    Ok(function)
}

/// Columns have names here that nothing in a function can mean.
fn place(at: usize) -> String {
    format!("`__c{at}`")
}

fn call(table: &Name, state: &TableState, policy: &Policy, masked: Option<usize>) -> Result<String, Failure> {
    let mut arguments: Vec<String> = masked.into_iter().map(place).collect();
    for argument in &policy.arguments {
        arguments.push(match argument {
            Argument::Literal(text) => format!("({text})"),
            Argument::Column(name) => place(
                state
                    .position(name)
                    .ok_or_else(|| Failure::internal(format!("{} has no column {name}", table.plain())))?,
            ),
        });
    }
    Ok(format!("{}({})", policy.name().quoted(), arguments.join(", ")))
}

/// Rows under the names that [`query`] reads; `first` columns in front of those of the table keep their names.
pub(super) fn raw(rows: &Rows, first: usize) -> Result<Rows, Failure> {
    let fields = rows.schema.fields().iter().enumerate().map(|(at, field)| match at.checked_sub(first) {
        Some(at) => Field::new(format!("__c{at}"), field.data_type().clone(), true),
        None => field.as_ref().clone(),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batches = rows.batches.iter().map(|batch| retitled(batch, &schema)).collect::<Result<_, _>>();
    Ok(Rows { batches: batches.map_err(|e| errors::failure(&e))?, schema })
}
