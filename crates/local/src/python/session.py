"""What code on a cluster finds besides Python: spark, dbutils, display and the magic commands of notebooks.

The driver runs this file with `workspace`, the address and token of the workspace that it belongs to. What is asked of
the workspace goes over its REST API, so that code sees what every other client sees.
"""

import base64
import datetime
import decimal
import http.client
import importlib.util
import json
import os
import ssl
import subprocess
import sys
import types
import urllib.parse

# More rows than this are refused instead of cut off.
ROW_LIMIT = 1000000


class WorkspaceError(Exception):
    """The workspace refused what was asked of it."""

    def __init__(self, code, message):
        super().__init__("%s: %s" % (code, message) if code else message)
        self.error_code = code


class NotebookExit(BaseException):
    """Ends a notebook; no error."""

    def __init__(self, value):
        super().__init__(value)
        self.value = value


def ask(method, path, body=None, data=None):
    """Sends a request to the workspace and returns the bytes of the response."""
    if workspace["authority"]:
        trusted = ssl.create_default_context(cafile=workspace["authority"])
        connection = http.client.HTTPSConnection(workspace["host"], workspace["port"], context=trusted)
    else:
        connection = http.client.HTTPConnection(workspace["host"], workspace["port"])
    try:
        headers = {"Authorization": "Bearer " + workspace["token"]}
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        try:
            error = json.loads(content)
        except ValueError:
            error = {}
        raise WorkspaceError(error.get("error_code", ""), error.get("message", "status %d" % response.status))
    return content


def call(method, path, body=None, /, **query):
    """As `ask`, for JSON."""
    query = {k: v for k, v in query.items() if v is not None}
    if query:
        path += "?" + urllib.parse.urlencode(query)
    content = ask(method, path, body)
    return json.loads(content) if content else {}


class Row(tuple):
    """A row: by position, by name, or as an attribute."""

    def __new__(cls, names, values):
        row = super().__new__(cls, values)
        row.__fields__ = list(names)
        return row

    def __getitem__(self, key):
        if isinstance(key, str):
            try:
                return tuple.__getitem__(self, self.__fields__.index(key))
            except ValueError:
                raise KeyError(key) from None
        return tuple.__getitem__(self, key)

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def asDict(self, recursive=False):
        return dict(zip(self.__fields__, self))

    def __repr__(self):
        return "Row(%s)" % ", ".join("%s=%r" % pair for pair in zip(self.__fields__, self))


def converted(value, kind):
    """A cell as Spark gives it to Python."""
    if value is None:
        return None
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind.startswith("timestamp"):
        moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment.replace(tzinfo=None)
    if kind.startswith("decimal"):
        return decimal.Decimal(value)
    if kind in ("double", "float"):
        return float(value)
    return value


def statement(text):
    """Runs a statement: names, types and rows, or an error as Spark raises it."""
    result = call("POST", "/local/sql", {"statement": text, "row_limit": ROW_LIMIT})
    if result["resultType"] == "error":
        raise AnalysisException(result["summary"])
    if result.get("truncated"):
        raise WorkspaceError("", "The result has more than %d rows; narrow it down" % ROW_LIMIT)
    names = [c["name"] for c in result["schema"]]
    kinds = [json.loads(c["type"]) for c in result["schema"]]
    rows = [Row(names, [converted(v, k) for v, k in zip(r, kinds)]) for r in result["data"]]
    return names, kinds, rows, result


class AnalysisException(Exception):
    """A statement failed."""


