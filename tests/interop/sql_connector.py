"""The SQL connector for Python against the embedded workspace, with each of its backends.

Reads DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_WAREHOUSE_ID, LOCAL_CLIENT_ID and LOCAL_CLIENT_SECRET. The first
argument is the backend: thrift, sea or kernel. Every difference is noted and the others go on; fails if there is one.
"""

import datetime
import decimal
import os
import sys
import threading
import time
import traceback

from databricks import sql
from databricks.sql import exc
from databricks.sql.parameters import (
    BigIntegerParameter,
    DecimalParameter,
    SmallIntParameter,
    TimestampNTZParameter,
    VoidParameter,
)

HOST = os.environ["DATABRICKS_HOST"].rstrip("/")
TOKEN = os.environ["DATABRICKS_TOKEN"]
WAREHOUSE = os.environ["DATABRICKS_WAREHOUSE_ID"]
PATH = f"/sql/1.0/warehouses/{WAREHOUSE}"
BACKEND = sys.argv[1] if len(sys.argv) > 1 else "thrift"

passed, failed = 0, []


def connect(path=PATH, token=TOKEN, **more):
    host = HOST
    if BACKEND == "thrift":
        # The connector has no option for plain HTTP but this.
        more["_connection_uri"] = HOST + path
    elif BACKEND == "sea":
        more["use_sea"] = True
        # It puts the port behind the host itself.
        host, port = HOST.rsplit(":", 1)
        more["_port"] = int(port)
    else:
        more["use_kernel"] = True
    if token is not None:
        more["access_token"] = token
    return sql.connect(host, path, enable_telemetry=False, _retry_stop_after_attempts_count=2, **more)


def same(what, got, expected):
    if got != expected or (isinstance(expected, (int, str)) and type(got) is not type(expected)):
        raise AssertionError(f"{what}: {got!r} instead of {expected!r}")


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def area(*backends):
    """Runs the function with a connection of its own, if it is for this backend."""

    def run(function):
        global passed
        if backends and BACKEND not in backends:
            return function
        try:
            with connect() as connection:
                with connection.cursor() as cursor:
                    function(connection, cursor)
        except Exception:
            failed.append(function.__name__)
            print(f"FAIL {function.__name__}\n{traceback.format_exc()}")
        else:
            passed += 1
            print(f"ok   {function.__name__}")
        return function

    return run


@area()
def all_types(connection, cursor):
    cursor.execute(
        "SELECT true AS b, CAST(1 AS TINYINT) AS t, CAST(2 AS SMALLINT) AS s, 3 AS i, 4000000000 AS l, "
        "CAST(1.5 AS FLOAT) AS f, CAST(2.5 AS DOUBLE) AS d, CAST(12.34 AS DECIMAL(10,2)) AS n, 'text é' AS x, "
        "CAST('ab' AS BINARY) AS y, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03.5' AS ts, "
        "TIMESTAMP_NTZ '2024-02-29 01:02:03' AS ntz"
    )
    names = [column[0] for column in cursor.description]
    same("names", names, ["b", "t", "s", "i", "l", "f", "d", "n", "x", "y", "day", "ts", "ntz"])
    row = cursor.fetchone()
    utc = datetime.timezone.utc
    same("numbers", tuple(row)[:7], (True, 1, 2, 3, 4000000000, 1.5, 2.5))
    same("decimal", row.n, decimal.Decimal("12.34"))
    same("text", row.x, "text é")
    same("binary", bytes(row.y), b"ab")
    same("date", row.day, datetime.date(2024, 2, 29))
    same("timestamp", row.ts.astimezone(utc), datetime.datetime(2024, 2, 29, 1, 2, 3, 500000, utc))
    same("timestamp without zone", row.ntz.replace(tzinfo=None), datetime.datetime(2024, 2, 29, 1, 2, 3))
    same("end", cursor.fetchone(), None)


@area("thrift")
def descriptions(connection, cursor):
    cursor.execute(
        "SELECT true AS b, CAST(1 AS TINYINT) AS t, CAST(2 AS SMALLINT) AS s, 3 AS i, 4000000000 AS l, "
        "CAST(1.5 AS FLOAT) AS f, CAST(2.5 AS DOUBLE) AS d, CAST(12.34 AS DECIMAL(10,2)) AS n, 'x' AS x, "
        "CAST('ab' AS BINARY) AS y, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03' AS ts, "
        "array(1) AS a, map('k', 1) AS m, named_struct('a', 1) AS st, NULL AS v"
    )
    kinds = [column[1] for column in cursor.description]
    expected = "boolean tinyint smallint int bigint float double decimal string binary date timestamp array map struct null"
    same("types", kinds, expected.split())
    same("precision", cursor.description[7][4:6], (10, 2))


