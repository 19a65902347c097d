//! Every type of the platform, read three ways: inline JSON, JSON by links, Arrow.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{Decimal128Builder, Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalYearMonthType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, IntervalYearMonthArray, NullArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use databricks_arrow::ArrowExt as _;
use databricks_sdk::sql::{Disposition, Query};
use databricks_sdk::{Config, ErrorKind, WorkspaceClient};
use databricks_tests::Fixture;
use httpmock::{Method::GET, Method::POST, MockServer};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A cell of an Arrow array in the form in which the same value reads from JSON results.
fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        // The string of a FLOAT is the shortest that reads back the same, not that of the wider number.
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_string().parse::<f64>().unwrap().into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(array.as_binary::<i32>().value(row)).into()
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            (jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days)).to_string().into()
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let moment =
                jiff::Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(row)).unwrap();
            let digits = if moment.subsec_nanosecond() % 1_000_000 == 0 { "%.3f" } else { "%.6f" };
            let text = moment.strftime(&format!("%Y-%m-%dT%H:%M:%S{digits}")).to_string();
            if zone.is_some() { format!("{text}Z").into() } else { text.into() }
        }
        DataType::Interval(arrow_schema::IntervalUnit::YearMonth) => {
            let months = array.as_primitive::<IntervalYearMonthType>().value(row);
            format!("{}-{}", months / 12, months % 12).into()
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            let us = array.as_primitive::<DurationMicrosecondType>().value(row);
            let (days, seconds) = (us / 86_400_000_000, us / 1_000_000 % 86_400);
            format!("{days} {:02}:{:02}:{:02}.000000000", seconds / 3600, seconds / 60 % 60, seconds % 60).into()
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|i| value(&items, i)).collect()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            Value::Object(
                fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), value(column, row))).collect(),
            )
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let key = |i| match value(entries.column(0), i) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object((0..entries.len()).map(|i| (key(i), value(entries.column(1), i))).collect())
        }
        other => panic!("{other} is not a type of the platform"),
    }
}

fn rows_of(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    let row = |i: usize| {
        let cells: Map<_, _> = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| (field.name().clone(), value(column, i)))
            .collect();
        Value::Object(cells)
    };
    (0..batch.num_rows()).map(row).collect()
}

/// The rows of a query, three ways.
async fn three_ways(query: impl Fn() -> Query) -> [Vec<Value>; 3] {
    let inline = query().disposition(Disposition::Inline).collect_json().await.unwrap();
    let linked = query().disposition(Disposition::ExternalLinks).collect_json().await.unwrap();
    let mut batches = query().batches();
    let mut arrow = Vec::new();
    while let Some(batch) = batches.try_next().await.unwrap() {
        arrow.extend(rows_of(&batch));
    }
    [inline, linked, arrow]
}

/// A type: how the manifest names it, the string of a cell, the same as Arrow (a value, then NULL), and what is read.
struct Case {
    name: &'static str,
    type_name: &'static str,
    type_text: &'static str,
    cell: &'static str,
    arrow: ArrayRef,
    read: Value,
}

fn case(
    type_name: &'static str,
    type_text: &'static str,
    cell: &'static str,
    arrow: impl Array + 'static,
    read: Value,
) -> Case {
    Case { name: "", type_name, type_text, cell, arrow: Arc::new(arrow), read }
}

