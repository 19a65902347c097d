"""Operations as OpenAPI objects with extensions."""

from __future__ import annotations

from typing import Any

from facts import EnumType, Lro, Operation, Param, ShapeError, Type, camel
from handwritten import HANDWRITTEN_EXTRAS, STREAM
from schemas import Schemas


# Inputs that name what an update changes.
MASKS = ("update_mask", "field_mask")


class Operations(Schemas):
    """Adds operations to the schemas."""

    def __init__(self, packages, kept, accessors: dict[tuple[str, str], tuple[str, str]]):
        super().__init__(packages, kept)
        self.accessors = accessors

    def operation(self, op: Operation) -> dict[str, Any]:
        package = self.packages[op.package]
        level, accessor = self.accessors.get((op.package, op.service), (None, None))
        if level is None:
            level = "account" if op.path and "{account_id}" in op.path else "workspace"
        result: dict[str, Any] = {"operationId": op.id, "tags": [op.service_id]}
        if op.deprecated:
            result["deprecated"] = True
        parameters = [self.parameter(op, p) for p in op.params if p.where == "path"]
        parameters += sorted((self.parameter(op, p) for p in op.params if p.where == "query"), key=lambda p: p["name"])
        if parameters:
            result["parameters"] = parameters
        if op.has_body:
            result["requestBody"] = self.request_body(op)
        result["responses"] = {"200": self.response(op)}
        result["x-databricks-level"] = level
        if accessor:
            result["x-databricks-accessor"] = accessor
        if op.id in self.request_names:
            result["x-databricks-request-name"] = self.request_names[op.id]
        if op.id in self.predicted_names:
            result["x-databricks-request-name-predicted"] = self.predicted_names[op.id]
        if op.workspace_header:
            result["x-databricks-workspace-header"] = True
        if op.raw:
            result["x-databricks-raw"] = True
        if op.raw or op.response_headers:
            result["x-databricks-response-schema"] = self.schema(op.response, op.package)
        if op.pagination:
            result["x-databricks-pagination"] = self.pagination(op)
        if op.wait:
            result["x-databricks-wait"] = self.wait(op)
        if op.lro:
            result["x-databricks-lro"] = self.lro(op, package.lros[op.lro])
        if op.idempotency:
            param = op.param(op.idempotency)
            result["x-databricks-idempotency"] = {"param": param.wire, "in": param.where, "generate": "uuid4"}
        if mask := self.field_mask(op):
            result["x-databricks-field-mask"] = mask
        if op.data_plane:
            result["x-databricks-data-plane"] = {
                "control_operation": f"{op.service_id.removesuffix('_data_plane')}.get",
                "bind": {"name": {"from": "request", "field": "name"}},
                "url": "data_plane_info.query_info.endpoint_url",
                "authorization_details": "data_plane_info.query_info.authorization_details",
            }
        self.add_handwritten_facts(op, result)
        return result

    def field_mask(self, op: Operation) -> dict[str, str] | None:
        """The mask of an update, and what it names members of: the body as a whole, or the one message in it."""
        masks = [p for p in op.params if p.wire in MASKS and p.where != "path"]
        if not masks or op.http_method == "get":
            return None
        body = [p for p in op.params if p.where == "body" and self.is_message(p.type)]
        of = op.body_param or (body[0].wire if len(body) == 1 else None)
        if len(masks) > 1 or of is None:
            self.notes["a mask of nothing that is known"].append(f"{op.package}: {op.id}")
            return None
        return {"input": masks[0].wire, "of": of}

    def is_message(self, kind: Type) -> bool:
        return kind.kind == "ref" and kind.ref[1] in self.packages[kind.ref[0]].messages

    def parameter(self, op: Operation, param: Param) -> dict[str, Any]:
        schema = self.parameter_schema(op, param)
        if param.where == "path" and param.type.kind == "ref" and param.type.ref[1] not in self.enums(param.type):
            # One legacy operation declares a message here; only a string fits in a path.
            self.notes["message in a path"].append(f"{op.package}/{op.id} {param.wire}: {param.type}")
            schema = {"type": "string"}
        result: dict[str, Any] = {"name": param.wire, "in": param.where, "required": param.required, "schema": schema}
        if param.where == "query" and param.type.kind == "ref" and param.type.ref[1] not in self.enums(param.type):
            result["style"] = "deepObject"
            result["explode"] = True
            result["x-databricks-flatten"] = "dotted"
        if param.deprecated:
            result["deprecated"] = True
        if param.var.rstrip("_") != param.wire:
            result["x-databricks-name"] = param.var.rstrip("_")
        if param.multi_segment:
            result["x-databricks-multi-segment"] = True
        if param.patterns:
            result["x-databricks-resource-patterns"] = param.patterns
        if param.wire == "account_id" and param.where == "path":
            result["x-databricks-from-config"] = "account_id"
        return result

    def enums(self, kind: Type) -> dict[str, EnumType]:
        return self.packages[kind.ref[0]].enums

    def request_body(self, op: Operation) -> dict[str, Any]:
        content_type = op.content_type or "application/json"
        if op.body_param:
            schema = self.schema(op.body_type, op.package)
            body = {"content": {content_type: {"schema": schema}}, "required": True}
            return body | {"x-databricks-body-param": op.body_param}
        params = sorted((p for p in op.params if p.where == "body"), key=lambda p: p.wire)
        schema = {"type": "object"}
        if params:
            schema["properties"] = {}
        for p in params:
            prop = self.parameter_schema(op, p)
            if p.var.rstrip("_") != p.wire:
                prop["x-databricks-name"] = p.var.rstrip("_")
            if p.deprecated:
                prop["deprecated"] = True
            schema["properties"][p.wire] = prop
        required = [p.wire for p in params if p.required]
        if required:
            schema["required"] = required
        return {"content": {content_type: {"schema": schema}}, "required": True}

    def response(self, op: Operation) -> dict[str, Any]:
        result: dict[str, Any] = {"description": ""}
        kind = op.response
        if op.item and op.pagination and kind is None:
            kind = self.page_type(op)
        if op.response_headers:
            message = self.packages[op.package].messages[op.response.ref[1]]
            result["headers"] = {}
            for name in sorted(op.response_headers):
                f = message.by_wire(name)
                schema = self.schema(f.type, op.package)
                schema.pop("x-databricks-int64-string", None)
                result["headers"][name] = {"schema": schema, "x-databricks-name": f.attr}
        if op.raw:
            result["content"] = {op.accept: {"schema": dict(STREAM)}}
        elif op.http_method != "head":
            if kind is not None:
                result["content"] = {"application/json": {"schema": self.schema(kind, op.package)}}
            elif op.item and op.pagination:
                result["content"] = {"application/json": {"schema": self.page_schema(op)}}
        return result

    def page_type(self, op: Operation) -> Type | None:
        """The message that carries one page.  The source iterates without naming it."""
        package = self.packages[op.package]
        if self.kept.pages.get(op.id) in package.messages:
            return Type("ref", ref=(op.package, self.kept.pages[op.id]))
        candidates = []
        for message in package.messages.values():
            items = message.by_wire(op.pagination["items"])
            token = op.pagination.get("response_token")
            if items and items.type == Type("array", op.item) and (token is None or message.by_wire(token)):
                candidates.append(message.name)
        verb = camel(op.method.partition("_")[0])
        if len(candidates) > 1:
            candidates = [c for c in candidates if c.startswith(verb)]
        chosen = candidates[0] if len(candidates) == 1 else None
        found = chosen or "an object without a name"
        self.notes["message of a page"].append(f"{op.package}: {op.id} returns {found}, of {candidates}")
        return Type("ref", ref=(op.package, chosen)) if chosen else None

    def page_schema(self, op: Operation) -> dict[str, Any]:
        properties = {op.pagination["items"]: {"type": "array", "items": self.schema(op.item, op.package)}}
        if token := op.pagination.get("response_token"):
            properties[token] = {"type": "string"}
        return {"type": "object", "properties": dict(sorted(properties.items()))}

    def pagination(self, op: Operation) -> dict[str, Any]:
        page = dict(op.pagination)
        if attr := page.pop("items_attr", None):
            f = self.packages[op.response.ref[0]].messages[op.response.ref[1]].by_attr(attr)
            page["items"] = f.wire
            item = f.type.item
        else:
            item = op.item
        page["item"] = self.schema(item, op.package)
        order = ("kind", "in", "request_token", "response_token", "items", "item", "dedup", "initial", "defaults")
        return {key: page[key] for key in order if key in page}

    def sibling(self, op: Operation, method: str) -> Operation:
        service = self.packages[op.package].services[op.service]
        return next(o for o in service.operations if o.method == method)

    def wire_path(self, kind: Type, attrs: list[str] | None) -> str | None:
        if attrs is None:
            return None
        wires = []
        for attr in attrs:
            owner, name = kind.ref
            f = self.packages[owner].messages[name].by_attr(attr)
            wires.append(f.wire)
            kind = f.type
        return ".".join(wires)

    def wait(self, op: Operation) -> dict[str, Any]:
        waiter = self.packages[op.package].services[op.service].waiters[op.wait["waiter"]]
        poll = self.sibling(op, waiter.poll)

        def states(pairs: list[tuple[str, str]]) -> list[str]:
            return [self.packages[op.package].enums[enum].values[member] for enum, member in pairs]

        bind = {}
        for poll_var, name in sorted(waiter.poll_args.items()):
            source = dict(op.wait["bind"][name])
            if source["from"] == "request":
                source["field"] = op.param(source.pop("var")).wire
            bind[poll.param(poll_var).wire] = source
        result = {
            "name": waiter.method.removeprefix("wait_"),
            "poll": poll.id,
            "bind": bind,
            "status": self.wire_path(poll.response, waiter.status),
            "message": self.wire_path(poll.response, waiter.message),
            "success": states(waiter.success),
            "failure": states(waiter.failure),
            "timeout_seconds": waiter.timeout_seconds,
            "result": self.schema(poll.response, op.package),
        }
        return {key: value for key, value in result.items() if value is not None}

    def lro(self, op: Operation, lro: Lro) -> dict[str, Any]:
        poll = self.sibling(op, lro.poll)
        fields = self.packages[op.package].messages[op.response.ref[1]]
        for name in ("name", "done", "error", "response", "metadata"):
            if fields.by_wire(name) is None:
                raise ShapeError(f"{op.id}: operation without {name}")
        result: dict[str, Any] = {
            "operation": self.schema(op.response, op.package),
            "poll": poll.id,
            "bind": {poll.param("name").wire: {"from": "response", "field": "name"}},
            "done": "done",
            "error": "error",
            "response": "response",
            "metadata": "metadata",
        }
        if lro.cancel:
            result["cancel"] = self.sibling(op, lro.cancel).id
        if lro.result:
            result["result_type"] = self.ref((op.package, lro.result), op.package)
        if lro.metadata:
            result["metadata_type"] = self.ref((op.package, lro.metadata), op.package)
        return result

    @staticmethod
    def add_handwritten_facts(op: Operation, result: dict[str, Any]) -> None:
        extras = HANDWRITTEN_EXTRAS.get(op.id, {})
        if "parameters" in extras:
            result.setdefault("parameters", []).extend(extras["parameters"])
        if "responses" in extras:
            headers = result["responses"]["200"].setdefault("headers", {})
            for name, header in extras["responses"]["headers"].items():
                headers[name] = header | {"x-databricks-origin": "handwritten"}

    # -- documents --
