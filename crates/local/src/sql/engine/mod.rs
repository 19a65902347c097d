//! The embedded SQL engine: DataFusion with the platform's dialect, type names, error classes and sample data.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Runtime};

use super::Failure;
use super::column::Column;
use super::request::{Format, StatementRequest};
use super::spill::{Flow, Spill};
use super::stack::WORKER_STACK;
use core::Core;
use host::Host;
use output::Output;
use scope::{Reply, Scope};
use spark::zone::{self, Zone};

pub(crate) mod about;
mod aggregates;
pub(crate) mod arithmetic;
mod arrow_chunks;
#[cfg(feature = "spark")]
mod attached;
mod calls;
pub(crate) mod cells;
mod clocks;
mod coerce;
mod command;
mod core;
mod correlated;
#[cfg(feature = "delta")]
pub(crate) mod delta;
mod depth;
mod dialect;
mod errors;
mod expand;
mod files;
pub(crate) mod function_names;
mod functions;
mod generators;
mod guard;
pub(crate) mod host;
mod lateral;
mod lexical;
mod mirror;
mod names;
mod once;
mod ordered;
pub(crate) mod output;
mod params;
mod pivot;
mod planner;
mod range;
mod recursion;
pub(crate) mod renames;
mod rewrite;
mod rights;
mod sample;
mod scope;
mod script;
mod session;
mod shared;
pub(crate) mod spark;
mod store;
mod values;
mod walk;

/// Memory that sorts, joins and aggregates may hold; what goes beyond spills to the workspace's directory or fails.
const MEMORY_LIMIT: usize = 1 << 30;

/// What runs statements.
#[async_trait(?Send)]
pub(crate) trait StatementEngine: std::fmt::Debug {
    /// Runs a statement and writes its result.
    async fn run(&self, request: &StatementRequest, host: &dyn Host, spill: &mut Spill)
    -> Result<Vec<Column>, Failure>;

    /// Forgets the temporary views, variables and settings of a session that was closed.
    fn close_session(&self, id: &str);
}

/// What the workspace's catalogues hold, and the threads that work on it.
pub(crate) struct Engine {
    core: Arc<Core>,
    sessions: session::SqlSessions,
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
    pub(crate) fn new(
        directory: &Path,
        #[cfg(feature = "delta")] keeping: delta::kept::Keeping,
    ) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("databricks-local-sql")
            .thread_stack_size(WORKER_STACK)
            .enable_time()
            .build()?;
        let base = context(directory).map_err(std::io::Error::other)?;
        let store = sample::store().map_err(std::io::Error::other)?;
        #[cfg(feature = "delta")]
        store.keep(keeping)?;
        Ok(Self {
            core: Arc::new(Core { base, store }),
            sessions: session::SqlSessions::default(),
            runtime: Some(runtime),
        })
    }

    /// Runs `work` on this thread, which must be one that may block; what it spawns runs on the engine's threads.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.runtime.as_ref().map(|r| r.block_on(work))
    }

    /// Makes a catalog with an empty schema `default`; `false` if there is one of that name.
    pub(crate) fn create_catalog(&self, name: &str) -> Result<bool, Failure> {
        self.core.store.create_catalog(&name.to_lowercase(), store::About::default())
    }

    /// Removes a catalog with all that it holds; `false` if there is none of that name.
    pub(crate) fn drop_catalog(&self, name: &str) -> Result<bool, Failure> {
        self.core.store.drop_catalog(&name.to_lowercase())
    }
}

#[async_trait(?Send)]
impl StatementEngine for Engine {
    fn close_session(&self, id: &str) {
        self.sessions.forget(id);
    }

    async fn run(
        &self,
        request: &StatementRequest,
        host: &dyn Host,
        spill: &mut Spill,
    ) -> Result<Vec<Column>, Failure> {
        let lower = |name: &Option<String>, default: &str| name.as_deref().unwrap_or(default).to_lowercase();
        let user = request.user.clone().unwrap_or_else(|| crate::state::USER_NAME.to_owned());
        let principals = host.principals(&user);
        // A statement without a user is the administrator's.
        let bounded = request.user.is_some() && !principals.iter().any(|name| name == "admins");
        let rights = bounded.then(|| Arc::new(rights::Rights::new(principals.clone())));
        let scope = Scope {
            core: Arc::clone(&self.core),
            session: self.sessions.get(request.session.as_deref(), &request.settings),
            catalog: lower(&request.catalog, sample::DEFAULT_CATALOG),
            schema: lower(&request.schema, sample::DEFAULT_SCHEMA),
            parameters: request.parameters.clone(),
            host,
            level: 0,
            user,
            locals: None,
            rights,
            groups: principals.into(),
        };
        mirror::pull(&self.core.store, host);
        // The statement's own work is all on this thread, what it spawns takes the zone from its plan.
        let _zone = zone::Entered::new(scope.session.zone());
        let limit = scope.session.time_limit();
        match tokio::time::timeout(limit, respond(&scope, request, spill)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::class(
                "QUERY_EXECUTION_TIMEOUT_EXCEEDED",
                &format!(
                    "Query execution timeout exceeded. The query did not complete within the specified timeout of {} seconds.",
                    limit.as_secs()
                ),
                "57KD0",
            )),
        }
    }
}

