//! Relations: temporary views, samples, table functions in SQL.

#[cfg(feature = "delta")]
use datafusion::sql::sqlparser::ast::TableVersion;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, Query, SetExpr, Statement, TableAlias, TableAliasColumnDef, TableFactor, TableSample,
    TableSampleKind, TableSampleUnit, Value,
};

use super::super::files::FileQuery;
use super::super::store::Name;
use super::super::store::missing::feature as unsupported;
use super::super::store::providers::{LOCAL, ROWS, VIEWS};
use super::expressions::{strip_argument, uncast};
use super::{Rewriter, parse};
use crate::sql::Failure;

/// Names of an alias in lower case, as the engine compares them.
pub(super) fn lower_alias(alias: &mut TableAlias) {
    alias.name.value = alias.name.value.to_lowercase();
    alias.columns.iter_mut().for_each(|c| c.name.value = c.name.value.to_lowercase());
}

/// The parts of a name, in lower case.
pub(super) fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.to_lowercase()).collect()
}

fn named(parts: &[&str]) -> ObjectName {
    ObjectName::from(parts.iter().map(|p| Ident::with_quote('`', *p)).collect::<Vec<_>>())
}

/// The query that a text is, which is one that was written here.
pub(super) fn query(sql: &str) -> Result<Box<Query>, Failure> {
    match parse(sql)? {
        Statement::Query(query) => Ok(query),
        _ => Err(Failure::internal("a text that was written here is not a query")),
    }
}

/// A table by its name.
fn query_of(name: &ObjectName) -> Result<TableFactor, Failure> {
    let mut made = query(&format!("SELECT * FROM {name}"))?;
    match made.body.as_mut() {
        SetExpr::Select(select) => match select.from.pop() {
            Some(from) => Ok(from.relation),
            None => Err(Failure::internal("a text that was written here has no table")),
        },
        _ => Err(Failure::internal("a text that was written here is not a SELECT")),
    }
}

/// Rows of VALUES are named `col1` and so on.
pub(super) fn named_values(query: &Query, alias: &mut TableAlias) {
    if let SetExpr::Values(values) = query.body.as_ref()
        && alias.columns.is_empty()
    {
        let width = values.rows.first().map_or(0, |row| row.len());
        let names = (1..=width).map(|n| TableAliasColumnDef { name: Ident::new(format!("col{n}")), data_type: None });
        alias.columns = names.collect();
    }
}

/// The arguments of a call of `table_changes`, if it is one.
pub(in super::super) fn changes_of(factor: &TableFactor) -> Option<Result<Vec<Expr>, Failure>> {
    let (name, args) = match factor {
        TableFactor::Table { name, args: Some(args), .. } => (name, &args.args),
        TableFactor::Function { name, args, .. } => (name, args),
        _ => return None,
    };
    if !matches!(parts(name).as_slice(), [one] if one == "table_changes") {
        return None;
    }
    let plain = args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
        other => Err(unsupported(&format!("the argument {other} of table_changes"))),
    });
    Some(plain.collect())
}

