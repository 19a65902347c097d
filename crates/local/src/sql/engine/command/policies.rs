//! Row filters and column masks in statements: they are read here, checked and stated of a table.

use super::super::guard::{self, Kind};
use super::super::scope::{Named, Scope};
use super::super::spark::types;
use super::super::store::missing::feature;
use super::super::store::policy::{Argument, Policy};
use super::super::store::table::{Constraint, Rows, TableState};
use super::super::store::{Name, Returns, quoted};
use super::columns;
use super::cursor::Cursor;
use crate::sql::Failure;

/// Words that begin a literal, where others are names of columns.
const LITERALS: [&str; 6] = ["TRUE", "FALSE", "NULL", "DATE", "TIMESTAMP", "INTERVAL"];

/// `f [USING COLUMNS (…)]`, behind MASK.
pub(super) fn mask(c: &mut Cursor<'_>) -> Result<Policy, Failure> {
    let function = c.name()?;
    let arguments = if c.eat("USING COLUMNS") { arguments(c, "COLUMN_MASK", "USING_COLUMN")? } else { Vec::new() };
    Ok(Policy { function, arguments })
}

/// `f ON (…)`, behind ROW FILTER.
pub(super) fn filter(c: &mut Cursor<'_>) -> Result<Policy, Failure> {
    let function = c.name()?;
    c.expect("ON")?;
    Ok(Policy { function, arguments: arguments(c, "ROW_FILTER", "COLUMN")? })
}

fn arguments(c: &mut Cursor<'_>, policy: &str, what: &str) -> Result<Vec<Argument>, Failure> {
    if c.eat("( )") {
        return Ok(Vec::new());
    }
    c.list(|c| {
        let before = c.clone();
        let literal = LITERALS.iter().any(|word| c.is(word));
        if !literal && let Ok(mut parts) = c.name() {
            if c.is(",") || c.is(")") {
                if parts.len() > 1 {
                    let text =
                        format!("The column {} has a name of several parts, which is invalid here.", quoted(&parts));
                    return Err(access(&format!("ASSIGNED_{policy}_MULTI_PART_{what}_NAME"), &text));
                }
                return Ok(Argument::Column(parts.pop().unwrap_or_default()));
            }
            c.back_to(&before);
        }
        Ok(Argument::Literal(c.until(&[], true)?.to_owned()))
    })
}

/// Errors of assigning a policy, which have no SQLSTATE.
fn access(class: &str, text: &str) -> Failure {
    Failure::bad_request(format!("[ROW_COLUMN_ACCESS.{class}] Error using row filters or column masks: {text}"))
}

/// Where a policy is stated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On<'a> {
    Table,
    Column(&'a str),
}

/// A policy whose function is there and takes its arguments; the function gets its full name.
fn checked(scope: &Scope<'_>, state: &TableState, mut policy: Policy, on: On<'_>) -> Result<Policy, Failure> {
    let name = scope.resolve(&policy.function)?;
    let (kind, statement) = match on {
        On::Table => ("ROW_FILTER", "a row filter to the table".to_owned()),
        On::Column(column) => ("COLUMN_MASK", format!("a mask to the column {}", quoted(&[column]))),
    };
    let found = scope.core.store.function(&name);
    let Some(function) = found else {
        let text = format!(
            "The statement attempted to assign {statement}, but the requested function {} did not match the name of any SQL \
             user-defined function in the catalog.",
            name.quoted()
        );
        return Err(access(&format!("ASSIGNED_{kind}_FUNCTION_NOT_FOUND"), &text));
    };
    if let Some(rights) = &scope.rights {
        rights.may_call(&scope.core.store, &name)?;
    }
    policy.function = vec![name.catalog.clone(), name.schema.clone(), name.object.clone()];
    for (at, column) in policy.columns().enumerate() {
        if state.position(column).is_none() {
            return Err(columns::unresolved(column, state));
        }
        let twice = policy.columns().take(at).any(|other| other.eq_ignore_ascii_case(column));
        match on {
            On::Column(masked) if column.eq_ignore_ascii_case(masked) => {
                let text = format!(
                    "The column {} had the same name as the target column, which is invalid; please remove the column from the \
                     USING COLUMNS list and retry the command.",
                    quoted(&[column])
                );
                return Err(access("ASSIGNED_COLUMN_MASK_USING_COLUMN_NAME_SAME_AS_TARGET_COLUMN", &text));
            }
            On::Column(_) if twice => {
                let text = format!(
                    "The statement attempted to assign {statement}, with two or more other columns of the name {} in the USING \
                     COLUMNS list, which is invalid.",
                    quoted(&[column])
                );
                return Err(access("ASSIGNED_COLUMN_MASK_DUPLICATE_USING_COLUMN_NAME", &text));
            }
            On::Table if twice => {
                let text = format!(
                    "The statement attempted to assign {statement}, with two or more referenced columns of the name {}, which is \
                     invalid.",
                    quoted(&[column])
                );
                return Err(access("ASSIGNED_ROW_FILTER_DUPLICATE_COLUMN_NAME", &text));
            }
            _ => {}
        }
    }
    let given = policy.arguments.len() + usize::from(on != On::Table);
    let needed = function.parameters.iter().filter(|p| p.default.is_none()).count();
    if given < needed || given > function.parameters.len() {
        let names: Vec<_> = function.parameters.iter().map(|p| p.name.as_str()).collect();
        let text = format!(
            "The statement attempted to assign {statement}, but the number of columns ({given}) did not match the number of \
             arguments of the function {} ({}).",
            name.quoted(),
            names.join(", ")
        );
        return Err(access(&format!("ASSIGNED_{kind}_WRONG_NUMBER_OF_COLUMNS"), &text));
    }
    let Returns::Value(returned) = &function.returns else {
        let text = format!(
            "{} appears as a scalar expression here, but the function was defined as a table function.",
            name.quoted()
        );
        return Err(Failure::class("NOT_A_SCALAR_FUNCTION", &text, "42887"));
    };
    let boolean = types::parse(returned).is_ok_and(|kind| kind == datafusion::arrow::datatypes::DataType::Boolean);
    if on == On::Table && !boolean {
        let text =
            format!("Filter expression \"{}\" of type \"{}\" is not a boolean.", name.plain(), returned.to_uppercase());
        return Err(Failure::class("DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", &text, "42K09"));
    }
    Ok(policy)
}

