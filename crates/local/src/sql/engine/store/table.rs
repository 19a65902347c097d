//! Tables: columns, constraints and rows. A state is never changed, only replaced, so that a statement reads one state.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, new_null_array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result as Outcome;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::super::spark::types;
use super::operation::Change;
use super::policy::Policy;
use super::{About, Properties, quoted};
use crate::sql::Failure;

/// Metadata of a field: the name as it was written.
pub(in super::super) const SPELLING: &str = "spelling";

/// Numbers that a column counts up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Identity {
    /// Whether statements must not give the number.
    pub(in super::super) always: bool,
    pub(in super::super) start: i64,
    pub(in super::super) step: i64,
    pub(in super::super) next: i64,
}

#[derive(Clone, Debug)]
pub(in super::super) struct Column {
    /// As it was written; names are the same without case.
    pub(in super::super) name: String,
    pub(in super::super) kind: DataType,
    /// Most characters of a value, for CHAR and VARCHAR; and whether it is filled up.
    pub(in super::super) length: Option<(usize, bool)>,
    pub(in super::super) nullable: bool,
    pub(in super::super) comment: Option<String>,
    /// The text of the expression.
    pub(in super::super) default: Option<String>,
    pub(in super::super) generated: Option<String>,
    pub(in super::super) identity: Option<Identity>,
    pub(in super::super) tags: Properties,
    /// The function that readers see the column through.
    pub(in super::super) mask: Option<Policy>,
}

impl Column {
    pub(in super::super) fn new(name: &str, kind: DataType) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            length: None,
            nullable: true,
            comment: None,
            default: None,
            generated: None,
            identity: None,
            tags: Properties::new(),
            mask: None,
        }
    }

    pub(in super::super) fn key(&self) -> String {
        self.name.to_lowercase()
    }

    /// The type as `DESCRIBE` writes it.
    pub(in super::super) fn type_text(&self) -> String {
        match self.length {
            Some((length, true)) => format!("char({length})"),
            Some((length, false)) => format!("varchar({length})"),
            None => types::simple(&self.kind),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Constraint {
    Check(String),
    PrimaryKey(Vec<String>),
    /// Columns, and what they refer to.
    ForeignKey(Vec<String>, Reference),
}

/// What a foreign key refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "delta", derive(serde::Serialize, serde::Deserialize))]
pub(in super::super) struct Reference {
    /// The parts of the table's name: all three once the definition was checked.
    pub(in super::super) table: Vec<String>,
    /// Empty for those of the primary key.
    pub(in super::super) columns: Vec<String>,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "REFERENCES {}", quoted(&self.table))?;
        if self.columns.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.columns.iter().map(|c| quoted(&[c])).collect::<Vec<_>>().join(", "))
    }
}

/// Columns, rows and what is stated of them.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct TableState {
    pub(in super::super) about: About,
    pub(in super::super) columns: Vec<Column>,
    pub(in super::super) partitions: Vec<String>,
    pub(in super::super) clusters: Vec<String>,
    pub(in super::super) constraints: BTreeMap<String, Constraint>,
    /// The function that decides which rows readers see.
    pub(in super::super) filter: Option<Policy>,
    pub(in super::super) batches: Vec<RecordBatch>,
    /// Files that COPY INTO has loaded, with the time of their last change.
    pub(in super::super) loaded: BTreeSet<(String, i64)>,
}

impl TableState {
    pub(in super::super) fn schema(&self) -> SchemaRef {
        schema_of(&self.columns)
    }

    pub(in super::super) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name.eq_ignore_ascii_case(column) || c.key() == column.to_lowercase())
    }

    /// Refuses to take rows away where the table only takes new ones.
    pub(in super::super) fn check_removable(&self) -> Result<(), Failure> {
        const PROPERTY: &str = "delta.appendOnly";
        if !self.about.properties.get(PROPERTY).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(());
        }
        let text = format!(
            "This table is configured to only allow appends. If you would like to permit updates or deletes, use 'ALTER TABLE \
             <table_name> SET TBLPROPERTIES ({PROPERTY}=false)'."
        );
        Err(Failure::class("DELTA_CANNOT_MODIFY_APPEND_ONLY", &text, "42809"))
    }

    pub(in super::super) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Gives the batches the columns of `from`: by their position there, or NULL where a column is new.
    pub(in super::super) fn rebuild(&mut self, from: &[Option<usize>]) -> Outcome<()> {
        let schema = self.schema();
        self.batches = self
            .batches
            .iter()
            .map(|batch| {
                let columns: Vec<ArrayRef> = from
                    .iter()
                    .zip(schema.fields())
                    .map(|(at, field)| match at.and_then(|at| batch.columns().get(at)) {
                        Some(column) => Arc::clone(column),
                        None => new_null_array(field.data_type(), batch.num_rows()),
                    })
                    .collect();
                let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?)
            })
            .collect::<Outcome<_>>()?;
        Ok(())
    }
}

