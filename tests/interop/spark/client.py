"""PySpark's client through the port of the embedded workspace: queries, data both ways, errors, and who is let in."""

import datetime
import decimal
import http.client
import json
import os
import re
import time

from pyspark.errors import AnalysisException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

remote = os.environ["SPARK_REMOTE"]
cluster = os.environ["LOCAL_CLUSTER_ID"]
token = os.environ["DATABRICKS_TOKEN"]
assert f";token={token}" in remote and f";x-databricks-cluster-id={cluster}" in remote, remote


def refused(url, code):
    """A session at a URL cannot run anything."""
    try:
        SparkSession.builder.remote(url).create().sql("SELECT 1").collect()
    except SparkConnectGrpcException as error:
        assert code in str(error), error
        return
    raise AssertionError(f"{code} was expected")


spark = SparkSession.builder.remote(remote).getOrCreate()

# SQL, with a parameter.
assert [tuple(row) for row in spark.sql("SELECT 1 + 1 AS two, 'a' || 'b' AS text").collect()] == [(2, "ab")]
assert spark.sql("SELECT :x * 2 AS y", args={"x": 21}).collect()[0].y == 42

# Filters and aggregates.
digits = (
    spark.range(1000)
    .filter(F.col("id") % 2 == 0)
    .groupBy((F.col("id") % 10).alias("digit"))
    .agg(F.count("*").alias("n"), F.sum("id").alias("sum"), F.max("id").alias("most"))
    .orderBy("digit")
)
expected = [(d, 100, sum(range(d, 1000, 10)), 990 + d) for d in (0, 2, 4, 6, 8)]
assert [tuple(row) for row in digits.collect()] == expected, digits.collect()

# Data from here, and back.
rows = [
    (1, "one", decimal.Decimal("0.10"), datetime.date(2026, 11, 29), [1, 2]),
    (2, None, decimal.Decimal("12.50"), datetime.date(1970, 1, 1), []),
]
frame = spark.createDataFrame(rows, "id INT, name STRING, price DECIMAL(10, 2), day DATE, parts ARRAY<INT>")
assert [tuple(row) for row in frame.orderBy("id").collect()] == rows
frame.createOrReplaceTempView("items")
total = spark.sql("SELECT sum(price) AS total FROM items WHERE day > DATE'2000-01-01'").collect()[0].total
assert total == decimal.Decimal("0.10"), total

# More than one message each way.
many = spark.createDataFrame([(n, "x" * 100) for n in range(20_000)], "n INT, text STRING")
assert many.agg(F.sum("n"), F.sum(F.length("text"))).collect()[0] == (199_990_000, 2_000_000)
back = spark.range(300_000).select("id", F.lit("y" * 20).alias("text")).toPandas()
assert (len(back), int(back["id"].sum())) == (300_000, 44_999_850_000)

# An error of the engine keeps its class.
try:
    spark.table("no_such_table").collect()
    raise AssertionError("no table was expected")
except AnalysisException as error:
    assert "no_such_table" in str(error), error

# Who is not let in, and what is not there.
refused(remote.replace(token, "dapi0"), "UNAUTHENTICATED")
refused(re.sub("cluster-id=.*", "cluster-id=0101-000000-nothere", remote), "NOT_FOUND")
refused(re.sub(";x-databricks-cluster-id=.*", "", remote), "INVALID_ARGUMENT")



def call(method, path, body=None):
    """The response of the REST API."""
    connection = http.client.HTTPConnection(os.environ["DATABRICKS_HOST"].removeprefix("http://"))
    connection.request(method, path, body and json.dumps(body), {"Authorization": f"Bearer {token}"})
    return json.loads(connection.getresponse().read())


