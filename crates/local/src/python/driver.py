"""Runs the commands of one execution context: JSON lines in on descriptor 0, JSON lines out on descriptor 1.

The first line names the workspace. A request is {"code": text}, or {"notebook": text, "path", "arguments", "argv"} for
all of a notebook or file. The response is one of
  {"kind": "text", "data", "truncated"}
  {"kind": "table", "data", "schema", "truncated"}
  {"kind": "error", "summary", "cause"}
  {"kind": "cancelled"}
Names that a command defines stay for the next one. SIGINT interrupts a command and is ignored between commands.
"""

import ast
import builtins
import html
import io
import json
import linecache
import math
import os
import signal
import sys
import tempfile
import traceback
import types

TEXT_LIMIT = 20 * 1024 * 1024
ROW_LIMIT = 10000


def watch(requests, alive, group):
    """Waits until the workspace or the interpreter is gone, then ends all that the context has started."""
    import select

    poll = select.poll()
    poll.register(requests, select.POLLHUP)
    poll.register(alive, select.POLLHUP)
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
        pass
    mark = b"DATABRICKS_LOCAL_CONTEXT=" + os.environb[b"DATABRICKS_LOCAL_CONTEXT"]
    if not os.path.isdir("/proc/self"):
        os.killpg(group, signal.SIGKILL)
        return
    # Again until none is left: one of them may start another meanwhile.
    for _ in range(100):
        found = False
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                with open("/proc/%s/environ" % name, "rb") as environ:
                    if mark in environ.read().split(b"\0"):
                        os.kill(int(name), signal.SIGKILL)
                        found = True
            except OSError:
                pass
        if not found:
            return


def start_watchdog():
    """A process of its own, since a command can keep every thread of this one from running."""
    read, write = os.pipe()
    group = os.getpgrp()
    first = os.fork()
    if first:
        os.close(read)
        os.waitpid(first, 0)
        # Open until this process ends; programs that it starts do not get it.
        return write
    try:
        os.close(write)
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            null = os.open(os.devnull, os.O_RDWR)
            requests = os.dup(0)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            watch(requests, read, group)
    finally:
        os._exit(0)


if hasattr(os, "fork"):
    watchdog = start_watchdog()

# The protocol moves away from the standard descriptors, so that nothing a command prints or reads can disturb it.
requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

# A file and not a pipe: it takes any amount of output, that of child processes too, and never blocks.
captured = tempfile.TemporaryFile(dir=os.getcwd())
os.set_inheritable(captured.fileno(), True)
os.dup2(captured.fileno(), 1)
os.dup2(captured.fileno(), 2)
for name, descriptor in (("stdout", 1), ("stderr", 2)):
    raw = io.FileIO(descriptor, "w", closefd=False)
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", write_through=True)
    setattr(sys, name, stream)
    setattr(sys, "__%s__" % name, stream)

# Commands see a main module of their own; this file's names stay out of it.
driver = sys.modules["__main__"]
sys.modules["__main__"] = types.ModuleType("__main__")
scope = sys.modules["__main__"].__dict__
scope["__builtins__"] = builtins
# Libraries tell by it that a person works here, as IPython states it; PySpark takes a main module without a file for its
# own tests otherwise.
sys.ps1 = "In : "

shown = None
counter = 0


def display(value):
    """Shows a list of dicts or rows, or a data frame, as the command's result table."""
    global shown
    if isinstance(value, session.DataFrame):
        shown = value._names, [[plain(v) for v in r] for r in value._rows]
        return
    rows = as_rows(value)
    if rows is None:
        print(repr(value))
    else:
        shown = rows


def plain(value):
    """Nested values as JSON."""
    return json.dumps(value, default=str) if isinstance(value, (list, tuple, dict)) else value


def as_rows(value):
    """Names of the columns and rows, or None if the value is no table."""
    if type(value).__module__.startswith("pyspark.sql.") and hasattr(value, "toLocalIterator"):
        # A data frame of an attached engine. One row more than is shown tells that there are more.
        rows = value.limit(ROW_LIMIT + 1).collect()
        return list(value.columns), [[plain(v) for v in r] for r in rows]
    if hasattr(value, "columns") and hasattr(value, "itertuples"):
        return [str(c) for c in value.columns], [list(r) for r in value.itertuples(index=False)]
    if not isinstance(value, (list, tuple)) or not value:
        return None
    if all(isinstance(r, dict) for r in value):
        names = list(dict.fromkeys(k for r in value for k in r))
        return [str(n) for n in names], [[r.get(n) for n in names] for r in value]
    if all(isinstance(r, (list, tuple)) for r in value):
        width = max(len(r) for r in value)
        named = getattr(value[0], "_fields", None)
        names = list(named) if named else ["_%d" % (i + 1) for i in range(width)]
        return names, [list(r) + [None] * (width - len(r)) for r in value]
    return None


