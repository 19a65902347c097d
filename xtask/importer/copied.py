"""Finds sentences of ours that repeat the source's prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

# So many words in a row are no accident.
RUN = 7


def runs(text: str) -> set[str]:
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {" ".join(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def texts(directory: Path) -> Iterator[tuple[str, str, str]]:
    """(package, item, text) of every text in `docs/`."""
    for path in sorted((directory / "docs").glob("*.json")):
        content = json.loads(path.read_text())
        for section in ("services", "operations", "schemas"):
            for name, entry in content.get(section, {}).items():
                for member, text in ({"": entry} if isinstance(entry, str) else entry).items():
                    yield path.stem, f"{name} {member}".strip(), text


def copied(directory: Path, sdk: Path) -> list[str]:
    """Texts that share a run of words with the prose of their package, one line each."""
    known: dict[str, set[str]] = {}
    findings = []
    for package, item, text in texts(directory):
        if package not in known:
            prose = sdk / "service" / f"{package}.py"
            known[package] = runs(prose.read_text().replace("``", " ")) if prose.exists() else set()
        if shared := sorted(runs(text) & known[package]):
            findings.append(f"{package}: {item} repeats {shared[0]!r}")
    return findings
