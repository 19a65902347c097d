"""Compares random expressions on Apache Spark and on the embedded workspace.

Usage: random_expressions.py PROGRAM SEED COUNT RESULT

PROGRAM is `databricks-local`. RESULT gets a line of JSON for each expression whose value, type or error class differs; what
the workspace refuses where Spark has a value is counted by its message alone. The same seed makes the same expressions.
"""

import json
import math
import random
import re
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections import Counter

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from spark_statements import session

# Literals of each type: ordinary values and the ends of what there is.
LITERALS = {
    "int": ["0", "1", "-1", "2", "3", "7", "-5", "10", "100", "31", "2147483647", "-2147483648", "CAST(NULL AS INT)"],
    "tinyint": ["1Y", "-1Y", "127Y", "-128Y", "0Y", "CAST(NULL AS TINYINT)"],
    "smallint": ["1S", "-7S", "32767S", "-32768S", "300S"],
    "bigint": ["0L", "1L", "-3L", "12345678901L", "9223372036854775807L", "CAST(NULL AS BIGINT)"],
    "double": ["0.0D", "1.5D", "-2.5D", "1e10D", "1e-7D", "3.14159D", "123456.789D", "CAST('NaN' AS DOUBLE)", "CAST('Infinity' AS DOUBLE)", "-0.0D", "0.5D", "2.5D", "CAST(NULL AS DOUBLE)"],
    "float": ["CAST(1.1 AS FLOAT)", "CAST(-0.25 AS FLOAT)", "CAST(1e20 AS FLOAT)", "CAST(16777217 AS FLOAT)"],
    "decimal": ["1.5", "-2.25", "0.005", "99999.99", "12.50", "1.0", "0.1", "-0.75", "123456789012345678.12", "CAST(NULL AS DECIMAL(5, 2))", "CAST(7 AS DECIMAL(10, 0))", "1.25BD"],
    "string": ["''", "'a'", "'abc'", "'Hello World'", "'  pad '", "'12'", "'-3.5'", "'2024-02-29'", "'2024-02-29 10:11:12.345'", "'grün'", "'a,b,c'", "'TRUE'", "'x1y22z'", "'%_'", "'日本'", "'aXbXc'", "CAST(NULL AS STRING)", "'1e3'", "'0'", "'{\"a\": 1, \"b\": [1, 2]}'"],
    "boolean": ["true", "false", "CAST(NULL AS BOOLEAN)"],
    "date": ["DATE '2024-02-29'", "DATE '1999-12-31'", "DATE '1970-01-01'", "DATE '0001-01-01'", "DATE '2023-03-31'", "DATE '1582-10-15'", "CAST(NULL AS DATE)"],
    "timestamp": ["TIMESTAMP '2024-02-29 10:11:12.345678'", "TIMESTAMP '1970-01-01 00:00:00'", "TIMESTAMP '1999-12-31 23:59:59'", "TIMESTAMP '1900-01-01 00:00:00.5'", "CAST(NULL AS TIMESTAMP)"],
    "ntz": ["TIMESTAMP_NTZ '2024-02-29 10:11:12.345'", "TIMESTAMP_NTZ '2000-01-01 00:00:00'"],
    "binary": ["X'4142'", "X''", "X'FF00'", "CAST('abc' AS BINARY)"],
    "daytime": ["INTERVAL '1' DAY", "INTERVAL '-3' HOUR", "INTERVAL '1 02:03:04.5' DAY TO SECOND", "INTERVAL '90' MINUTE"],
    "yearmonth": ["INTERVAL '1' YEAR", "INTERVAL '-2' MONTH", "INTERVAL '1-6' YEAR TO MONTH"],
    "ints": ["array(1, 2, 3)", "array(3, NULL, 1)", "CAST(array() AS ARRAY<INT>)", "array(5, 5, -1)", "CAST(NULL AS ARRAY<INT>)", "sequence(1, 4)"],
    "strings": ["array('a', 'b')", "array('b', NULL, 'a', '')", "split('x,y,z', ',')", "CAST(array() AS ARRAY<STRING>)"],
    "map": ["map('a', 1, 'b', 2)", "map('k', CAST(NULL AS INT))", "CAST(map() AS MAP<STRING, INT>)"],
    "struct": ["named_struct('a', 1, 'b', 'x')", "named_struct('a', CAST(NULL AS INT), 'b', 'y')"],
}
NUMBERS = ["int", "bigint", "double", "decimal", "smallint", "tinyint", "float"]
WHOLE = ["int", "bigint", "smallint", "tinyint"]
ATOMS = NUMBERS + ["string", "boolean", "date", "timestamp"]

