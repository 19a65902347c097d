"""Walks over documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def document_operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation), including the operations that share an endpoint."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation
            for other in operation.get("x-databricks-same-endpoint", []):
                yield path, method, other


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str, package: str) -> tuple[str, str]:
    document, _, pointer = reference.partition("#/components/schemas/")
    return (document.removesuffix(".json") or package, pointer)


def reachable(documents: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    pending = [resolve(r, name) for name, document in documents.items() for r in references(document["paths"])]
    seen: set[tuple[str, str]] = set()
    while pending:
        target = pending.pop()
        if target not in seen:
            seen.add(target)
            owner, name = target
            pending += [resolve(r, owner) for r in references(documents[owner]["components"]["schemas"][name])]
    return seen


def count_document(document: dict[str, Any]) -> dict[str, int]:
    operations = [o for _, _, o in document_operations(document)]
    schemas = document["components"]["schemas"].values()
    return {
        "services": len(document["tags"]),
        "operations": len(operations),
        "handwritten": sum("x-databricks-origin" in o for o in operations),
        "messages": sum("enum" not in s for s in schemas),
        "enums": sum("enum" in s for s in schemas),
        "enum_values": sum(len(s.get("enum", [])) for s in schemas),
        "properties": sum(len(s.get("properties", {})) for s in schemas),
    }

