//! The embedded SQL engine: DataFusion with the platform's dialect, type names, error classes and sample data.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Runtime};

use super::Failure;
use super::column::Column;
use super::request::{Format, StatementRequest};
use super::spill::{Flow, Spill};
use super::stack::WORKER_STACK;
use output::{Counts, Output};
use rewrite::Rewriter;

mod aggregates;
pub(crate) mod arithmetic;
mod arrow_chunks;
mod catalogs;
pub(crate) mod cells;
mod coerce;
mod depth;
mod dialect;
mod errors;
mod functions;
mod generators;
mod lexical;
mod names;
pub(crate) mod output;
mod params;
mod range;
mod rewrite;
mod sample;
mod show;
pub(crate) mod spark;

/// Memory that sorts, joins and aggregates may hold; what goes beyond spills to the workspace's directory or fails.
const MEMORY_LIMIT: usize = 1 << 30;

/// What the workspace's catalogues hold, and the threads that work on it.
pub(crate) struct Engine {
    context: SessionContext,
    names: names::TableNames,
    /// Threads of its own, so that a long query does not hold up the server, which may run on a single one.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// `directory` takes temporary files of large sorts and joins.
    pub(crate) fn new(directory: &Path) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("databricks-local-sql")
            .thread_stack_size(WORKER_STACK)
            .enable_time()
            .build()?;
        Ok(Self {
            context: context(directory).map_err(std::io::Error::other)?,
            names: names::TableNames::default(),
            runtime: Some(runtime),
        })
    }

    /// Runs `work` on this thread, which must be one that may block; what it spawns runs on the engine's threads.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.runtime.as_ref().map(|r| r.block_on(work))
    }

    /// Runs a statement and writes its result.
    pub(crate) async fn run(&self, request: &StatementRequest, spill: &mut Spill) -> Result<Vec<Column>, Failure> {
        let mut statement = rewrite::parse(&request.statement)?;
        let session = self.session(request);
        if matches!(statement, ast::Statement::Use(_)) {
            // Statements share no session; naming a catalogue here has no effect, as on the platform.
            return Ok(Vec::new());
        }
        let catalog = request.catalog.as_deref().unwrap_or(sample::DEFAULT_CATALOG);
        let schema = request.schema.as_deref().unwrap_or(sample::DEFAULT_SCHEMA);
        if let Some(sql) = show::listing(&statement, catalog, schema) {
            statement = rewrite::parse(&sql)?;
        }
        let names = names::Names::of(&statement);
        Rewriter::new(&request.parameters, catalog, schema)?.apply(&mut statement)?;
        let counts = match &statement {
            ast::Statement::Insert(_) => Counts::Inserts,
            ast::Statement::Update(_) | ast::Statement::Delete(_) => Counts::Changes,
            _ => Counts::None,
        };
        let state = session.state();
        let failed = |e| errors::failure(&e);
        let plan = match &statement {
            ast::Statement::ExplainTable { table_name, .. } => {
                show::describe(&session, table_name, |position, name| self.names.spelled(&names, position, name)).await
            }
            _ => state.statement_to_plan(Statement::Statement(Box::new(statement))).await,
        };
        let plan = plan.map_err(failed)?;
        depth::check_plan(&plan)?;
        only_what_stays_inside(&plan)?;
        let frame = session.execute_logical_plan(plan).await.map_err(failed)?;
        let mut batches = frame.execute_stream().await.map_err(failed)?;
        let mut output = Output::new(&batches.schema(), counts)?;
        output.rename(|position, name| self.names.spelled(&names, position, name));
        let mut writer = Writer::new(spill, &output)?;
        while let Some(batch) = batches.next().await {
            let batch = output.convert(&batch.map_err(failed)?).map_err(failed)?;
            if writer.write(&batch)? == Flow::Full {
                break;
            }
        }
        writer.finish()?;
        self.names.record(names);
        Ok(output.columns)
    }

    /// A session on the shared catalogues, with the statement's own defaults.
    fn session(&self, request: &StatementRequest) -> SessionContext {
        let mut state = self.context.state();
        let options = &mut state.config_mut().options_mut().catalog;
        if let Some(catalog) = &request.catalog {
            options.default_catalog.clone_from(catalog);
        }
        if let Some(schema) = &request.schema {
            options.default_schema.clone_from(schema);
        }
        SessionContext::new_with_state(state)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A runtime must not be dropped where a task runs; this does not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn context(directory: &Path) -> Result<SessionContext> {
    let config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(sample::DEFAULT_CATALOG, sample::DEFAULT_SCHEMA)
        .with_information_schema(true)
        .set_str("datafusion.sql_parser.default_null_ordering", "nulls_min")
        .set_str("datafusion.execution.time_zone", "UTC")
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_str("datafusion.sql_parser.dialect", "databricks");
    let runtime =
        RuntimeEnvBuilder::new().with_memory_limit(MEMORY_LIMIT, 1.0).with_temp_file_path(directory).build_arc()?;
    let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
    // Before the engine's own rules, which would find other types where two meet.
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(coerce::Coerce::default())];
    rules.extend(Analyzer::new().rules);
    let mut planners = SessionStateDefaults::default_expr_planners();
    planners.insert(0, Arc::new(coerce::Literals));
    let state = state
        .with_expr_planners(planners)
        .with_analyzer_rules(rules)
        .with_type_planner(Arc::new(coerce::Types))
        .build();
    let context = SessionContext::new_with_state(state);
    context.register_catalog_list(Arc::new(catalogs::Catalogs::default()));
    context.register_udtf("range", Arc::new(range::RangeFunction));
    functions::register(&context)?;
    aggregates::register(&context);
    sample::register(&context)?;
    Ok(context)
}

