//! A statement before it runs.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use super::progress::OnProgress;
use super::settings::{Disposition, Format, Settings};
use super::statement::PREFETCH;
use super::{ChunkStream, ResultSet, RowStream, Rows, Statement, StatementProgress, ToParameter};
use crate::client::Client;

/// A statement before it runs: made by [`WorkspaceClient::sql`](crate::WorkspaceClient::sql).
///
/// Await it to run the statement and have the whole result as a [`ResultSet`]; for results of any size use
/// [`rows`](Self::rows). Dropping what it returns before the statement has ended cancels the statement at the service.
#[must_use = "a query does nothing until it is run"]
#[derive(Debug)]
pub struct Query {
    pub(super) client: Client,
    pub(super) settings: Settings,
}

impl Query {
    pub(crate) fn new(client: Client, statement: impl Into<String>) -> Self {
        let settings = Settings {
            statement: statement.into(),
            warehouse: None,
            catalog: None,
            schema: None,
            parameters: Vec::new(),
            row_limit: None,
            byte_limit: None,
            disposition: Disposition::Auto,
            format: Format::JsonArray,
            timeout: None,
            prefetch: PREFETCH.0,
            prefetch_bytes: PREFETCH.1,
            tags: Vec::new(),
            on_progress: None,
        };
        Self { client, settings }
    }

    /// Sets the id of the warehouse that runs the statement. Default: `warehouse_id` of the configuration.
    pub fn warehouse(mut self, id: impl Into<String>) -> Self {
        self.settings.warehouse = Some(id.into());
        self
    }

    /// Sets the named parameter `:name`; [`ToParameter`] states which Rust type becomes which SQL type.
    pub fn bind(mut self, name: impl Into<String>, value: impl ToParameter) -> Self {
        self.settings.parameters.push((name.into(), value.to_parameter()));
        self
    }

    /// Sets the catalog of names without one.
    pub fn catalog(mut self, name: impl Into<String>) -> Self {
        self.settings.catalog = Some(name.into());
        self
    }

    /// Sets the schema of names without one.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.settings.schema = Some(name.into());
        self
    }

    /// Sets after how many rows the result is cut; `truncated()` of the streams and [`ResultSet::truncated`] state
    /// whether it was.
    pub fn row_limit(mut self, rows: i64) -> Self {
        self.settings.row_limit = Some(rows);
        self
    }

    /// Sets after how many bytes the result is cut; `truncated()` of the streams and [`ResultSet::truncated`] state
    /// whether it was.
    pub fn byte_limit(mut self, bytes: i64) -> Self {
        self.settings.byte_limit = Some(bytes);
        self
    }

    /// Sets where the result comes from. Default: [`Disposition::Auto`].
    pub fn disposition(mut self, disposition: Disposition) -> Self {
        self.settings.disposition = disposition;
        self
    }

    /// Sets the timeout of the query: until the statement has ended, past which it is cancelled, and until each chunk
    /// of its result has arrived. Default: none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// Sets how many chunks are fetched ahead of the one being read. Default 4, at least 1.
    pub fn prefetch(mut self, chunks: usize) -> Self {
        self.settings.prefetch = chunks.max(1);
        self
    }

    /// Sets how many bytes are fetched ahead of the chunk being read, all chunks together. Default 64 MiB; one chunk is
    /// fetched whatever its size.
    pub fn prefetch_bytes(mut self, bytes: u64) -> Self {
        self.settings.prefetch_bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self
    }

    /// Adds a tag to the statement, to be found in the query history; at most 20. A tag may go without a value.
    pub fn tag<'a>(mut self, key: impl Into<String>, value: impl Into<Option<&'a str>>) -> Self {
        self.settings.tags.push((key.into(), value.into().map(str::to_owned)));
        self
    }

    /// Sets a callback that is called after every poll, and after every chunk of the result that is delivered.
    pub fn on_progress(mut self, f: impl FnMut(StatementProgress<'_>) + Send + 'static) -> Self {
        self.settings.on_progress = Some(OnProgress(Box::new(f)));
        self
    }

    /// Starts the statement and returns at once.
    ///
    /// # Errors
    /// When no warehouse is set, or the service refuses the statement.
    pub async fn execute(self) -> Result<Statement> {
        Statement::start(self.client, self.settings, Duration::ZERO).await
    }

    /// Runs the statement and hands out its rows as they arrive: a stream, or await it for all of them.
    pub fn rows<T: DeserializeOwned>(self) -> Rows<T> {
        Rows::new(self.row_stream())
    }

    /// Runs the statement and hands out its rows untyped, as they arrive.
    pub fn row_stream(self) -> RowStream {
        RowStream::of_query(self)
    }

    /// Runs the statement and hands out the bytes of its result, chunk by chunk in order.
    ///
    /// Formats other than [`Format::JsonArray`] come by links.
    pub fn chunks(mut self, format: Format) -> ChunkStream {
        self.settings.format = format;
        if format != Format::JsonArray {
            self.settings.disposition = Disposition::ExternalLinks;
        }
        ChunkStream::of_query(self)
    }

    /// Runs the statement and returns its result as CSV, as it arrives: a heading, then rows. NULL is the string
    /// `null`.
    pub fn csv(self) -> ChunkStream {
        self.chunks(Format::Csv)
    }

    /// Runs the statement and hands out its result as JSON: each chunk is a list of rows, each row a list of strings
    /// and nulls.
    pub fn json(self) -> ChunkStream {
        self.chunks(Format::JsonArray)
    }

    /// Runs the statement and reads all rows as JSON objects by column name.
    ///
    /// # Errors
    /// Those of the statement and of fetching its result; [`ErrorKind::Decode`] when two columns have one name; when
    /// the service truncated the result although no limit is set here.
    pub async fn collect_json(self) -> Result<Vec<serde_json::Value>> {
        self.rows().await
    }

    /// Runs the statement and reads its only row.
    ///
    /// # Errors
    /// Those of the statement; [`ErrorKind::Decode`] when there is no row or more than one.
    pub async fn fetch_one<T: DeserializeOwned>(self) -> Result<T> {
        let (row, id) = self.at_most_one().await?;
        row.ok_or_else(|| {
            let message = format!("expected one row, but the result of statement {id} has none");
            Error::new(ErrorKind::Decode, message).with_hint("use fetch_optional if there may be none")
        })
    }

    /// Runs the statement and reads its only row, if there is one.
    ///
    /// # Errors
    /// Those of the statement; [`ErrorKind::Decode`] when there is more than one row.
    pub async fn fetch_optional<T: DeserializeOwned>(self) -> Result<Option<T>> {
        self.at_most_one().await.map(|(row, _)| row)
    }

    /// The only row, if there is one, and the id of the statement.
    async fn at_most_one<T: DeserializeOwned>(self) -> Result<(Option<T>, String)> {
        let mut rows = self.rows();
        let first = rows.try_next().await?;
        let second = rows.try_next().await?;
        let id = rows.statement_id().unwrap_or_default().to_owned();
        if second.is_some() {
            let message = format!("expected one row, but the result of statement {id} has more");
            return Err(Error::new(ErrorKind::Decode, message).with_hint("add LIMIT 1 or read all rows"));
        }
        rows.check_truncated()?;
        Ok((first, id))
    }
}

impl IntoFuture for Query {
    type Output = Result<ResultSet>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<ResultSet>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.row_stream().result_set())
    }
}
