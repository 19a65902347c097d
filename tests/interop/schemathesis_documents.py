"""Writes the API's documents with the operations that the embedded workspace covers, a file per package.

Usage: documents.py OPENAPI RESULT

Takes the workspace from DATABRICKS_HOST and DATABRICKS_TOKEN. What it does not cover it says itself, with status 501.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

METHODS = ("get", "put", "post", "patch", "delete")
# They take away the token that the others are called with.
LEFT_OUT = {"token_management.delete", "tokens.delete"}


def is_covered(host, token, method, path):
    url = host + re.sub(r"\{[^}]*\}", "0", path)
    request = urllib.request.Request(url, method=method.upper(), headers={"Authorization": f"Bearer {token}"})
    if method != "get":
        # Not an object: no operation does anything with it.
        request.data = b"[]"
        request.add_header("Content-Type", "application/json")
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        return error.code != 501
    return True


def plain(text):
    """The document without what the service's responses are not held to."""
    document = json.loads(text)
    # A duration is that of Protocol Buffers ("3.5s"), and not that of ISO 8601.
    durations(document)
    secrets = document["components"]["schemas"].get("AzureServicePrincipal")
    if secrets:
        # It goes in and does not come out.
        secrets["required"] = [name for name in secrets["required"] if name != "client_secret"]
    return document


def durations(value):
    if isinstance(value, dict):
        if value.get("format") == "duration":
            del value["format"]
        for inner in value.values():
            durations(inner)
    elif isinstance(value, list):
        for inner in value:
            durations(inner)


def main():
    source, result = map(Path, sys.argv[1:])
    host, token = os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_TOKEN"]
    result.mkdir(parents=True, exist_ok=True)
    total = 0
    for file in sorted(source.glob("*.json")):
        text = file.read_text()
        if "openapi" not in json.loads(text):
            continue
        document = plain(text)
        (result / file.name).write_text(json.dumps(document))
        kept = {}
        for path, methods in document["paths"].items():
            if path.startswith("/api/2.0/accounts") or "/accounts/" in path:
                # Of an account, which a token of a workspace does not reach.
                continue
            for method, operation in methods.items():
                if method not in METHODS or operation["operationId"] in LEFT_OUT:
                    continue
                if any(p.get("style") == "deepObject" for p in operation.get("parameters", [])):
                    continue
                if is_covered(host, token, method, path):
                    kept.setdefault(path, {})[method] = operation
                    total += 1
        if kept:
            document["paths"] = kept
            (result / f"covered_{file.name}").write_text(json.dumps(document))
    print(f"{total} operations of workspaces are covered")


if __name__ == "__main__":
    main()