@area()
def nulls(connection, cursor):
    cursor.execute(
        "SELECT CAST(NULL AS BOOLEAN), CAST(NULL AS INT), CAST(NULL AS BIGINT), CAST(NULL AS DOUBLE), "
        "CAST(NULL AS DECIMAL(5,2)), CAST(NULL AS STRING), CAST(NULL AS DATE), CAST(NULL AS TIMESTAMP), "
        "CAST(NULL AS BINARY), NULL"
    )
    same("nulls", tuple(cursor.fetchone()), (None,) * 10)


@area()
def complex_types(connection, cursor):
    cursor.execute("SELECT array(1, 2, 3) AS a, map('k', 1) AS m, named_struct('x', 1, 'y', 'z') AS s")
    row = cursor.fetchone()
    if BACKEND == "thrift":
        same("array", list(row.a), [1, 2, 3])
        same("map", list(row.m), [("k", 1)])
        same("struct", dict(row.s), {"x": 1, "y": "z"})
    else:
        assert row.a is not None and row.m is not None and row.s is not None


@area("thrift")
def complex_types_as_text(connection, cursor):
    with connect(_use_arrow_native_complex_types=False) as other, other.cursor() as c:
        c.execute("SELECT array(1, 2) AS a, map('k', 1) AS m, named_struct('x', 1) AS s")
        same("texts", tuple(c.fetchone()), ("[1,2]", '{"k":1}', '{"x":1}'))


@area("thrift")
def arrow_types_as_text(connection, cursor):
    with connect(_use_arrow_native_decimals=False, _use_arrow_native_timestamps=False) as other, other.cursor() as c:
        c.execute("SELECT CAST(1.50 AS DECIMAL(5,2)) AS n, TIMESTAMP '2024-02-29 01:02:03.5' AS t")
        table = c.fetchall_arrow()
        same("decimal", str(table.column("n")[0].as_py()), "1.50")
        assert str(table.column("t")[0].as_py()).startswith("2024-02-29 01:02:03.5"), table


@area()
def fetching(connection, cursor):
    cursor.execute("SELECT id FROM range(10000) ORDER BY id")
    same("one", cursor.fetchone()[0], 0)
    same("many", [r[0] for r in cursor.fetchmany(3)], [1, 2, 3])
    rest = cursor.fetchall()
    same("rest", (len(rest), rest[-1][0]), (9996, 9999))
    same("after the end", cursor.fetchmany(5), [])
    cursor.execute("SELECT id FROM range(5)")
    same("iteration", [r[0] for r in cursor], [0, 1, 2, 3, 4])
    cursor.execute("SELECT id FROM range(5)")
    same("arrow", cursor.fetchall_arrow().column(0).to_pylist(), [0, 1, 2, 3, 4])
    cursor.execute("SELECT id FROM range(5)")
    same("arrow part", cursor.fetchmany_arrow(2).num_rows, 2)
    cursor.execute("SELECT id FROM range(0)")
    same("nothing", cursor.fetchall(), [])
    cursor.execute("SELECT CAST(1.5 AS DECIMAL(5,2)) AS n, array(1) AS a FROM range(0)")
    same("nothing as arrow", cursor.fetchall_arrow().num_rows, 0)


@area("thrift")
def many_rows_in_parts(connection, cursor):
    cursor.execute("SELECT id, concat('row ', CAST(id AS STRING)) AS t FROM range(500000) ORDER BY id")
    table = cursor.fetchall_arrow()
    same("rows", table.num_rows, 500000)
    same("sum", sum(table.column("id").to_pylist()), 499999 * 250000)
    same("last", table.column("t")[499999].as_py(), "row 499999")
    small = connection.cursor(arraysize=10, buffer_size_bytes=1000)
    small.execute("SELECT id FROM range(95) ORDER BY id")
    same("in parts of ten", [r[0] for r in small.fetchall()], list(range(95)))


@area()
def named_parameters(connection, cursor):
    moment = datetime.datetime(2024, 2, 29, 1, 2, 3)
    cursor.execute(
        "SELECT :a + 1 AS a, :b AS b, :c AS c, :d AS d, :e AS e, :f AS f, :n IS NULL AS n",
        {
            "a": 41,
            "b": "it's",
            "c": True,
            "d": datetime.date(2024, 2, 29),
            "e": decimal.Decimal("1.50"),
            "f": 2.5,
            "n": None,
        },
    )
    row = cursor.fetchone()
    same("values", tuple(row), (42, "it's", True, datetime.date(2024, 2, 29), decimal.Decimal("1.50"), 2.5, True))
    cursor.execute("SELECT CAST(:t AS TIMESTAMP) = TIMESTAMP '2024-02-29 01:02:03' AS t", {"t": moment})
    same("timestamp", cursor.fetchone()[0], True)


