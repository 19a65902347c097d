//! One statement while it runs: its session, names and parameters, and how it reads rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use futures_util::StreamExt as _;

use super::core::{Core, Planned, Setting};
use super::host::Host;
use super::names::Names;
use super::rights::Rights;
use super::script::locals::Locals;
use super::session::{SqlSession, Variable};
use super::spark::value::{V, build, read};
use super::store::operation::{Change, Operation};
use super::store::providers::{Extra, Overlay};
use super::store::table::{Rows, Table, retitled};
use super::store::{About, Name, Relation, missing};
use super::{errors, output, params, values};
use crate::sql::Failure;
use crate::sql::request::Parameter;

/// The time zone of sessions that set none.
pub(super) const DEFAULT_ZONE: &str = "Etc/UTC";

/// What a statement gives.
pub(super) enum Reply {
    /// No columns and no rows.
    Nothing,
    Rows(Listing),
    Query(Box<Planned>),
    /// A query that has run.
    Finished(Box<Finished>),
}

/// The rows of a query as the engine has them, and the names that its text has written.
pub(super) struct Finished {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) names: Names,
}

/// Bytes of the rows of a query inside of a script, which are held until the script ends.
const HELD: usize = 256 << 20;

impl Planned {
    /// Runs the query to its end.
    pub(super) async fn finish(self) -> Result<Finished, Failure> {
        let failed = |e| errors::failure(&e);
        let frame = self.session.execute_logical_plan(self.plan).await.map_err(failed)?;
        let mut stream = frame.execute_stream().await.map_err(failed)?;
        let (schema, mut batches, mut bytes) = (stream.schema(), Vec::new(), 0);
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(failed)?;
            bytes += batch.get_array_memory_size();
            if bytes > HELD {
                return Err(missing::feature(&format!("queries in scripts with more than {HELD} bytes of rows")));
            }
            batches.push(batch);
        }
        Ok(Finished { schema, batches, names: self.names })
    }
}

/// Rows that are made here.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) columns: Vec<(String, DataType)>,
    pub(super) rows: Vec<Vec<V>>,
}

impl Listing {
    /// Columns by name: `name` is a string, `name:l` a BIGINT, `name:b` a BOOLEAN, `name:t` a TIMESTAMP, `name:i` an INT.
    pub(super) fn new(columns: &[&str]) -> Self {
        let columns = columns.iter().map(|c| match c.split_once(':') {
            Some((name, "l")) => (name.to_owned(), DataType::Int64),
            Some((name, "i")) => (name.to_owned(), DataType::Int32),
            Some((name, "b")) => (name.to_owned(), DataType::Boolean),
            Some((name, "t")) => (name.to_owned(), super::spark::types::timestamp()),
            Some((name, "a")) => (name.to_owned(), super::spark::types::list(DataType::Utf8)),
            Some((name, "m")) => (name.to_owned(), super::spark::types::map(DataType::Utf8, DataType::Utf8)),
            _ => ((*c).to_owned(), DataType::Utf8),
        });
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    pub(super) fn with(mut self, rows: impl IntoIterator<Item = Vec<V>>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// One row of counts.
    pub(super) fn counts(counts: &[(&str, usize)]) -> Reply {
        let columns = counts.iter().map(|(name, _)| ((*name).to_owned(), DataType::Int64)).collect();
        Reply::Rows(Self { columns, rows: vec![counts.iter().map(|(_, n)| V::int(*n)).collect()] })
    }

    pub(super) fn batch(&self) -> Result<RecordBatch, Failure> {
        let failed = |e| errors::failure(&e);
        let fields: Vec<Field> = self.columns.iter().map(|(n, k)| Field::new(n, k.clone(), true)).collect();
        let arrays = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, (_, kind))| {
                let cells: Vec<V> = self.rows.iter().map(|r| r.get(i).cloned().unwrap_or(V::Null)).collect();
                build(kind, &cells)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| failed(e.into()))
    }
}

/// The rows of a query, in the platform's types.
pub(super) struct Read {
    pub(super) names: Vec<String>,
    pub(super) kinds: Vec<DataType>,
    pub(super) batches: Vec<RecordBatch>,
}

impl Read {
    pub(super) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// All values, row by row.
    pub(super) fn values(&self) -> Vec<Vec<V>> {
        let of = |batch: &RecordBatch, row| batch.columns().iter().map(|c| read(c, row)).collect();
        self.batches.iter().flat_map(|b| (0..b.num_rows()).map(move |row| of(b, row))).collect()
    }

    /// The rows under names in lower case, as another text reads them.
    pub(super) fn provider(&self) -> Result<Rows, Failure> {
        let fields: Vec<Field> =
            self.names.iter().zip(&self.kinds).map(|(n, k)| Field::new(n.to_lowercase(), k.clone(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let batches = self.batches.iter().map(|b| retitled(b, &schema)).collect::<Result<_, _>>();
        Ok(Rows { batches: batches.map_err(|e| errors::failure(&e))?, schema })
    }
}

pub(super) type Named = BTreeMap<String, Arc<Rows>>;

#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) core: Arc<Core>,
    pub(super) session: Arc<SqlSession>,
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) host: &'a dyn Host,
    /// Statements around this one.
    pub(super) level: usize,
    /// Who runs the statement.
    pub(super) user: String,
    /// What the user may do; `None` is everything.
    pub(super) rights: Option<Arc<Rights>>,
    /// The user's name and those of groups that hold the user.
    pub(super) groups: Arc<[String]>,
    /// Variables of the script around the statement.
    pub(super) locals: Option<Arc<Locals>>,
}

impl Scope<'_> {
    pub(super) fn setting(&self) -> Result<Setting, Failure> {
        let parameters = self
            .parameters
            .iter()
            .map(|p| Ok((p.name.clone(), params::expression(p)?)))
            .collect::<Result<_, Failure>>()?;
        let mut setting =
            Setting { catalog: self.catalog.clone(), schema: self.schema.clone(), parameters, ..Setting::default() };
        let mut add = |label: Option<&str>, variables: &BTreeMap<String, Variable>| {
            for (name, variable) in variables {
                let value = values::expression(&variable.value, &variable.kind);
                if let Some(label) = label {
                    setting.qualified.insert((label.to_owned(), name.clone()), value.clone());
                }
                setting.variables.insert(name.clone(), value);
            }
        };
        add(Some("session"), &self.session.lock().variables);
        // Those of inner blocks hide others of their name.
        if let Some(locals) = &self.locals {
            locals.lock().iter().for_each(|frame| add(frame.label.as_deref(), &frame.variables));
        }
        Ok(setting)
    }

