"""What the source states: packages, services, operations, messages and enums."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

HTTP_METHODS = ("get", "put", "post", "delete", "head", "patch")


class ShapeError(Exception):
    """The source has a construct that the importer does not know."""


def snake(name: str) -> str:
    """AlertsV2 -> alerts_v2, OAuthPublishedApps -> o_auth_published_apps."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)


def flat(name: str) -> str:
    """Casing-independent key for matching Python names with Go names."""
    return name.replace("_", "").lower()

@dataclass(frozen=True)
class Type:
    """A wire type.  `item` is set for arrays and maps, `ref` for messages and enums."""

    kind: str
    item: Type | None = None
    ref: tuple[str, str] | None = None
    int64: bool = False  # integer read with the tolerant int64 helper

    def __str__(self) -> str:
        if self.kind == "ref":
            return ".".join(self.ref)
        return f"{self.kind}[{self.item}]" if self.item else self.kind


@dataclass
class Field:
    attr: str
    wire: str
    type: Type
    required: bool
    deprecated: bool
    read_only: bool = False


@dataclass
class Message:
    name: str
    fields: list[Field]
    deprecated: bool

    def by_wire(self, wire: str) -> Field | None:
        return next((f for f in self.fields if f.wire == wire), None)

    def by_attr(self, attr: str) -> Field | None:
        return next((f for f in self.fields if f.attr == attr), None)


@dataclass
class EnumType:
    name: str
    values: dict[str, str]  # Python member -> wire value
    deprecated_values: list[str]
    deprecated: bool


@dataclass
class Param:
    where: str  # path | query | body
    wire: str
    var: str
    type: Type
    required: bool
    deprecated: bool = False
    multi_segment: bool = False  # a path value that holds slashes
    patterns: list[str] = field(default_factory=list)  # stated formats of a resource name


@dataclass
class Waiter:
    method: str
    poll: str
    poll_args: dict[str, str]  # poll parameter -> binding
    status: list[str]
    message: list[str] | None
    success: list[tuple[str, str]]  # (enum, member)
    failure: list[tuple[str, str]]
    timeout_seconds: int


@dataclass
class Lro:
    name: str
    poll: str
    cancel: str | None
    result: str | None
    metadata: str | None


@dataclass
class Operation:
    package: str
    service: str  # Python class name
    method: str  # Python method name
    params: list[Param] = field(default_factory=list)
    http_method: str = ""
    path: str | None = None
    has_body: bool = False
    body_param: str | None = None  # the parameter that is the whole body
    body_type: Type | None = None
    content_type: str | None = None
    accept: str | None = None
    workspace_header: bool = False
    raw: bool = False
    response_headers: list[str] = field(default_factory=list)
    response: Type | None = None
    pagination: dict[str, Any] | None = None
    item: Type | None = None
    wait: dict[str, Any] | None = None
    lro: str | None = None
    idempotency: str | None = None
    data_plane: bool = False
    deprecated: bool = False

    @property
    def service_id(self) -> str:
        return snake(self.service.removesuffix("API"))

    @property
    def id(self) -> str:
        return f"{self.service_id}.{self.method.rstrip('_')}"

    def param(self, var: str) -> Param | None:
        return next((p for p in self.params if p.var == var), None)


@dataclass
class Service:
    name: str
    deprecated: bool = False
    operations: list[Operation] = field(default_factory=list)
    waiters: dict[str, Waiter] = field(default_factory=dict)
    children: dict[str, str] = field(default_factory=dict)  # attribute -> class


@dataclass
class Package:
    name: str
    messages: dict[str, Message] = field(default_factory=dict)
    enums: dict[str, EnumType] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    lros: dict[str, Lro] = field(default_factory=dict)
    aliases: dict[str, ast.expr] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)  # every `.do(...)`

    @property
    def operations(self) -> Iterator[Operation]:
        for service in self.services.values():
            yield from service.operations