class DataFrame:
    """The result of a query, and queries on top of it."""

    KNOWN = "collect, count, show, first, head, take, limit, select, where, filter, orderBy, distinct, union, columns, " \
        "dtypes, schema, printSchema, toPandas, toJSON, createOrReplaceTempView and write"

    def __init__(self, session, query):
        self._session, self._query = session, query
        self._names, self._kinds, self._rows, self._result = statement(query)

    def __getattr__(self, name):
        raise AttributeError(
            "DataFrame.%s is not there: the embedded workspace's data frames know %s; write the rest in SQL"
            % (name, self.KNOWN)
        )

    @property
    def columns(self):
        return list(self._names)

    @property
    def dtypes(self):
        return list(zip(self._names, [{"long": "bigint", "integer": "int"}.get(k, k) for k in self._kinds]))

    def _on(self, text):
        return DataFrame(self._session, text % ("(%s)" % self._query))

    def collect(self):
        return list(self._rows)

    def toLocalIterator(self):
        return iter(self._rows)

    def count(self):
        return len(self._rows)

    def first(self):
        return self._rows[0] if self._rows else None

    def take(self, n):
        return self._rows[:n]

    def head(self, n=None):
        return self.first() if n is None else self.take(n)

    def limit(self, n):
        return self._on("SELECT * FROM %%s LIMIT %d" % int(n))

    def select(self, *columns):
        columns = columns[0] if len(columns) == 1 and isinstance(columns[0], (list, tuple)) else columns
        return DataFrame(self._session, "SELECT %s FROM (%s)" % (", ".join(plain(c) for c in columns), self._query))

    def selectExpr(self, *columns):
        return DataFrame(self._session, "SELECT %s FROM (%s)" % (", ".join(columns), self._query))

    def where(self, condition):
        return DataFrame(self._session, "SELECT * FROM (%s) WHERE %s" % (self._query, plain(condition)))

    filter = where

    def orderBy(self, *columns):
        return DataFrame(self._session, "SELECT * FROM (%s) ORDER BY %s" % (self._query, ", ".join(map(plain, columns))))

    sort = orderBy

    def distinct(self):
        return DataFrame(self._session, "SELECT DISTINCT * FROM (%s)" % self._query)

    def union(self, other):
        return DataFrame(self._session, "SELECT * FROM (%s) UNION ALL SELECT * FROM (%s)" % (self._query, other._query))

    unionAll = union

    def show(self, n=20, truncate=True):
        width = 20 if truncate is True else (int(truncate) or None)
        rows = [[shown(v, width) for v in r] for r in self._rows[:n]]
        widths = [max([len(name), *(len(r[i]) for r in rows)]) for i, name in enumerate(self._names)]
        line = "+" + "+".join("-" * w for w in widths) + "+"
        form = lambda cells: "|" + "|".join(c.rjust(w) for c, w in zip(cells, widths)) + "|"
        print("\n".join([line, form(self._names), line, *map(form, rows), line]))
        if len(self._rows) > n:
            print("only showing top %d rows" % n)

    def printSchema(self):
        print("root\n" + "\n".join(" |-- %s: %s (nullable = true)" % pair for pair in zip(self._names, self._kinds)))

    def toPandas(self):
        import pandas

        return pandas.DataFrame([list(r) for r in self._rows], columns=self._names)

    def toJSON(self):
        return [json.dumps(r.asDict(), default=str) for r in self._rows]

    def createOrReplaceTempView(self, name):
        self._session._views[name.lower()] = self._query

    @property
    def write(self):
        return Writer(self)

    def __repr__(self):
        return "DataFrame[%s]" % ", ".join("%s: %s" % pair for pair in self.dtypes)


class Writer:
    """Writes a data frame to a table."""

    def __init__(self, frame):
        self._frame, self._mode = frame, "error"

    def mode(self, mode):
        self._mode = mode.lower()
        return self

    def format(self, name):
        if name.lower() != "delta":
            raise WorkspaceError("", "The embedded workspace writes tables in the format delta, not in %s" % name)
        return self

    def option(self, name, value):
        raise WorkspaceError("", "The embedded workspace knows no option of writers, so not %s" % name)

    def saveAsTable(self, name):
        query = self._frame._query
        if self._mode == "append":
            statement("INSERT INTO %s %s" % (name, query))
        elif self._mode == "overwrite":
            statement("CREATE OR REPLACE TABLE %s AS %s" % (name, query))
        elif self._mode == "ignore":
            statement("CREATE TABLE IF NOT EXISTS %s AS %s" % (name, query))
        elif self._mode in ("error", "errorifexists"):
            statement("CREATE TABLE %s AS %s" % (name, query))
        else:
            raise ValueError("unknown save mode: %s" % self._mode)

    def insertInto(self, name, overwrite=False):
        statement("INSERT %s %s %s" % ("OVERWRITE" if overwrite else "INTO", name, self._frame._query))


def plain(column):
    if not isinstance(column, str):
        raise TypeError("columns and conditions must be strings here, got %s" % type(column).__name__)
    return column


def shown(value, width):
    text = "NULL" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if width is None or len(text) <= width else text[: width - 3] + "..."


