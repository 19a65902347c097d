"""Facts that only docstrings state: deprecation, members that only the service sets, formats of resource names.  Their sentences are never copied."""

from __future__ import annotations

import ast
import re

_DEPRECATED = [
    # "Deprecated: ...", "[Deprecated, use x]", "(Optional, DEPRECATED - ...)"
    re.compile(r"^\W*(optional\W+)?deprecat(ed|ion)\b", re.I),
    # a later sentence "Deprecated: use x", "DEPRECATED. ...", "Deprecated since ..."
    re.compile(r"(?:[.!)\]]|\*\*)\s+[\[(]?(?:DEPRECATED|Deprecated)(?:[:.,]| since\b)"),
    re.compile(r"\b[Dd]eprecated in favor of\b|\bdeprecated: us(?:e|ing)\b"),
    # "This field is deprecated", "This API is deprecated"
    re.compile(
        r"\bthis (?:legacy |enum )?(?:api|field|endpoint|method|operation|parameter|value|feature|option)\b"
        r"(?: is| has been)(?: now)? \W*deprecated",
        re.I,
    ),
    re.compile(r"⚠ \*\*Deprecation note\*\*"),
]


def is_deprecated(text: str | None) -> bool:
    if not text:
        return False
    text = " ".join(text.split())
    return any(pattern.search(text) for pattern in _DEPRECATED)


_READ_ONLY = [
    # "Output only. ...", "[Output-only] ...", "Read-only status", "Server-assigned name", "Name. Server-assigned ..."
    re.compile(r"(?:^|\.\s+)\W*(?:output[ _-]only|read[ -]only (?:field|value)|server-assigned|server-generated)\b", re.I),
    re.compile(r"^\W*system-generated\b|^\W*read-only\b(?! connection)", re.I),
    re.compile(r"\bthis (?:field )?is (?:an )?(?:output[ _-]only|read[ -]only (?:field|value))\b", re.I),
    re.compile(r"\bthis field is output[ _-]only\b|\((?:output|read)-only\)", re.I),
]


def is_read_only(text: str | None) -> bool:
    """Whether only the service sets a member."""
    if not text:
        return False
    text = " ".join(text.split())
    return any(pattern.search(text) for pattern in _READ_ONLY)


def resource_patterns(text: str | None) -> list[str]:
    """Formats of a resource name, such as `projects/{project_id}/branches/{branch_id}`."""
    found = re.findall(r"(?<![\w/{.])[a-z][\w-]*(?:/[\w{}.*:-]+)+", text or "")
    return list(dict.fromkeys(p.rstrip(".:") for p in found if "/{" in p))


def split_docstring(node: ast.FunctionDef) -> tuple[str, dict[str, str]]:
    """The text before the first field, and the text of every `:param`."""
    doc = ast.get_docstring(node) or ""
    head, *fields = re.split(r"^:(?=param |returns:)", doc, flags=re.M)
    params = {}
    for item in fields:
        match = re.match(r"param (\w+):[^\n]*\n?(.*)", item, re.S)
        if match:
            params[match[1]] = match[2]
    return head, params

