"""Writes the API's description from a release of the official Python client.

Databricks publishes no OpenAPI document, but its generated client states every fact of the wire in very regular code.
That code is read with `ast`; nothing is imported or run.  Only facts are taken, and source of an unknown shape is an
error, so that a release cannot lose an operation unnoticed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from check import check
from copied import copied
from documents import Builder
from facts import ShapeError
from kept import Kept
from source import SourceError, unpack
from stages import update

# Files that people keep beside the documents.
OTHERS = ("names.json", "overrides.json", "preview.json", "retired.json", "sensitive.json", "signatures.json")


def write(out: Path, documents: dict[str, dict[str, Any]], index: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.json": document for name, document in documents.items()} | {"index.json": index}
    for stale in out.glob("*.json"):
        if stale.name not in files and stale.name not in OTHERS:
            stale.unlink()
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def run(args: argparse.Namespace, sdk: Path) -> int:
    if args.copied:
        findings = copied(args.out, sdk)
        print("\n".join(findings) or "no sentence is copied")
        return 1 if findings else 0
    kept = Kept.read(args.names)
    builder = Builder(sdk, kept)
    documents = builder.documents()
    failures = check(sdk, builder, documents)
    if failures:
        print("\n".join(failures), file=sys.stderr)
        return 1
    write(args.out, documents, builder.index(documents))
    kept.learn(documents)
    kept.write(args.names)
    operations = sum(len(list(package.operations)) for package in builder.packages.values())
    print(f"{builder.version}: {len(documents)} documents, {operations} operations of the source")
    decided = {title: notes for title, notes in builder.notes.items() if notes}
    print("decided here, to be reviewed:" if decided else "nothing was decided here")
    for title, notes in decided.items():
        print("\n".join(f"  {title}: {note}" for note in notes))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="cargo xtask spec import", description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a wheel, an unpacked wheel, or a version")
    parser.add_argument("--out", type=Path, required=True, help="the directory of the documents")
    parser.add_argument("--names", type=Path, required=True, help="the names that were given before")
    parser.add_argument("--copied", action="store_true", help="only compare our texts with the prose of the source")
    parser.add_argument("--stages", type=Path, help="write the stages into this file; the source is the command line's")
    args = parser.parse_args()
    if args.stages:
        try:
            print("\n".join(update(Path(args.source), args.out, args.stages)))
            return 0
        except ShapeError as error:
            print(f"{error}", file=sys.stderr)
            return 1
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return run(args, unpack(args.source, Path(scratch)))
        except (ShapeError, SourceError) as error:
            print(f"{error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
