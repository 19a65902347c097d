"""Operations: methods that send one request.  Every statement must have a known shape."""

from __future__ import annotations

import ast
import re
from typing import Any

from facts import Operation, Package, Param, ShapeError, Type
from markers import is_deprecated, resource_patterns, split_docstring
from messages import parse_type

WORKSPACE_HEADER = "X-Databricks-Workspace-Id"


def signature(node: ast.FunctionDef, package: Package) -> dict[str, tuple[Type, bool]]:
    """Parameter -> (type, required)."""
    result = {}
    args = node.args
    defaults = [None] * (len(args.args) - len(args.defaults)) + list(args.defaults)
    pairs = [*zip(args.args, defaults, strict=True), *zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    for arg, default in pairs:
        if arg.arg == "self":
            continue
        kind, optional = parse_type(arg.annotation, package)
        result[arg.arg] = (kind, default is None and not optional)
    return result


class OperationParser:
    """Reads one client method.  Every statement must have a known shape."""

    def __init__(self, package: Package, service: str, node: ast.FunctionDef):
        self.package = package
        self.node = node
        self.op = Operation(package.name, service, node.name)
        self.signature = signature(node, package)
        head, self.docs = split_docstring(node)
        self.op.deprecated = is_deprecated(head)
        self.parsed: tuple[Type, str] | None = None  # `parsed = X.from_dict(json).field`
        self.presets: dict[str, dict[str, Any]] = {"initial": {}, "defaults": {}}

    def fail(self, node: ast.AST) -> None:
        raise ShapeError(f"{self.package.name}.{self.op.service}.{self.node.name}: {ast.unparse(node)}")

    def parse(self) -> Operation:
        body = self.node.body
        if ast.get_docstring(self.node) is not None:
            body = body[1:]
        for statement in body:
            self.statement(statement)
        if not self.op.http_method:
            raise ShapeError(f"{self.op.id}: no request")
        return self.op

    # -- statements --

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id="body" | "query")], value=ast.Dict(keys=[])):
                self.op.has_body |= node.targets[0].id == "body"
            case ast.Assign(
                targets=[ast.Name(id="body")],
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=var), attr="as_dict"), args=[]),
            ):
                self.whole_body(var)
            case ast.Assign(targets=[ast.Name(id="headers")], value=ast.Dict()):
                self.headers(node.value)
            case ast.Assign(targets=[ast.Name(id="response_headers")], value=ast.List(elts=names)):
                self.op.response_headers = [n.value for n in names]
            case ast.Assign(targets=[ast.Name(id="cfg")]):
                pass
            case ast.If(
                test=ast.Attribute(value=ast.Name(id="cfg"), attr="workspace_id"),
                body=[ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=header))])],
            ) if header == WORKSPACE_HEADER:
                self.op.workspace_header = True
            case ast.If(
                test=ast.Compare(left=ast.Name(id=var), ops=[ast.IsNot()]),
                body=[
                    ast.Assign(
                        targets=[
                            ast.Subscript(value=ast.Name(id="body" | "query" as where), slice=ast.Constant(value=wire))
                        ],
                        value=value,
                    )
                ],
            ):
                self.argument(where, wire, var, value)
            case ast.If(
                test=ast.BoolOp(
                    op=ast.Or(),
                    values=[ast.Compare(left=ast.Name(id=var), ops=[ast.Is()]), ast.Compare(ops=[ast.Eq()])],
                ),
                body=[ast.Assign(value=value)],
            ) if ast.unparse(value) == "str(uuid.uuid4())":
                self.op.idempotency = var
            case ast.If(
                test=ast.Compare(left=ast.Constant(value=key), ops=[ast.NotIn()], comparators=[ast.Name(id="query")]),
                body=[ast.Assign(targets=[ast.Subscript(slice=ast.Constant())], value=ast.Constant(value=value))],
            ):
                self.presets["defaults"][key] = value
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id="query"), slice=ast.Constant(value=key))],
                value=ast.Constant(value=value),
            ):
                self.presets["initial"][key] = value
            case ast.Assign(targets=[ast.Name(id="seen")]):
                pass
            case ast.Assign(targets=[ast.Name(id="res" | "op_response" | "json")], value=ast.Call() as call):
                self.request(call)
            case ast.Expr(value=ast.Call() as call):
                self.request(call)
            case ast.While():
                self.loop(node)
            case ast.Assign(
                targets=[ast.Name(id="parsed")],
                value=ast.Attribute(value=ast.Call(func=ast.Attribute(value=cls, attr="from_dict")), attr=attr),
            ):
                self.parsed = (parse_type(cls, self.package)[0], attr)
            case ast.Assign(
                targets=[ast.Name(id="operation")],
                value=ast.Call(func=ast.Attribute(value=cls, attr="from_dict")),
            ):
                self.op.response = parse_type(cls, self.package)[0]
            case ast.Return(value=value):
                self.returns(value)
            case ast.Assign(targets=[ast.Name(id="data_plane_info" | "token")]) | ast.FunctionDef(name="auth"):
                self.op.data_plane = True
            case _:
                self.fail(node)

    def whole_body(self, var: str) -> None:
        self.op.has_body = True
        self.op.body_param = var
        self.op.body_type = self.signature[var][0]

    def headers(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            match key.value:
                case "Accept":
                    self.op.accept = value.value
                case "Content-Type":
                    self.op.content_type = value.value
                case _:
                    self.fail(node)

    def argument(self, where: str, wire: str, var: str, value: ast.expr) -> None:
        kind, required = self.signature[var]
        # The serialiser must agree with the annotation.
        serialiser = re.sub(rf"\b{var}\b", "x", ast.unparse(value))
        expected = {
            "timestamp": {"x.ToJsonString()"},
            "duration": {"x.ToJsonString()"},
            "fieldmask": {"x.ToJsonString()"},
            "array": {"[v for v in x]", "[v.value for v in x]", "[v.as_dict() for v in x]"},
            "ref": {"x.value", "x.as_dict()"},
        }.get(kind.kind, {"x"})
        if serialiser not in expected:
            self.fail(value)
        self.op.params.append(Param(where, wire, var, kind, required, is_deprecated(self.docs.get(var))))

    # -- the HTTP call --

    def request(self, call: ast.Call) -> None:
        if ast.unparse(call.func) != "self._api.do":
            self.fail(call)
        self.op.http_method = call.args[0].value.lower()
        if len(call.args) > 1:
            self.op.path = self.path_template(call.args[1])
        sent = {k.arg: k.value for k in call.keywords}
        known = {"query", "body", "headers", "data", "raw", "response_headers", "url", "auth"}
        if set(sent) - known or (self.op.path is None and "url" not in sent):
            self.fail(call)
        self.op.raw = "raw" in sent
        if "data" in sent:
            self.whole_body(sent["data"].id)
        elif "body" in sent and sent["body"].id != "body":
            self.whole_body(sent["body"].id)
        if self.op.has_body != ("body" in sent or "data" in sent):
            self.fail(call)

    def path_template(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return node.value
        parts = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                parts.append(value.value)
                continue
            multi_segment = False
            match value.value:
                case ast.Attribute(attr="account_id"):
                    parts.append("{account_id}")
                    self.op.params.append(Param("path", "account_id", "account_id", Type("string"), True))
                    continue
                case ast.Name(id=var):
                    pass
                case ast.Attribute(value=ast.Name(id=var), attr="value"):
                    pass
                case ast.Call(func=ast.Name(id="_escape_multi_segment_path_parameter"), args=[ast.Name(id=var)]):
                    multi_segment = True
                case _:
                    self.fail(node)
            parts.append("{" + var + "}")
            kind, _ = self.signature[var]
            patterns = resource_patterns(self.docs.get(var))
            deprecated = is_deprecated(self.docs.get(var))
            self.op.params.append(
                Param("path", var, var, kind, True, deprecated, multi_segment or bool(patterns), patterns)
            )
        return "".join(parts)

    # -- pagination --

    def loop(self, node: ast.While) -> None:
        match node.body:
            case [
                ast.Assign(value=ast.Call() as call),
                ast.If(test=ast.Compare(left=ast.Constant(value=items)), body=[ast.For(body=each)]),
                ast.If(test=ast.BoolOp(values=[ast.Compare(left=ast.Constant(value=stop)), _]), body=[ast.Return()]),
                advance,
            ]:
                pass
            case _:
                self.fail(node)
        self.request(call)
        page: dict[str, Any] = {}
        match advance:
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id="query" | "body" as where), slice=ast.Constant(value=token))],
                value=ast.Subscript(slice=ast.Constant(value=response_token)),
            ):
                page = {"kind": "token", "in": where, "request_token": token, "response_token": response_token}
            case ast.AugAssign(
                target=ast.Subscript(value=ast.Name(id="query"), slice=ast.Constant(value=token)), value=step
            ):
                by_items = isinstance(step, ast.Call)
                page = {"kind": "start_index" if by_items else "page", "in": "query", "request_token": token}
            case ast.Assign(
                targets=[ast.Name(id="body")], value=ast.Subscript(slice=ast.Constant(value=response_token))
            ):
                page = {"kind": "next_body", "in": "body", "response_token": response_token}
            case _:
                self.fail(advance)
        if stop != page.get("response_token", items):
            self.fail(node)
        page["items"] = items
        for statement in each:
            match statement:
                case ast.Assign(targets=[ast.Name(id="i")], value=ast.Subscript(slice=ast.Constant(value=key))):
                    page["dedup"] = key
                case ast.Expr(value=ast.Yield(value=ast.Call(func=ast.Attribute(value=cls, attr="from_dict")))):
                    self.op.item = parse_type(cls, self.package)[0]
        for name, values in self.presets.items():
            if values:
                page[name] = values
        self.op.pagination = page

    # -- the result --

    def returns(self, value: ast.expr) -> None:
        op = self.op
        match value:
            case ast.Call(func=ast.Attribute(value=cls, attr="from_dict"), args=[ast.Name(id="res")]):
                op.response = parse_type(cls, self.package)[0]
            case ast.ListComp(elt=ast.Call(func=ast.Attribute(value=cls, attr="from_dict"))):
                op.response = Type("array", parse_type(cls, self.package)[0])
                op.item = op.response.item
            case ast.Name(id="res"):
                op.response = parse_type(self.node.returns, self.package)[0]
            case ast.IfExp(body=ast.Name(id="parsed")):
                op.response, attr = self.parsed
                op.pagination = {"kind": "single", "items_attr": attr}
            case ast.Call(func=ast.Name(id="Wait"), args=[ast.Attribute(attr=waiter)], keywords=keywords):
                self.waits(waiter, keywords)
            case ast.Call(func=ast.Name(id=lro), args=[ast.Name(id="self"), ast.Name(id="operation")]):
                op.lro = lro
            case _:
                self.fail(value)

    def waits(self, waiter: str, keywords: list[ast.keyword]) -> None:
        bind = {}
        for keyword in keywords:
            match keyword.value:
                case ast.Call(func=ast.Attribute(value=cls, attr="from_dict")) if keyword.arg == "response":
                    self.op.response = parse_type(cls, self.package)[0]
                case ast.Subscript(value=ast.Name(id="op_response"), slice=ast.Constant(value=key)):
                    bind[keyword.arg] = {"from": "response", "field": key}
                case ast.Name(id=var):
                    bind[keyword.arg] = {"from": "request", "var": var}
                case _:
                    self.fail(keyword.value)
        self.op.wait = {"waiter": waiter, "bind": bind}

