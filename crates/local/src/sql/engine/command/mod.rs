//! Statements: which one a text is, and what each does. Queries in them are planned as text of their own.

use std::future::Future;
use std::pin::Pin;

use super::scope::{Named, Reply, Scope};
use super::spark::value::V;
use super::store::missing::feature;
use crate::sql::Failure;
use cursor::Cursor;

mod alter_column;
mod alter_table;
mod assemble;
mod change;
mod columns;
mod copy;
mod create_table;
pub(super) mod cursor;
mod describe;
mod describe_table;
mod evolve;
mod expressions;
mod functions;
mod grants;
mod insert;
mod list;
mod merge;
pub(super) mod names;
mod objects;
mod partition;
mod policies;
mod properties;
mod settings;
mod show;
mod show_create;
mod upkeep;
pub(super) mod variables;
pub(super) mod version;
mod views;

/// Statements inside of EXECUTE IMMEDIATE.
const NESTED: usize = 16;

pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + 'a>>;

/// Runs one statement, whose literals are in plain form.
pub(super) fn run<'a>(scope: &'a Scope<'_>, text: &'a str) -> Running<'a> {
    Box::pin(async move {
        if scope.level > NESTED {
            return Err(super::depth::too_complex("statements inside each other", NESTED));
        }
        let text = text.trim();
        let text = text.strip_suffix(';').unwrap_or(text);
        if Cursor::new(text).is("BEGIN") {
            // Statements of a script are checked one by one.
            return super::script::run(scope, text).await;
        }
        super::rewrite::check(text)?;
        let resolved = names::identifiers(scope, text).await?;
        one(scope, resolved.as_deref().unwrap_or(text)).await
    })
}

async fn one(scope: &Scope<'_>, text: &str) -> Result<Reply, Failure> {
    let mut c = Cursor::new(text);
    let c = &mut c;
    if c.at_end() {
        return Err(Failure::class("PARSE_SYNTAX_ERROR", "The statement is empty.", "42601"));
    }
    super::rights::check(scope, text)?;
    if c.is("VALUES") {
        return query(scope, &format!("SELECT * FROM ({text})")).await;
    }
    if c.is("(") || ["SELECT", "WITH", "FROM"].iter().any(|w| c.is(w)) {
        return query(scope, text).await;
    }
    if c.eat("TABLE") {
        let rest = c.rest()?;
        return query(scope, &format!("SELECT * FROM {rest}")).await;
    }
    let first = c.clone();
    if c.eat("CREATE") {
        let replace = c.eat("OR REPLACE");
        let temporary = c.eat("TEMPORARY") || c.eat("TEMP");
        if c.eat("TABLE") {
            return create_table::create(scope, c, replace, temporary).await;
        }
        if c.eat("VIEW") {
            return views::create(scope, c, replace, temporary).await;
        }
        if c.eat("FUNCTION") {
            return functions::create(scope, c, replace, temporary).await;
        }
        if c.eat("EXTERNAL TABLE") {
            return Err(feature("external tables"));
        }
        for what in [
            "MATERIALIZED VIEW",
            "STREAMING TABLE",
            "EXTERNAL VOLUME",
            "EXTERNAL LOCATION",
            "CONNECTION",
            "SHARE",
            "RECIPIENT",
            "STORAGE CREDENTIAL",
            "PROCEDURE",
            "POLICY",
            "SERVER",
            "FOREIGN CATALOG",
            "BLOOMFILTER INDEX",
        ] {
            if c.is(what) {
                return Err(feature(&format!("CREATE {what}")));
            }
        }
        if !replace && !temporary {
            return objects::create(scope, c);
        }
        return Err(c.error());
    }
    if c.eat("REPLACE TABLE") {
        return create_table::replace(scope, c).await;
    }
    if c.eat("DROP") {
        return objects::drop(scope, c);
    }
    if c.eat("UNDROP") {
        return Err(feature("UNDROP"));
    }
    if c.eat("ALTER TABLE") {
        return alter_table::alter(scope, c).await;
    }
    if c.eat("ALTER VIEW") {
        return views::alter(scope, c).await;
    }
    if c.eat("ALTER") {
        return objects::alter(scope, c).await;
    }
    if c.eat("COMMENT ON") {
        return properties::comment(scope, c).await;
    }
    if c.eat("SET TAG ON") || c.eat("UNSET TAG ON") {
        let set = first.is("SET");
        return properties::tag(scope, c, set).await;
    }
    if c.eat("INSERT") {
        return insert::insert(scope, c).await;
    }
    if c.eat("UPDATE") {
        return change::update(scope, c).await;
    }
    if c.eat("DELETE") {
        return change::delete(scope, c).await;
    }
    if c.eat("TRUNCATE TABLE") {
        return change::truncate(scope, c).await;
    }
    if c.eat("MERGE") {
        return merge::merge(scope, c).await;
    }
    if c.eat("COPY INTO") {
        return copy::copy(scope, c).await;
    }
    if c.eat("SHOW") {
        return show::show(scope, c).await;
    }
    if c.eat("DESCRIBE") || c.eat("DESC") {
        return describe::describe(scope, c).await;
    }
    if c.eat("EXPLAIN") {
        return describe::explain(scope, c).await;
    }
    if c.eat("USE") {
        return settings::use_place(scope, c);
    }
    if c.eat("SET") {
        return settings::set(scope, c).await;
    }
    if c.eat("RESET") {
        return settings::reset(scope, c);
    }
    if c.eat("DECLARE") {
        return variables::declare(scope, c).await;
    }
    if c.eat("EXECUTE IMMEDIATE") {
        return variables::execute(scope, c).await;
    }
    if c.eat("GRANT") {
        return grants::grant(scope, c, true);
    }
    if c.eat("REVOKE") {
        return grants::grant(scope, c, false);
    }
    if c.eat("DENY") {
        return Err(feature("DENY"));
    }
    if let Some(word) = c.any(&[
        "OPTIMIZE", "VACUUM", "ANALYZE", "CACHE", "UNCACHE", "CLEAR", "REFRESH", "MSCK", "REPAIR", "FSCK", "REORG",
    ]) {
        return upkeep::upkeep(scope, c, word).await;
    }
    if c.eat("LIST") {
        return list::list(scope, c);
    }
    if c.eat("RESTORE") {
        return version::restore(scope, c).await;
    }
    for what in ["GET", "PUT", "REMOVE", "CALL", "SYNC", "LOAD DATA", "CONVERT TO DELTA", "GENERATE"] {
        if c.is(what) {
            return Err(feature(what));
        }
    }
    Err(c.error())
}

async fn query(scope: &Scope<'_>, text: &str) -> Result<Reply, Failure> {
    Ok(Reply::Query(Box::new(scope.plan(text, Named::new()).await?)))
}

fn string(text: impl Into<String>) -> V {
    V::Str(text.into())
}

fn maybe(text: Option<&str>) -> V {
    text.map_or(V::Null, string)
}
