"""How far each operation is: read from the source of the official command line, which states a launch stage per command.

The Python client states next to none.  A command is a function that sets `launch_stage` and calls one method of the Go
client; methods are matched with operations by accessor and name.  Nothing is built or run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from facts import ShapeError, flat
from walk import document_operations

# As the source has it, and as `preview.json` does.
STAGES = {"GA": None, "PUBLIC_PREVIEW": "public", "PUBLIC_BETA": "beta", "PRIVATE_PREVIEW": "private"}
_STAGE = re.compile(r'Annotations\["launch_stage"\] = "(\w+)"')
_CALL = re.compile(r"\b([wa])\.((?:[A-Z]\w*(?:\(\))?\.)+)([A-Z]\w*)\(ctx")


def commands(source: Path) -> Iterator[tuple[str, str, str, str]]:
    """Scope, service, method and stage of every generated command."""
    directories = [source / "cmd" / level for level in ("account", "workspace")]
    if not all(directory.is_dir() for directory in directories):
        raise ShapeError(f"{source} is not the source of the command line: it has no cmd/account and cmd/workspace")
    for path in sorted(file for directory in directories for file in directory.rglob("*.go")):
        text = path.read_text()
        if "DO NOT EDIT" not in text[:200]:
            continue
        for body in re.split(r"^func (?=new\w+\()", text, flags=re.M)[1:]:
            calls = _CALL.findall(body)
            stage = _STAGE.search(body)
            if stage is None or stage[1] not in STAGES:
                raise ShapeError(f"{path}: a command of an unknown stage: {body[:60]!r}")
            # Before its own call, a command may look a name up to fill an argument.
            if calls:
                scope, service, method = calls[-1]
                yield scope, service.rstrip(".").replace("()", ""), method, stage[1]


def stages(source: Path, documents: Path) -> tuple[dict[str, str | None], list[str]]:
    """The stage by operation id, `None` for general availability; and the commands that hit no operation."""
    known: dict[tuple[str, str, str], str] = {}
    for path in sorted(documents.glob("*.json")):
        document = json.loads(path.read_text())
        if "paths" not in document:
            continue
        for _, _, operation in document_operations(document):
            if accessor := operation.get("x-databricks-accessor"):
                scope, service = accessor.split(".", 1)
                method = operation["operationId"].split(".")[1]
                known[scope, flat(service.replace(".", "")), flat(method)] = operation["operationId"]
    found: dict[str, str | None] = {}
    missed = []
    for scope, service, method, stage in commands(source):
        names = (method, method.removesuffix("All"), method.removesuffix("AndWait"))
        keys = [(scope, flat(service.replace(".", "")), flat(name)) for name in names]
        identifier = next((known[key] for key in keys if key in known), None)
        if identifier is None:
            missed.append(f"{scope}.{service}.{method}")
        else:
            found[identifier] = STAGES[stage]
    return found, missed


def update(source: Path, documents: Path, path: Path) -> list[str]:
    """Writes the stages into `path`.  What the source does not list keeps the stage that it has."""
    found, missed = stages(source, documents)
    content = json.loads(path.read_text()) if path.exists() else {}
    old = content.get("operations", {})
    new = {identifier: stage for identifier, stage in old.items() if identifier not in found}
    new |= {identifier: stage for identifier, stage in found.items() if stage}
    # What the texts state beyond the stages is kept by people.
    new |= {identifier: stage for identifier, stage in old.items() if stage == "experimental"}
    content["operations"] = dict(sorted(new.items()))
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    report = [f"{len(found)} operations have a stage, {len(new)} of them are in preview"]
    report += [f"  no operation for the command {call}" for call in missed]
    for identifier in sorted(old.keys() | new.keys()):
        before, after = old.get(identifier), new.get(identifier)
        if before != after:
            report.append(f"  {identifier}: {before or 'stable or unknown'} -> {after or 'stable'}")
    return report