/// Runs a statement to its end and writes what it gives.
async fn respond(scope: &Scope<'_>, request: &StatementRequest, spill: &mut Spill) -> Result<Vec<Column>, Failure> {
    let text = lexical::plain(&request.statement);
    let failed = |e| errors::failure(&e);
    match command::run(scope, &text).await.map_err(|f| errors::placed(f, &request.statement))? {
        Reply::Nothing => Ok(Vec::new()),
        Reply::Rows(listing) => {
            let batch = listing.batch()?;
            let output = Output::new(&batch.schema(), |_, f| f.name().clone());
            let mut writer = Writer::new(spill, &output);
            writer.write(&output.convert(&batch).map_err(failed)?)?;
            writer.finish()?;
            Ok(output.columns)
        }
        Reply::Query(planned) => {
            let frame = planned.session.execute_logical_plan(planned.plan).await.map_err(failed)?;
            let mut batches = frame.execute_stream().await.map_err(failed)?;
            let output = Output::new(&batches.schema(), |at, field| planned.names.spelled(at, field));
            let mut writer = Writer::new(spill, &output);
            while let Some(batch) = batches.next().await {
                let batch = output.convert(&batch.map_err(failed)?).map_err(failed)?;
                if writer.write(&batch)? == Flow::Full {
                    break;
                }
            }
            writer.finish()?;
            Ok(output.columns)
        }
        Reply::Finished(finished) => {
            let output = Output::new(&finished.schema, |at, field| finished.names.spelled(at, field));
            let mut writer = Writer::new(spill, &output);
            for batch in &finished.batches {
                if writer.write(&output.convert(batch).map_err(failed)?)? == Flow::Full {
                    break;
                }
            }
            writer.finish()?;
            Ok(output.columns)
        }
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
        .set_str("datafusion.sql_parser.default_null_ordering", "nulls_min")
        .set_str("datafusion.execution.time_zone", "UTC")
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true)
        .set_bool("datafusion.sql_parser.enable_subquery_sort_elimination", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_str("datafusion.sql_parser.dialect", "databricks");
    let runtime =
        RuntimeEnvBuilder::new().with_memory_limit(MEMORY_LIMIT, 1.0).with_temp_file_path(directory).build_arc()?;
    let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
    // Before the engine's own rules, which would find other types where two meet.
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![
        Arc::new(shared::Unhide),
        Arc::new(recursion::Spelled),
        Arc::new(correlated::Correlated),
        Arc::new(ordered::Ordered),
        Arc::new(spark::random::Own),
        Arc::new(coerce::Coerce::default()),
    ];
    rules.extend(Analyzer::new().rules);
    let mut planners = SessionStateDefaults::default_expr_planners();
    planners.insert(0, Arc::new(coerce::Literals));
    let state = state
        .with_expr_planners(planners)
        .with_analyzer_rules(rules)
        .with_type_planner(Arc::new(coerce::Types))
        .with_query_planner(Arc::new(planner::Planner))
        .build();
    let context = SessionContext::new_with_state(state);
    context.register_udtf("range", Arc::new(range::RangeFunction));
    functions::register(&context)?;
    aggregates::register(&context);
    context.register_relation_planner(Arc::new(pivot::Pivots))?;
    Ok(context)
}

/// Checks the name of a time zone.
pub(crate) fn time_zone(name: &str) -> Result<Zone, Failure> {
    Zone::parse(name).ok_or_else(|| {
        let text = format!(
            "The value '{name}' in the config \"spark.sql.session.timeZone\" is invalid. Cannot resolve the given timezone."
        );
        Failure::class("INVALID_CONF_VALUE.TIME_ZONE", &text, "22022")
    })
}

/// Refuses plans that are not queries.
fn only_what_stays_inside(plan: &LogicalPlan) -> Result<(), Failure> {
    let mut refused = false;
    let visited = plan.apply(|node| {
        refused = matches!(
            node,
            LogicalPlan::Copy(_) | LogicalPlan::Statement(_) | LogicalPlan::Ddl(_) | LogicalPlan::Dml(_)
        );
        Ok(if refused { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    visited.map_err(|e| errors::failure(&e))?;
    if refused { Err(store::missing::feature("statements inside of queries")) } else { Ok(()) }
}

/// Writes batches in the format of the result.
enum Writer<'a> {
    Text { spill: &'a mut Spill, line: Vec<u8> },
    Arrow(arrow_chunks::ArrowChunks<'a>),
}

impl<'a> Writer<'a> {
    fn new(spill: &'a mut Spill, output: &Output) -> Self {
        match spill.format() {
            Format::ArrowStream => Self::Arrow(arrow_chunks::ArrowChunks::new(spill, &output.schema)),
            Format::JsonArray | Format::Csv => {
                spill.begin(&output.columns);
                Self::Text { spill, line: Vec::new() }
            }
        }
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