def kind_of(values):
    kinds = {type(v) for v in values if v is not None}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "long"
    if kinds and kinds <= {int, float}:
        return "double"
    return "string"


def cell(value, kind):
    if value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if kind != "string" else value if isinstance(value, str) else str(value)


def table(names, rows):
    kept = rows[:ROW_LIMIT]
    kinds = [kind_of([r[i] for r in kept]) for i in range(len(names))]
    return {
        "kind": "table",
        "schema": [{"name": n, "type": json.dumps(k), "metadata": "{}"} for n, k in zip(names, kinds)],
        "data": [[cell(v, k) for v, k in zip(r, kinds)] for r in kept],
        "truncated": len(rows) > len(kept),
    }


def take_output():
    sys.stdout.flush()
    sys.stderr.flush()
    captured.seek(0)
    data = captured.read(TEXT_LIMIT + 1)
    captured.seek(0)
    captured.truncate()
    return data[:TEXT_LIMIT].decode("utf-8", "replace"), len(data) > TEXT_LIMIT


def error(kind, value, trace):
    """Summary and cause as the platform gives them: HTML, and a trace with colours for a terminal."""
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, "<workspace>"):
        trace = trace.tb_next
    lines = traceback.format_exception(kind, value, trace)
    message = "".join(traceback.format_exception_only(kind, value)).strip()
    _, _, rest = message.partition(": ")
    summary = '<span class="ansi-red-fg">%s</span>' % html.escape(kind.__name__)
    if rest:
        summary += ": " + html.escape(rest)
    cause = "-" * 75 + "\n" + "".join(lines[:-1]) + "\x1b[0;31m%s\x1b[0m%s" % (kind.__name__, message[len(message.split(":")[0]):])
    return {"kind": "error", "summary": summary, "cause": cause}


def run(code):
    try:
        return command(code)
    except KeyboardInterrupt:
        # It can come up to the moment in which the signal is switched off.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        take_output()
        return {"kind": "cancelled"}


def command(code):
    global shown, counter
    shown = None
    counter += 1
    name = "<command-%d>" % counter
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    value = None
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            found = session.magic(code)
            if found and found[0] == "python":
                code, found = "\n".join(found[1:]), None
            if found:
                result = session.run_magic(*found, scope)
                if result is not None:
                    take_output()
                    return result
                code = ""
            tree = ast.parse(code, name)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), scope)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), name, "eval"), scope)
                value = None if value is None else repr(value)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        raise
    except session.NotebookExit as exit:
        scope["dbutils"].notebook.exit_value = exit.value
        text, truncated = take_output()
        return {"kind": "text", "data": text + "Notebook exited: " + exit.value, "truncated": truncated}
    except BaseException:
        reply = error(*sys.exc_info())
        text, _ = take_output()
        if text:
            reply["cause"] = text + reply["cause"]
        return reply
    text, truncated = take_output()
    if shown is not None:
        try:
            return table(*shown)
        except Exception:
            return error(*sys.exc_info())
    if value is not None:
        text += "Out[%d]: %s" % (counter, value)
    return {"kind": "text", "data": text.rstrip("\n") if value is None else text, "truncated": truncated}


def respond(reply):
    replies.write(json.dumps(reply, default=str) + "\n")
    replies.flush()


def notebook(request):
    """Runs a notebook or file to its end, and gives what it printed and exited with."""
    sys.argv = request["argv"]
    scope.update(session.new_scope(request["arguments"]))
    exit_value = ""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            session.run_notebook(request["notebook"], request["path"], scope)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except session.NotebookExit as exit:
        exit_value = exit.value
    except KeyboardInterrupt:
        take_output()
        return {"kind": "cancelled"}
    except SystemExit as exit:
        if exit.code not in (None, 0):
            take_output()
            return error(RuntimeError, RuntimeError("SystemExit: %s" % exit.code), exit.__traceback__)
    except BaseException:
        failed = error(*sys.exc_info())
        text, _ = take_output()
        failed["cause"] = text + failed["cause"]
        return failed
    text, truncated = take_output()
    return {"kind": "notebook", "printed": text, "truncated": truncated, "exit": exit_value}


signal.signal(signal.SIGINT, signal.SIG_IGN)
session = types.ModuleType("databricks_local_session")
session.workspace = json.loads(requests.readline())
session.display = display
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".session.py"), encoding="utf-8") as source:
    exec(compile(source.read(), "<workspace>", "exec"), session.__dict__)
sys.modules["databricks_local_session"] = session
scope.update(session.new_scope({}))
respond({"kind": "ready"})
for line in iter(requests.readline, ""):
    request = json.loads(line)
    respond(notebook(request) if "notebook" in request else run(request["code"]))
