//! What is set on a statement before it runs, and the request that it becomes.

use std::time::Duration;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::sql as model;

use super::Parameter;
use super::progress::OnProgress;
use crate::client::Client;

/// Where a result comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// Inline; if the result is too large for that (25 MiB), the query runs again with links. Only statements that read
    /// are run again.
    #[default]
    Auto,
    /// In the responses of the API. At most 25 MiB in all.
    Inline,
    /// On cloud storage, behind links that live for a while. At most 100 GiB.
    ExternalLinks,
}

/// The form of a result's chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Lists of lists of strings.
    #[default]
    JsonArray,
    /// Streams of Arrow's IPC format; by links alone.
    ArrowStream,
    /// Comma-separated values with a heading in the first chunk; only by links. NULL is the string `null`.
    Csv,
}

/// What was set on a query.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) statement: String,
    pub(super) warehouse: Option<String>,
    pub(super) catalog: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) parameters: Vec<(String, Parameter)>,
    pub(super) row_limit: Option<i64>,
    pub(super) byte_limit: Option<i64>,
    pub(super) disposition: Disposition,
    pub(super) format: Format,
    pub(super) timeout: Option<Duration>,
    pub(super) prefetch: usize,
    pub(super) prefetch_bytes: i64,
    pub(super) tags: Vec<(String, Option<String>)>,
    pub(super) on_progress: Option<OnProgress>,
}

impl Settings {
    /// The request that starts the statement.
    ///
    /// * `wait`: how long the service may hold its response back for the result; rounded to what the service takes (0,
    ///   5 to 50 s).
    pub(super) fn request(
        &self,
        client: &Client,
        disposition: Disposition,
        wait: Duration,
    ) -> Result<model::statement_execution::ExecuteStatement> {
        let warehouse = self.warehouse.as_deref().or(client.config().warehouse_id()).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "no SQL warehouse; call .warehouse(id), or set warehouse_id in the profile or DATABRICKS_WAREHOUSE_ID",
            )
        })?;
        let mut request = model::statement_execution::ExecuteStatement::new(self.statement.clone(), warehouse);
        request.catalog.clone_from(&self.catalog);
        request.schema.clone_from(&self.schema);
        request.row_limit = self.row_limit;
        request.byte_limit = self.byte_limit;
        request.format = Some(match self.format {
            Format::JsonArray => model::Format::JsonArray,
            Format::ArrowStream => model::Format::ArrowStream,
            Format::Csv => model::Format::Csv,
        });
        request.disposition = Some(match disposition {
            Disposition::ExternalLinks => model::Disposition::ExternalLinks,
            Disposition::Auto | Disposition::Inline => model::Disposition::Inline,
        });
        request.on_wait_timeout = Some(model::ExecuteStatementRequestOnWaitTimeout::Continue);
        // The service takes no wait between, and a longer one than asked for would pass the timeout.
        let seconds = match wait.as_secs() {
            0..5 => 0,
            seconds => seconds.min(50),
        };
        request.wait_timeout = Some(seconds.to_string() + "s");
        if !self.parameters.is_empty() {
            request.parameters = Some(self.parameters.iter().map(|(name, parameter)| item(name, parameter)).collect());
        }
        if !self.tags.is_empty() {
            let tag = |(key, value): &(String, Option<String>)| {
                let mut tag = model::QueryTag::new(key.clone());
                tag.value.clone_from(value);
                tag
            };
            request.query_tags = Some(self.tags.iter().map(tag).collect());
        }
        Ok(request)
    }

    /// Whether the statement only reads, by its first word, so that running it again changes nothing.
    pub(super) fn only_reads(&self) -> bool {
        let first = after_comments(&self.statement);
        let end = first.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(first.len());
        ["SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "TABLE", "FROM", "LIST"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(&first[..end]))
    }
}

/// The statement from its first word on: without comments, white space and brackets before it.
fn after_comments(statement: &str) -> &str {
    let mut rest = statement;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
    }
}

fn item(name: &str, parameter: &Parameter) -> model::StatementParameterListItem {
    let mut item = model::StatementParameterListItem::new(name).type_(parameter.sql_type.clone());
    item.value.clone_from(&parameter.value);
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_do_not_hide_the_first_word() {
        assert_eq!(after_comments("-- SELECT\n /* x */ (\n(insert into t"), "insert into t");
        assert_eq!(after_comments("/* open"), "");
        assert_eq!(after_comments("--"), "");
    }
}
