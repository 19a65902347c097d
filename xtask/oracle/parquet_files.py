"""Writes small Parquet files with several writers, and what Apache Spark reads from each.

Usage: parquet_files.py DIRECTORY RESULT

DIRECTORY gets the files; RESULT statements on them with columns and rows, in the form of `spark_statements.py`. The tests put
the files into a volume, whose path the statements have.
"""

import datetime
import decimal
import pathlib
import shutil
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
from spark_statements import run, session

VOLUME = "/Volumes/main/default/v"
ALL_TYPES = """
    SELECT id AS Id, CAST(id AS TINYINT) AS t, CAST(id AS SMALLINT) AS s, id * 3000000000 AS l, CAST(id / 3 AS FLOAT) AS f,
        id / 7 AS d, CAST(id * 1.25 AS DECIMAL(9, 2)) AS small, CAST(id * 12345678901234567.89 AS DECIMAL(30, 4)) AS large,
        concat('n', id) AS text, id % 2 = 0 AS b, DATE '2024-02-29' + CAST(id AS INT) AS day,
        TIMESTAMP '1999-12-31 23:59:59.123456' + make_interval(CAST(id AS INT)) AS at,
        TIMESTAMP_NTZ '0001-01-01 00:00:00' AS ntz, encode(concat('b', id), 'utf-8') AS bin,
        array(id, NULL) AS list, map('k', id) AS map, named_struct('x', id, 'y', array(named_struct('z', 'w'))) AS row,
        CAST(NULL AS STRING) AS missing
    FROM range(3)
"""


def spark_files(spark, directory, work):
    def write(name, query, **options):
        for key, value in options.items():
            spark.conf.set(key.replace("__", "."), value)
        target = work / name
        spark.sql(query).coalesce(1).write.parquet(str(target))
        part = next(target.glob("part-*.parquet"))
        shutil.copyfile(part, directory / f"{name}.parquet")

    legacy = "spark__sql__parquet__outputTimestampType"
    write("spark", ALL_TYPES, **{legacy: "TIMESTAMP_MICROS"})
    write("spark_int96", "SELECT TIMESTAMP '9999-12-31 23:59:59.999999' AS late, TIMESTAMP '1900-01-01 00:00:00' AS early", **{legacy: "INT96"})
    write("spark_millis", "SELECT TIMESTAMP '2024-02-29 10:11:12.345' AS at", **{legacy: "TIMESTAMP_MILLIS"})
    write("spark_empty", "SELECT 1 AS a, 'x' AS b WHERE false")
    write("spark_old", "SELECT CAST(1.5 AS DECIMAL(5, 1)) AS d, array(1, 2) AS l", spark__sql__parquet__writeLegacyFormat="true")


def arrow_files(directory):
    day = datetime.date(2024, 2, 29)
    table = pa.table(
        {
            "u8": pa.array([255, None], pa.uint8()),
            "u16": pa.array([65535, None], pa.uint16()),
            "u32": pa.array([4294967295, None], pa.uint32()),
            "u64": pa.array([18446744073709551615, None], pa.uint64()),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "wide": pa.array(["x", None], pa.large_string()),
            "day": pa.array([day, None], pa.date32()),
            "at": pa.array([datetime.datetime(2024, 2, 29, 10, 11, 12), None], pa.timestamp("ms", tz="America/New_York")),
            "plain": pa.array([datetime.datetime(2024, 2, 29, 10, 11, 12), None], pa.timestamp("us")),
            "price": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(10, 2)),
            "fixed": pa.array([b"abcd", None], pa.binary(4)),
            "list": pa.array([[1, None], None], pa.list_(pa.int32())),
            "nested": pa.array([{"a": 1, "b": [{"c": "d"}]}, None]),
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
        }
    )
    for codec in ["snappy", "zstd", "gzip", "lz4", "none"]:
        pq.write_table(table, directory / f"arrow_{codec}.parquet", compression=codec)
    pq.write_table(pa.table({"n": list(range(2000))}), directory / "groups.parquet", row_group_size=300, data_page_version="2.0")
    pq.write_table(pa.table({"at": pa.array([1], pa.timestamp("ns"))}), directory / "nanos.parquet")
    pq.write_table(pa.table({"t": pa.array([1], pa.time64("us"))}), directory / "time.parquet")
    (directory / "broken.parquet").write_bytes(b"PAR1 is only its beginning PAR1")


def main():
    directory, result = map(pathlib.Path, sys.argv[1:])
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, open(result, "w", encoding="utf-8") as out:
        spark = session(work)
        spark.sparkContext.setLogLevel("OFF")
        spark_files(spark, directory, pathlib.Path(work) / "made")
        arrow_files(directory)
        print(f"Parquet files as Apache Spark {pyspark.__version__} reads them; made by `cargo xtask sql-oracle`.", file=out)
        print("\n# parquet: files of several writers", file=out)
        for file in sorted(directory.glob("*.parquet")):
            if file.stem in ("broken", "time"):
                continue
            columns = "count(*) AS n, sum(n) AS s, max(n) AS m" if file.stem == "groups" else "*"
            text = f"SELECT {columns} FROM parquet.`{{}}/{file.name}`"
            print("> " + text.format(VOLUME), file=out)
            print("\n".join(run(spark, text.format(directory))), file=out)
        spark.stop()


main()