# Templates by the type that they give: `{type}` is an expression of that type, `{small}` a small whole number.
TEMPLATES = """
int: {int} + {int} | {int} - {int} | {int} * {int} | {int} % {int} | -({int}) | abs({int}) | length({string}) | char_length({string})
int: octet_length({string}) | bit_length({string}) | ascii({string}) | instr({string}, {string}) | locate({string}, {string}) | locate({string}, {string}, {small})
int: position({string} IN {string}) | levenshtein({string}, {string}) | find_in_set({string}, {string}) | sign({int}) | year({date}) | month({date})
int: day({date}) | dayofweek({date}) | weekday({date}) | dayofyear({date}) | weekofyear({date}) | quarter({date}) | hour({timestamp}) | minute({timestamp})
int: second({timestamp}) | datediff({date}, {date}) | date_diff(DAY, {timestamp}, {timestamp}) | size({ints}) | size({strings}) | cardinality({map}) | array_size({ints})
int: element_at({ints}, {small}) | try_element_at({ints}, {small}) | {ints}[{small}] | get({ints}, {small}) | array_max({ints}) | array_min({ints}) | ({struct}).a
int: {map}['a'] | element_at({map}, {string}) | CAST({string} AS INT) | CAST({double} AS INT) | CAST({decimal} AS INT) | CAST({bigint} AS INT) | CAST({boolean} AS INT)
int: try_cast({string} AS INT) | try_cast({double} AS INT) | coalesce({int}, {int}) | nvl({int}, {int}) | nullif({int}, {int}) | if({boolean}, {int}, {int}) | greatest({int}, {int}, {int})
int: least({int}, {int}) | CASE WHEN {boolean} THEN {int} ELSE {int} END | CASE {int} WHEN {int} THEN {int} END | {int} & {int} | {int} | {int} | {int} ^ {int} | ~{int} | hash({any}, {any})
int: shiftleft({int}, {small}) | shiftright({int}, {small}) | shiftrightunsigned({int}, {small}) | bit_count({int}) | getbit({int}, {small}) | pmod({int}, {int}) | try_add({int}, {int})
int: try_subtract({int}, {int}) | try_multiply({int}, {int}) | aggregate({ints}, 0, (acc, x) -> acc + x) | json_array_length({string}) | regexp_count({string}, {pattern}) | regexp_instr({string}, {pattern})
int: extract(YEAR FROM {date}) | extract(DOY FROM {date}) | extract(HOUR FROM {timestamp}) | date_part('WEEK', {date}) | unix_date({date}) | try_mod({int}, {int}) | crc32({string}) % 100
bigint: {bigint} + {int} | {bigint} - {bigint} | {bigint} * {int} | {int} div {int} | {bigint} div {int} | CAST({string} AS BIGINT) | CAST({double} AS BIGINT) | CAST({timestamp} AS BIGINT)
bigint: ceil({double}) | floor({double}) | unix_timestamp({timestamp}) | unix_millis({timestamp}) | unix_micros({timestamp}) | array_position({ints}, {int}) | factorial({small}) | xxhash64({any}, {any})
bigint: timestampdiff(MONTH, {timestamp}, {timestamp}) | timestampdiff(HOUR, {timestamp}, {timestamp}) | conv({string}, 10, 16)::BIGINT | crc32({string}) | abs({bigint}) | width_bucket({double}, 0.0D, 10.0D, 5) | bitmap_bit_position({int})
double: {double} + {double} | {double} - {int} | {double} * {double} | {double} / {double} | {int} / {int} | {double} % {double} | sqrt({double}) | cbrt({double}) | exp({small}) | ln({double}) | log10({double})
double: log2({double}) | log({double}, {double}) | pow({double}, {small}) | sin({double}) | cos({double}) | tan({double}) | atan({double}) | atan2({double}, {double}) | asin({double}) | degrees({double}) | radians({double})
double: round({double}, {small}) | bround({double}, {small}) | rint({double}) | signum({double}) | abs({double}) | CAST({string} AS DOUBLE) | CAST({decimal} AS DOUBLE) | CAST({float} AS DOUBLE) | try_divide({int}, {int})
double: hypot({double}, {double}) | nanvl({double}, {double}) | greatest({double}, {double}) | least({double}, {double}) | coalesce({double}, {double}) | nullif({double}, {double}) | months_between({timestamp}, {timestamp}) | expm1({double})
double: log1p({double}) | cot({double}) | sec({double}) | csc({double}) | sinh({small}) | cosh({small}) | tanh({double}) | asinh({double}) | acosh({double}) | atanh({double}) | e() * {double} | if({boolean}, {double}, {int}) | CAST({timestamp} AS DOUBLE)
float: {float} + {float} | {float} * {float} | CAST({double} AS FLOAT) | CAST({string} AS FLOAT) | abs({float}) | -({float}) | CAST({int} AS FLOAT)
smallint: {smallint} + {smallint} | CAST({int} AS SMALLINT) | abs({smallint}) | CAST({string} AS SMALLINT) | {smallint} % {tinyint}
tinyint: {tinyint} + {tinyint} | CAST({int} AS TINYINT) | -({tinyint}) | CAST({double} AS TINYINT)
decimal: {decimal} + {decimal} | {decimal} - {decimal} | {decimal} * {decimal} | {decimal} / {decimal} | {decimal} % {decimal} | {decimal} + {int} | {int} * {decimal} | {decimal} / {int} | round({decimal}, {small}) | bround({decimal}, 1)
decimal: ceil({decimal}, 1) | floor({decimal}, 1) | abs({decimal}) | -({decimal}) | CAST({string} AS DECIMAL(10, 2)) | CAST({double} AS DECIMAL(10, 3)) | CAST({int} AS DECIMAL(12, 2)) | greatest({decimal}, {decimal}) | coalesce({decimal}, {decimal})
decimal: try_cast({decimal} AS DECIMAL(4, 1)) | CAST({decimal} AS DECIMAL(20, 5)) | if({boolean}, {decimal}, {int}) | nullif({decimal}, {decimal}) | pmod({decimal}, {decimal}) | ceil({decimal}) | floor({decimal}) | to_number('12.5', '99.9') | {decimal} + {bigint} | extract(SECOND FROM {timestamp})
string: concat({string}, {string}) | {string} || {string} | upper({string}) | lower({string}) | initcap({string}) | trim({string}) | ltrim({string}) | rtrim({string}) | btrim({string}, {string}) | substr({string}, {small}) | substr({string}, {small}, {small})
string: left({string}, {small}) | right({string}, {small}) | lpad({string}, {small}, {string}) | rpad({string}, {small}, {string}) | repeat({string}, {small}) | reverse({string}) | replace({string}, {string}, {string}) | translate({string}, {string}, {string})
string: substring_index({string}, {string}, {small}) | split_part({string}, {string}, {small}) | overlay({string} PLACING {string} FROM {small}) | overlay({string} PLACING {string} FROM {small} FOR {small}) | concat_ws({string}, {string}, {string})
string: md5({string}) | sha1({string}) | sha2({string}, 256) | hex({int}) | hex({string}) | bin({int}) | conv({string}, 10, 2) | base64({binary}) | soundex({string}) | format_number({double}, {small}) | format_string('%s-%s', {string}, {int}) | chr({int})
string: regexp_replace({string}, {pattern}, {string}) | regexp_extract({string}, {pattern}, 0) | regexp_substr({string}, {pattern}) | date_format({timestamp}, {format}) | dayname({date}) | monthname({date}) | CAST({int} AS STRING) | CAST({double} AS STRING)
string: CAST({float} AS STRING) | CAST({decimal} AS STRING) | CAST({boolean} AS STRING) | CAST({date} AS STRING) | CAST({timestamp} AS STRING) | CAST({ints} AS STRING) | CAST({map} AS STRING) | CAST({struct} AS STRING) | CAST({binary} AS STRING) | CAST({daytime} AS STRING)
string: CAST({yearmonth} AS STRING) | CAST({strings} AS STRING) | array_join({strings}, {string}) | array_join({strings}, {string}, {string}) | element_at({strings}, {small}) | to_json({struct}) | to_json({map}) | to_json({ints}) | get_json_object({string}, '$.a') | typeof({any})
string: coalesce({string}, {string}) | nvl2({string}, {string}, {string}) | if({boolean}, {string}, {string}) | CASE WHEN {boolean} THEN {string} ELSE {string} END | greatest({string}, {string}) | least({string}, {string}) | nullif({string}, {string}) | decode({int}, 1, 'one', 2, 'two', 'many')
string: elt({small}, {string}, {string}) | space({small}) | quote({string}) | mask({string}) | to_char({decimal}, '999.99') | to_csv({struct}) | url_encode({string}) | ({struct}).b | from_utc_timestamp({timestamp}, 'Asia/Tokyo')::STRING | char({int}) | to_varchar({int}, '9999') | {string}::STRING
string: decode(encode({string}, 'utf-8'), 'utf-8') | unhex(hex({string}))::STRING | lpad({string}, {small}) | string({int}) | string({date}) | CAST({ntz} AS STRING) | hex({binary}) | sentences({string})[0][0] | schema_of_json('{"a": 1}') | rpad({binary}, {small})::STRING
boolean: {int} = {int} | {int} < {int} | {int} >= {double} | {double} = {double} | {double} < {double} | {decimal} > {decimal} | {decimal} = {double} | {string} = {string} | {string} < {string} | {date} < {date} | {date} = {string} | {timestamp} > {date} | {string} = {int}
boolean: {int} <=> {int} | {string} <=> {string} | {int} != {bigint} | {boolean} AND {boolean} | {boolean} OR {boolean} | NOT {boolean} | {int} BETWEEN {int} AND {int} | {int} IN ({int}, {int}) | {string} IN ({string}, {string}) | {int} NOT IN ({int}, {int})
boolean: {string} LIKE {like} | {string} ILIKE {like} | {string} RLIKE {pattern} | contains({string}, {string}) | startswith({string}, {string}) | endswith({string}, {string}) | {any} IS NULL | {any} IS NOT NULL | isnan({double}) | array_contains({ints}, {int})
boolean: arrays_overlap({ints}, {ints}) | exists({ints}, x -> x > 1) | forall({ints}, x -> x > 0) | map_contains_key({map}, {string}) | CAST({string} AS BOOLEAN) | CAST({int} AS BOOLEAN) | equal_null({int}, {int}) | {ints} = {ints} | {boolean} = {boolean} | {string} LIKE ALL ({like}, {like})
boolean: {binary} = {binary} | {daytime} > {daytime} | {yearmonth} = {yearmonth} | try_cast({string} AS BOOLEAN) | {string} LIKE ANY ({like}, {like}) | {date} BETWEEN {date} AND {date} | {float} = {double} | {struct} = {struct} | {strings} < {strings} | luhn_check({string}) | {boolean} IS TRUE | {ntz} < {timestamp}
date: {date} + {small} | {date} - {small} | date_add({date}, {small}) | date_sub({date}, {small}) | add_months({date}, {small}) | last_day({date}) | next_day({date}, 'Mon') | trunc({date}, 'MM') | trunc({date}, 'YEAR') | trunc({date}, 'Q') | trunc({date}, 'WEEK') | CAST({timestamp} AS DATE)
date: CAST({string} AS DATE) | to_date({string}) | try_cast({string} AS DATE) | make_date(2024, {small}, {small}) | date_from_unix_date({int}) | {date} + {yearmonth} | {date} - {yearmonth} | greatest({date}, {date}) | coalesce({date}, {date}) | if({boolean}, {date}, {date}) | to_date('29.02.2024', 'dd.MM.yyyy') | date({string})
timestamp: {timestamp} + {daytime} | {timestamp} - {daytime} | {timestamp} + {yearmonth} | {date} + {daytime} | date_trunc('HOUR', {timestamp}) | date_trunc('MONTH', {timestamp}) | date_trunc('WEEK', {timestamp}) | date_trunc('QUARTER', {timestamp}) | CAST({date} AS TIMESTAMP) | CAST({string} AS TIMESTAMP)
timestamp: to_timestamp({string}) | try_cast({string} AS TIMESTAMP) | timestampadd(MONTH, {small}, {timestamp}) | timestampadd(HOUR, {small}, {timestamp}) | dateadd(DAY, {small}, {timestamp}) | from_utc_timestamp({timestamp}, 'America/New_York') | to_utc_timestamp({timestamp}, 'Europe/Berlin') | greatest({timestamp}, {timestamp})
timestamp: timestamp_seconds({int}) | timestamp_millis({bigint}) | make_timestamp(2024, {small}, {small}, 10, 11, 12.5) | coalesce({timestamp}, {timestamp}) | if({boolean}, {timestamp}, {date}) | CAST({ntz} AS TIMESTAMP) | CAST({int} AS TIMESTAMP) | date_trunc('DD', {timestamp}) | to_timestamp('2024-02-29 10:11', 'yyyy-MM-dd HH:mm')
ntz: CAST({timestamp} AS TIMESTAMP_NTZ) | CAST({string} AS TIMESTAMP_NTZ) | {ntz} + {daytime} | CAST({date} AS TIMESTAMP_NTZ) | make_timestamp_ntz(2024, {small}, 1, 0, 0, 0)
binary: CAST({string} AS BINARY) | unhex({string}) | unbase64(base64({binary})) | {binary} || {binary} | encode({string}, 'utf-8') | substr({binary}, {small}, {small}) | to_binary(hex({string}), 'hex')
daytime: {timestamp} - {timestamp} | {date} - {date} | {daytime} + {daytime} | {daytime} * {small} | {daytime} / 2 | make_dt_interval({small}, {small}, {small}, 1.5) | -({daytime}) | abs({daytime})
yearmonth: {yearmonth} + {yearmonth} | {yearmonth} * {small} | make_ym_interval({small}, {small}) | -({yearmonth}) | {yearmonth} / 2
ints: array({int}, {int}) | array_distinct({ints}) | array_sort({ints}) | sort_array({ints}) | sort_array({ints}, false) | array_union({ints}, {ints}) | array_intersect({ints}, {ints}) | array_except({ints}, {ints}) | array_remove({ints}, {int}) | reverse({ints}) | slice({ints}, {small}, {small})
ints: concat({ints}, {ints}) | array_append({ints}, {int}) | array_prepend({ints}, {int}) | array_compact({ints}) | transform({ints}, x -> x * 2) | transform({ints}, (x, i) -> x + i) | filter({ints}, x -> x > 1) | array_insert({ints}, {small}, {int}) | array_repeat({int}, {small}) | sequence({small}, {small})
ints: map_values({map}) | zip_with({ints}, {ints}, (x, y) -> x + y) | flatten(array({ints}, {ints})) | CAST({strings} AS ARRAY<INT>) | coalesce({ints}, {ints}) | if({boolean}, {ints}, {ints}) | array_sort({ints}, (l, r) -> r - l) | from_json('[1, 2]', 'ARRAY<INT>')
strings: array({string}, {string}) | split({string}, {pattern}) | split({string}, ',', {small}) | array_sort({strings}) | sort_array({strings}) | array_distinct({strings}) | transform({strings}, x -> upper(x)) | map_keys({map}) | regexp_extract_all({string}, {pattern}, 0) | CAST({ints} AS ARRAY<STRING>) | filter({strings}, x -> x IS NOT NULL)
map: map({string}, {int}) | map_filter({map}, (k, v) -> v > 1) | transform_values({map}, (k, v) -> v + 1) | map_from_arrays(array('p', 'q'), array({int}, {int})) | map_concat({map}, map('z', {int})) | from_json('{"x": 5}', 'MAP<STRING, INT>') | transform_keys({map}, (k, v) -> upper(k)) | map_from_entries(array(struct('e', {int})))
struct: named_struct('a', {int}, 'b', {string}) | struct({int} AS a, {string} AS b) | if({boolean}, {struct}, {struct}) | from_json('{"a": 3, "b": "s"}', 'a INT, b STRING') | from_csv('7,q', 'a INT, b STRING')
"""
SPECIAL = {
    "small": ["0", "1", "2", "3", "-1", "-2", "5", "12"],
    "pattern": ["'[a-z]+'", "'\\\\\\\\d+'", "'X'", "','", "'(.)'", "'^a'", "''", "'b*'"],
    "like": ["'%a%'", "'a_c'", "''", "'%'", "'H%o W%'", "'\\\\\\\\%\\\\\\\\_'"],
    "format": ["'yyyy-MM-dd'", "'HH:mm:ss.SSS'", "'E, d MMM yyyy'", "'D'", "'yy/M/d h a'", "'QQQ yyyy'", "'EEEE'", "'MMMM'"],
}


