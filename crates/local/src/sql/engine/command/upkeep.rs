//! Statements that look after files and caches. Rows are kept in memory, and files of versions stay, so that there is nothing
//! for them to do; that the table is there is checked.

use datafusion::arrow::datatypes::DataType;

use super::super::scope::{Listing, Named, Reply, Scope};
use super::super::spark::types;
use super::super::spark::value::V;
use super::super::store::missing::feature;
use super::cursor::Cursor;
use super::string;
use crate::sql::Failure;

/// Counts that OPTIMIZE gives of the files that it has written.
const METRICS: [&str; 7] = [
    "numFilesAdded",
    "numFilesRemoved",
    "partitionsOptimized",
    "numBatches",
    "totalConsideredFiles",
    "totalFilesSkipped",
    "preserveInsertionOrder",
];

pub(super) async fn upkeep(scope: &Scope<'_>, c: &mut Cursor<'_>, word: &str) -> Result<Reply, Failure> {
    match word {
        "OPTIMIZE" => {
            let (name, _) = scope.table(&c.name()?)?;
            c.eat("FULL");
            if c.eat("WHERE") {
                c.until(&["ZORDER BY"], false)?;
            }
            if c.eat("ZORDER BY") {
                let _ = if c.is("(") { c.brackets()? } else { c.rest()? };
            }
            c.done()?;
            let fields =
                METRICS.map(|m| (m, if m.starts_with("preserve") { DataType::Boolean } else { DataType::Int64 }));
            let metrics = V::Struct(
                METRICS.iter().map(|m| if m.starts_with("preserve") { V::Bool(true) } else { V::Int(0) }).collect(),
            );
            let columns = vec![("path".to_owned(), DataType::Utf8), ("metrics".to_owned(), types::structure(fields))];
            Ok(Reply::Rows(Listing { columns, rows: vec![vec![string(name.plain()), metrics]] }))
        }
        "VACUUM" => {
            scope.table(&c.name()?)?;
            let _ = c.eat("FULL") || c.eat("LITE");
            if c.eat("RETAIN") {
                let hours = c.integer()?;
                c.expect("HOURS")?;
                if hours < 0 {
                    return Err(c.error());
                }
            }
            c.eat("DRY RUN");
            c.done()?;
            Ok(Reply::Rows(Listing::new(&["path"])))
        }
        "ANALYZE" => {
            if c.eat("TABLES") {
                c.rest()?;
                return Ok(Reply::Nothing);
            }
            c.expect("TABLE")?;
            scope.relation(&c.name()?)?;
            if c.is("PARTITION") {
                c.skip();
                c.brackets()?;
            }
            let _ = c.eat("COMPUTE STATISTICS") || c.eat("COMPUTE DELTA STATISTICS");
            let _ = c.eat("NOSCAN") || c.eat("FOR ALL COLUMNS");
            if c.eat("FOR COLUMNS") {
                c.rest()?;
            }
            c.done()?;
            Ok(Reply::Nothing)
        }
        "CACHE" => {
            if c.is("SELECT") {
                let text = c.rest()?;
                scope.plan(text, Named::new()).await?;
                return Ok(Reply::Nothing);
            }
            c.eat("LAZY");
            c.expect("TABLE")?;
            let parts = c.name()?;
            if c.is("OPTIONS") {
                c.skip();
                c.brackets()?;
            }
            if !c.at_end() {
                return Err(feature("CACHE TABLE with a query"));
            }
            scope.relation(&parts)?;
            Ok(Reply::Nothing)
        }
        "UNCACHE" => {
            c.expect("TABLE")?;
            let quietly = c.eat("IF EXISTS");
            let parts = c.name()?;
            c.done()?;
            match scope.relation(&parts) {
                Err(failure) if !quietly => Err(failure),
                _ => Ok(Reply::Nothing),
            }
        }
        "CLEAR" => {
            c.expect("CACHE")?;
            c.done()?;
            Ok(Reply::Nothing)
        }
        "REFRESH" => {
            if c.is("MATERIALIZED VIEW") || c.is("STREAMING TABLE") {
                return Err(feature("materialized views and streaming tables"));
            }
            if c.eat("FUNCTION") {
                c.name()?;
                return c.done().map(|()| Reply::Nothing);
            }
            if c.is("FOREIGN") || c.is_string() {
                return Err(feature("this form of REFRESH"));
            }
            c.eat("TABLE");
            scope.relation(&c.name()?)?;
            c.done()?;
            Ok(Reply::Nothing)
        }
        other => Err(feature(other)),
    }
}