/// States the filter of a table.
pub(super) async fn set_filter(
    scope: &Scope<'_>,
    name: &Name,
    state: &mut TableState,
    policy: Policy,
) -> Result<(), Failure> {
    state.filter = Some(checked(scope, state, policy, On::Table)?);
    planned(scope, name, state).await
}

/// States the masks that columns were written with: those that pass `of`.
pub(super) async fn set_masks(
    scope: &Scope<'_>,
    name: &Name,
    state: &mut TableState,
    of: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    for at in 0..state.columns.len() {
        let column = &state.columns[at];
        let Some(mask) = column.mask.clone().filter(|_| of(&column.name)) else { continue };
        if column.generated.is_some() {
            return Err(feature("masks of generated columns"));
        }
        state.columns[at].mask = Some(checked(scope, state, mask, On::Column(&column.name))?);
    }
    planned(scope, name, state).await
}

/// Plans what readers will see, so that mistakes show here.
async fn planned(scope: &Scope<'_>, name: &Name, state: &TableState) -> Result<(), Failure> {
    refuse_checks(name, state)?;
    if !guard::applies(state) {
        return Ok(());
    }
    let text = guard::query(&scope.core.store, name, state, None)?;
    let empty = Rows { schema: state.schema(), batches: Vec::new() };
    let rows: Named = [(guard::RAW.to_owned(), std::sync::Arc::new(guard::raw(&empty, 0)?))].into();
    apart(scope).plan(&text, rows).await.map(drop)
}

/// The scope in which the functions run: with the rights of their owner, for the user of the statement.
pub(super) fn apart<'a>(scope: &Scope<'a>) -> Scope<'a> {
    Scope { session: std::sync::Arc::default(), parameters: Vec::new(), locals: None, rights: None, ..scope.clone() }
}

/// Checks of rows would tell of values that readers must not see.
pub(super) fn refuse_checks(name: &Name, state: &TableState) -> Result<(), Failure> {
    let checks = state.constraints.values().any(|c| matches!(c, Constraint::Check(_)));
    let Some(kind) = Kind::of(state).filter(|_| checks) else { return Ok(()) };
    let text = format!("CHECK constraints on table {} with {} are not supported.", name.quoted(), kind.noun());
    Err(Failure::class(&format!("{}_CHECK_CONSTRAINT_UNSUPPORTED", kind.class()), &text, "0A000"))
}

/// Refuses to rename or drop a column that a policy is about.
pub(super) fn refuse_change(name: &Name, state: &TableState, column: &str, statement: &str) -> Result<(), Failure> {
    let ask = "The table owner must remove or alter this policy before proceeding.";
    if state.filter.as_ref().is_some_and(|filter| filter.reads(column)) {
        let text = format!(
            "Unable to {statement} {} from table {} because it's referenced in a row level security policy. {ask}",
            quoted(&[column]),
            name.quoted()
        );
        return Err(Failure::class("ROW_LEVEL_SECURITY_INCOMPATIBLE_SCHEMA_CHANGE", &text, "0A000"));
    }
    let masked = state.columns.iter().find(|other| {
        other.mask.as_ref().is_some_and(|mask| mask.reads(column) || other.name.eq_ignore_ascii_case(column))
    });
    let Some(masked) = masked else { return Ok(()) };
    let text = format!(
        "Unable to {statement} {} from table {} because it's referenced in a column mask policy for column {}. {ask}",
        quoted(&[column]),
        name.quoted(),
        quoted(&[&masked.name])
    );
    Err(Failure::class("COLUMN_MASKS_INCOMPATIBLE_SCHEMA_CHANGE", &text, "0A000"))
}

/// What a table that is replaced hands on: its filter, and the masks of columns that the new one has, where that states none.
pub(super) fn inherit(state: &mut TableState, before: &TableState) {
    if state.filter.is_none() {
        state.filter.clone_from(&before.filter);
    }
    for column in state.columns.iter_mut().filter(|column| column.mask.is_none()) {
        let same = before.columns.iter().find(|other| other.key() == column.key());
        column.mask = same.and_then(|other| other.mask.clone());
    }
}

/// Refuses statements on rows that the reader may not see all of, where the service's meaning is not stated.
pub(super) fn refuse_hidden(state: &TableState, statement: &str) -> Result<(), Failure> {
    if state.filter.is_none() {
        return Ok(());
    }
    Err(feature(&format!(
        "{statement} of a table with a row filter; use DELETE, which leaves rows that the user does not see"
    )))
}