impl Rewriter<'_> {
    /// The full name of parts as they are written.
    pub(super) fn full(&self, parts: &[String]) -> Option<Name> {
        let (catalog, schema, object) = match parts {
            [o] => (&self.setting.catalog, &self.setting.schema, o),
            [s, o] => (&self.setting.catalog, s, o),
            [c, s, o] => (c, s, o),
            _ => return None,
        };
        Some(Name { catalog: catalog.clone(), schema: schema.clone(), object: object.clone() })
    }

    /// Puts the rows of files, which were read before, in place of their name or call.
    pub(super) fn files(&self, factor: &mut TableFactor) -> Result<(), Failure> {
        let Some(query) = FileQuery::of(factor) else { return Ok(()) };
        let key = query?.key();
        if !self.overlay.extra.rows.contains_key(&key) {
            return Err(unsupported("files in SQL functions"));
        }
        let (alias, sample) = match factor {
            TableFactor::Table { alias, sample, .. } => (alias.take(), sample.take()),
            TableFactor::Function { alias, .. } => (alias.take(), None),
            _ => (None, None),
        };
        let mut made = query_of(&named(&[LOCAL, ROWS, &key]))?;
        if let TableFactor::Table { alias: own, sample: taken, .. } = &mut made {
            *own = Some(alias.unwrap_or_else(|| TableAlias {
                explicit: true,
                name: Ident::with_quote('`', "read_files"),
                columns: Vec::new(),
                at: None,
            }));
            *taken = sample;
        }
        *factor = made;
        Ok(())
    }

    /// Puts the name of an older version in place of a table and the version that is asked for.
    #[cfg(feature = "delta")]
    pub(super) fn version(&self, factor: &mut TableFactor) -> Result<(), Failure> {
        use super::super::delta::at::At;
        let TableFactor::Table { name, alias, version, .. } = factor else { return Ok(()) };
        let Some(asked) = version.take() else { return Ok(()) };
        let of = parts(name);
        let at = match &asked {
            TableVersion::VersionAsOf(Expr::Value(v)) => match &v.value {
                Value::Number(n, _) => n.parse().ok().map(At::Version),
                _ => None,
            },
            TableVersion::TimestampAsOf(e) => match (self.overlay.extra.times.get(&e.to_string()), e) {
                (Some(at), _) => Some(*at),
                (None, Expr::Value(v)) => match &v.value {
                    Value::SingleQuotedString(text) => Some(At::text(text)?),
                    _ => None,
                },
                (None, _) => return Err(unsupported("TIMESTAMP AS OF an expression inside of a view or function")),
            },
            _ => None,
        };
        let at = at.ok_or_else(|| unsupported(&format!("the version {asked} of a table")))?;
        let query =
            matches!(of.as_slice(), [one] if self.ctes.contains(one) || self.overlay.extra.views.contains_key(one));
        let Some(ObjectNamePart::Identifier(last)) = name.0.last_mut().filter(|_| !query) else {
            return Err(unsupported("versions of what is not a table"));
        };
        alias.get_or_insert_with(|| TableAlias {
            explicit: true,
            name: Ident::with_quote('`', last.value.to_lowercase()),
            columns: Vec::new(),
            at: None,
        });
        *last = Ident::with_quote('`', at.name(&last.value.to_lowercase()));
        Ok(())
    }

    /// Puts the name of a range of changes in place of a call of `table_changes`.
    #[cfg(feature = "delta")]
    pub(super) fn changes(&self, factor: &mut TableFactor) -> Result<(), Failure> {
        use super::super::delta::at::{self, At};
        use super::super::delta::feed::Range;
        let Some(arguments) = changes_of(factor) else { return Ok(()) };
        let at = |expr: &Expr| -> Result<At, Failure> {
            if let Some(at) = self.overlay.extra.times.get(&expr.to_string()) {
                return Ok(*at);
            }
            match expr {
                Expr::Value(v) => match &v.value {
                    Value::Number(n, _) => n.parse().map(At::Version).map_err(|_| at::invalid_version(n)),
                    Value::SingleQuotedString(text) => At::text(text).map_err(|_| at::invalid(text)),
                    Value::Null => Err(at::no_bound()),
                    _ => Err(at::invalid_version(&expr.to_string())),
                },
                _ => Err(unsupported("versions of table_changes that are computed inside of a view or function")),
            }
        };
        let (table, range) = match arguments?.as_slice() {
            [table, from] => (table.clone(), Range { from: at(from)?, to: None }),
            [table, from, to] => (table.clone(), Range { from: at(from)?, to: Some(at(to)?) }),
            other => {
                let text =
                    format!("The `table_changes` requires [2, 3] parameters but the actual number is {}.", other.len());
                return Err(Failure::class("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", &text, "42605"));
            }
        };
        let written = match &table {
            Expr::Value(v) => match &v.value {
                Value::SingleQuotedString(name) => Some(name.clone()),
                Value::Placeholder(marker) => {
                    let name = marker.strip_prefix(':').unwrap_or(marker);
                    match self.setting.parameters.get(name).map(uncast) {
                        Some(Expr::Value(bound)) => match &bound.value {
                            Value::SingleQuotedString(name) => Some(name.clone()),
                            _ => None,
                        },
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        };
        let written =
            written.ok_or_else(|| unsupported("table_changes of what is not the name of a table as a string"))?;
        let parts: Vec<String> =
            super::super::command::names::parts(&written)?.iter().map(|part| part.to_lowercase()).collect();
        let full = self.full(&parts).ok_or_else(|| super::super::store::missing::table(&parts))?;
        let alias = match factor {
            TableFactor::Table { alias, .. } | TableFactor::Function { alias, .. } => alias.take(),
            _ => None,
        };
        let mut made = query_of(&named(&[&full.catalog, &full.schema, &range.name(&full.object)]))?;
        if let TableFactor::Table { alias: own, .. } = &mut made {
            *own = Some(alias.unwrap_or_else(|| TableAlias {
                explicit: true,
                name: Ident::with_quote('`', "table_changes"),
                columns: Vec::new(),
                at: None,
            }));
        }
        *factor = made;
        Ok(())
    }

    #[cfg(not(feature = "delta"))]
    pub(super) fn changes(&self, factor: &mut TableFactor) -> Result<(), Failure> {
        match changes_of(factor) {
            Some(_) => Err(unsupported("table_changes in this build: turn on the feature `delta` of databricks-local")),
            None => Ok(()),
        }
    }

    #[cfg(not(feature = "delta"))]
    pub(super) fn version(&self, factor: &mut TableFactor) -> Result<(), Failure> {
        match factor {
            TableFactor::Table { version: Some(_), .. } => Err(unsupported("older versions of a table")),
            _ => Ok(()),
        }
    }

    pub(super) fn relation(&mut self, factor: &mut TableFactor) -> Result<(), Failure> {
        if let TableFactor::Derived { alias, sample, .. } = factor
            && let Some(TableSampleKind::BeforeTableAlias(taken) | TableSampleKind::AfterTableAlias(taken)) =
                sample.take()
        {
            let alias = alias.take();
            sampled(factor, &taken, alias)?;
        }
        if let TableFactor::Derived { subquery, alias, .. } = factor
            && matches!(subquery.body.as_ref(), SetExpr::Values(_))
        {
            let alias = alias.get_or_insert_with(|| TableAlias {
                explicit: true,
                name: Ident::new("__values"),
                columns: Vec::new(),
                at: None,
            });
            named_values(subquery, alias);
        }
        match factor {
            TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::Pivot { alias: Some(alias), .. }
            | TableFactor::Unpivot { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::Table { alias: Some(alias), .. } => lower_alias(alias),
            _ => {}
        }
        self.call(factor)?;
        let TableFactor::Table { name, alias, sample, args, .. } = factor else { return Ok(()) };
        let called = args.is_some();
        let local = matches!(name.0.first(), Some(ObjectNamePart::Identifier(first)) if first.value == LOCAL);
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(ident) = part
                && !local
            {
                ident.value = ident.value.to_lowercase();
            }
        }
        let of = parts(name);
        if let [one] = of.as_slice()
            && !called
            && !self.ctes.contains(one)
            && self.overlay.extra.views.contains_key(one)
        {
            alias.get_or_insert_with(|| TableAlias {
                explicit: true,
                name: Ident::with_quote('`', one.clone()),
                columns: Vec::new(),
                at: None,
            });
            *name = named(&[LOCAL, VIEWS, one]);
        } else if self.routines > 0 && !called && !local && !matches!(of.as_slice(), [one] if self.ctes.contains(one)) {
            // What a function reads is where the function was made, not where it is called.
            if let Some(full) = self.full(&of) {
                *name = named(&[&full.catalog, &full.schema, &full.object]);
            }
        }
        if let Some(TableSampleKind::BeforeTableAlias(taken) | TableSampleKind::AfterTableAlias(taken)) = sample.take()
        {
            let shown = of.last().cloned().unwrap_or_default();
            let alias = alias.take().unwrap_or_else(|| TableAlias {
                explicit: true,
                name: Ident::with_quote('`', shown),
                columns: Vec::new(),
                at: None,
            });
            sampled(factor, &taken, Some(alias))?;
        }
        Ok(())
    }

    /// Calls of table functions; those in SQL are put in place of the call.
    fn call(&mut self, factor: &mut TableFactor) -> Result<(), Failure> {
        let call = match factor {
            TableFactor::Table { name, args: Some(args), alias, .. } => Some((name, &mut args.args, alias)),
            TableFactor::Function { name, args, alias, lateral: false, .. } => Some((name, args, alias)),
            _ => None,
        };
        if let Some((name, args, alias)) = call {
            let of = parts(name);
            if let [one] = of.as_slice()
                && let Some(subquery) = self.workspace_table(one, args)?
            {
                let alias = alias.take().unwrap_or_else(|| TableAlias {
                    explicit: true,
                    name: Ident::with_quote('`', one.clone()),
                    columns: Vec::new(),
                    at: None,
                });
                *factor = TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None };
                return Ok(());
            }
            let function = self.full(&of).and_then(|full| self.core.store.function(&full).map(|f| (full, f)));
            if let Some((full, function)) = function
                && !(of.len() == 1 && super::super::functions::is_builtin(&of[0]))
            {
                let subquery = self.table_routine(&full, &function, args)?;
                let alias = alias.take().unwrap_or_else(|| TableAlias {
                    explicit: true,
                    name: Ident::with_quote('`', full.object.clone()),
                    columns: Vec::new(),
                    at: None,
                });
                *factor = TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None };
                return Ok(());
            }
            if let [ObjectNamePart::Identifier(only)] = name.0.as_mut_slice() {
                // The engine finds its own functions by names without quotes.
                *only = Ident::new(only.value.to_lowercase());
            }
            args.iter_mut().for_each(strip_argument);
        }
        Ok(())
    }

    fn table_routine(
        &mut self,
        name: &Name,
        function: &super::super::store::Function,
        args: &[FunctionArg],
    ) -> Result<Box<Query>, Failure> {
        let call = Function {
            name: named(&[&name.catalog, &name.schema, &name.object]),
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: None,
                args: args.to_vec(),
                clauses: Vec::new(),
            }),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: Vec::new(),
        };
        self.table_function(name, function, &call)
    }
}