def command(code):
    """The results of a command in a context of the cluster, which has the engine's `spark`."""
    context = call("POST", "/api/1.2/contexts/create", {"clusterId": cluster, "language": "python"})["id"]
    where = f"clusterId={cluster}&contextId={context}"
    while call("GET", f"/api/1.2/contexts/status?{where}")["status"] == "Pending":
        time.sleep(0.1)
    body = {"clusterId": cluster, "contextId": context, "language": "python", "command": code}
    made = call("POST", "/api/1.2/commands/execute", body)["id"]
    while (end := call("GET", f"/api/1.2/commands/status?{where}&commandId={made}"))["status"] != "Finished":
        assert end["status"] in ("Queued", "Running"), end
        time.sleep(0.1)
    return end["results"]


results = command("print(spark.range(7).count(), type(spark.range(1)).__module__)")
assert results.get("data", "").split()[:2] == ["7", "pyspark.sql.connect.dataframe"], results
results = command("display(spark.createDataFrame([(1, ['a']), (None, None)], 'n INT, l ARRAY<STRING>').orderBy('n'))")
assert (results["resultType"], results.get("data")) == ("table", [[None, None], [1, '["a"]']]), results


def statement(text, **more):
    """The columns and rows of a statement of the REST API, or its error."""
    body = {"warehouse_id": os.environ["LOCAL_WAREHOUSE_ID"], "statement": text, "wait_timeout": "50s", **more}
    done = call("POST", "/api/2.0/sql/statements", body)
    if done["status"]["state"] != "SUCCEEDED":
        return done["status"]
    columns = [(c["name"], c["type_text"]) for c in done["manifest"]["schema"].get("columns", [])]
    return columns, done.get("result", {}).get("data_array", [])


# Statements run on the engine too, if the program was built with that.
if os.environ.get("LOCAL_STATEMENTS") == "spark":
    # Sail keeps tables for the session that made them.
    opened = call("POST", "/api/2.0/sql/sessions", {"warehouse_id": os.environ["LOCAL_WAREHOUSE_ID"]})
    session = {"session_id": opened["session_id"]}
    made = statement(
        "CREATE TABLE kept_items AS SELECT * FROM VALUES (1, 'one', CAST(0.10 AS DECIMAL(10, 2)), DATE'2026-11-29', array(1, 2)), "
        "(2, NULL, CAST(12.50 AS DECIMAL(10, 2)), DATE'1970-01-01', array(3)) AS t(id, name, price, day, parts)",
        **session,
    )
    # Its own result is the engine's: a count, or nothing.
    assert isinstance(made, tuple), made
    found = statement("SELECT id, name, price, day, parts FROM kept_items ORDER BY id", **session)
    assert found == (
        [("id", "INT"), ("name", "STRING"), ("price", "DECIMAL(10,2)"), ("day", "DATE"), ("parts", "ARRAY<INT>")],
        [["1", "one", "0.10", "2026-11-29", "[1,2]"], ["2", None, "12.50", "1970-01-01", "[3]"]],
    ), found
    assert statement("SELECT id FROM kept_items WHERE id > 5", **session) == ([("id", "INT")], [])
    given = [{"name": "n", "type": "INT", "value": "20"}, {"name": "d", "type": "DATE", "value": "2026-11-29"}]
    found = statement("SELECT :n + 1 AS n, :d AS d, :s AS s", parameters=[*given, {"name": "s", "type": "STRING"}])
    assert found == ([("n", "INT"), ("d", "DATE"), ("s", "STRING")], [["21", "2026-11-29", None]]), found
    failed = statement("SELECT * FROM no_such_table")
    assert failed["state"] == "FAILED" and "no_such_table" in failed["error"]["message"], failed
    many = statement("SELECT id FROM range(100000)", disposition="EXTERNAL_LINKS", format="ARROW_STREAM")
    assert many[0] == [("id", "BIGINT")], many
    call("DELETE", f"/api/2.0/sql/sessions/{opened['session_id']}")
    print("Spark Connect: statements on the attached engine passed")

# The session that is there goes on.
assert spark.sql("SELECT count(*) AS n FROM items").collect()[0].n == 2
spark.stop()
print("Spark Connect: pyspark-client passed")
