"""Runs sections of statements on Apache Spark and writes down what each gives.

Usage: spark_statements.py SUITE RESULT

SUITE has sections (`# area: title`) of statements (`> …`); RESULT gets the same with columns, rows or error classes, in the
form that `crates/local/tests/it/sql_sessions.rs` describes. Lines that begin with `?` or `~` stay: they mark
what the embedded workspace refuses by name, and known differences. A statement whose result Spark leaves open is not part of a suite.
"""

import json
import re
import sys
import tempfile

import pyspark
from py4j.protocol import Py4JJavaError
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
        # The platform has the type; Spark has it behind a switch.
        .config("spark.sql.timeType.enabled", "true")
        .config("spark.sql.scripting.continueHandlerEnabled", "true")
        .config("spark.sql.legacy.createHiveTableByDefault", "false")
        .config("spark.sql.warehouse.dir", directory)
        .config("spark.driver.memory", "1g")
        # Each statement runs once: to compile it would take longer than to interpret it.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
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
    except (PySparkException, Py4JJavaError) as error:
        condition = error.getCondition() if hasattr(error, "getCondition") else None
        state = (error.getSqlState() if hasattr(error, "getSqlState") else None) or ""
        if condition is None:
            found = re.search(r"\[([A-Z_][A-Z0-9_.]+)\]", str(error))
            condition = found.group(1) if found else "UNKNOWN"
            found = re.search(r"SQLSTATE: (\w{5})", str(error))
            state = found.group(1) if found else ""
        return [f"! {condition} {state}".rstrip()]
    columns = ", ".join(f"{f.name} {f.dataType.simpleString()}" for f in fields)
    return [f": {columns}", "= " + json.dumps([list(r) for r in rows], separators=(",", ":"), ensure_ascii=False)]


def main():
    suite, result = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory, open(result, "w", encoding="utf-8") as out:
        root = session(directory)
        root.sparkContext.setLogLevel("OFF")
        spark, number = root, -1
        title = "ANSI mode, time zone UTC; made by `cargo xtask sql-oracle`"
        print(f"Apache Spark {pyspark.__version__}, {title}.", file=out)
        for line in open(suite, encoding="utf-8"):
            line = line.rstrip("\n")
            mark, _, rest = line.partition(" ")
            if mark == "#":
                number += 1
                spark = root.newSession()
                spark.sql(f"CREATE SCHEMA s{number}")
                spark.sql(f"USE s{number}")
                print(f"\n{line}", file=out)
            elif mark == ">":
                print("\n".join([line, *run(spark, rest)]), file=out, flush=True)
            elif mark in ("?", "~"):
                print(line, file=out)
        root.stop()


if __name__ == "__main__":
    main()