    pub(super) fn overlay(&self, rows: Named) -> Overlay {
        let views = self.session.lock().views.clone();
        Overlay {
            core: Arc::clone(&self.core),
            extra: Arc::new(Extra {
                rows,
                views,
                #[cfg(feature = "delta")]
                times: BTreeMap::new(),
            }),
            depth: 0,
            used: Arc::default(),
            user: self.user.as_str().into(),
            rights: self.rights.clone(),
            groups: Arc::clone(&self.groups),
            time_zone: self.session.time_zone().unwrap_or_else(|| DEFAULT_ZONE.to_owned()).into(),
            secrets: self.host.secrets(&self.user, self.rights.is_none()),
            metastore: self.host.metastore().into(),
        }
    }

    pub(super) async fn plan(&self, text: &str, mut rows: Named) -> Result<Planned, Failure> {
        rows.extend(super::files::load(self, text)?);
        let overlay = self.overlay(rows);
        #[cfg(feature = "delta")]
        let overlay = super::delta::times::known(self, text, overlay).await?;
        self.core.plan(text, &self.setting()?, &overlay).await
    }

    /// Runs a query to its end.
    pub(super) async fn read(&self, text: &str, rows: Named) -> Result<Read, Failure> {
        let failed = |e| errors::failure(&e);
        let planned = self.plan(text, rows).await?;
        let frame = planned.session.execute_logical_plan(planned.plan).await.map_err(failed)?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await.map_err(failed)?;
        let shape = output::stored(&schema);
        let names = schema.fields().iter().enumerate().map(|(at, f)| planned.names.spelled(at, f)).collect();
        let batches = batches.iter().map(|b| output::convert(b, &shape)).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Read { names, kinds: shape.fields().iter().map(|f| f.data_type().clone()).collect(), batches })
    }

    /// The only value of a query of one row and column.
    pub(super) async fn value(&self, expression: &str) -> Result<(V, DataType), Failure> {
        let read = self.read(&format!("SELECT ({expression})"), Named::new()).await?;
        let value = read.values().into_iter().next().and_then(|row| row.into_iter().next()).unwrap_or(V::Null);
        Ok((value, read.kinds.first().cloned().unwrap_or(DataType::Null)))
    }

    /// The full name; parts that are not written are those of the session.
    pub(super) fn resolve(&self, parts: &[String]) -> Result<Name, Failure> {
        let lower = |s: &String| s.to_lowercase();
        let (catalog, schema, object) = match parts {
            [object] => (self.catalog.clone(), self.schema.clone(), lower(object)),
            [schema, object] => (self.catalog.clone(), lower(schema), lower(object)),
            [catalog, schema, object] => (lower(catalog), lower(schema), lower(object)),
            _ => {
                return Err(Failure::class(
                    "REQUIRES_SINGLE_PART_NAMESPACE",
                    &format!("The name {} has too many parts.", super::store::quoted(parts)),
                    "42K05",
                ));
            }
        };
        Ok(Name { catalog, schema, object })
    }

    /// Catalog and schema of a name of one or two parts.
    pub(super) fn resolve_schema(&self, parts: &[String]) -> Result<(String, String), Failure> {
        match parts {
            [schema] => Ok((self.catalog.clone(), schema.to_lowercase())),
            [catalog, schema] => Ok((catalog.to_lowercase(), schema.to_lowercase())),
            _ => Err(Failure::class(
                "REQUIRES_SINGLE_PART_NAMESPACE",
                &format!("The name {} is not that of a schema.", super::store::quoted(parts)),
                "42K05",
            )),
        }
    }

    pub(super) fn relation(&self, parts: &[String]) -> Result<(Name, Relation), Failure> {
        if let [one] = parts
            && let Some(view) = self.session.lock().views.get(&one.to_lowercase())
        {
            let name = Name { catalog: String::new(), schema: String::new(), object: one.to_lowercase() };
            return Ok((name, Relation::View(Arc::clone(view))));
        }
        let name = self.resolve(parts)?;
        match self.core.store.relation(&name) {
            Some(relation) => Ok((name, relation)),
            None => Err(missing::table(parts)),
        }
    }

    /// A table, not a view.
    pub(super) fn table(&self, parts: &[String]) -> Result<(Name, Arc<Table>), Failure> {
        match self.relation(parts)? {
            (name, Relation::Table(table)) => Ok((name, table)),
            (name, Relation::View(_)) => Err(missing::not_a_table(&name)),
        }
    }

    /// A change that the statement makes.
    pub(super) fn change(&self, operation: Operation) -> Change<'_> {
        Change { store: &self.core.store, now_ms: self.host.now_ms(), user: Some(&self.user), operation }
    }

    /// What is stated of an object that is made now.
    pub(super) fn about(&self) -> About {
        About { owner: Some(self.user.clone()), created_ms: self.host.now_ms(), ..About::default() }
    }
}