def templates():
    all_templates = {}
    for line in TEMPLATES.strip().splitlines():
        kind, _, rest = line.partition(": ")
        # `|` alone is the operator as well, between two expressions.
        parts = re.split(r" \| (?![{(]?(?:int)\} (?:\||$))", rest)
        all_templates.setdefault(kind, []).extend(parts)
    return all_templates


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.templates = templates()

    def make(self, kind, depth, top=False):
        r = self.random
        if kind in SPECIAL:
            return r.choice(SPECIAL[kind]).replace("\\\\\\\\", "\\\\")
        if kind == "any":
            kind = r.choice(ATOMS)
        if depth <= 0 or (r.random() < 0.25 and not top):
            return r.choice(LITERALS[kind])
        template = r.choice(self.templates[kind])
        made = re.sub(r"\{(\w+)\}", lambda m: self.argument(m.group(1), depth - 1), template)
        return f"({made})" if re.search(r"^[^(]*[{}] ?[-+*/%<>=&|^]|^-|^~|^NOT| (IN|LIKE|BETWEEN|IS|RLIKE|AND|OR|div|ILIKE) ", template) else made

    def argument(self, kind, depth):
        made = self.make(kind, depth)
        return f"({made})" if made.startswith("-") else made

    def expression(self):
        return self.make(self.random.choice(list(self.templates)), self.random.choice([1, 1, 2, 2, 3]), top=True)


