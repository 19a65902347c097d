"""Schemas of members, inputs, messages and enums."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from facts import EnumType, Field, Message, Operation, Package, Param, ShapeError, Type, camel
from handwritten import STREAM
from kept import Kept


class Schemas:
    """Writes types as schemas.  `notes` gathers what no source states and was decided here."""

    def __init__(self, packages: dict[str, Package], kept: Kept):
        self.packages = packages
        self.kept = kept
        self.notes: dict[str, list[str]] = defaultdict(list)
        self.widths = self.corpus_widths()
        self.predicted_names: dict[str, str] = {}
        self.request_names = self.name_requests()

    # -- integer widths --

    def corpus_widths(self) -> dict[str, str]:
        """The prevailing width of an integer member's name, for inputs of which no source states it."""
        votes: dict[str, Counter] = defaultdict(Counter)
        for package in self.packages.values():
            for message in package.messages.values():
                for f in message.fields:
                    if f.type.kind == "integer":
                        votes[f.wire]["int64" if f.type.int64 else "int32"] += 1
        return {name: min(count, key=lambda w: (-count[w], w != "int64")) for name, count in votes.items()}

    def parameter_schema(self, op: Operation, param: Param) -> dict[str, Any]:
        kind = param.type
        integer = kind.item if kind.kind == "array" else kind
        if integer.kind != "integer":
            return self.schema(kind, op.package)
        key = f"{op.id}.{param.wire}"
        extra = {}
        width = self.kept.widths.get(key)
        if width is None:
            extra = {"x-databricks-width-inferred": True}
            width = self.kept.inferred.get(key)
            if width is None:
                width = self.widths.get(param.wire, "int64")
                self.notes["integer width"].append(f"{op.package}: {key} is {width}")
        schema = {"type": "integer", "format": width} | extra
        return {"type": "array", "items": schema} if kind.kind == "array" else schema

    # -- names of requests --

    def name_requests(self) -> dict[str, str]:
        """The request type name of every operation that takes arguments."""
        names: dict[str, str] = {}
        taken: dict[str, set[str]] = {}
        pending = []
        for package in self.packages.values():
            taken[package.name] = set(package.messages) | set(package.enums)
            for op in package.operations:
                if not op.body_param and not any(p.var != "account_id" for p in op.params):
                    continue
                if name := self.kept.requests.get(op.id):
                    names[op.id] = name
                    taken[package.name].add(name)
                    if predicted := self.kept.predicted.get(op.id):
                        self.predicted_names[op.id] = predicted
                        taken[package.name].add(predicted)
                else:
                    pending.append(op)
        for op in pending:
            service = camel(op.service.removesuffix("API"))
            name = f"{camel(op.method)}{service}Request"
            if name in taken[op.package]:
                raise ShapeError(f"{op.package}: {op.id}: the request name {name} is taken")
            taken[op.package].add(name)
            names[op.id] = name
            # Newer services name the request after the method alone.
            predicted = f"{camel(op.method)}Request"
            if "_" in op.method.rstrip("_") and predicted not in taken[op.package]:
                taken[op.package].add(predicted)
                self.predicted_names[op.id] = predicted
            self.notes["request name"].append(f"{op.package}: {op.id} takes {name}")
        return names

    # -- schemas --

    def ref(self, target: tuple[str, str], package: str) -> dict[str, Any]:
        owner, name = target
        if name not in self.packages[owner].messages and name not in self.packages[owner].enums:
            raise ShapeError(f"unknown type {owner}.{name}")
        document = "" if owner == package else f"{owner}.json"
        return {"$ref": f"{document}#/components/schemas/{name}"}

    def schema(self, kind: Type, package: str) -> dict[str, Any]:
        match kind.kind:
            case "string" | "boolean":
                return {"type": kind.kind}
            case "number":
                return {"type": "number", "format": "double"}
            case "integer" if kind.int64:
                return {"type": "integer", "format": "int64", "x-databricks-int64-string": True}
            case "integer":
                return {"type": "integer", "format": "int32"}
            case "any":
                return {}
            case "binary":
                return dict(STREAM)
            case "timestamp":
                return {"type": "string", "format": "date-time", "x-databricks-wkt": "Timestamp"}
            case "duration":
                return {"type": "string", "format": "duration", "x-databricks-wkt": "Duration"}
            case "fieldmask":
                return {"type": "string", "x-databricks-wkt": "FieldMask"}
            case "ref":
                return self.ref(kind.ref, package)
            case "array":
                return {"type": "array", "items": self.schema(kind.item, package)}
            case "map":
                return {"type": "object", "additionalProperties": self.schema(kind.item, package)}
        raise ShapeError(f"type {kind}")

    def message_schema(self, message: Message, package: Package, header_fields: set[str]) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object"}
        if message.fields:
            schema["properties"] = {}
        for f in message.fields:
            prop = self.schema(f.type, package.name)
            if f.type.kind == "binary":
                prop["x-databricks-source"] = "stream"
            elif f.wire in header_fields:
                prop["x-databricks-source"] = "header"
                prop.pop("x-databricks-int64-string", None)
            if f.attr.rstrip("_") != f.wire:
                prop["x-databricks-name"] = f.attr.rstrip("_")
            if f.deprecated:
                prop["deprecated"] = True
            if f.read_only:
                prop["readOnly"] = True
            schema["properties"][f.wire] = prop
        required = [f.wire for f in message.fields if f.required or self.required_account(package, message, f)]
        if required:
            schema["required"] = required
        if message.deprecated:
            schema["deprecated"] = True
        return schema

    def required_account(self, package: Package, message: Message, f: Field) -> bool:
        """The source makes every `account_id` optional; the kept names have those that are not."""
        return f.wire == "account_id" and f"{package.name}.{message.name}.account_id" in self.kept.required

    @staticmethod
    def enum_schema(enum: EnumType) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "enum": sorted(enum.values.values())}
        if enum.deprecated_values:
            schema["x-databricks-deprecated-values"] = sorted(enum.deprecated_values)
        if enum.deprecated:
            schema["deprecated"] = True
        return schema

