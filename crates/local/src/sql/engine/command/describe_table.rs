//! DESCRIBE TABLE, with its details.

use super::super::scope::{Listing, Reply, Scope};
use super::super::spark::value::V;
use super::super::store::missing::feature;
use super::super::store::table::{Constraint, Table, TableState};
use super::super::store::{About, Name, Relation};
use super::cursor::Cursor;
use super::{maybe, string};
use crate::sql::{Failure, LOCATION};

struct Described {
    name: String,
    kind: String,
    comment: Option<String>,
}

pub(super) fn describe(scope: &Scope<'_>, c: &mut Cursor<'_>) -> Result<Reply, Failure> {
    let extended = c.eat("EXTENDED") || c.eat("FORMATTED");
    let parts = c.name()?;
    if c.is("PARTITION") {
        return Err(feature("DESCRIBE TABLE with a PARTITION clause"));
    }
    if c.eat("AS JSON") {
        return Err(feature("DESCRIBE … AS JSON"));
    }
    let column = if c.at_end() { None } else { Some(c.name()?) };
    c.done()?;
    let (name, relation) = scope.relation(&parts)?;
    let (columns, state) = match &relation {
        Relation::Table(table) => {
            let state = table.state();
            let columns = state.columns.iter().map(|c| Described {
                name: c.name.clone(),
                kind: c.type_text(),
                comment: c.comment.clone(),
            });
            (columns.collect::<Vec<_>>(), Some(state))
        }
        Relation::View(view) => {
            let columns = view.columns.iter().map(|c| Described {
                name: c.name.clone(),
                kind: c.kind.clone(),
                comment: c.comment.clone(),
            });
            (columns.collect(), None)
        }
    };
    if let Some(column) = column {
        return one(&columns, &column);
    }
    let row = |a: &str, b: &str, c: Option<&str>| vec![string(a), string(b), maybe(c)];
    let mut rows: Vec<Vec<V>> = columns.iter().map(|c| row(&c.name, &c.kind, c.comment.as_deref())).collect();
    let named = |title: &str, names: &[String], rows: &mut Vec<Vec<V>>| {
        if names.is_empty() {
            return;
        }
        rows.push(row(title, "", Some("")));
        rows.push(row("# col_name", "data_type", Some("comment")));
        for name in names {
            if let Some(c) = columns.iter().find(|c| c.name.eq_ignore_ascii_case(name)) {
                rows.push(row(&c.name, &c.kind, c.comment.as_deref()));
            }
        }
    };
    if let Some(state) = &state {
        named("# Partition Information", &state.partitions, &mut rows);
        named("# Clustering Information", &state.clusters, &mut rows);
    }
    if extended {
        let about = match &relation {
            Relation::Table(table) => table.state().about.clone(),
            Relation::View(view) => view.about.clone(),
        };
        details(&name, &relation, &about, state.as_deref(), &mut rows);
    }
    Ok(Reply::Rows(Listing::new(&["col_name", "data_type", "comment"]).with(rows)))
}

fn details(name: &Name, relation: &Relation, about: &About, state: Option<&TableState>, rows: &mut Vec<Vec<V>>) {
    let mut row = |a: &str, b: &str| rows.push(vec![string(a), string(b), string("")]);
    row("", "");
    row("# Detailed Table Information", "");
    row("Catalog", &name.catalog);
    row("Database", &name.schema);
    row("Table", &name.object);
    let time = super::super::spark::times::timestamp_text(about.created_ms.saturating_mul(1000));
    row("Created Time", &time);
    if let Some(owner) = &about.owner {
        row("Owner", owner);
    }
    if let Some(comment) = &about.comment {
        row("Comment", comment);
    }
    let properties = about.properties.iter().filter(|(name, _)| *name != LOCATION);
    let properties: Vec<_> = properties.map(|(k, v)| format!("{k}={v}")).collect();
    match relation {
        Relation::View(view) => {
            row("Type", if view.temporary { "TEMPORARY VIEW" } else { "VIEW" });
            row("View Text", &view.text);
            row("View Catalog and Namespace", &format!("{}.{}", view.catalog, view.schema));
        }
        Relation::Table(_) => {
            row("Type", about.table_type());
            row("Provider", "delta");
            if let Some(location) = about.properties.get(LOCATION) {
                row("Location", location);
            }
        }
    }
    if !properties.is_empty() {
        row("Table Properties", &format!("[{}]", properties.join(",")));
    }
    let Some(state) = state else { return };
    if let Some(filter) = &state.filter {
        row("", "");
        row("# Row Filter", "");
        row("Function", &filter.name().plain());
        row("Arguments", &filter.list());
    }
    let masked: Vec<_> = state.columns.iter().filter_map(|c| Some((&c.name, c.mask.as_ref()?))).collect();
    if !masked.is_empty() {
        row("", "");
        row("# Column Masks", "");
        for (column, mask) in masked {
            let using =
                if mask.arguments.is_empty() { String::new() } else { format!(" USING COLUMNS ({})", mask.list()) };
            row(column, &format!("{}{using}", mask.name().plain()));
        }
    }
    if state.constraints.is_empty() {
        return;
    }
    row("", "");
    row("# Constraints", "");
    for (name, constraint) in &state.constraints {
        let list = |c: &[String]| c.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
        let text = match constraint {
            Constraint::Check(check) => format!("CHECK ({check})"),
            Constraint::PrimaryKey(columns) => format!("PRIMARY KEY ({})", list(columns)),
            Constraint::ForeignKey(columns, references) => format!("FOREIGN KEY ({}) {references}", list(columns)),
        };
        row(name, &text);
    }
}