def literal(value):
    """A Python value as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, decimal.Decimal)):
        return str(value)
    if isinstance(value, float):
        return "CAST('%r' AS DOUBLE)" % value
    if isinstance(value, datetime.datetime):
        return "TIMESTAMP '%s'" % value.isoformat(sep=" ")
    if isinstance(value, datetime.date):
        return "DATE '%s'" % value.isoformat()
    if isinstance(value, str):
        return "'%s'" % value.replace("\\", "\\\\").replace("'", "\\'")
    raise TypeError("values of the type %s cannot be made into a column here" % type(value).__name__)


class SparkSession:
    """The session `spark`: SQL on the workspace's engine."""

    version = "embedded"

    def __init__(self):
        self._views = {}
        self.catalog = types.SimpleNamespace(
            currentCatalog=lambda: "main", currentDatabase=lambda: "default", tableExists=self._table_exists
        )

    def __getattr__(self, name):
        raise AttributeError(
            "spark.%s is not there: the embedded workspace's session knows sql, table, range, createDataFrame and catalog"
            % name
        )

    def _table_exists(self, name):
        try:
            statement("SELECT * FROM %s LIMIT 0" % name)
        except AnalysisException as error:
            if "NOT_FOUND" in str(error):
                return False
            raise
        return True

    def sql(self, text, args=None):
        if args:
            raise WorkspaceError("", "spark.sql of the embedded workspace takes no args; put the values into the statement")
        text = text.strip().rstrip(";")
        used = {n: q for n, q in self._views.items() if n in text.lower()}
        if used and text.split(None, 1)[0].upper() == "SELECT":
            text = "WITH %s %s" % (", ".join("%s AS (%s)" % pair for pair in used.items()), text)
        return DataFrame(self, text)

    def table(self, name):
        view = self._views.get(name.lower())
        return DataFrame(self, "SELECT * FROM %s" % (name if view is None else "(%s)" % view))

    def range(self, start, end=None, step=1):
        start, end = (0, start) if end is None else (start, end)
        if step != 1:
            raise WorkspaceError("", "spark.range of the embedded workspace takes steps of 1")
        return DataFrame(self, "SELECT id FROM range(%d, %d)" % (start, end))

    def createDataFrame(self, data, schema=None):
        if hasattr(data, "itertuples"):
            schema, data = schema or [str(c) for c in data.columns], [list(r) for r in data.itertuples(index=False)]
        data = list(data)
        if not data:
            raise ValueError("a data frame needs at least one row here")
        if isinstance(data[0], dict):
            schema = schema or list(data[0])
            data = [[r.get(n) for n in schema] for r in data]
        if isinstance(schema, str):
            schema = [part.split()[0].strip(":") for part in schema.split(",")]
        names = schema or ["_%d" % (i + 1) for i in range(len(data[0]))]
        rows = ", ".join("(%s)" % ", ".join(literal(v) for v in r) for r in data)
        query = "SELECT * FROM (VALUES %s) AS t(%s)" % (rows, ", ".join("`%s`" % n for n in names))
        return DataFrame(self, query)


def local_path(path):
    """The path without its scheme."""
    return path[len("dbfs:"):] if path.startswith("dbfs:") else path


class FileInfo(types.SimpleNamespace):
    def isDir(self):
        return self.name.endswith("/")

    def isFile(self):
        return not self.isDir()


