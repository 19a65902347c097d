"""Services, waiters, long-running work, packages, and where the clients offer a service."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from facts import Lro, Operation, Package, Param, Service, ShapeError, Waiter
from markers import is_deprecated
from messages import function_named, parse_enum, parse_message, parse_type
from operations import OperationParser

MENTIONS_DO = re.compile(r"\.do\b")


def attribute_path(node: ast.expr, root: str) -> list[str] | None:
    """poll.state.config_update with root `poll` -> ["state", "config_update"]."""
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.insert(0, node.attr)
        node = node.value
    return path if isinstance(node, ast.Name) and node.id == root and path else None


def parse_waiter(node: ast.FunctionDef) -> Waiter:
    waiter = Waiter(node.name, "", {}, [], None, [], [], 0)
    for arg, default in zip(reversed(node.args.args), reversed(node.args.defaults), strict=False):
        if arg.arg == "timeout":
            waiter.timeout_seconds = default.keywords[0].value.value * 60
            if default.keywords[0].arg != "minutes":
                raise ShapeError(f"{node.name}: timeout")
    for statement in ast.walk(node):
        match statement:
            case ast.Assign(
                targets=[ast.Name(id="target_states" | "failure_states" as name)], value=ast.Tuple(elts=elts)
            ):
                states = [(e.value.id, e.attr) for e in elts]
                if name == "target_states":
                    waiter.success = states
                else:
                    waiter.failure = states
            case ast.Assign(
                targets=[ast.Name(id="poll")], value=ast.Call(func=ast.Attribute(attr=poll), keywords=keywords)
            ):
                waiter.poll = poll
                waiter.poll_args = {k.arg: k.value.id for k in keywords}
            case ast.Assign(targets=[ast.Name(id="status")], value=value):
                waiter.status = attribute_path(value, "poll") or []
            case ast.Assign(targets=[ast.Name(id="status_message")], value=ast.Attribute() as value):
                waiter.message = attribute_path(value, "poll")
    if not (waiter.poll and waiter.status and waiter.success and waiter.timeout_seconds):
        raise ShapeError(f"waiter {node.name}")
    return waiter


def parse_lro(node: ast.ClassDef) -> Lro:
    lro = Lro(node.name, "", None, None, None)
    for call in (n for n in ast.walk(function_named(node, "wait")) if isinstance(n, ast.Call)):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="_impl"), attr=poll), keywords=[ast.keyword(arg="name")]
            ):
                lro.poll = poll
            case ast.Call(func=ast.Attribute(value=ast.Name(id=result), attr="from_dict")):
                lro.result = result
    for method in (m for m in node.body if isinstance(m, ast.FunctionDef)):
        if method.name == "metadata" and isinstance(method.returns, ast.Name):
            lro.metadata = method.returns.id
        elif method.name == "cancel":
            lro.cancel = method.body[-1].value.func.attr
        elif method.name not in ("__init__", "wait", "name", "metadata", "done"):
            raise ShapeError(f"{node.name}.{method.name}")
    if not lro.poll:
        raise ShapeError(f"{node.name}: no poll")
    return lro


def parse_service(node: ast.ClassDef, package: Package) -> Service:
    service = Service(node.name, is_deprecated(ast.get_docstring(node)))
    for member in node.body:
        if not isinstance(member, ast.FunctionDef) or member.name.startswith("_"):
            continue
        if member.decorator_list:  # a property that returns a nested service
            service.children[member.name] = member.returns.id
        elif member.name.startswith("wait_"):
            service.waiters[member.name] = parse_waiter(member)
        elif member.name.endswith("_and_wait"):
            continue
        else:
            service.operations.append(OperationParser(package, node.name, member).parse())
    return service


def parse_package(path: Path) -> Package:
    package = Package(path.stem)
    classes: list[ast.ClassDef] = []
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.parse(text).body:
        match node:
            case ast.ImportFrom(module="databricks.sdk.service", names=names):
                package.imports.update(alias.name for alias in names)
            case ast.Assign(targets=[ast.Name(id=alias)], value=ast.Subscript() as value):
                package.aliases[alias] = value
            case ast.ClassDef():
                classes.append(node)
    for node in classes:
        if node.decorator_list:
            package.messages[node.name] = parse_message(node, package)
        elif node.bases and node.bases[0].id == "Enum":
            package.enums[node.name] = parse_enum(node)
        elif node.name.endswith("API"):
            package.services[node.name] = parse_service(node, package)
        elif node.name.endswith("Operation"):
            package.lros[node.name] = parse_lro(node)
        else:
            raise ShapeError(f"{package.name}: class {node.name}")
        # Walking a class is dear, and nine in ten of them send nothing.
        if any(MENTIONS_DO.search(line) for line in lines[node.lineno - 1 : node.end_lineno]):
            package.calls += [(node.name, name) for name in request_calls(node)]
    return package


def request_calls(node: ast.ClassDef) -> Iterator[str]:
    """The method name of every `....do(...)` call in a class (independent of the parser above)."""
    for method in node.body:
        if isinstance(method, ast.FunctionDef):
            for call in ast.walk(method):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "do":
                    yield method.name


def parse_packages(sdk: Path) -> dict[str, Package]:
    paths = sorted((sdk / "service").glob("*.py"))
    packages = {p.stem: parse_package(p) for p in paths if not p.stem.startswith("_")}
    for package in packages.values():
        spread_multi_segment(package)
    return packages


def spread_multi_segment(package: Package) -> None:
    """Resource names without a stated format: same position as one that has it, or a server-given operation name."""

    def prefix(op: Operation, param: Param) -> str:
        return (op.path or "").partition("{" + param.var + "}")[0]

    path_params = [(op, p) for op in package.operations for p in op.params if p.where == "path"]
    prefixes = {prefix(op, p) for op, p in path_params if p.patterns}
    polls = {m for lro in package.lros.values() for m in (lro.poll, lro.cancel)}
    for op, param in path_params:
        if prefix(op, param) in prefixes or (op.method in polls and param.var == "name"):
            param.multi_segment = True



def parse_accessors(sdk: Path, packages: dict[str, Package]) -> dict[tuple[str, str], tuple[str, str]]:
    """(package, class) -> (level, accessor such as `w.clusters`)."""
    # Hand-written subclasses stand in for some services: ClustersExt(compute.ClustersAPI).
    extensions: dict[str, str] = {}
    for path in sorted((sdk / "mixins").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and len(node.bases) == 1:
                base = node.bases[0]
                name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                if name.endswith("API"):
                    extensions[node.name] = name
    owners = defaultdict(list)
    for package in packages.values():
        for service in package.services:
            owners[service].append(package.name)

    accessors = {}
    levels = {"WorkspaceClient": ("workspace", "w"), "AccountClient": ("account", "a")}
    for client in ast.parse((sdk / "__init__.py").read_text()).body:
        if not isinstance(client, ast.ClassDef) or client.name not in levels:
            continue
        level, variable = levels[client.name]
        for member in client.body:
            if not isinstance(member, ast.FunctionDef) or not member.decorator_list or member.returns is None:
                continue
            match member.returns:
                case ast.Attribute(value=ast.Name(id=module), attr=name) if module.startswith("pkg_"):
                    package = module.removeprefix("pkg_")
                case ast.Name(id=name) if name in extensions:
                    name = extensions[name]
                    (package,) = owners[name]
                case _:
                    continue
            accessor = f"{variable}.{member.name}"
            accessors[package, name] = (level, accessor)
            for child, child_class in packages[package].services[name].children.items():
                accessors[package, child_class] = (level, f"{accessor}.{child}")
    return accessors


def python_version(sdk: Path) -> str:
    return re.search(r'"([^"]+)"', (sdk / "version.py").read_text())[1]

