"""Databricks Connect through the port of the embedded workspace, over TLS."""

import os

from databricks.connect import DatabricksSession
from pyspark.sql import functions as F

host = os.environ["DATABRICKS_HOST"].replace("127.0.0.1", "localhost")
session = DatabricksSession.builder.remote(
    host=host, token=os.environ["DATABRICKS_TOKEN"], cluster_id=os.environ["LOCAL_CLUSTER_ID"]
)
spark = session.getOrCreate()
assert spark.sql("SELECT 1 + 1 AS two").collect()[0].two == 2
evens = spark.range(100).filter(F.col("id") % 2 == 0).agg(F.count("*").alias("n"), F.sum("id").alias("sum"))
assert tuple(evens.collect()[0]) == (50, 2450), evens.collect()
frame = spark.createDataFrame([(1, "one"), (2, None)], "id INT, name STRING")
assert [tuple(row) for row in frame.orderBy("id").collect()] == [(1, "one"), (2, None)]
print("Spark Connect: databricks-connect passed")