@area("thrift", "kernel")
def positional_parameters(connection, cursor):
    cursor.execute("SELECT ? AS a, '?' AS q, ? AS b, ? + 1 AS c", [1, "two", 3])
    same("values", tuple(cursor.fetchone()), (1, "?", "two", 4))
    typed = [
        BigIntegerParameter(5),
        SmallIntParameter(6),
        # The connector takes the two the other way round.
        DecimalParameter(decimal.Decimal("7.25"), scale=5, precision=2),
        VoidParameter(None),
        TimestampNTZParameter(datetime.datetime(2024, 1, 1, 2, 3, 4)),
    ]
    cursor.execute("SELECT ?, ?, ?, ?, ?", typed)
    row = cursor.fetchone()
    same("typed", tuple(row)[:4], (5, 6, decimal.Decimal("7.25"), None))


@area("thrift")
def parameters_of_several_values(connection, cursor):
    cursor.execute("SELECT :l AS l, array_contains(:l, 2) AS c, :m['k'] AS m", {"l": [1, 2], "m": {"k": "v"}})
    row = cursor.fetchone()
    same("values", (list(row.l), row.c, row.m), ([1, 2], True, "v"))
    cursor.execute("SELECT size(?), ?[1]", [["a", "b", "c"], ["x", "y"]])
    same("positional", tuple(cursor.fetchone()), (3, "y"))


