//! The views of `information_schema`, made when they are read.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::error::Result;

use super::super::errors::carried;
use super::super::spark::types;
use super::super::spark::value::{V, build};
use super::policy::Policy;
use super::table::Rows;
use super::{Catalog, Relation, Returns, Store, keys, missing};

pub(super) type Row = Vec<V>;

pub(super) fn text(s: &str) -> V {
    V::Str(s.to_owned())
}

fn maybe(s: Option<&str>) -> V {
    s.map_or(V::Null, text)
}

fn time(ms: i64) -> V {
    V::Ts(ms.saturating_mul(1000))
}

/// The columns of a view: `name` is a string, `name:i` an INT, `name:l` a BIGINT, `name:t` a TIMESTAMP.
fn columns(view: &str) -> Option<&'static [&'static str]> {
    Some(match view {
        "catalogs" => &["catalog_name", "catalog_owner", "comment", "created:t", "created_by"],
        "schemata" => &["catalog_name", "schema_name", "schema_owner", "comment", "created:t", "created_by"],
        "tables" => &[
            "table_catalog",
            "table_schema",
            "table_name",
            "table_type",
            "is_insertable_into",
            "commit_action",
            "table_owner",
            "comment",
            "created:t",
            "created_by",
            "data_source_format",
        ],
        "views" => &[
            "table_catalog",
            "table_schema",
            "table_name",
            "view_definition",
            "check_option",
            "is_updatable",
            "is_insertable_into",
            "sql_path",
            "is_materialized",
        ],
        "columns" => &[
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "ordinal_position:i",
            "column_default",
            "is_nullable",
            "full_data_type",
            "data_type",
            "character_maximum_length:l",
            "numeric_precision:i",
            "numeric_scale:i",
            "is_identity",
            "is_generated",
            "generation_expression",
            "partition_index:i",
            "comment",
        ],
        "volumes" => &["volume_catalog", "volume_schema", "volume_name", "volume_type", "volume_owner", "comment"],
        "routines" => &[
            "specific_catalog",
            "specific_schema",
            "specific_name",
            "routine_catalog",
            "routine_schema",
            "routine_name",
            "routine_type",
            "data_type",
            "full_data_type",
            "routine_body",
            "routine_definition",
            "is_deterministic",
            "comment",
        ],
        "parameters" => &[
            "specific_catalog",
            "specific_schema",
            "specific_name",
            "ordinal_position:i",
            "parameter_mode",
            "parameter_name",
            "full_data_type",
            "parameter_default",
            "comment",
        ],
        "table_tags" => &["catalog_name", "schema_name", "table_name", "tag_name", "tag_value"],
        "column_tags" => &["catalog_name", "schema_name", "table_name", "column_name", "tag_name", "tag_value"],
        "schema_tags" => &["catalog_name", "schema_name", "tag_name", "tag_value"],
        "catalog_tags" => &["catalog_name", "tag_name", "tag_value"],
        "volume_tags" => &["catalog_name", "schema_name", "volume_name", "tag_name", "tag_value"],
        "information_schema_catalog_name" => &["catalog_name"],
        // Clients know these two by names that the documentation does not have: theirs come last.
        "column_masks" => &[
            "catalog_name",
            "schema_name",
            "table_name",
            "column_name",
            "mask_catalog",
            "mask_schema",
            "mask_name",
            "mask_col_usage",
            "table_catalog",
            "table_schema",
            "using_columns",
        ],
        "row_filters" => &[
            "catalog_name",
            "schema_name",
            "table_name",
            "filter_catalog",
            "filter_schema",
            "filter_name",
            "filter_col_usage",
            "table_catalog",
            "table_schema",
            "target_columns",
        ],
        other => return keys::columns(other),
    })
}