fn one(columns: &[Described], parts: &[String]) -> Result<Reply, Failure> {
    let wanted = parts.last().cloned().unwrap_or_default();
    let found = columns.iter().find(|c| c.name.eq_ignore_ascii_case(&wanted));
    let Some(found) = found.filter(|_| parts.len() == 1) else {
        return Err(Failure::class(
            "COLUMN_NOT_FOUND",
            &format!("The column `{wanted}` cannot be found. Verify the spelling and correctness of the column name."),
            "42703",
        ));
    };
    Ok(Reply::Rows(Listing::new(&["info_name", "info_value"]).with([
        vec![string("col_name"), string(&found.name)],
        vec![string("data_type"), string(&found.kind)],
        vec![string("comment"), string(found.comment.as_deref().unwrap_or("NULL"))],
    ])))
}

/// DESCRIBE DETAIL. What files of a table would tell is NULL where rows are in memory alone.
pub(super) async fn detail(scope: &Scope<'_>, parts: &[String]) -> Result<Reply, Failure> {
    let (name, table) = scope.table(parts)?;
    let told = files(scope, &table).await?;
    let state = table.state();
    let list = |names: &[String]| V::List(names.iter().map(string).collect());
    let properties = state.about.properties.iter().map(|(k, v)| (string(k), string(v)));
    let listing = Listing::new(&[
        "format",
        "id",
        "name",
        "description",
        "location",
        "createdAt:t",
        "lastModified:t",
        "partitionColumns:a",
        "clusteringColumns:a",
        "numFiles:l",
        "sizeInBytes:l",
        "properties:m",
        "minReaderVersion:i",
        "minWriterVersion:i",
        "tableFeatures:a",
        "statistics:m",
    ]);
    Ok(Reply::Rows(listing.with([vec![
        string("delta"),
        told.id,
        string(name.plain()),
        maybe(state.about.comment.as_deref()),
        told.location,
        V::Ts(state.about.created_ms.saturating_mul(1000)),
        told.modified,
        list(&state.partitions),
        list(&state.clusters),
        told.files,
        told.bytes,
        V::Map(properties.collect()),
        told.reader,
        told.writer,
        told.features,
        V::Null,
    ]])))
}

/// Cells that files tell.
struct Told {
    id: V,
    location: V,
    modified: V,
    files: V,
    bytes: V,
    reader: V,
    writer: V,
    features: V,
}

#[cfg(feature = "delta")]
async fn files(scope: &Scope<'_>, table: &Table) -> Result<Told, Failure> {
    let none = || Failure::internal("the table has no files");
    let detail = super::super::delta::detail(scope, table).await?.ok_or_else(none)?;
    Ok(Told {
        id: string(detail.id),
        location: string(detail.location),
        modified: V::Ts(detail.modified_ms.saturating_mul(1000)),
        files: V::int(detail.files),
        bytes: V::Int(detail.bytes),
        reader: V::Int(detail.reader.into()),
        writer: V::Int(detail.writer.into()),
        features: V::List(detail.features.into_iter().map(string).collect()),
    })
}

#[cfg(not(feature = "delta"))]
async fn files(_: &Scope<'_>, _: &Table) -> Result<Told, Failure> {
    let none = || V::Null;
    Ok(Told {
        id: none(),
        location: none(),
        modified: none(),
        files: none(),
        bytes: none(),
        reader: none(),
        writer: none(),
        features: none(),
    })
}