/// Puts the rows of a sample in place of a relation.
fn sampled(factor: &mut TableFactor, sample: &TableSample, alias: Option<TableAlias>) -> Result<(), Failure> {
    let mut subquery = query(&format!("SELECT * FROM __sampled{}", condition(sample)?))?;
    if let SetExpr::Select(select) = subquery.body.as_mut()
        && let Some(from) = select.from.first_mut()
    {
        from.relation = factor.clone();
    }
    *factor = TableFactor::Derived { lateral: false, subquery, alias, sample: None };
    Ok(())
}

/// What takes a sample of rows.
fn condition(sample: &TableSample) -> Result<String, Failure> {
    let number = |e: &Expr| match uncast(e) {
        Expr::Value(v) => match &v.value {
            Value::Number(n, _) => n.parse::<f64>().ok(),
            _ => None,
        },
        _ => None,
    };
    let random = match &sample.seed {
        Some(seed) => format!("rand({})", seed.value),
        None => "rand()".to_owned(),
    };
    if let Some(bucket) = &sample.bucket {
        if bucket.on.is_some() {
            return Err(unsupported("TABLESAMPLE with buckets of a column"));
        }
        let of = |v: &Value| match v {
            Value::Number(n, _) => n.parse::<f64>().ok().filter(|n| *n > 0.0),
            _ => None,
        };
        let share = of(&bucket.bucket.value).zip(of(&bucket.total.value)).map(|(x, y)| x / y);
        let share = share.ok_or_else(|| unsupported("TABLESAMPLE with buckets that are not numbers"))?;
        return Ok(format!(" WHERE {random} < {share:.6}"));
    }
    let Some(quantity) = &sample.quantity else { return Err(unsupported("TABLESAMPLE without a quantity")) };
    let amount =
        number(&quantity.value).ok_or_else(|| unsupported("TABLESAMPLE with a quantity that is not a number"))?;
    match quantity.unit {
        Some(TableSampleUnit::Rows) if amount >= 0.0 => Ok(format!(" LIMIT {}", amount as u64)),
        Some(TableSampleUnit::Percent) if (0.0..=100.0).contains(&amount) => {
            Ok(format!(" WHERE {random} < {:.6}", amount / 100.0))
        }
        Some(TableSampleUnit::Percent) => Err(Failure::class(
            "INVALID_SQL_SYNTAX.INVALID_TABLE_SAMPLE",
            &format!("Sampling fraction ({}) must be on interval [0, 1].", amount / 100.0),
            "42000",
        )),
        _ => Err(unsupported("TABLESAMPLE by bytes")),
    }
}

/// The arguments of a call, by name where they have one.
pub(super) fn arguments(function: &Function) -> Result<Vec<(Option<String>, Expr)>, Failure> {
    let FunctionArguments::List(list) = &function.args else { return Ok(Vec::new()) };
    list.args
        .iter()
        .map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Ok((None, e.clone())),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(e), .. } => {
                Ok((Some(name.value.to_lowercase()), e.clone()))
            }
            other => Err(unsupported(&format!("the argument {other} of an SQL function"))),
        })
        .collect()
}