/// Every type that a result can have.
fn cases() -> Vec<Case> {
    let decimal = |value: i128, precision, scale| {
        Decimal128Array::from(vec![Some(value), None]).with_precision_and_scale(precision, scale).unwrap()
    };
    let micros = 1_704_067_200_123_456_i64;
    let mut numbers = ListBuilder::new(Int32Builder::new());
    numbers.append_value([Some(1), None, Some(-3)]);
    numbers.append_null();
    let mut amounts = MapBuilder::new(
        None,
        StringBuilder::new(),
        Decimal128Builder::new().with_data_type(DataType::Decimal128(38, 18)),
    );
    amounts.keys().append_value("a");
    amounts.values().append_value(12_345_678_901_234_567_890_123_456_789_012_345_678);
    amounts.keys().append_value("b");
    amounts.values().append_null();
    amounts.append(true).unwrap();
    amounts.append(false).unwrap();
    let mut by_id = MapBuilder::new(None, arrow_array::builder::Int64Builder::new(), StringBuilder::new());
    by_id.keys().append_value(7);
    by_id.values().append_value("seven");
    by_id.append(true).unwrap();
    by_id.append(false).unwrap();
    let inner = StructArray::new(
        Fields::from(vec![Field::new("when", DataType::Date32, true), Field::new("blob", DataType::Binary, true)]),
        vec![
            Arc::new(Date32Array::from(vec![Some(19_723), None])),
            Arc::new(BinaryArray::from(vec![Some(&b"hi"[..]), None])),
        ],
        None,
    );
    let outer = StructArray::new(
        Fields::from(vec![
            Field::new("ok", DataType::Boolean, true),
            Field::new("inner", inner.data_type().clone(), true),
        ]),
        vec![Arc::new(BooleanArray::from(vec![Some(true), None])), Arc::new(inner)],
        Some(vec![true, false].into()),
    );
    vec![
        case("BOOLEAN", "BOOLEAN", "true", BooleanArray::from(vec![Some(true), None]), json!(true)),
        case("BYTE", "TINYINT", "-128", Int8Array::from(vec![Some(-128), None]), json!(-128)),
        case("SHORT", "SMALLINT", "32767", Int16Array::from(vec![Some(32767), None]), json!(32767)),
        case("INT", "INT", "-2147483648", Int32Array::from(vec![Some(i32::MIN), None]), json!(i32::MIN)),
        case("LONG", "BIGINT", "9223372036854775807", Int64Array::from(vec![Some(i64::MAX), None]), json!(i64::MAX)),
        case("FLOAT", "FLOAT", "0.1", Float32Array::from(vec![Some(0.1), None]), json!(0.1)),
        case("DOUBLE", "DOUBLE", "1.0E-300", Float64Array::from(vec![Some(1e-300), None]), json!(1e-300)),
        case("DECIMAL", "DECIMAL(10,2)", "-12.50", decimal(-1250, 10, 2), json!("-12.50")),
        case(
            "DECIMAL",
            "DECIMAL(38,0)",
            "99999999999999999999999999999999999999",
            decimal(99_999_999_999_999_999_999_999_999_999_999_999_999, 38, 0),
            json!("99999999999999999999999999999999999999"),
        ),
        case("STRING", "STRING", "", StringArray::from(vec![Some(""), None]), json!("")),
        case("CHAR", "CHAR(3)", "é\"\\", StringArray::from(vec![Some("é\"\\"), None]), json!("é\"\\")),
        case("BINARY", "BINARY", "AP/+", BinaryArray::from(vec![Some(&[0, 255, 254][..]), None]), json!("AP/+")),
        case("DATE", "DATE", "2024-01-01", Date32Array::from(vec![Some(19_723), None]), json!("2024-01-01")),
        case(
            "TIMESTAMP",
            "TIMESTAMP",
            "2024-01-01T00:00:00.123456Z",
            TimestampMicrosecondArray::from(vec![Some(micros), None]).with_timezone("UTC"),
            json!("2024-01-01T00:00:00.123456Z"),
        ),
        case(
            "TIMESTAMP_NTZ",
            "TIMESTAMP_NTZ",
            "2024-01-01T00:00:00.123456",
            TimestampMicrosecondArray::from(vec![Some(micros), None]),
            json!("2024-01-01T00:00:00.123456"),
        ),
        case(
            "INTERVAL",
            "INTERVAL YEAR TO MONTH",
            "1-2",
            IntervalYearMonthArray::from(vec![Some(14), None]),
            json!("1-2"),
        ),
        case(
            "INTERVAL",
            "INTERVAL DAY TO SECOND",
            "1 02:03:04.000000000",
            DurationMicrosecondArray::from(vec![Some(93_784_000_000), None]),
            json!("1 02:03:04.000000000"),
        ),
        case("ARRAY", "ARRAY<INT>", r#"["1",null,"-3"]"#, numbers.finish(), json!([1, null, -3])),
        case(
            "MAP",
            "MAP<STRING, DECIMAL(38,18)>",
            r#"{"a":12345678901234567890.123456789012345678,"b":null}"#,
            amounts.finish(),
            json!({"a": "12345678901234567890.123456789012345678", "b": null}),
        ),
        case("MAP", "MAP<BIGINT, STRING>", r#"{"7":"seven"}"#, by_id.finish(), json!({"7": "seven"})),
        case(
            "STRUCT",
            "STRUCT<ok: BOOLEAN, inner: STRUCT<when: DATE, blob: BINARY>>",
            r#"{"ok":"true","inner":{"when":"2024-01-01","blob":"aGk="}}"#,
            outer,
            json!({"ok": true, "inner": {"when": "2024-01-01", "blob": "aGk="}}),
        ),
        case("VARIANT", "VARIANT", r#""a text""#, StringArray::from(vec![Some("a text"), None]), json!("a text")),
        case("NULL", "VOID", "", NullArray::new(2), Value::Null),
    ]
}

/// A service that responds to the one statement with a row of values and a row of NULLs, in whichever form it is asked
/// for.
async fn service(cases: &[Case]) -> MockServer {
    let server = MockServer::start_async().await;
    let columns: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(i, c)| json!({"name": c.name, "position": i, "type_name": c.type_name, "type_text": c.type_text}))
        .collect();
    let text = |case: &Case| if case.type_name == "NULL" { Value::Null } else { Value::from(case.cell) };
    let rows = json!([cases.iter().map(text).collect::<Vec<_>>(), vec![Value::Null; cases.len()]]);
    let fields: Vec<_> = cases.iter().map(|case| Field::new(case.name, case.arrow.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), cases.iter().map(|case| case.arrow.clone()).collect()).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    let arrow = writer.into_inner().unwrap();

    let response = |format: &str, result: Value| {
        let manifest = json!({"format": format, "schema": {"column_count": columns.len(), "columns": columns}, "total_chunk_count": 1, "total_row_count": 2});
        json!({"statement_id": "s", "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": result})
    };
    let link = |name: &str| json!({"external_links": [{"chunk_index": 0, "row_count": 2, "external_link": server.url(name), "expiration": "2100-01-01T00:00:00Z"}]});
    for (disposition, format, result) in [
        ("INLINE", "JSON_ARRAY", json!({"chunk_index": 0, "row_count": 2, "data_array": rows})),
        ("EXTERNAL_LINKS", "JSON_ARRAY", link("/storage/json")),
        ("EXTERNAL_LINKS", "ARROW_STREAM", link("/storage/arrow")),
    ] {
        let body = response(format, result);
        server.mock(move |when, then| {
            let asked = json!({"disposition": disposition, "format": format}).to_string();
            when.method(POST).path("/api/2.0/sql/statements").json_body_includes(asked);
            then.status(200).json_body(body);
        });
    }
    server.mock(|when, then| {
        when.method(GET).path("/storage/json").header_missing("authorization");
        then.status(200).json_body(rows);
    });
    server.mock(|when, then| {
        when.method(GET).path("/storage/arrow").header_missing("authorization");
        then.status(200).body(arrow);
    });
    server
}

#[tokio::test]
async fn every_type_reads_the_same_three_ways() {
    let mut cases = cases();
    let names: Vec<String> = (0..cases.len()).map(|i| format!("c{i:02}")).collect();
    for (case, name) in cases.iter_mut().zip(&names) {
        case.name = Box::leak(name.clone().into_boxed_str());
    }
    let server = service(&cases).await;
    let config = Config::hermetic().host(server.base_url()).token("tok");
    let w = WorkspaceClient::new(config).unwrap();
    let ways = three_ways(|| w.sql("SELECT everything").warehouse("w")).await;
    for (way, rows) in ["inline JSON", "JSON by links", "Arrow"].iter().zip(&ways) {
        assert_eq!(rows.len(), 2, "{way}");
        for case in &cases {
            assert_eq!(rows[0][case.name], case.read, "{} by {way}", case.type_text);
            assert_eq!(rows[1][case.name], Value::Null, "NULL of {} by {way}", case.type_text);
        }
    }
    // NULL fits into nothing but an Option.
    let rows = w.sql("SELECT everything").warehouse("w").disposition(Disposition::Inline).await.unwrap();
    let columns: BTreeMap<String, Option<Value>> = rows.rows[1].read().unwrap();
    assert!(columns.values().all(Option::is_none));
    let error = rows.rows[1].read::<BTreeMap<String, String>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.to_string().contains("column c00 (BOOLEAN), row 1: the value is NULL; read it into an Option"),
        "{error}"
    );
}

/// What the embedded engine knows of the same, computed by one statement.
#[tokio::test]
async fn one_statement_of_the_engine_reads_the_same_three_ways() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        n: Option<i64>,
        d: Option<String>,
        list: Vec<Option<i64>>,
        pair: Option<Pair>,
        bytes: Option<Vec<u8>>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        a: Option<i64>,
        b: Option<String>,
    }
    #[derive(Debug, Deserialize)]
    struct Strict {
        #[allow(dead_code)]
        a: i64,
    }
    let f = Fixture::start().await;
    let statement = "SELECT x AS n, x > 1 AS flag, CAST(x AS TINYINT) AS tiny, CAST(x AS SMALLINT) AS small, CAST(x AS INT) AS i, CAST(x AS FLOAT) / 10 AS f, \
        CAST(x AS DOUBLE) * CAST('1e200' AS DOUBLE) AS dbl, CAST(x AS DECIMAL(38,10)) / 3 AS d, CAST(x AS STRING) AS s, CAST(CAST(x AS STRING) AS BINARY) AS bytes, \
        DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:00:00.5' AS moment, named_struct('a', x, 'b', CAST(NULL AS STRING)) AS pair, \
        (SELECT array_sort(array_agg(y)) FROM (VALUES (1), (NULL), (3)) AS t(y)) AS list, NULL AS nothing \
        FROM (VALUES (1), (2), (NULL)) AS v(x) ORDER BY n NULLS LAST";
    let query = || f.w.sql(statement).warehouse(f.local.warehouse_id());
    let [inline, linked, arrow] = three_ways(query).await;
    assert_eq!(inline.len(), 3);
    assert_eq!(inline[0]["moment"], "2024-02-29T12:00:00.500Z");
    assert_eq!(inline[2]["tiny"], Value::Null);
    assert_eq!(inline, linked);
    assert_eq!(inline, arrow);
    let typed: Vec<Row> = query().rows().await.unwrap();
    assert_eq!(typed[1].n, Some(2));
    assert_eq!(typed[1].bytes.as_deref(), Some(&b"2"[..]));
    assert_eq!(typed[1].list.iter().flatten().sum::<i64>(), 4);
    assert_eq!(typed[1].pair, Some(Pair { a: Some(2), b: None }));
    let pairs = f.w.sql("SELECT named_struct('a', CAST(NULL AS INT)) AS pair").warehouse(f.local.warehouse_id());
    let error = pairs.rows::<BTreeMap<String, Strict>>().await.unwrap_err();
    assert!(error.to_string().contains("column pair (STRUCT<a: INT>), row 0: member a: the value is NULL"), "{error}");
    assert!(typed[1].d.as_ref().is_some_and(|d| d.starts_with("0.66666")), "{typed:?}");
}