@area()
def tables_written_and_read(connection, cursor):
    name = f"main.default.interop_{BACKEND}"
    cursor.execute(f"DROP TABLE IF EXISTS {name}")
    cursor.execute(f"CREATE TABLE {name} (id BIGINT, name STRING)")
    cursor.execute(f"INSERT INTO {name} VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    if BACKEND == "thrift":
        same("rows changed", cursor.rowcount, 3)
    cursor.execute(f"SELECT id, name FROM {name} ORDER BY id")
    same("rows", [tuple(r) for r in cursor.fetchall()], [(1, "a"), (2, "b"), (3, None)])
    cursor.execute(f"UPDATE {name} SET name = 'c' WHERE id > 1")
    cursor.execute(f"DELETE FROM {name} WHERE id = 1")
    cursor.execute(f"SELECT count(*) FROM {name} WHERE name = 'c'")
    same("count", cursor.fetchone()[0], 2)
    cursor.execute(f"DROP TABLE {name}")


@area()
def session_state(connection, cursor):
    cursor.execute("CREATE SCHEMA IF NOT EXISTS main.interop_session")
    cursor.execute("USE CATALOG main")
    cursor.execute("USE SCHEMA interop_session")
    cursor.execute("SELECT current_catalog(), current_schema()")
    same("after USE", tuple(cursor.fetchone()), ("main", "interop_session"))
    cursor.execute("CREATE TABLE IF NOT EXISTS here (a INT)")
    with connection.cursor() as other:
        other.execute("SELECT count(*) FROM here")
        same("another cursor of the session", other.fetchone()[0], 0)
    cursor.execute("DROP TABLE main.interop_session.here")
    with connect(catalog="samples", schema="nyctaxi") as other, other.cursor() as c:
        c.execute("SELECT current_catalog(), current_schema()")
        same("initial namespace", tuple(c.fetchone()), ("samples", "nyctaxi"))


@area()
def metadata(connection, cursor):
    cursor.execute("DROP TABLE IF EXISTS main.default.interop_meta")
    cursor.execute("CREATE TABLE main.default.interop_meta (id BIGINT, price DECIMAL(10,2), name STRING, tags ARRAY<INT>)")
    catalogs = [r[0] for r in cursor.catalogs().fetchall()]
    assert {"main", "samples"} <= set(catalogs), catalogs
    schemas = cursor.schemas(catalog_name="main").fetchall()
    assert any(r[0] == "default" for r in schemas), schemas
    tables = cursor.tables(catalog_name="main", schema_name="default", table_name="interop_meta").fetchall()
    if BACKEND == "sea":
        # This backend gives the rows of the listing as they are.
        same("table", [(r.catalogName, r.namespace, r.tableName) for r in tables], [("main", "default", "interop_meta")])
    else:
        same("table", [(r[0], r[1], r[2]) for r in tables], [("main", "default", "interop_meta")])
    columns = cursor.columns(catalog_name="main", schema_name="default", table_name="interop_meta").fetchall()
    same("columns", [r[0 if BACKEND == "sea" else 3] for r in columns], ["id", "price", "name", "tags"])
    if BACKEND == "thrift":
        names = [d[0] for d in cursor.description]
        same("descriptions", names[:7], "TABLE_CAT TABLE_SCHEM TABLE_NAME COLUMN_NAME DATA_TYPE TYPE_NAME COLUMN_SIZE".split())
        same("types", [r["TYPE_NAME"] for r in columns], ["BIGINT", "DECIMAL(10,2)", "STRING", "ARRAY<INT>"])
        same("patterns", len(cursor.tables(catalog_name="main", table_name="interop\\_me%").fetchall()), 1)
        same("kinds", cursor.tables(catalog_name="main", table_types=["VIEW"], table_name="interop_meta").fetchall(), [])
    cursor.execute("DROP TABLE main.default.interop_meta")


@area()
def errors(connection, cursor):
    error = raises(exc.Error, lambda: cursor.execute("SELECT * FROM main.default.not_there"))
    assert "TABLE_OR_VIEW_NOT_FOUND" in str(error), error
    if BACKEND == "thrift":
        assert isinstance(error, exc.ServerOperationError), type(error)
        assert error.context["operation-id"] and "TABLE_OR_VIEW_NOT_FOUND" in error.context["diagnostic-info"]
    error = raises(exc.Error, lambda: cursor.execute("SELEC 1"))
    assert "PARSE_SYNTAX_ERROR" in str(error), error
    raises(exc.Error, lambda: cursor.execute("SELECT 1 / 0").fetchall())
    cursor.execute("SELECT 1")
    same("the cursor still works", cursor.fetchone()[0], 1)


@area()
def closing(connection, cursor):
    other = connect()
    c = other.cursor()
    c.execute("SELECT 1")
    c.close()
    raises(exc.Error, lambda: c.execute("SELECT 1"))
    other.close()
    raises(exc.Error, lambda: other.cursor())


@area("thrift")
def asynchronous(connection, cursor):
    cursor.execute_async("SELECT id FROM range(1000)")
    while cursor.is_query_pending():
        time.sleep(0.05)
    cursor.get_async_execution_result()
    same("rows", len(cursor.fetchall()), 1000)


@area("thrift")
def canceling(connection, cursor):
    seen = []

    def run():
        try:
            cursor.execute("SELECT count(*) FROM range(100000000000) a CROSS JOIN range(1000) b")
            cursor.fetchall()
            seen.append("ended")
        except Exception as error:
            seen.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while cursor.active_command_id is None:
        time.sleep(0.05)
    cursor.cancel()
    thread.join(60)
    assert not thread.is_alive() and seen and seen != ["ended"], seen


@area("thrift")
def refusals(connection, cursor):
    error = raises(exc.Error, lambda: connect(session_configuration={"not.a.setting": "1"}))
    assert "CONFIG_NOT_AVAILABLE" in str(error), error
    error = raises(exc.Error, lambda: connect(catalog="not_there"))
    assert "NO_SUCH_CATALOG" in str(error), error
    error = raises(exc.Error, lambda: connect(token="dapi-wrong"))
    assert "Invalid access token" in str(error), error
    error = raises(exc.Error, lambda: connect(path="/sql/1.0/warehouses/00000000000000ff"))
    assert "does not exist" in str(error), error


@area("thrift")
def a_cluster(connection, cursor):
    cluster = os.environ.get("DATABRICKS_CLUSTER_ID")
    if not cluster:
        raise AssertionError("DATABRICKS_CLUSTER_ID is not set")
    with connect(path=f"/sql/protocolv1/o/0/{cluster}") as other, other.cursor() as c:
        c.execute("SELECT 1")
        same("value", c.fetchone()[0], 1)


@area("thrift", "sea")
def machine_to_machine(connection, cursor):
    try:
        from databricks.sdk.core import Config, oauth_service_principal
    except ImportError:
        print("skip machine_to_machine: the package databricks-sdk is not there")
        return
    config = Config(
        host=HOST,
        client_id=os.environ["LOCAL_CLIENT_ID"],
        client_secret=os.environ["LOCAL_CLIENT_SECRET"],
        auth_type="oauth-m2m",
    )
    with connect(token=None, credentials_provider=lambda: oauth_service_principal(config)) as other:
        with other.cursor() as c:
            c.execute("SELECT 7")
            same("value", c.fetchone()[0], 7)


@area("thrift")
def rows_without_arrow(connection, cursor):
    """As the connector runs where pyarrow is not installed."""
    from databricks.sql.backend import thrift_backend

    before = thrift_backend.pyarrow
    thrift_backend.pyarrow = None
    try:
        with connect() as other, other.cursor() as c:
            c.execute("SELECT id, CAST(id AS STRING) AS t, id % 2 = 0 AS e, CAST(NULL AS INT) AS n FROM range(20)")
            rows = [tuple(r) for r in c.fetchall()]
    finally:
        thrift_backend.pyarrow = before
    same("rows", rows[3], (3, "3", False, None))
    same("count", len(rows), 20)


print(f"{BACKEND}: {passed} areas passed, {len(failed)} failed {failed}")
sys.exit(1 if failed else 0)
