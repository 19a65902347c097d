"""Checks that everything in the source is in the documents, and nothing of its prose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from documents import Builder
from facts import snake
from handwritten import EARLIER_CALLS, HANDWRITTEN_CALLS, handwritten_calls
from walk import document_operations, references, resolve


def check(sdk: Path, builder: Builder, documents: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong, one line each."""
    failures = [*_coverage(builder, documents), *_handwritten(sdk, documents)]
    for name, document in documents.items():
        failures += _consistency(name, document, documents)
        failures += [f"{name}: prose {text!r}" for text in _prose(document)]
    everywhere = Counter(o["operationId"] for d in documents.values() for _, _, o in document_operations(d))
    failures += [f"operation {i} is in {n} documents" for i, n in everywhere.items() if n > 1]
    return failures


def _coverage(builder: Builder, documents: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, package in sorted(builder.packages.items()):
        # Each request of the source, found by a plain search, must be exactly one operation.
        calls = Counter(f"{snake(c.removesuffix('API'))}.{m.rstrip('_')}" for c, m in package.calls)
        operations = [o for _, _, o in document_operations(documents[name])]
        generated = Counter(o["operationId"] for o in operations if "x-databricks-origin" not in o)
        for identifier in sorted(set(calls) | set(generated)):
            if calls[identifier] != 1 or generated[identifier] != 1:
                yield f"{name}: {identifier}: {calls[identifier]} requests, {generated[identifier]} operations"
        if set(package.messages) | set(package.enums) != set(documents[name]["components"]["schemas"]):
            yield f"{name}: the schemas are not those of the source"


def _consistency(name: str, document: dict[str, Any], documents: dict[str, dict[str, Any]]) -> Iterator[str]:
    for reference in references(document):
        owner, target = resolve(reference, name)
        if target not in documents.get(owner, {}).get("components", {}).get("schemas", {}):
            yield f"{name}: {reference} does not exist"
    seen = Counter(o["operationId"] for _, _, o in document_operations(document))
    yield from (f"{name}: {i} is there {n} times" for i, n in seen.items() if n > 1)
    for path, method, operation in document_operations(document):
        where = f"{name}: {operation['operationId']}"
        declared = Counter(p["name"] for p in operation.get("parameters", []) if p["in"] == "path")
        if declared != Counter(re.findall(r"\{(\w+)\}", path)):
            yield f"{where}: {method} {path} declares {dict(declared)}"
        keys = Counter((p["in"], p["name"]) for p in operation.get("parameters", []))
        yield from (f"{where}: parameter {k} is there twice" for k, n in keys.items() if n > 1)
        for extension in ("x-databricks-wait", "x-databricks-lro"):
            poll = operation.get(extension, {}).get("poll")
            if poll and poll not in seen:
                yield f"{where}: {poll}, which is to be polled, does not exist"


def _handwritten(sdk: Path, documents: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The tables must be complete and name real operations; requests that both know may go."""
    found = set(handwritten_calls(sdk))
    every_id = {o["operationId"] for d in documents.values() for _, _, o in document_operations(d)}
    earlier = found & set(EARLIER_CALLS)
    for call in sorted(found - set(HANDWRITTEN_CALLS) - set(EARLIER_CALLS)):
        yield f"a hand-written request that is not described: {call}"
    for call in sorted(set(HANDWRITTEN_CALLS) - found):
        if not earlier:
            yield f"a hand-written request is gone: {call}"
    for call, identifier in (HANDWRITTEN_CALLS | EARLIER_CALLS).items():
        if "." in identifier and identifier not in every_id:
            yield f"{call}: no operation {identifier}"


def _prose(node: Any) -> Iterator[str]:
    """Any string with a blank in it, and any non-empty description."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("description", "summary") and isinstance(value, str) and value:
                yield value
            yield from _prose(value)
    elif isinstance(node, list):
        for value in node:
            yield from _prose(value)
    elif isinstance(node, str) and re.search(r"\s", node):
        yield node
