"""Writes down what DuckDB gives for the queries of TPC-H at scale factor 0.01.

Usage: tpch_answers.py QUERIES RESULT

Needs the packages `duckdb` and `tpchgen-cli` of PyPI. QUERIES has a query under each line `-- qN`; RESULT gets a line for each: its
name and its rows as JSON, cells as strings. `crates/local/tests/it/tpch.rs` compares the embedded workspace with them.
"""

import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import duckdb

TABLES = ["nation", "region", "part", "supplier", "partsupp", "customer", "orders", "lineitem"]


def main():
    queries, result = map(Path, sys.argv[1:])
    parts = re.split(r"^-- (q\d+)\n", queries.read_text(encoding="utf-8"), flags=re.M)[1:]
    with tempfile.TemporaryDirectory() as directory:
        program = Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
        subprocess.run([program, "parquet", "-s", "0.01", "--output-dir", directory], check=True)
        connection = duckdb.connect()
        for table in TABLES:
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM '{directory}/{table}.parquet'")
        lines = [f"DuckDB {duckdb.__version__}, scale factor 0.01; made by xtask/oracle/tpch_answers.py."]
        for name, query in zip(parts[::2], parts[1::2]):
            rows = connection.execute(query).fetchall()
            cells = [[None if v is None else str(v) for v in row] for row in rows]
            lines.append(f"{name} {json.dumps(cells, separators=(',', ':'), ensure_ascii=False)}")
    result.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
