//! TPC-H at scale factor 0.01: the rows of the official generator in tables of the embedded workspace, the queries with the results that
//! DuckDB gave for the same rows (`xtask/oracle/tpch_answers.py`).

use std::fmt::Write as _;

use databricks_local::LocalWorkspace;
use serde_json::{Value, json};
use tpchgen::{csv, generators};

use crate::client::{fast, send};
use crate::statements::{execute, rows};

const QUERIES: &str = include_str!("../facts/tpch/queries.sql");
const ANSWERS: &str = include_str!("../facts/tpch/answers.txt");
const SCALE: f64 = 0.01;

/// The name of a table, its columns, and its rows as CSV.
fn tables() -> Vec<(&'static str, &'static str, String)> {
    macro_rules! table {
        ($name:literal, $columns:literal, $generator:ident, $csv:ident) => {{
            let mut text = format!("{}\n", csv::$csv::header());
            for row in generators::$generator::new(SCALE, 1, 1).iter() {
                writeln!(text, "{}", csv::$csv::new(row)).unwrap();
            }
            ($name, $columns, text)
        }};
    }
    vec![
        table!(
            "nation",
            "n_nationkey BIGINT, n_name STRING, n_regionkey BIGINT, n_comment STRING",
            NationGenerator,
            NationCsv
        ),
        table!("region", "r_regionkey BIGINT, r_name STRING, r_comment STRING", RegionGenerator, RegionCsv),
        table!(
            "part",
            "p_partkey BIGINT, p_name STRING, p_mfgr STRING, p_brand STRING, p_type STRING, p_size INT, p_container STRING, \
             p_retailprice DECIMAL(15,2), p_comment STRING",
            PartGenerator,
            PartCsv
        ),
        table!(
            "supplier",
            "s_suppkey BIGINT, s_name STRING, s_address STRING, s_nationkey BIGINT, s_phone STRING, s_acctbal DECIMAL(15,2), \
             s_comment STRING",
            SupplierGenerator,
            SupplierCsv
        ),
        table!(
            "partsupp",
            "ps_partkey BIGINT, ps_suppkey BIGINT, ps_availqty INT, ps_supplycost DECIMAL(15,2), ps_comment STRING",
            PartSuppGenerator,
            PartSuppCsv
        ),
        table!(
            "customer",
            "c_custkey BIGINT, c_name STRING, c_address STRING, c_nationkey BIGINT, c_phone STRING, c_acctbal DECIMAL(15,2), \
             c_mktsegment STRING, c_comment STRING",
            CustomerGenerator,
            CustomerCsv
        ),
        table!(
            "orders",
            "o_orderkey BIGINT, o_custkey BIGINT, o_orderstatus STRING, o_totalprice DECIMAL(15,2), o_orderdate DATE, \
             o_orderpriority STRING, o_clerk STRING, o_shippriority INT, o_comment STRING",
            OrderGenerator,
            OrderCsv
        ),
        table!(
            "lineitem",
            "l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber INT, l_quantity DECIMAL(15,2), \
             l_extendedprice DECIMAL(15,2), l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), l_returnflag STRING, \
             l_linestatus STRING, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct STRING, \
             l_shipmode STRING, l_comment STRING",
            LineItemGenerator,
            LineItemCsv
        ),
    ]
}

async fn fill(w: &LocalWorkspace) {
    let token = format!("Bearer {}", w.token());
    let headers = [("authorization", token.as_str()), ("content-type", "application/octet-stream")];
    for (name, columns, text) in tables() {
        let path = format!("/Volumes/main/default/tpch/{name}.csv");
        let put = send(w, "PUT", &format!("/api/2.0/fs/files{path}"), &headers, text.as_bytes()).await.unwrap();
        assert_eq!(put.status, 204, "{name}");
        rows(w, &format!("CREATE TABLE {name} ({columns})"), json!({})).await;
        let copy = format!("COPY INTO {name} FROM '{path}' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')");
        let count = (text.lines().count() - 1).to_string();
        assert_eq!(rows(w, &copy, json!({})).await, json!([[count, count, "0"]]), "{name}");
    }
}

/// Whether two cells are the same: the platform rounds quotients and means of decimals, where DuckDB has doubles.
fn same(got: &Value, wanted: &Value) -> bool {
    let number = |v: &Value| v.as_str().and_then(|s| s.parse::<f64>().ok());
    match (number(got), number(wanted)) {
        (Some(x), Some(y)) => (x - y).abs() <= 1e-6 * y.abs().max(1.0),
        _ => got == wanted,
    }
}

#[tokio::test]
async fn the_queries_of_tpc_h_have_the_results_of_duckdb() {
    let w = fast().await;
    fill(&w).await;
    let mut wrong = String::new();
    let mut agreed = 0;
    for part in QUERIES.split("-- q").skip(1) {
        let (number, query) = part.split_once('\n').unwrap();
        let line = ANSWERS.lines().find_map(|l| l.strip_prefix(&format!("q{number} "))).unwrap();
        let wanted: Vec<Vec<Value>> = serde_json::from_str(line).unwrap();
        let response = execute(&w, query, json!({})).await.ok();
        let got: Vec<Vec<Value>> = match response["result"]["data_array"].as_array() {
            Some(rows) => rows.iter().map(|r| r.as_array().unwrap().clone()).collect(),
            None => Vec::new(),
        };
        let fits = response["status"]["state"] == "SUCCEEDED"
            && got.len() == wanted.len()
            && got.iter().zip(&wanted).all(|(g, w)| g.len() == w.len() && g.iter().zip(w).all(|(a, b)| same(a, b)));
        if fits {
            agreed += 1;
        } else {
            writeln!(wrong, "q{number}: {} {got:?}, expected {wanted:?}", response["status"]).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{agreed} agree\n{wrong}");
    assert_eq!(agreed, 22);
}