pub(in super::super) fn schema_of(columns: &[Column]) -> SchemaRef {
    let fields = columns.iter().map(|c| {
        let spelled = HashMap::from([(SPELLING.to_owned(), c.name.clone())]);
        Field::new(c.key(), c.kind.clone(), true).with_metadata(spelled)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The same columns under the names of another schema.
pub(in super::super) fn retitled(batch: &RecordBatch, schema: &SchemaRef) -> Outcome<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)?)
}

#[derive(Debug)]
pub(in super::super) struct Table {
    state: RwLock<Arc<TableState>>,
    /// Held by a statement from reading the state to replacing it.
    pub(in super::super) writer: tokio::sync::Mutex<()>,
    #[cfg(feature = "delta")]
    backing: super::backing::Backing,
}

impl Table {
    fn with(state: TableState, #[cfg(feature = "delta")] backing: super::backing::Backing) -> Self {
        Self {
            state: RwLock::new(Arc::new(state)),
            writer: tokio::sync::Mutex::new(()),
            #[cfg(feature = "delta")]
            backing,
        }
    }

    /// A table that is there from the start.
    #[cfg_attr(not(feature = "delta"), allow(unused_variables, reason = "names lead to files"))]
    pub(in super::super) fn from_sample(name: &'static str, state: TableState) -> Self {
        Self::with(
            state,
            #[cfg(feature = "delta")]
            super::backing::Backing::sample(name),
        )
    }

    pub(in super::super) fn state(&self) -> Arc<TableState> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, state: TableState) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }
}

/// Refuses to take rows away from a table that only takes new ones.
fn check_appends(before: &TableState, after: &TableState, change: &Change<'_>) -> Result<(), Failure> {
    let operation = &change.operation;
    if operation.keeps_rows || operation.only_adds() {
        return Ok(());
    }
    let same = |a: &RecordBatch, b: &RecordBatch| {
        a.num_columns() == b.num_columns() && a.columns().iter().zip(b.columns()).all(|(a, b)| Arc::ptr_eq(a, b))
    };
    let stays = |batch: &RecordBatch| batch.num_rows() == 0 || after.batches.iter().any(|other| same(batch, other));
    if before.batches.iter().all(stays) { Ok(()) } else { before.check_removable() }
}

#[cfg(not(feature = "delta"))]
impl Table {
    /// Makes a table.
    pub(in super::super) fn create(state: TableState, _: &Change<'_>) -> Result<Self, Failure> {
        Ok(Self::with(state))
    }

    /// Replaces the state; the caller holds `writer`.
    pub(in super::super) fn commit(&self, state: TableState, change: &Change<'_>) -> Result<(), Failure> {
        check_appends(&self.state(), &state, change)?;
        self.replace(state);
        Ok(())
    }
}

#[cfg(feature = "delta")]
impl Table {
    /// Makes a table with files.
    pub(in super::super) fn create(state: TableState, change: &Change<'_>) -> Result<Self, Failure> {
        let backing = super::backing::Backing::create(&state, change)?;
        Ok(Self::with(state, backing))
    }

    /// A table whose files were there.
    pub(in super::super) fn opened(keeper: super::super::delta::Keeper, state: TableState) -> Self {
        Self::with(state, super::backing::Backing::opened(keeper))
    }

    /// Replaces the state, in the table's log first; the caller holds `writer`.
    pub(in super::super) fn commit(&self, state: TableState, change: &Change<'_>) -> Result<(), Failure> {
        let before = self.state();
        check_appends(&before, &state, change)?;
        self.backing.commit(&before, state, change, |state| self.replace(state))
    }

    pub(in super::super) fn backing(&self) -> &super::backing::Backing {
        &self.backing
    }

    /// The name of the directory of its files, if it has some.
    pub(in super::super) fn directory(&self) -> Option<&str> {
        self.backing.directory()
    }

    /// The sample that it is.
    pub(in super::super) fn sample(&self) -> Option<&'static str> {
        self.backing.of_sample()
    }
}

/// Rows of one state, as the engine scans them.
#[derive(Debug)]
pub(in super::super) struct Rows {
    pub(in super::super) schema: SchemaRef,
    pub(in super::super) batches: Vec<RecordBatch>,
}

impl Rows {
    pub(in super::super) fn of(state: &TableState) -> Self {
        Self { schema: state.schema(), batches: state.batches.clone() }
    }
}

#[async_trait]
impl TableProvider for Rows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Outcome<Arc<dyn ExecutionPlan>> {
        let parts = [self.batches.clone()];
        let source = MemorySourceConfig::try_new(&parts, self.schema(), projection.cloned())?;
        Ok(DataSourceExec::from_data_source(source))
    }
}