/// Refuses plans that would reach files outside of the workspace or change the engine's settings.
fn only_what_stays_inside(plan: &LogicalPlan) -> Result<(), Failure> {
    let mut refused = None;
    let visited = plan.apply(|node| {
        refused = match node {
            LogicalPlan::Copy(_) => Some("COPY"),
            LogicalPlan::Statement(_) => Some("this kind of session statement"),
            LogicalPlan::Ddl(ddl) => match ddl {
                DdlStatement::CreateExternalTable(_) => Some("external tables"),
                DdlStatement::CreateCatalog(_) => Some("CREATE CATALOG"),
                DdlStatement::CreateIndex(_) => Some("CREATE INDEX"),
                DdlStatement::CreateFunction(_) | DdlStatement::DropFunction(_) => Some("SQL functions"),
                _ => None,
            },
            _ => None,
        };
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    visited.map_err(|e| errors::failure(&e))?;
    match refused {
        None => Ok(()),
        Some(what) => Err(Failure::class(
            "UNSUPPORTED_FEATURE",
            &format!("The local workspace does not support {what}."),
            "0A000",
        )),
    }
}

/// Writes batches in the format of the result.
enum Writer<'a> {
    Text { spill: &'a mut Spill, line: Vec<u8> },
    Arrow(arrow_chunks::ArrowChunks<'a>),
}

impl<'a> Writer<'a> {
    fn new(spill: &'a mut Spill, output: &Output) -> Result<Self, Failure> {
        Ok(match spill.format() {
            Format::ArrowStream => Self::Arrow(arrow_chunks::ArrowChunks::new(spill, &output.schema)),
            Format::JsonArray | Format::Csv => {
                spill.begin(&output.columns);
                Self::Text { spill, line: Vec::new() }
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<Flow, Failure> {
        match self {
            Self::Arrow(chunks) => chunks.write(batch),
            Self::Text { spill, line } => {
                for row in 0..batch.num_rows() {
                    cells::encode(line, spill.format(), batch, row);
                    if spill.row(line)? == Flow::Full {
                        return Ok(Flow::Full);
                    }
                }
                Ok(Flow::More)
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Text { .. } => Ok(()),
            Self::Arrow(mut chunks) => chunks.close(),
        }
    }
}
