"""What earlier releases were given, kept in `names.json` beside the documents.

The source does not state the names of request types, the widths of integer inputs, which message carries a page, and
whether an `account_id` is required.  What was once given stays: a name is part of our callers' source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from walk import document_operations


@dataclass
class Kept:
    """Decisions by operation id or `package.Schema.member`."""

    source: dict[str, str] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    predicted: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    widths: dict[str, str] = field(default_factory=dict)
    inferred: dict[str, str] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    deprecated: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Kept:
        return cls(**json.loads(path.read_text())) if path.exists() else cls()

    def learn(self, documents: dict[str, dict[str, Any]]) -> None:
        """Adds what the documents were given.  Nothing that is kept is changed or forgotten."""
        required, deprecated = set(self.required), set(self.deprecated)
        for package, document in documents.items():
            deprecated |= {tag["name"] for tag in document["tags"] if tag.get("x-databricks-deprecated")}
            for name, schema in document["components"]["schemas"].items():
                if "account_id" in schema.get("required", []):
                    required.add(f"{package}.{name}.account_id")
            for _, _, operation in document_operations(document):
                if "x-databricks-origin" not in operation:
                    self._learn_operation(operation)
        self.required, self.deprecated = sorted(required), sorted(deprecated)

    def _learn_operation(self, operation: dict[str, Any]) -> None:
        identifier = operation["operationId"]
        for kept, key in ((self.requests, "request-name"), (self.predicted, "request-name-predicted")):
            if name := operation.get(f"x-databricks-{key}"):
                kept.setdefault(identifier, name)
        content = operation["responses"]["200"].get("content", {}).get("application/json", {})
        reference = content.get("schema", {}).get("$ref")
        if "x-databricks-pagination" in operation and reference and reference.startswith("#"):
            self.pages.setdefault(identifier, reference.rpartition("/")[2])
        inputs = {p["name"]: p["schema"] for p in operation.get("parameters", []) if p["in"] != "header"}
        for media in operation.get("requestBody", {}).get("content", {}).values():
            inputs |= media["schema"].get("properties", {})
        for wire, schema in inputs.items():
            schema = schema.get("items", schema)
            if schema.get("type") == "integer":
                kept = self.inferred if schema.get("x-databricks-width-inferred") else self.widths
                kept.setdefault(f"{identifier}.{wire}", schema["format"])

    def write(self, path: Path) -> None:
        sections = {}
        for name, value in vars(self).items():
            sections[name] = sorted(value) if isinstance(value, list) else dict(sorted(value.items()))
        path.write_text(json.dumps(sections, indent=1, ensure_ascii=False) + "\n")
