"""Delta tables in both directions: what the embedded workspace writes others read, and the other way round."""

import datetime
import decimal
import json
import os
import shutil
import sys
import urllib.request
from pathlib import Path

import deltalake
import duckdb
import polars
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

HOST, TOKEN, WAREHOUSE = (os.environ[name] for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "LOCAL_WAREHOUSE_ID"))
WORK = Path(sys.argv[1])
VOLUME = "/Volumes/main/default/outside"
UTC = datetime.timezone.utc
checked = 0


def call(method, path, body=None):
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(HOST + path, data=data, method=method, headers={"authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=120) as response:
        content = response.read()
        return json.loads(content) if content else None


def sql(statement):
    body = {"warehouse_id": WAREHOUSE, "statement": statement, "wait_timeout": "50s"}
    result = call("POST", "/api/2.0/sql/statements", body)
    assert result["status"]["state"] == "SUCCEEDED", (statement, result)
    return (result.get("result") or {}).get("data_array") or []


def refused(statement):
    body = {"warehouse_id": WAREHOUSE, "statement": statement, "wait_timeout": "50s"}
    result = call("POST", "/api/2.0/sql/statements", body)
    assert result["status"]["state"] == "FAILED", (statement, result)
    return result["status"]["error"]["message"]


def equal(what, found, expected):
    global checked
    assert found == expected, f"{what}:\n  {found!r}\nin place of\n  {expected!r}"
    checked += 1


def location(table):
    found = sql(f"DESCRIBE DETAIL {table}")[0][4]
    assert found.startswith("file:"), found
    return found.removeprefix("file:")


def written_here():
    sql("""CREATE TABLE every (id BIGINT NOT NULL, b BOOLEAN, t TINYINT, s SMALLINT, i INT, f FLOAT, d DOUBLE, n DECIMAL(38,10),
        text STRING, bin BINARY, day DATE, at TIMESTAMP, local TIMESTAMP_NTZ, list ARRAY<INT>, pairs MAP<STRING, DECIMAL(5,2)>,
        inside STRUCT<A: INT, `b c`: ARRAY<STRUCT<x: DATE>>>, short CHAR(3), json VARIANT)
        TBLPROPERTIES ('delta.columnMapping.mode' = 'name')""")
    sql("""INSERT INTO every VALUES (1, true, -128, 32767, -5, 0.5, 1e300, 12345678901234567890.0123456789, 'ü', X'00FF',
        DATE '0001-01-01', TIMESTAMP '9999-12-31 23:59:59.999999', TIMESTAMP_NTZ '1969-12-31 23:59:59.000001', array(1, NULL),
        map('a', 1.25, 'b', NULL), named_struct('A', 1, 'b c', array(named_struct('x', DATE '2024-02-29'))), 'a',
        parse_json('{"a":[1]}'))""")
    sql("INSERT INTO every (id) VALUES (2)")
    table = DeltaTable(location("every"))
    rows = table.to_pyarrow_table().sort_by("id").to_pylist()
    expected = {
        "id": 1,
        "b": True,
        "t": -128,
        "s": 32767,
        "i": -5,
        "f": 0.5,
        "d": 1e300,
        "n": decimal.Decimal("12345678901234567890.0123456789"),
        "text": "ü",
        "bin": b"\x00\xff",
        "day": datetime.date(1, 1, 1),
        "at": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        "local": datetime.datetime(1969, 12, 31, 23, 59, 59, 1),
        "list": [1, None],
        "pairs": [("a", decimal.Decimal("1.25")), ("b", None)],
        "inside": {"A": 1, "b c": [{"x": datetime.date(2024, 2, 29)}]},
        "short": "a  ",
        "json": '{"a":[1]}',
    }
    equal("a row of every type", rows[0], expected)
    equal("a row of NULLs", rows[1], {name: None for name in expected} | {"id": 2})
    nullable = {field.name: field.nullable for field in table.schema().fields}
    equal("columns that must not be NULL", [name for name, value in nullable.items() if not value], ["id"])
    polars_rows = polars.read_delta(location("every")).select("id", "text", "n").sort("id").rows()
    equal("rows by Polars", polars_rows, [(1, "ü", expected["n"]), (2, None, None)])


def versions():
    sql("CREATE TABLE steps (k INT, v STRING, CONSTRAINT ok CHECK (k > 0)) PARTITIONED BY (v) COMMENT 'of steps' TBLPROPERTIES ('a' = 'b')")
    sql("INSERT INTO steps VALUES (1, 'p q'), (2, NULL), (3, 'p q')")
    sql("UPDATE steps SET k = k + 10 WHERE v = 'p q'")
    sql("MERGE INTO steps USING (SELECT 2 AS k) s ON steps.k = s.k WHEN MATCHED THEN DELETE")
    sql("ALTER TABLE steps ADD COLUMN extra DOUBLE")
    sql("INSERT INTO steps VALUES (5, 'r', 0.5)")
    root = location("steps")
    table = DeltaTable(root)
    equal("the latest version", table.version(), 5)
    equal("columns of partitions", table.metadata().partition_columns, ["v"])
    equal("the description", table.metadata().description, "of steps")
    configuration = table.metadata().configuration
    equal("constraints and properties", (configuration["delta.constraints.ok"], configuration["a"]), ("k > 0", "b"))
    here = sql("DESCRIBE HISTORY steps")
    there = table.history()
    equal("operations", [h["operation"] for h in there], [row[4] for row in here])
    for version in range(6):
        own = sql(f"SELECT * FROM steps VERSION AS OF {version} ORDER BY k")
        other = DeltaTable(root, version=version).to_pyarrow_table()
        other = other.select(["k", "v"] + (["extra"] if version > 3 else [])).sort_by("k").to_pylist()
        equal(f"version {version}", [[None if v is None else str(v) for v in row.values()] for row in other], own)
    moment = datetime.datetime.fromtimestamp(there[3]["timestamp"] / 1000, UTC)
    timed = DeltaTable(root)
    timed.load_as_version(moment)
    equal("the version of a time", timed.version(), there[3]["version"])
    sql("RESTORE TABLE steps TO VERSION AS OF 1")
    restored = DeltaTable(root).to_pyarrow_table().sort_by("k").column("k").to_pylist()
    equal("rows after RESTORE", restored, [1, 2, 3])


def change_data():
    sql("""CREATE TABLE fed (id INT, v STRING, day DATE) PARTITIONED BY (v)
        TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')""")
    sql("INSERT INTO fed VALUES (1, 'a b', DATE '2024-02-29'), (2, NULL, NULL), (3, 'c', NULL)")
    sql("UPDATE fed SET day = DATE '2024-03-01', v = 'd' WHERE id < 3")
    sql("DELETE FROM fed WHERE id = 2")
    sql("ALTER TABLE fed ADD COLUMN more INT")
    sql("""MERGE INTO fed USING (SELECT 1 AS id, 'm' AS v UNION ALL SELECT 4, 'n') s ON fed.id = s.id
        WHEN MATCHED THEN UPDATE SET v = s.v, more = 7 WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)
        WHEN NOT MATCHED BY SOURCE THEN DELETE""")
    sql("INSERT OVERWRITE fed VALUES (5, 'o', NULL, 8)")
    root = location("fed")
    columns = ["_commit_version", "_change_type", "id", "v", "day", "more"]
    for start in (0, 2, 5):
        own = sql(f"SELECT {', '.join(columns)} FROM table_changes('fed', {start}) ORDER BY 1, 2, 3")
        table = pa.table(DeltaTable(root).load_cdf(starting_version=start).read_all())
        other = [[None if row[name] is None else str(row[name]) for name in columns] for row in table.to_pylist()]
        equal(f"changes from version {start}", sorted(other, key=str), sorted(own, key=str))
    equal("changes of the last two versions", len(own), 7)
    # That a column was added changes no row for readers from outside either.
    added = pa.table(DeltaTable(root).load_cdf(starting_version=4, ending_version=4).read_all())
    equal("changes of a version that changes columns alone", added.num_rows, 0)
    features = DeltaTable(root).protocol().writer_features
    equal("the feature of the feed", "changeDataFeed" in features, True)


def checkpoints():
    sql("CREATE TABLE many (id INT)")
    for n in range(101):
        sql(f"INSERT INTO many VALUES ({n})")
    copy = WORK / "many"
    shutil.copytree(location("many"), copy)
    for version in range(100):
        (copy / "_delta_log" / f"{version:020}.json").unlink()
    table = DeltaTable(str(copy))
    equal("the version from a checkpoint", table.version(), 101)
    equal("rows from a checkpoint", sorted(table.to_pyarrow_table().column("id").to_pylist()), list(range(101)))


def by_duckdb():
    root = location("every")
    connection = duckdb.connect()
    try:
        connection.execute("INSTALL delta")
        connection.execute("LOAD delta")
        rows = connection.execute(f"SELECT id, text, n FROM delta_scan('{root}') ORDER BY id").fetchall()
        how = "its extension `delta`"
    except duckdb.Error as error:
        print(f"DuckDB reads through deltalake, since its extension cannot be had: {str(error).splitlines()[0]}")
        dataset = DeltaTable(root).to_pyarrow_dataset()
        connection.register("every", dataset)
        rows = connection.execute("SELECT id, text, n FROM every ORDER BY id").fetchall()
        how = "deltalake's dataset"
    equal(f"rows by DuckDB over {how}", rows, [(1, "ü", decimal.Decimal("12345678901234567890.0123456789")), (2, None, None)])


def upload(directory, name):
    for path in directory.rglob("*"):
        if path.is_file():
            target = urllib.request.quote(f"{VOLUME}/{name}/{path.relative_to(directory).as_posix()}")
            call("PUT", f"/api/2.0/fs/files{target}?overwrite=true", path.read_bytes())


def written_outside():
    sql("CREATE VOLUME outside")
    directory = WORK / "outside"
    first = pa.table({
        "id": pa.array([1, 2, 3], pa.int64()),
        "part": pa.array(["a b", "c/d", None]),
        "at": pa.array([datetime.datetime(2024, 2, 29, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
        "nested": pa.array([{"x": [1, None]}, None, {"x": None}], pa.struct([("x", pa.list_(pa.int32()))])),
        "pairs": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int16())),
        "amount": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2.25")], pa.decimal128(12, 2)),
    })
    write_deltalake(str(directory), first, partition_by=["part"])
    write_deltalake(str(directory), first.slice(0, 1).set_column(0, "id", pa.array([4], pa.int64())), mode="append")
    DeltaTable(str(directory)).delete("id = 2")
    merged = pa.table({"id": pa.array([1], pa.int64()), "amount": pa.array([decimal.Decimal("9.75")], pa.decimal128(12, 2))})
    (
        DeltaTable(str(directory))
        .merge(merged, predicate="t.id = s.id", source_alias="s", target_alias="t")
        .when_matched_update({"amount": "s.amount"})
        .execute()
    )
    upload(directory, "t")
    query = f"SELECT id, part, at, to_json(nested), to_json(pairs), amount FROM delta.`{VOLUME}/t`"
    at = "2024-02-29T00:00:00.000Z"
    expected = [
        ["1", "a b", at, '{"x":[1,null]}', '{"k":1}', "9.75"],
        ["3", None, at, "{}", None, "-2.25"],
        ["4", "a b", at, '{"x":[1,null]}', '{"k":1}', "1.50"],
    ]
    equal("a table from outside", sql(f"{query} ORDER BY id"), expected)
    equal("an older version of it", sql(f"SELECT count(*) FROM delta.`{VOLUME}/t` VERSION AS OF 0"), [["3"]])
    equal("a table made of it", sql(f"CREATE TABLE taken AS SELECT * FROM delta.`{VOLUME}/t`"), [])
    table = DeltaTable(str(directory))
    table.create_checkpoint()
    for version in range(table.version()):
        (directory / "_delta_log" / f"{version:020}.json").unlink()
    upload_only = WORK / "checkpointed"
    shutil.copytree(directory, upload_only)
    upload(upload_only, "c")
    equal("a table from its checkpoint", sql(f"{query.replace('outside/t', 'outside/c')} ORDER BY id"), expected)
    message = refused(f"INSERT INTO delta.`{VOLUME}/t` VALUES (1)")
    assert message.startswith("["), message


written_here()
versions()
change_data()
checkpoints()
by_duckdb()
written_outside()
print(f"{checked} checks with deltalake {deltalake.__version__}, polars {polars.__version__}, duckdb {duckdb.__version__}")