class Workspace:
    """The program, and statements on it."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "DATABRICKS_WAREHOUSE_ID=" in line:
                self.values = dict(word.split("=", 1) for word in line.split() if "=" in word)
                break

    def run(self, statement):
        body = {"warehouse_id": self.values["DATABRICKS_WAREHOUSE_ID"], "statement": statement, "wait_timeout": "50s"}
        request = urllib.request.Request(
            self.values["DATABRICKS_HOST"] + "/api/2.0/sql/statements",
            json.dumps(body).encode(),
            {"authorization": "Bearer " + self.values["DATABRICKS_TOKEN"], "content-type": "application/json"},
        )
        try:
            response = json.load(urllib.request.urlopen(request))
        except urllib.error.HTTPError as error:
            return "! HTTP " + error.read().decode()
        if response["status"]["state"] != "SUCCEEDED":
            return "! " + response["status"].get("error", {}).get("message", response["status"]["state"])
        return response["result"]["data_array"][0]


def statement(expression):
    return f"SELECT CAST(v AS STRING), typeof(v) FROM (SELECT {expression} AS v)"


def on_spark(spark, text):
    try:
        return list(spark.sql(text).collect()[0])
    except (PySparkException, Py4JJavaError) as error:
        condition = error.getCondition() if hasattr(error, "getCondition") else None
        if condition is None:
            found = re.search(r"\[([A-Z_][A-Z0-9_.]+)\]", str(error))
            condition = found.group(1) if found else "UNKNOWN"
        return f"! [{condition}]"


def close(a, b, kind):
    """Whether two values are the same but for the last digits of doubles, which libraries of mathematics differ in."""
    if a == b:
        return True
    # Java before 19 does not write the shortest of the decimals that are read as the same FLOAT.
    if kind == "float":
        return a is not None and b is not None and struct.pack("f", float(a)) == struct.pack("f", float(b))
    pattern = r"-?\d+\.\d+(?:E-?\d+)?"
    if a is None or b is None or re.sub(pattern, "#", a) != re.sub(pattern, "#", b):
        return False
    pairs = zip(re.findall(pattern, a), re.findall(pattern, b))
    return all(math.isclose(float(x), float(y), rel_tol=1e-13) and len(x) > 14 for x, y in pairs)


def judge(ours, theirs):
    if isinstance(ours, str) and isinstance(theirs, str):
        classes = [re.match(r"! \[([A-Z_0-9]+)", t) for t in (ours, theirs)]
        same = all(classes) and classes[0].group(1) == classes[1].group(1)
        return "same" if same else "refused" if "embedded workspace" in ours else "class"
    if isinstance(ours, str):
        return "refused"
    if isinstance(theirs, str):
        return "value without error"
    if ours[1] != theirs[1]:
        return "type"
    return "same" if close(ours[0], theirs[0], ours[1]) else "value"


def main():
    program, seed, count, result = sys.argv[1:]
    generator = Generator(int(seed))
    workspace = Workspace(program)
    counts, refusals = Counter(), Counter()
    with tempfile.TemporaryDirectory() as directory, open(result, "w", encoding="utf-8") as out:
        spark = session(directory)
        spark.sparkContext.setLogLevel("OFF")
        for _ in range(int(count)):
            expression = generator.expression()
            text = statement(expression)
            ours, theirs = workspace.run(text), on_spark(spark, text)
            verdict = judge(ours, theirs)
            counts[verdict] += 1
            if verdict == "refused":
                refusals[re.sub(r"[0-9'\"`].*", "", ours)[:90]] += 1
            if verdict != "same":
                line = {"verdict": verdict, "expression": expression, "ours": ours, "spark": theirs}
                print(json.dumps(line, ensure_ascii=False), file=out, flush=True)
        spark.stop()
    workspace.process.terminate()
    print(json.dumps(counts))
    for message, times in refusals.most_common(25):
        print(f"{times:5} {message}")
    sys.exit(1 if counts["value"] or counts["type"] or counts["value without error"] else 0)


if __name__ == "__main__":
    main()
