"""Documents and their index."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from describe import Operations
from facts import HTTP_METHODS, Package, Service
from handwritten import HANDWRITTEN_OPERATIONS
from kept import Kept
from services import parse_accessors, parse_packages, python_version
from walk import count_document, document_operations, reachable


class Builder(Operations):
    """Reads the source at `sdk` and writes one document per package."""

    def __init__(self, sdk: Path, kept: Kept):
        packages = parse_packages(sdk)
        super().__init__(packages, kept, parse_accessors(sdk, packages))
        self.version = python_version(sdk)

    def document(self, package: Package) -> dict[str, Any]:
        grouped: dict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
        data_plane = []
        for op in package.operations:
            if op.path is None:
                data_plane.append(op)
            else:
                grouped[op.path][op.http_method].append(self.operation(op))
        for op in data_plane:
            # The request of the control plane operation, sent to another host.
            service = package.services[op.service.replace("DataPlane", "")]
            control = next(o for o in service.operations if o.method == op.method)
            path_params = [p for p in control.params if p.where == "path"]
            described = self.operation(replace(op, params=path_params + op.params))
            grouped[control.path][control.http_method].append(described)
        for owner, method, path, operation in HANDWRITTEN_OPERATIONS:
            if owner == package.name:
                grouped[path][method].append(operation)

        paths: dict[str, Any] = {}
        for path in sorted(grouped):
            paths[path] = {}
            for method in HTTP_METHODS:
                operations = sorted(
                    grouped[path].get(method, []),
                    key=lambda o: ("x-databricks-origin" in o, "x-databricks-data-plane" in o, o["operationId"]),
                )
                if operations:
                    paths[path][method] = operations[0]
                    if operations[1:]:
                        operations[0]["x-databricks-same-endpoint"] = operations[1:]

        header_fields: dict[str, set[str]] = defaultdict(set)
        for op in package.operations:
            if op.response_headers:
                header_fields[op.response.ref[1]].update(op.response_headers)
        schemas = {m.name: self.message_schema(m, package, header_fields[m.name]) for m in package.messages.values()}
        schemas |= {e.name: self.enum_schema(e) for e in package.enums.values()}
        return {
            "openapi": "3.1.0",
            "info": {"title": package.name, "version": f"{self.version}-facts"},
            "tags": [self.tag(package, s) for s in package.services.values() if s.operations],
            "paths": paths,
            "components": {"schemas": dict(sorted(schemas.items()))},
        }

    def tag(self, package: Package, service: Service) -> dict[str, Any]:
        level, accessor = self.accessors.get((package.name, service.name), (None, None))
        tag: dict[str, Any] = {"name": service.operations[0].service_id}
        if level:
            tag |= {"x-databricks-level": level, "x-databricks-accessor": accessor}
        if service.deprecated or tag["name"] in self.kept.deprecated:
            tag["x-databricks-deprecated"] = True
        return tag

    def documents(self) -> dict[str, dict[str, Any]]:
        return {name: self.document(package) for name, package in sorted(self.packages.items())}

    def index(self, documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
        reached = reachable(documents)
        source: dict[str, Any] = {"client": "databricks-sdk (Python)", "version": self.version}
        if self.kept.source:
            source |= self.kept.source
        packages = {}
        for name, document in documents.items():
            operations = list(document_operations(document))
            schemas = document["components"]["schemas"]
            by_tag = Counter(o["tags"][0] for _, _, o in operations)
            packages[name] = {
                "document": f"{name}.json",
                "counts": count_document(document),
                "services": [tag | {"operations": by_tag[tag["name"]]} for tag in document["tags"]],
                "unreachable": [s for s in schemas if (name, s) not in reached],
            }
        totals = Counter()
        for entry in packages.values():
            totals.update(entry["counts"])
        totals["unreachable"] = sum(len(entry["unreachable"]) for entry in packages.values())
        return {"source": source, "counts": {"packages": len(packages)} | dict(totals), "packages": packages}