class FileSystem:
    """dbutils.fs: volumes and DBFS."""

    def _volume(self, path):
        path = local_path(path)
        return urllib.parse.quote(path) if path.startswith("/Volumes/") else None

    def ls(self, path):
        volume = self._volume(path)
        if volume:
            entries = call("GET", "/api/2.0/fs/directories" + volume).get("contents", [])
            return [self._info(e["path"], e.get("is_directory", False), e.get("file_size", 0)) for e in entries]
        entries = call("GET", "/api/2.0/dbfs/list", path=local_path(path)).get("files", [])
        return [self._info(e["path"], e.get("is_dir", False), e.get("file_size", 0), "dbfs:") for e in entries]

    def _info(self, path, directory, size, scheme=""):
        end = "/" if directory else ""
        name = path.rstrip("/").rsplit("/", 1)[-1]
        return FileInfo(path=scheme + path.rstrip("/") + end, name=name + end, size=size, modificationTime=0)

    def read(self, path):
        volume = self._volume(path)
        if volume:
            return ask("GET", "/api/2.0/fs/files" + volume)
        parts, offset = [], 0
        while True:
            part = call("GET", "/api/2.0/dbfs/read", path=local_path(path), offset=offset, length=1000000)
            if not part.get("bytes_read"):
                return b"".join(parts)
            parts.append(base64.b64decode(part["data"]))
            offset += part["bytes_read"]

    def write(self, path, content, overwrite):
        volume = self._volume(path)
        if volume:
            ask("PUT", "/api/2.0/fs/files%s?overwrite=%s" % (volume, str(bool(overwrite)).lower()), data=content)
            return
        handle = call("POST", "/api/2.0/dbfs/create", {"path": local_path(path), "overwrite": bool(overwrite)})["handle"]
        for start in range(0, len(content), 500000):
            block = base64.b64encode(content[start : start + 500000]).decode()
            call("POST", "/api/2.0/dbfs/add-block", {"handle": handle, "data": block})
        call("POST", "/api/2.0/dbfs/close", {"handle": handle})

    def head(self, path, max_bytes=65536):
        return self.read(path)[:max_bytes].decode("utf-8", "replace")

    def put(self, path, contents, overwrite=False):
        self.write(path, contents.encode(), overwrite)
        print("Wrote %d bytes." % len(contents.encode()))
        return True

    def mkdirs(self, path):
        volume = self._volume(path)
        if volume:
            ask("PUT", "/api/2.0/fs/directories" + volume)
        else:
            call("POST", "/api/2.0/dbfs/mkdirs", {"path": local_path(path)})
        return True

    def rm(self, path, recurse=False):
        volume = self._volume(path)
        if not volume:
            call("POST", "/api/2.0/dbfs/delete", {"path": local_path(path), "recursive": bool(recurse)})
            return True
        try:
            ask("DELETE", "/api/2.0/fs/files" + volume)
        except WorkspaceError:
            if recurse:
                for entry in self.ls(path):
                    self.rm(entry.path, True)
            ask("DELETE", "/api/2.0/fs/directories" + volume)
        return True

    def cp(self, source, target, recurse=False):
        if recurse:
            raise WorkspaceError("", "dbutils.fs.cp of the embedded workspace copies single files")
        self.write(target, self.read(source), True)
        return True

    def mv(self, source, target, recurse=False):
        self.cp(source, target, recurse)
        return self.rm(source)


class Secrets:
    """dbutils.secrets."""

    def getBytes(self, scope, key):
        return base64.b64decode(call("GET", "/api/2.0/secrets/get", scope=scope, key=key)["value"])

    def get(self, scope, key):
        return self.getBytes(scope, key).decode()

    def list(self, scope):
        keys = call("GET", "/api/2.0/secrets/list", scope=scope).get("secrets", [])
        return [types.SimpleNamespace(key=k["key"]) for k in keys]

    def listScopes(self):
        scopes = call("GET", "/api/2.0/secrets/scopes/list").get("scopes", [])
        return [types.SimpleNamespace(name=s["name"]) for s in scopes]


class Widgets:
    """dbutils.widgets: values by name, those of the run before the defaults."""

    def __init__(self):
        self._given, self._default = {}, {}

    def text(self, name, defaultValue="", label=None):
        self._default[name] = str(defaultValue)

    def dropdown(self, name, defaultValue, choices=(), label=None):
        self._default[name] = str(defaultValue)

    combobox = multiselect = dropdown

    def get(self, name):
        if name in self._given:
            return self._given[name]
        if name in self._default:
            return self._default[name]
        raise ValueError("InputWidgetNotDefined: no input widget named %s is defined" % name)

    def getArgument(self, name, defaultValue=None):
        try:
            return self.get(name)
        except ValueError:
            if defaultValue is None:
                raise
            return defaultValue

    def getAll(self):
        return {**self._default, **self._given}

    def remove(self, name):
        self._given.pop(name, None)
        self._default.pop(name, None)

    def removeAll(self):
        self._given, self._default = {}, {}


class TaskValues:
    """dbutils.jobs.taskValues."""

    def set(self, key, value):
        json.dumps(value)
        if workspace.get("task"):
            call("POST", "/local/task-values", {"task_run_id": workspace["task"], "key": key, "value": value})

    def get(self, taskKey, key, default=None, debugValue=None):
        if not workspace.get("task"):
            if debugValue is None:
                raise TypeError("Must pass debugValue when calling get outside of a job context")
            return debugValue
        found = call("GET", "/local/task-values", task_run_id=workspace["task"], task_key=taskKey, key=key)
        if "value" in found:
            return found["value"]
        if default is None:
            raise ValueError("Task key %r has no value %r" % (taskKey, key))
        return default


class Notebook:
    """dbutils.notebook."""

    def __init__(self):
        self.exit_value = ""

    def exit(self, value=""):
        raise NotebookExit(value if isinstance(value, str) else str(value))

    def run(self, path, timeout_seconds=0, arguments=None):
        inner = new_scope({k: str(v) for k, v in (arguments or {}).items()})
        try:
            run_notebook(notebook_source(path), path, inner)
        except NotebookExit as exit:
            return exit.value
        return ""