/// A view of the information schema of `catalog`; that of `system` is about all catalogs.
pub(super) fn view(store: &Store, catalog: &str, name: &str) -> Result<Option<Rows>> {
    let Some(columns) = columns(name) else {
        const OTHERS: [&str; 5] =
            ["catalog_privileges", "routine_columns", "routine_privileges", "schema_privileges", "table_privileges"];
        if OTHERS.contains(&name) {
            return Err(carried(missing::feature(&format!("the view information_schema.{name}"))));
        }
        return Ok(None);
    };
    let wanted = |name: &str| catalog == "system" || catalog == name;
    let rows = store.read(|all| {
        let mut rows = keys::rows(name, all, wanted);
        for (name_of, held) in all.iter().filter(|(name, _)| wanted(name)) {
            of_catalog(name, name_of, held, &mut rows);
        }
        rows
    });
    let fields: Vec<Field> = columns
        .iter()
        .map(|c| match c.split_once(':') {
            Some((name, "i")) => Field::new(name, DataType::Int32, true),
            Some((name, "l")) => Field::new(name, DataType::Int64, true),
            Some((name, _)) => Field::new(name, types::timestamp(), true),
            None => Field::new(*c, DataType::Utf8, true),
        })
        .collect();
    let schema = Arc::new(ArrowSchema::new(fields));
    let arrays = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(i, f)| {
            build(f.data_type(), &rows.iter().map(|r| r.get(i).cloned().unwrap_or(V::Null)).collect::<Vec<_>>())
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?;
    Ok(Some(Rows { schema, batches: vec![batch] }))
}

fn of_catalog(view: &str, catalog: &str, held: &Catalog, rows: &mut Vec<Row>) {
    let about = &held.about;
    let owner = |about: &super::About| maybe(about.owner.as_deref());
    match view {
        "information_schema_catalog_name" => rows.push(vec![text(catalog)]),
        "catalogs" => rows.push(vec![
            text(catalog),
            owner(about),
            maybe(about.comment.as_deref()),
            time(about.created_ms),
            owner(about),
        ]),
        "catalog_tags" => rows.extend(about.tags.iter().map(|(k, v)| vec![text(catalog), text(k), text(v)])),
        _ => {}
    }
    for (schema, inside) in &held.schemas {
        let about = &inside.about;
        let prefix = || vec![text(catalog), text(schema)];
        match view {
            "schemata" => rows.push(vec![
                text(catalog),
                text(schema),
                owner(about),
                maybe(about.comment.as_deref()),
                time(about.created_ms),
                owner(about),
            ]),
            "schema_tags" => {
                rows.extend(about.tags.iter().map(|(k, v)| [prefix(), vec![text(k), text(v)]].concat()));
            }
            "volumes" => rows.extend(inside.volumes.iter().map(|(name, about)| {
                let tail = vec![text(name), text("MANAGED"), owner(about), maybe(about.comment.as_deref())];
                [prefix(), tail].concat()
            })),
            "volume_tags" => rows.extend(inside.volumes.iter().flat_map(|(name, about)| {
                about.tags.iter().map(|(k, v)| [prefix(), vec![text(name), text(k), text(v)]].concat())
            })),
            "routines" => rows.extend(inside.functions.iter().map(|(name, f)| {
                let kind = match &f.returns {
                    Returns::Value(kind) => kind.to_uppercase(),
                    Returns::Table(_) => "TABLE".to_owned(),
                };
                let word = kind.split(['(', '<']).next().unwrap_or_default().to_owned();
                let tail = vec![
                    text(name),
                    text(catalog),
                    text(schema),
                    text(name),
                    text("FUNCTION"),
                    text(&word),
                    text(&kind),
                    text("SQL"),
                    text(&f.body),
                    text(if f.deterministic { "YES" } else { "NO" }),
                    maybe(f.about.comment.as_deref()),
                ];
                [prefix(), tail].concat()
            })),
            "parameters" => rows.extend(inside.functions.iter().flat_map(|(name, f)| {
                f.parameters.iter().enumerate().map(|(at, p)| {
                    let tail = vec![
                        text(name),
                        V::int(at),
                        text("IN"),
                        text(&p.name),
                        text(&p.kind.to_uppercase()),
                        maybe(p.default.as_deref()),
                        maybe(p.comment.as_deref()),
                    ];
                    [prefix(), tail].concat()
                })
            })),
            _ => {}
        }
        for (name, relation) in &inside.relations {
            of_relation(view, [catalog, schema, name], relation, rows);
        }
    }
}

fn of_relation(view: &str, name: [&str; 3], relation: &Relation, rows: &mut Vec<Row>) {
    let prefix: Vec<V> = name.iter().map(|p| text(p)).collect();
    let row = |tail: Vec<V>| [prefix.clone(), tail].concat();
    let (about, state) = match relation {
        Relation::Table(table) => {
            let state = table.state();
            (state.about.clone(), Some(state))
        }
        Relation::View(view) => (view.about.clone(), None),
    };
    match (view, relation) {
        ("tables", _) => {
            let is_table = state.is_some();
            rows.push(row(vec![
                text(if is_table { about.table_type() } else { "VIEW" }),
                text(if is_table { "YES" } else { "NO" }),
                text("PRESERVE"),
                maybe(about.owner.as_deref()),
                maybe(about.comment.as_deref()),
                time(about.created_ms),
                maybe(about.owner.as_deref()),
                if is_table { text("DELTA") } else { V::Null },
            ]));
        }
        ("views", Relation::View(v)) => {
            rows.push(row(vec![text(&v.text), text("NONE"), text("NO"), text("NO"), V::Null, text("false")]));
        }
        ("table_tags", _) => rows.extend(about.tags.iter().map(|(k, v)| row(vec![text(k), text(v)]))),
        ("columns", Relation::View(v)) => {
            for (at, c) in v.columns.iter().enumerate() {
                let kind = types::parse(&c.kind).unwrap_or(DataType::Utf8);
                let mut tail = vec![text(&c.name), V::int(at), V::Null, text("YES"), text(&c.kind)];
                tail.extend(numbers(&kind, None));
                tail.extend([text("NO"), text("NO"), V::Null, V::Null, maybe(c.comment.as_deref())]);
                rows.push(row(tail));
            }
        }
        ("columns", Relation::Table(_)) => {
            let Some(state) = &state else { return };
            for (at, c) in state.columns.iter().enumerate() {
                let part = state.partitions.iter().position(|p| p.eq_ignore_ascii_case(&c.name));
                let mut tail = vec![
                    text(&c.name),
                    V::int(at),
                    maybe(c.default.as_deref()),
                    text(if c.nullable { "YES" } else { "NO" }),
                    text(&c.type_text()),
                ];
                tail.extend(numbers(&c.kind, c.length.map(|(n, _)| n)));
                tail.extend([
                    text(if c.identity.is_some() { "YES" } else { "NO" }),
                    text(if c.generated.is_some() { "ALWAYS" } else { "NO" }),
                    maybe(c.generated.as_deref()),
                    part.map_or(V::Null, V::int),
                    maybe(c.comment.as_deref()),
                ]);
                rows.push(row(tail));
            }
        }
        ("row_filters", Relation::Table(_)) => {
            rows.extend(state.iter().filter_map(|s| s.filter.as_ref()).map(|filter| row(called(name, filter))));
        }
        ("column_masks", Relation::Table(_)) => {
            let masked = state.iter().flat_map(|s| &s.columns).filter_map(|c| Some((c, c.mask.as_ref()?)));
            rows.extend(masked.map(|(c, mask)| row([vec![text(&c.name)], called(name, mask)].concat())));
        }
        ("column_tags", Relation::Table(_)) => {
            for c in state.iter().flat_map(|s| &s.columns) {
                rows.extend(c.tags.iter().map(|(k, v)| row(vec![text(&c.name), text(k), text(v)])));
            }
        }
        _ => {}
    }
}

/// The function of a filter or mask, the columns that it is given, and, once more, the place of its table and the columns.
fn called(table: [&str; 3], policy: &Policy) -> Row {
    let name = policy.name();
    let columns = policy.columns().map(String::as_str).collect::<Vec<_>>().join(", ");
    let columns = if columns.is_empty() { V::Null } else { text(&columns) };
    let [catalog, schema, _] = table.map(text);
    vec![text(&name.catalog), text(&name.schema), text(&name.object), columns.clone(), catalog, schema, columns]
}

/// `data_type`, `character_maximum_length`, `numeric_precision` and `numeric_scale`.
fn numbers(kind: &DataType, length: Option<usize>) -> Vec<V> {
    let name = types::name(kind);
    let word = match kind {
        DataType::Int64 => "LONG",
        DataType::Int16 => "SHORT",
        DataType::Int8 => "BYTE",
        _ => name.split(['(', '<', ' ']).next().unwrap_or_default(),
    };
    let (precision, scale) = match kind {
        DataType::Decimal128(p, s) => (V::Int((*p).into()), V::Int((*s).into())),
        DataType::Int8 => (V::Int(3), V::Int(0)),
        DataType::Int16 => (V::Int(5), V::Int(0)),
        DataType::Int32 => (V::Int(10), V::Int(0)),
        DataType::Int64 => (V::Int(19), V::Int(0)),
        DataType::Float32 => (V::Int(7), V::Null),
        DataType::Float64 => (V::Int(15), V::Null),
        _ => (V::Null, V::Null),
    };
    vec![text(word), length.map_or(V::Null, V::int), precision, scale]
}
