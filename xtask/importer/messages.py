"""Types, messages and enums."""

from __future__ import annotations

import ast

from facts import EnumType, Field, Message, Package, ShapeError, Type
from markers import is_deprecated, is_read_only

_SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "any": "any",
    "Any": "any",
    "BinaryIO": "binary",
    "Timestamp": "timestamp",
    "Duration": "duration",
    "FieldMask": "fieldmask",
}


def parse_type(node: ast.expr, package: Package) -> tuple[Type, bool]:
    """An annotation as (type, optional)."""
    match node:
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return parse_type(inner, package)[0], True
        case ast.Subscript(value=ast.Name(id="List"), slice=inner):
            return Type("array", parse_type(inner, package)[0]), False
        case ast.Subscript(value=ast.Name(id="Dict"), slice=ast.Tuple(elts=[ast.Name(id="str"), inner])):
            return Type("map", parse_type(inner, package)[0]), False
        case ast.Name(id="dict"):
            return Type("map", Type("any")), False
        case ast.Name(id=name) if name in _SCALARS:
            return Type(_SCALARS[name]), False
        case ast.Name(id=name) if name in package.aliases:
            return parse_type(package.aliases[name], package)
        case ast.Name(id=name):
            return Type("ref", ref=(package.name, name)), False
        case ast.Attribute(value=ast.Name(id=other), attr=name) if other in package.imports:
            return Type("ref", ref=(other, name)), False
    raise ShapeError(f"{package.name}: annotation {ast.unparse(node)}")


def docstring_after(body: list[ast.stmt], index: int) -> str | None:
    match body[index + 1 : index + 2]:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return text
    return None


def function_named(node: ast.ClassDef, name: str) -> ast.FunctionDef:
    return next(m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == name)


def parse_message(node: ast.ClassDef, package: Package) -> Message:
    # from_dict names the wire key and the reader of every attribute.
    returned = function_named(node, "from_dict").body[-1]
    wires: dict[str, tuple[str, str]] = {}
    for keyword in returned.value.keywords:
        call = keyword.value
        wire = next(a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
        reader = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
        wires[keyword.arg] = (wire, reader)

    fields = []
    for i, statement in enumerate(node.body):
        if not isinstance(statement, ast.AnnAssign):
            continue
        attr = statement.target.id
        wire, reader = wires[attr]
        kind, optional = parse_type(statement.annotation, package)
        if reader == "_int64":
            kind = Type("integer", int64=True)
        elif reader == "_repeated_int64":
            kind = Type("array", Type("integer", int64=True))
        elif reader not in (
            "get", "_from_dict", "_repeated_dict", "_enum", "_repeated_enum",
            "_timestamp", "_duration", "_fieldmask",
            "_repeated_timestamp", "_repeated_duration", "_repeated_fieldmask",
        ):  # fmt: skip
            raise ShapeError(f"{package.name}.{node.name}.{attr}: reader {reader}")
        required = statement.value is None and not optional
        text = docstring_after(node.body, i)
        fields.append(Field(attr, wire, kind, required, is_deprecated(text), is_read_only(text)))
    if len(fields) != len(wires):
        raise ShapeError(f"{package.name}.{node.name}: fields and from_dict differ")
    return Message(node.name, sorted(fields, key=lambda f: f.wire), is_deprecated(ast.get_docstring(node)))


def parse_enum(node: ast.ClassDef) -> EnumType:
    values, deprecated = {}, []
    for i, statement in enumerate(node.body):
        match statement:
            case ast.Assign(targets=[ast.Name(id=member)], value=ast.Constant(value=str(wire))):
                values[member] = wire
                if is_deprecated(docstring_after(node.body, i)):
                    deprecated.append(wire)
    return EnumType(node.name, values, deprecated, is_deprecated(ast.get_docstring(node)))

