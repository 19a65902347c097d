"""Runs sections of statements on Apache Spark and writes down what each gives.

Usage: spark_statements.py SUITE RESULT

SUITE has sections (`# area: title`) of statements (`> …`); RESULT gets the same with columns, rows or error classes, in the
form that `crates/local/tests/it/sql_sessions.rs` describes. Lines that begin with `?` stay: they mark what the embedded
workspace refuses by name. A statement whose result Spark leaves open is not part of a suite.
"""

import json
import re
import sys
import tempfile

import pyspark
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T


def session(directory):
    return (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.legacy.createHiveTableByDefault", "false")
        .config("spark.sql.warehouse.dir", directory)
        .config("spark.driver.memory", "1g")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )


def cell(field, number):
    column = F.col(f"c{number}")
    kind = field.dataType
    if isinstance(kind, (T.ArrayType, T.MapType, T.StructType)):
        return F.to_json(column, {"ignoreNullFields": "false"}).alias(f"c{number}")
    if isinstance(kind, T.BinaryType):
        return F.base64(column).alias(f"c{number}")
    return column.cast("string").alias(f"c{number}")


def run(spark, statement):
    try:
        frame = spark.sql(statement)
        fields = frame.schema.fields
        if not fields:
            return []
        rows = frame.toDF(*[f"c{n}" for n in range(len(fields))])
        rows = rows.select([cell(f, n) for n, f in enumerate(fields)]).collect()
    except PySparkException as error:
        condition = error.getCondition() if hasattr(error, "getCondition") else error.getErrorClass()
        state = error.getSqlState() or ""
        if condition is None:
            found = re.search(r"\[([A-Z_][A-Z0-9_.]+)\]", str(error))
            condition = found.group(1) if found else "UNKNOWN"
        return [f"! {condition} {state}".rstrip()]
    columns = ", ".join(f"{f.name} {f.dataType.simpleString()}" for f in fields)
    return [f": {columns}", "= " + json.dumps([list(r) for r in rows], separators=(",", ":"), ensure_ascii=False)]


def main():
    suite, result = sys.argv[1:]
    out = [f"Apache Spark {pyspark.__version__}, ANSI mode, time zone UTC; made by `cargo xtask sql-oracle`."]
    with tempfile.TemporaryDirectory() as directory:
        root = session(directory)
        root.sparkContext.setLogLevel("OFF")
        spark, number = root, -1
        for line in open(suite, encoding="utf-8"):
            line = line.rstrip("\n")
            mark, _, rest = line.partition(" ")
            if mark == "#":
                number += 1
                spark = root.newSession()
                spark.sql(f"CREATE SCHEMA s{number}")
                spark.sql(f"USE s{number}")
                out += ["", line]
            elif mark == ">":
                out += [line, *run(spark, rest)]
            elif mark == "?":
                out.append(line)
        root.stop()
    with open(result, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


main()