class AttachedSession:
    """The session `spark` of an attached engine, made when it is first used: PySpark takes its time to load."""

    def __getattr__(self, name):
        from pyspark.sql import SparkSession

        # SPARK_REMOTE states where, so that this is the session of code that makes its own, too.
        return getattr(SparkSession.builder.getOrCreate(), name)


def notebook_source(path):
    if not path.startswith("/"):
        base = workspace.get("path", "/Users/%s/x" % workspace["user"]).rsplit("/", 1)[0]
        path = os.path.normpath(os.path.join(base, path))
    found = call("GET", "/api/2.0/workspace/export", path=path, format="SOURCE")
    return base64.b64decode(found["content"]).decode()


def new_scope(arguments):
    """The names that a notebook begins with."""
    widgets = Widgets()
    widgets._given.update(arguments)
    scope = {"__name__": "__main__", "__builtins__": __builtins__}
    scope["spark"] = spark
    scope["display"] = display
    scope["dbutils"] = types.SimpleNamespace(
        fs=FileSystem(),
        secrets=Secrets(),
        widgets=widgets,
        notebook=Notebook(),
        jobs=types.SimpleNamespace(taskValues=TaskValues()),
        library=types.SimpleNamespace(restartPython=lambda: None),
    )
    return scope


def magic(text):
    """Name and body of a cell that begins with a magic command, or None."""
    text = text.lstrip("\n")
    first, _, rest = text.partition("\n")
    if not first.startswith("%"):
        return None
    name, _, line = first.lstrip("%").partition(" ")
    return name.strip(), line.strip(), rest


def run_magic(name, line, rest, scope):
    """Runs a magic command; returns a result in the form of the driver, or None for what was printed alone."""
    body = "\n".join(part for part in (line, rest) if part.strip())
    if name == "sql":
        result = None
        for part in split_statements(body):
            result = statement(part)[3]
        if result is None:
            return None
        return {"kind": "table", "data": result["data"], "schema": result["schema"], "truncated": False}
    if name == "sh":
        sys.stdout.flush()
        subprocess.run(["/bin/sh", "-c", body])
        return None
    if name == "pip":
        sys.stdout.flush()
        import shlex

        done = subprocess.run([sys.executable, "-m", "pip", *shlex.split(body)])
        if done.returncode != 0:
            raise RuntimeError("%%pip ended with status %d" % done.returncode)
        return None
    if name == "run":
        path = line.split(None, 1)[0].strip("\"'")
        run_notebook(notebook_source(path), path, scope)
        return None
    if name == "fs":
        words = body.split()
        print(getattr(scope["dbutils"].fs, words[0])(*words[1:]))
        return None
    if name in ("md", "md-sandbox"):
        return None
    raise SyntaxError("the embedded workspace knows %%sql, %%sh, %%pip, %%run, %%fs, %%md and %%python, not %%%s" % name)


def split_statements(text):
    """Statements apart by semicolons outside of strings and comments."""
    parts, one, quote, at = [], "", None, 0
    while at < len(text):
        c = text[at]
        if quote:
            quote = None if c == quote else quote
        elif c in "'\"`":
            quote = c
        elif text.startswith("--", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        elif c == ";":
            parts.append(one)
            one = ""
            at += 1
            continue
        one += c
        at += 1
    parts.append(one)
    return [p.strip() for p in parts if p.strip()]


def cells(source):
    """The cells of a notebook's source, with the marks of magic commands taken off."""
    if not source.startswith("# Databricks notebook source"):
        return [source]
    out = []
    for cell in source.split("\n", 1)[-1].split("# COMMAND ----------"):
        lines = cell.strip("\n").split("\n")
        if lines and all(l.startswith("# MAGIC") or not l.strip() for l in lines) and any(l.strip() for l in lines):
            lines = [l[len("# MAGIC"):].removeprefix(" ") for l in lines]
        out.append("\n".join(lines))
    return out


def run_notebook(source, path, scope):
    """Runs all cells of a notebook in a scope."""
    for cell in cells(source):
        found = magic(cell)
        if found and found[0] == "python":
            cell, found = "\n".join(found[1:]), None
        if found:
            run_magic(*found, scope)
        else:
            exec(compile(cell, path, "exec"), scope)


if workspace["spark"] and importlib.util.find_spec("pyspark"):
    spark = AttachedSession()
else:
    spark = SparkSession()
